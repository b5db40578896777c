// SPDX-License-Identifier: GPL-2.0
/*
 * Server URLs: taking them apart, and host names to numeric addresses
 *
 * The kernel takes numeric addresses only, so names end here.  The program is
 * linked statically and starts in initramfs images: numeric addresses need no
 * file at all, and names are looked up in /etc/hosts and by the servers of
 * /etc/resolv.conf with the code that is inside libc, whatever nsswitch.conf
 * says, so that no shared object is ever loaded.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>

#include "rswapctl.h"

static int bad_url(struct err *e, const char *text, const char *why)
{
	return err_set(e, RC_USAGE, 0, "URL \"%s\": %s", text, why);
}

static int parse_port(const char *text, const char *port, struct url *url,
		      struct err *e)
{
	unsigned long n;

	if (strlen(port) >= sizeof(url->port) || !isdigit((unsigned char)port[0]) ||
	    port[strspn(port, "0123456789")])
		return bad_url(e, text, "what follows the host must be a port, \":\" and 1 to 65535");
	n = strtoul(port, NULL, 10);
	if (n < 1 || n > 65535)
		return bad_url(e, text, "the port must be 1 to 65535");
	snprintf(url->port, sizeof(url->port), "%lu", n);
	return 0;
}

static int parse_tcp(const char *text, const char *rest, struct url *url,
		     struct err *e)
{
	size_t len;

	snprintf(url->port, sizeof(url->port), "%d", RSWAP_PORT);
	url->literal = *rest == '[';
	if (url->literal) {
		rest++;
		len = strcspn(rest, "]");
		if (!rest[len])
			return bad_url(e, text, "\"]\" is missing after the IPv6 address");
	} else {
		len = strcspn(rest, ":");
	}
	if (!len)
		return bad_url(e, text, "the host is missing: write tcp://HOST:PORT");
	/* The caller has checked the length of the whole */
	memcpy(url->host, rest, len);
	url->host[len] = '\0';
	rest += len + url->literal;
	if (!url->literal && strchr(rest, ':') != strrchr(rest, ':'))
		return bad_url(e, text, "write an IPv6 address in brackets: tcp://[ADDRESS]:PORT");
	if (url->host[strcspn(url->host, "/@[]?# \t\n")])
		return bad_url(e, text, "only a host and a port may follow tcp://");
	if (*rest && *rest != ':')
		return bad_url(e, text, "only a port, \":\" and 1 to 65535, may follow the host");
	return *rest ? parse_port(text, rest + 1, url, e) : 0;
}

/**
 * url_parse - take a URL apart
 * @text: tcp://HOST[:PORT], IPv6 addresses in brackets, or loop://
 * @url: set to its parts
 * @e: says what is wrong and what to write instead
 *
 * Return: 0 or RC_USAGE.
 */
int url_parse(const char *text, struct url *url, struct err *e)
{
	const char *rest = strstr(text, "://");

	memset(url, 0, sizeof(*url));
	if (strlen(text) > RSWAP_MAX_URL)
		return err_set(e, RC_USAGE, 0, "the URL is longer than %d bytes",
			       RSWAP_MAX_URL);
	if (!rest)
		return bad_url(e, text, "the scheme is missing: write tcp://HOST:PORT or loop://");
	rest += 3;
	if (!strncmp(text, "loop://", 7)) {
		url->loop = true;
		return *rest ? bad_url(e, text, "nothing may follow loop://") : 0;
	}
	if (strncmp(text, "tcp://", 6))
		return bad_url(e, text, "unknown scheme: use tcp://HOST:PORT or loop://");
	return parse_tcp(text, rest, url, e);
}

/* Append the URL of @ai to @targets, unless it is there already */
static void add_target(struct targets *targets, const struct addrinfo *ai,
		       const char *port)
{
	char host[INET6_ADDRSTRLEN + 32];
	char *url;
	unsigned int i;

	if (targets->count == URL_MAX_ADDRESSES ||
	    getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), NULL, 0,
			NI_NUMERICHOST))
		return;
	url = targets->url[targets->count];
	snprintf(url, sizeof(targets->url[0]),
		 ai->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host,
		 port);
	for (i = 0; i < targets->count; i++)
		if (!strcmp(targets->url[i], url))
			return;
	targets->count++;
}

static bool lacks_scope(const struct addrinfo *ai)
{
	const struct sockaddr_in6 *in6 = (const void *)ai->ai_addr;

	return ai->ai_family == AF_INET6 &&
	       IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && !in6->sin6_scope_id;
}

static int resolve_error(struct err *e, const struct url *url, int gai, int errnum)
{
	if (url->literal)
		return err_set(e, RC_USAGE, 0,
			       "\"%s\" is not an IPv6 address, or names an interface that does not exist",
			       url->host);
	err_set(e, RC_UNREACHABLE, gai == EAI_SYSTEM ? errnum : 0,
		"cannot resolve \"%s\": %s", url->host,
		gai == EAI_SYSTEM ? strerror(errnum) : gai_strerror(gai));
	err_hint(e, "give a numeric address, or see to /etc/hosts and /etc/resolv.conf");
	return e->code;
}

/**
 * url_resolve - numeric addresses of a server
 * @url: from url_parse()
 * @targets: set to at least one URL that the kernel understands
 * @e: says why there is none
 *
 * May ask name servers, and then blocks as long as they take.
 *
 * Return: 0, RC_USAGE or RC_UNREACHABLE.
 */
int url_resolve(const struct url *url, struct targets *targets, struct err *e)
{
	struct addrinfo hints = {
		.ai_family = url->literal ? AF_INET6 : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST,
	};
	struct addrinfo *list, *ai;
	int gai;

	targets->count = 0;
	if (url->loop) {
		strcpy(targets->url[targets->count++], "loop://");
		return 0;
	}
	gai = getaddrinfo(url->host, NULL, &hints, &list);
	if (gai && !url->literal) {
		hints.ai_flags = AI_ADDRCONFIG;
		/* Only what is built into libc: see the top of this file */
		__nss_configure_lookup("hosts", "files dns");
		gai = getaddrinfo(url->host, NULL, &hints, &list);
	}
	if (gai)
		return resolve_error(e, url, gai, errno);
	for (ai = list; ai && !lacks_scope(ai); ai = ai->ai_next)
		add_target(targets, ai, url->port);
	freeaddrinfo(list);
	if (ai)
		return err_set(e, RC_USAGE, 0,
			       "\"%s\" is a link-local address: say on which interface, as in tcp://[%s%%eth0]:%s",
			       url->host, url->host, url->port);
	if (!targets->count)
		return resolve_error(e, url, EAI_NONAME, 0);
	return 0;
}
