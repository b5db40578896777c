// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes, counts, intervals, names, and how sizes and times are printed
 */
#include "test.h"

#define PAGE 4096

static void size_good(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "4096", 4096 }, { "4K", 4096 }, { "4k", 4096 }, { "4KiB", 4096 },
		{ "1M", 1ull << 20 }, { "3g", 3ull << 30 }, { "5T", 5ull << 40 },
		{ "0004K", 4096 }, { "8388607T", 8388607ull << 40 },
		{ "9223372036854771712", 9223372036854771712ull },
	};
	struct err e;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bytes = 1;
		CHECK(parse_size(good[i].text, PAGE, &bytes, &e) == 0);
		CHECK(bytes == good[i].bytes);
	}
}

static void size_bad(void)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "size \"\" is not a number: give one with K, M, G or T, such as 1G" },
		{ "G", "size \"G\" is not a number: give one with K, M, G or T, such as 1G" },
		{ " 1G", "size \" 1G\" is not a number: give one with K, M, G or T, such as 1G" },
		{ "+1G", "size \"+1G\" is not a number: give one with K, M, G or T, such as 1G" },
		{ "-1G", "size \"-1G\" is negative: give a positive size, such as 1G" },
		{ "-", "size \"-\" is negative: give a positive size, such as 1G" },
		{ "0", "size \"0\" is zero: give a positive size, such as 1G" },
		{ "0T", "size \"0T\" is zero: give a positive size, such as 1G" },
		{ "1.5G", "size \"1.5G\" is not a whole number: use a smaller unit, such as 1536M for one and a half G" },
		{ "1P", "size \"1P\" has the unknown suffix \"P\": use K, M, G or T (powers of 1024)" },
		{ "1GB", "size \"1GB\" has the unknown suffix \"GB\": use K, M, G or T (powers of 1024)" },
		{ "1G ", "size \"1G \" has the unknown suffix \"G \": use K, M, G or T (powers of 1024)" },
		{ "0x1000", "size \"0x1000\" has the unknown suffix \"x1000\": use K, M, G or T (powers of 1024)" },
		{ "1", "size \"1\" is not a multiple of the page size, 4096 bytes: the next multiple is 4096" },
		{ "6K", "size \"6K\" is not a multiple of the page size, 4096 bytes: the next multiple is 8192" },
		{ "8388608T", "size \"8388608T\" is too large for a block device: it must be below 8388608T" },
		{ "18446744073709551616", "size \"18446744073709551616\" is too large for a block device: it must be below 8388608T" },
		{ "18446744073709551617K", "size \"18446744073709551617K\" is too large for a block device: it must be below 8388608T" },
	};
	struct err e;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(parse_size(bad[i].text, PAGE, &bytes, &e) == RC_USAGE);
		CHECK_STR(e.text, bad[i].message);
	}
	CHECK(parse_size("4K", 65536, &bytes, &e) == RC_USAGE);
	CHECK_STR(e.text, "size \"4K\" is not a multiple of the page size, 65536 bytes: the next multiple is 65536");
}

static void count(void)
{
	static const char *const bad[] = {
		"", "1", "17", "-2", "2x", " 2", "4294967298", "18446744073709551618",
	};
	uint32_t value = 0;
	struct err e;
	size_t i;

	CHECK(parse_u32("2", "number", 2, 16, &value, &e) == 0 && value == 2);
	CHECK(parse_u32("16", "number", 2, 16, &value, &e) == 0 && value == 16);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse_u32(bad[i], "number", 2, 16, &value, &e) == RC_USAGE);
	parse_u32("17", "queue depth", 2, 16, &value, &e);
	CHECK_STR(e.text, "queue depth \"17\" is not a number from 2 to 16");
}

static void interval(void)
{
	static const char *const bad[] = {
		"", "0", "0.09", "-1", "1.", ".5", "1.2345", "1s", "nan", "inf", "1e3",
		"86400.1", "99999999999999999999",
	};
	struct err e;
	uint64_t ms;
	size_t i;

	CHECK(parse_interval("1", &ms, &e) == 0 && ms == 1000);
	CHECK(parse_interval("0.1", &ms, &e) == 0 && ms == 100);
	CHECK(parse_interval("2.25", &ms, &e) == 0 && ms == 2250);
	CHECK(parse_interval("0.125", &ms, &e) == 0 && ms == 125);
	CHECK(parse_interval("86400", &ms, &e) == 0 && ms == 86400000);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse_interval(bad[i], &ms, &e) == RC_USAGE);
}

static void names(void)
{
	static const char *const good[] = {
		"r0", "a", "_x", "swap-1.2:3", "rswap", "rswap0a", "0a",
		"a234567890123456789012345678901",
	};
	static const char *const bad[] = {
		"", "-x", ".x", ":x", "a/b", "a b", "a\nb", "\xc3\xa4", "7",
		"1234567890123456789012345678901", "rswap0",
		"rswap12", "a2345678901234567890123456789012",
	};
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(check_name(good[i], &e) == 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(check_name(bad[i], &e) == RC_USAGE);
}

static void which(void)
{
	struct which w;
	struct err e;

	CHECK(parse_which("7", &w, &e) == 0 && w.by_index && w.index == 7);
	CHECK(parse_which("rswap12", &w, &e) == 0 && w.by_index && w.index == 12);
	CHECK(parse_which("/dev/rswap999", &w, &e) == 0 && w.by_index && w.index == 999);
	CHECK(parse_which("r7", &w, &e) == 0 && !w.by_index && !strcmp(w.name, "r7"));
	CHECK(parse_which("rswap", &w, &e) == 0 && !w.by_index);
	/* Too large for an index, so it can only be a name */
	CHECK(parse_which("4294967296", &w, &e) == 0 && !w.by_index);
	CHECK(parse_which("", &w, &e) == RC_USAGE);
	CHECK(parse_which("a2345678901234567890123456789012", &w, &e) == RC_USAGE);
	CHECK(parse_which("/dev/null", &w, &e) == RC_USAGE);
	CHECK_STR(e.text, "/dev/null is not a block device");
	CHECK(parse_which("/nonexistent", &w, &e) == RC_NOT_FOUND);
}

static void formats(void)
{
	char buf[FORMAT_LEN];

	CHECK_STR(format_size(0, buf), "0 B");
	CHECK_STR(format_size(1023, buf), "1023 B");
	CHECK_STR(format_size(1024, buf), "1 KiB");
	CHECK_STR(format_size(1536, buf), "1.5 KiB");
	CHECK_STR(format_size(1ull << 30, buf), "1 GiB");
	CHECK_STR(format_size(UINT64_MAX, buf), "16.0 EiB");
	CHECK_STR(format_ns(0, buf), "-");
	CHECK_STR(format_ns(320, buf), "320ns");
	CHECK_STR(format_ns(999, buf), "999ns");
	CHECK_STR(format_ns(1000, buf), "1.00us");
	CHECK_STR(format_ns(12345, buf), "12.3us");
	CHECK_STR(format_ns(123456, buf), "123us");
	CHECK_STR(format_ns(999999, buf), "1.00ms");
	CHECK_STR(format_ns(60129542144ull, buf), "60.1s");
}

static const struct test_case cases[] = {
	{ "sizes that are right", size_good },
	{ "sizes that are wrong say what to do", size_bad },
	{ "counts", count },
	{ "intervals", interval },
	{ "device names", names },
	{ "which device a text names", which },
	{ "sizes and times for people", formats },
};

TEST_MAIN(cases)
