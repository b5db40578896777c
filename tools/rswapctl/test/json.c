// SPDX-License-Identifier: GPL-2.0
/*
 * The JSON writer: structure, escaping, encoding
 */
#include <stdlib.h>

#include "test.h"

static void expect(const char *value, const char *want)
{
	char *text = NULL;
	size_t size = 0;
	struct json j = { .out = open_memstream(&text, &size) };

	json_string(&j, NULL, value);
	fclose(j.out);
	CHECK_STR(text, want);
	free(text);
}

static void structure(void)
{
	char *text = NULL;
	size_t size = 0;
	struct json j = { .out = open_memstream(&text, &size) };

	json_open(&j, NULL, '{');
	json_open(&j, "empty", '[');
	json_close(&j, ']');
	json_u64(&j, "n", UINT64_MAX);
	json_ms(&j, "t", 2050);
	json_bool(&j, "b", true);
	json_null(&j, "z");
	json_open(&j, "l", '[');
	json_bool(&j, NULL, false);
	json_string(&j, NULL, "s");
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_close(&j, ']');
	json_close(&j, '}');
	fclose(j.out);
	CHECK_STR(text, "{\"empty\":[],\"n\":18446744073709551615,\"t\":2.050,\"b\":true,"
			"\"z\":null,\"l\":[false,\"s\",{}]}");
	free(text);
}

static void escapes(void)
{
	expect("", "\"\"");
	expect("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	expect("\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"");
}

static void encoding(void)
{
	/* Well-formed, at the edges of each length */
	expect("\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\"");
	expect("\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf", "\"\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\"");
	expect("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
	/* Stray, overlong, surrogate, beyond the end, cut off */
	expect("\x80", "\"\\ufffd\"");
	expect("\xc0\x80", "\"\\ufffd\\ufffd\"");
	expect("\xe0\x9f\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	expect("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	expect("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	expect("\xe2\x82", "\"\\ufffd\\ufffd\"");
	expect("\xff" "a", "\"\\ufffda\"");
}

static const struct test_case cases[] = {
	{ "commas, brackets and values", structure },
	{ "escapes", escapes },
	{ "text that is not UTF-8", encoding },
};

TEST_MAIN(cases)
