// SPDX-License-Identifier: GPL-2.0
/*
 * URLs, and what they resolve to.  No name server is asked.
 */
#include "test.h"

static void good(void)
{
	static const struct {
		const char *text, *host, *port;
	} urls[] = {
		{ "tcp://10.0.0.1:9400", "10.0.0.1", "9400" },
		{ "tcp://10.0.0.1", "10.0.0.1", "9400" },
		{ "tcp://h:1", "h", "1" },
		{ "tcp://h:065", "h", "65" },
		{ "tcp://server.example:65535", "server.example", "65535" },
		{ "tcp://[fd77::1]:9401", "fd77::1", "9401" },
		{ "tcp://[::1]", "::1", "9400" },
		{ "tcp://[fe80::1%eth0]:9400", "fe80::1%eth0", "9400" },
	};
	struct url url;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		CHECK(url_parse(urls[i].text, &url, &e) == 0);
		CHECK(!url.loop);
		CHECK(url.literal == (urls[i].text[6] == '['));
		CHECK_STR(url.host, urls[i].host);
		CHECK_STR(url.port, urls[i].port);
	}
	CHECK(url_parse("loop://", &url, &e) == 0 && url.loop);
}

static void bad(void)
{
	static const struct {
		const char *text, *message;
	} urls[] = {
		{ "", "URL \"\": the scheme is missing: write tcp://HOST:PORT or loop://" },
		{ "10.0.0.1:9400", "URL \"10.0.0.1:9400\": the scheme is missing: write tcp://HOST:PORT or loop://" },
		{ "http://h", "URL \"http://h\": unknown scheme: use tcp://HOST:PORT or loop://" },
		{ "xtcp://h", "URL \"xtcp://h\": unknown scheme: use tcp://HOST:PORT or loop://" },
		{ "TCP://h", "URL \"TCP://h\": unknown scheme: use tcp://HOST:PORT or loop://" },
		{ "loop://x", "URL \"loop://x\": nothing may follow loop://" },
		{ "tcp://", "URL \"tcp://\": the host is missing: write tcp://HOST:PORT" },
		{ "tcp://:9400", "URL \"tcp://:9400\": the host is missing: write tcp://HOST:PORT" },
		{ "tcp://[]:1", "URL \"tcp://[]:1\": the host is missing: write tcp://HOST:PORT" },
		{ "tcp://[::1", "URL \"tcp://[::1\": \"]\" is missing after the IPv6 address" },
		{ "tcp://::1:9400", "URL \"tcp://::1:9400\": the host is missing: write tcp://HOST:PORT" },
		{ "tcp://fd77::1", "URL \"tcp://fd77::1\": write an IPv6 address in brackets: tcp://[ADDRESS]:PORT" },
		{ "tcp://[::1]9400", "URL \"tcp://[::1]9400\": only a port, \":\" and 1 to 65535, may follow the host" },
		{ "tcp://h:", "URL \"tcp://h:\": what follows the host must be a port, \":\" and 1 to 65535" },
		{ "tcp://h:x", "URL \"tcp://h:x\": what follows the host must be a port, \":\" and 1 to 65535" },
		{ "tcp://h:9400/", "URL \"tcp://h:9400/\": what follows the host must be a port, \":\" and 1 to 65535" },
		{ "tcp://h:-1", "URL \"tcp://h:-1\": what follows the host must be a port, \":\" and 1 to 65535" },
		{ "tcp://h:0", "URL \"tcp://h:0\": the port must be 1 to 65535" },
		{ "tcp://h:65536", "URL \"tcp://h:65536\": the port must be 1 to 65535" },
		{ "tcp://h:999999999", "URL \"tcp://h:999999999\": what follows the host must be a port, \":\" and 1 to 65535" },
		{ "tcp://h/x", "URL \"tcp://h/x\": only a host and a port may follow tcp://" },
		{ "tcp://u@h", "URL \"tcp://u@h\": only a host and a port may follow tcp://" },
	};
	char text[RSWAP_MAX_URL + 2];
	struct url url;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		CHECK(url_parse(urls[i].text, &url, &e) == RC_USAGE);
		CHECK_STR(e.text, urls[i].message);
	}
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "tcp://", 6);
	CHECK(url_parse(text, &url, &e) == RC_USAGE);
	text[sizeof(text) - 2] = '\0';
	CHECK(url_parse(text, &url, &e) == 0);
}

static int resolve(const char *text, struct targets *targets, struct err *e)
{
	struct url url;

	return url_parse(text, &url, e) ? -1 : url_resolve(&url, targets, e);
}

static void numeric(void)
{
	static const struct {
		const char *text, *target;
	} urls[] = {
		{ "loop://", "loop://" },
		{ "tcp://10.77.0.1:9400", "tcp://10.77.0.1:9400" },
		{ "tcp://10.77.0.1", "tcp://10.77.0.1:9400" },
		{ "tcp://[FD77:0::0001]:9401", "tcp://[fd77::1]:9401" },
		{ "tcp://[fe80::1%lo]", "tcp://[fe80::1%lo]:9400" },
		{ "tcp://[fe80::1%1]", "tcp://[fe80::1%lo]:9400" },
	};
	struct targets targets;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		CHECK(resolve(urls[i].text, &targets, &e) == 0);
		CHECK(targets.count == 1);
		CHECK_STR(targets.url[0], urls[i].target);
	}
}

static void unresolvable(void)
{
	struct targets targets;
	struct err e;

	CHECK(resolve("tcp://[10.0.0.1]:9400", &targets, &e) == RC_USAGE);
	CHECK_STR(e.text, "\"10.0.0.1\" is not an IPv6 address, or names an interface that does not exist");
	CHECK(resolve("tcp://[fe80::1%nonesuch]", &targets, &e) == RC_USAGE);
	CHECK(resolve("tcp://[fe80::1]:77", &targets, &e) == RC_USAGE);
	CHECK_STR(e.text, "\"fe80::1\" is a link-local address: say on which interface, as in tcp://[fe80::1%eth0]:77");
	/* Not a name that could be asked for: a label is longer than 63 bytes */
	CHECK(resolve("tcp://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		      &targets, &e) == RC_UNREACHABLE);
	CHECK(strstr(e.text, "cannot resolve \"aaaa") == e.text);
	CHECK_STR(e.hint, "give a numeric address, or see to /etc/hosts and /etc/resolv.conf");
}

static const struct test_case cases[] = {
	{ "URLs that are right", good },
	{ "URLs that are wrong say what to do", bad },
	{ "numeric addresses", numeric },
	{ "addresses that are none", unresolvable },
};

TEST_MAIN(cases)
