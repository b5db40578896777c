// SPDX-License-Identifier: GPL-2.0
/*
 * JSON writer: one line, no white space
 */
#include <inttypes.h>
#include <string.h>

#include "rswapctl.h"

/* Length of the well-formed UTF-8 sequence at @s, or 0 (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	/* No overlong forms, no surrogates, nothing above U+10FFFF */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void put_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		size_t len = utf8_length(s);

		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else if (!len)
			fputs("\\ufffd", out);
		else
			fwrite(s, 1, len, out);
		s += len ? len : 1;
	}
	fputc('"', out);
}

static void put_key(struct json *j, const char *key)
{
	if (j->comma)
		fputc(',', j->out);
	j->comma = true;
	if (key) {
		put_string(j->out, key);
		fputc(':', j->out);
	}
}

/**
 * json_open - begin an object or an array
 * @j: the document
 * @key: member name, or NULL inside an array and at the top
 * @bracket: '{' or '['
 */
void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	fputc(bracket, j->out);
	j->comma = false;
}

/**
 * json_close - end an object or an array
 * @j: the document
 * @bracket: '}' or ']'
 */
void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->comma = true;
}

/**
 * json_string - write a string
 * @j: the document
 * @key: member name, or NULL
 * @value: any bytes; those that are not UTF-8 become U+FFFD
 */
void json_string(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	put_string(j->out, value);
}

/**
 * json_u64 - write a number
 * @j: the document
 * @key: member name, or NULL
 * @value: the number, in full precision
 */
void json_u64(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

/**
 * json_ms - write milliseconds as a number of seconds
 * @j: the document
 * @key: member name, or NULL
 * @ms: milliseconds
 */
void json_ms(struct json *j, const char *key, uint64_t ms)
{
	put_key(j, key);
	fprintf(j->out, "%" PRIu64 ".%03u", ms / 1000, (unsigned int)(ms % 1000));
}

/**
 * json_bool - write true or false
 * @j: the document
 * @key: member name, or NULL
 * @value: which
 */
void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->out);
}

/**
 * json_null - write null
 * @j: the document
 * @key: member name, or NULL
 */
void json_null(struct json *j, const char *key)
{
	put_key(j, key);
	fputs("null", j->out);
}
