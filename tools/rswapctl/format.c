// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes and times for people
 */
#include <inttypes.h>

#include "rswapctl.h"

/**
 * format_size - bytes in the largest unit that leaves at least 1
 * @bytes: the number
 * @buf: receives, for example, "1.5 GiB"; whole numbers have no fraction
 *
 * Return: @buf.
 */
const char *format_size(uint64_t bytes, char buf[FORMAT_LEN])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0, shift;

	while (unit < 6 && bytes >> (10 * (unit + 1)))
		unit++;
	shift = 10 * unit;
	if (bytes & (((uint64_t)1 << shift) - 1))
		snprintf(buf, FORMAT_LEN, "%.1f %s",
			 (double)bytes / (double)((uint64_t)1 << shift), units[unit]);
	else
		snprintf(buf, FORMAT_LEN, "%" PRIu64 " %s", bytes >> shift, units[unit]);
	return buf;
}

/**
 * format_ns - a time with three digits
 * @ns: nanoseconds
 * @buf: receives, for example, "1.28ms"; "-" for 0, which is no measurement
 *
 * Return: @buf.
 */
const char *format_ns(uint64_t ns, char buf[FORMAT_LEN])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	unsigned int unit = 0;

	if (!ns) {
		snprintf(buf, FORMAT_LEN, "-");
		return buf;
	}
	while (unit < 3 && value >= 999.5) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, FORMAT_LEN, "%.*f%s",
		 unit && value < 9.995 ? 2 : unit && value < 99.95 ? 1 : 0, value,
		 units[unit]);
	return buf;
}
