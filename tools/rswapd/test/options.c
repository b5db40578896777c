// SPDX-License-Identifier: GPL-2.0
/* Sizes, URLs and what is made of them. */
#include "test.h"

static void sizes(void)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "1K", 1024 },
		{ "1k", 1024 }, { "64M", 64u << 20 }, { "3g", 3ull << 30 },
		{ "2T", 2ull << 40 }, { "8388607T", 8388607ull << 40 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const wrong[] = {
		"", "K", "-1", "+1", " 1", "1 ", "1KB", "1KK", "0x10", "1.5G",
		"8388608T", "9223372036854775808", "99999999999999999999", "1\x0b",
	};
	uint64_t out;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CHECK(!options_size(good[i].text, &out) && out == good[i].bytes);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK(options_size(wrong[i], &out) == -1);
}

static void size_texts(void)
{
	char text[32];

	size_text(64 << 20, text, sizeof(text));
	CHECK(!strcmp(text, "64M"));
	size_text(1025, text, sizeof(text));
	CHECK(!strcmp(text, "1025"));
	size_text(5ull << 50, text, sizeof(text));
	CHECK(!strcmp(text, "5120T"));
}

static void urls(void)
{
	static const struct { const char *url, *name; } good[] = {
		{ "tcp://127.0.0.1:1", "127.0.0.1:1" },
		{ "tcp://0.0.0.0", "0.0.0.0:9400" },
		{ "tcp://[::1]:65535", "[::1]:65535" },
		{ "tcp://[fd77::2]", "[fd77::2]:9400" },
		{ "tcp://[::]:0", "[::]:0" },
	};
	static const char *const wrong[] = {
		"", "tcp:/", "tcp://", "tcp://[]", "tcp://[::1", "tcp://[::1]x",
		"tcp://[::1]:", "tcp://1.2.3.4:", "tcp://1.2.3.4:65536",
		"tcp://1.2.3.4:1a", "tcp://1.2.3:5", "tcp://::1:5", "rdma://1.2.3.4",
		"tcp://1.2.3.4/", "tcp://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
	};
	struct sockaddr_storage addr;
	char name[PEER_LEN];
	const char *why;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK(!listen_parse(good[i].url, &addr, &why));
		listen_name(&addr, name, sizeof(name));
		CHECK(!strcmp(name, good[i].name));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		why = NULL;
		CHECK(listen_parse(wrong[i], &addr, &why) == -1 && why);
	}
}

static void escapes(void)
{
	char out[9];

	CHECK(json_escape(out, sizeof(out), "a\"b\\\n") == 7 &&
	      !strcmp(out, "a\\\"b\\\\?"));
	CHECK(json_escape(out, sizeof(out), "abcdefghijk") == 7);
	/* A quote is never parted from its backslash */
	CHECK(json_escape(out, sizeof(out), "abcdef\"") == 8);
	CHECK(json_escape(out, sizeof(out), "abcdefg\"") == 7);
}

int main(void)
{
	RUN(sizes);
	RUN(size_texts);
	RUN(urls);
	RUN(escapes);
	return 0;
}
