// SPDX-License-Identifier: GPL-2.0
/*
 * Percentiles, against bounds computed as the netlink specification words them
 */
#include "test.h"

#define LAST (RSWAP_LATENCY_BUCKETS - 1)

static void bounds(void)
{
	uint64_t per_octave = 1u << RSWAP_LATENCY_SHIFT, lower;
	unsigned int i;

	CHECK(hist_lower(0) == 0);
	for (i = 1; i <= LAST; i++) {
		lower = ((per_octave + i % per_octave) << (i / per_octave)) * 64;
		CHECK(hist_lower(i) == lower);
		CHECK(hist_lower(i) > hist_lower(i - 1));
		/* No bucket is more than a quarter wider than its beginning */
		CHECK(i == 1 || hist_lower(i) * 4 <= hist_lower(i - 1) * 5);
	}
	CHECK(hist_lower(1) == 320);
	CHECK(hist_lower(4) == 512);
	CHECK(hist_lower(LAST) == 60129542144ull);
}

static void empty(void)
{
	uint64_t h[RSWAP_LATENCY_BUCKETS] = { 0 };

	CHECK(hist_total(h) == 0);
	CHECK(hist_percentile(h, 500) == 0);
	CHECK(hist_max(h) == 0);
}

static void one(void)
{
	uint64_t h[RSWAP_LATENCY_BUCKETS] = { [10] = 1 };

	CHECK(hist_percentile(h, 1) == hist_lower(11));
	CHECK(hist_percentile(h, 500) == hist_lower(11));
	CHECK(hist_percentile(h, 999) == hist_lower(11));
	CHECK(hist_max(h) == hist_lower(11));
}

static void ranks(void)
{
	/* 1,000 requests: ranks 1-900, 901-990, 991-999 and 1000 */
	uint64_t h[RSWAP_LATENCY_BUCKETS] = { [3] = 900, [20] = 90, [40] = 9, [60] = 1 };

	CHECK(hist_total(h) == 1000);
	CHECK(hist_percentile(h, 500) == hist_lower(4));
	CHECK(hist_percentile(h, 900) == hist_lower(4));
	CHECK(hist_percentile(h, 901) == hist_lower(21));
	CHECK(hist_percentile(h, 990) == hist_lower(21));
	CHECK(hist_percentile(h, 991) == hist_lower(41));
	CHECK(hist_percentile(h, 999) == hist_lower(41));
	CHECK(hist_max(h) == hist_lower(61));
	/* One more in the lowest bucket moves no rank; one more on top does */
	h[60]++;
	CHECK(hist_percentile(h, 999) == hist_lower(61));
}

static void rounding_up(void)
{
	/* Of 3 requests the median is the second: ceil(3 / 2) */
	uint64_t h[RSWAP_LATENCY_BUCKETS] = { [1] = 1, [5] = 1, [9] = 1 };

	CHECK(hist_percentile(h, 500) == hist_lower(6));
	CHECK(hist_percentile(h, 333) == hist_lower(2));
	CHECK(hist_percentile(h, 334) == hist_lower(6));
	CHECK(hist_percentile(h, 900) == hist_lower(10));
}

static void extremes(void)
{
	uint64_t h[RSWAP_LATENCY_BUCKETS] = { [0] = 1ull << 62, [LAST] = 1ull << 62 };

	CHECK(hist_percentile(h, 500) == hist_lower(1));
	CHECK(hist_percentile(h, 501) == hist_lower(LAST));
	CHECK(hist_max(h) == hist_lower(LAST));
}

static const struct test_case cases[] = {
	{ "where buckets begin", bounds },
	{ "no request", empty },
	{ "one request", one },
	{ "ranks at the borders of buckets", ranks },
	{ "ranks are rounded up", rounding_up },
	{ "large counts, and the last bucket", extremes },
};

TEST_MAIN(cases)
