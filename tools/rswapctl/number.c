// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes, counts and intervals from the command line
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "rswapctl.h"

/* Decimal digits at @text to @value; the rest at @end.  false: overflow. */
static bool digits(const char *text, uint64_t *value, const char **end)
{
	bool fits = true;

	*value = 0;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value))
			fits = false;
	*end = text;
	return fits;
}

/* log2 of the unit that @suffix means, or -1 */
static int suffix_shift(const char *suffix)
{
	static const char units[] = "KMGT";
	const char *unit;

	if (!suffix[0])
		return 0;
	unit = strchr(units, toupper((unsigned char)suffix[0]));
	if (!unit || (suffix[1] && strcmp(suffix + 1, "iB")))
		return -1;
	return 10 * (int)(unit - units + 1);
}

/**
 * parse_size - the size of a device
 * @text: digits and an optional K, M, G or T (powers of 1024; KiB is the same)
 * @page: page size in bytes
 * @bytes: set to the size, a positive multiple of @page
 * @e: says what is wrong and what to write instead
 *
 * Return: 0 or RC_USAGE.
 */
int parse_size(const char *text, uint64_t page, uint64_t *bytes, struct err *e)
{
	const char *end;
	int shift;

	if (text[0] == '-')
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" is negative: give a positive size, such as 1G",
			       text);
	if (!isdigit((unsigned char)text[0]))
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" is not a number: give one with K, M, G or T, such as 1G",
			       text);
	if (!digits(text, bytes, &end))
		goto too_large;
	if (*end == '.' || *end == ',')
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" is not a whole number: use a smaller unit, such as 1536M for one and a half G",
			       text);
	shift = suffix_shift(end);
	if (shift < 0)
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" has the unknown suffix \"%s\": use K, M, G or T (powers of 1024)",
			       text, end);
	/* The kernel counts bytes of a device in a signed 64-bit number */
	if (*bytes > (uint64_t)INT64_MAX >> shift)
		goto too_large;
	*bytes <<= shift;
	if (!*bytes)
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" is zero: give a positive size, such as 1G",
			       text);
	if (*bytes % page)
		return err_set(e, RC_USAGE, 0,
			       "size \"%s\" is not a multiple of the page size, %" PRIu64 " bytes: the next multiple is %" PRIu64,
			       text, page, (*bytes / page + 1) * page);
	return 0;

too_large:
	return err_set(e, RC_USAGE, 0,
		       "size \"%s\" is too large for a block device: it must be below 8388608T",
		       text);
}

/**
 * parse_u32 - a count
 * @text: decimal digits
 * @what: what is counted, for the message
 * @min: least value
 * @max: greatest value
 * @value: set to the number
 * @e: says what is wrong
 *
 * Return: 0 or RC_USAGE.
 */
int parse_u32(const char *text, const char *what, uint32_t min, uint32_t max,
	      uint32_t *value, struct err *e)
{
	const char *end;
	uint64_t n;

	if (!isdigit((unsigned char)text[0]) || !digits(text, &n, &end) || *end ||
	    n < min || n > max)
		return err_set(e, RC_USAGE, 0, "%s \"%s\" is not a number from %u to %u",
			       what, text, min, max);
	*value = (uint32_t)n;
	return 0;
}

/**
 * parse_interval - seconds, maybe with a fraction
 * @text: decimal digits, optionally "." and up to three more
 * @ms: set to milliseconds, from 100 (a tenth of a second) to a day
 * @e: says what is wrong
 *
 * Return: 0 or RC_USAGE.
 */
int parse_interval(const char *text, uint64_t *ms, struct err *e)
{
	static const unsigned int scale[] = { 1000, 100, 10, 1 };
	uint64_t whole, part = 0;
	size_t places = 0;
	const char *end;
	bool good;

	good = isdigit((unsigned char)text[0]) && digits(text, &whole, &end) &&
	       whole <= 86400;
	if (good && *end == '.') {
		const char *point = end;

		good = digits(point + 1, &part, &end);
		places = (size_t)(end - point - 1);
		good = good && places >= 1 && places <= 3;
	}
	if (good && !*end) {
		*ms = whole * 1000 + part * scale[places];
		if (*ms >= 100 && *ms <= 86400000)
			return 0;
	}
	return err_set(e, RC_USAGE, 0,
		       "interval \"%s\" is not a number of seconds from 0.1 to 86400",
		       text);
}
