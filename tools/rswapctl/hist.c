// SPDX-License-Identifier: GPL-2.0
/*
 * Latency histograms
 *
 * Log-linear, 2^RSWAP_LATENCY_SHIFT buckets per octave; where each begins is
 * said by latency-shift in Documentation/netlink/specs/rswap.yaml.
 */
#include "rswapctl.h"

#define UNIT_NS		64
#define PER_OCTAVE	(1u << RSWAP_LATENCY_SHIFT)

/**
 * hist_lower - where a bucket begins
 * @bucket: below RSWAP_LATENCY_BUCKETS
 *
 * Bucket 0 also counts everything faster, so it begins at 0.
 *
 * Return: nanoseconds.
 */
uint64_t hist_lower(unsigned int bucket)
{
	if (!bucket)
		return 0;
	return ((uint64_t)(PER_OCTAVE + bucket % PER_OCTAVE) <<
		(bucket / PER_OCTAVE)) * UNIT_NS;
}

/* Where a bucket ends.  The last has no end: say where it begins. */
static uint64_t hist_upper(unsigned int bucket)
{
	return hist_lower(bucket + 1 < RSWAP_LATENCY_BUCKETS ? bucket + 1 : bucket);
}

/**
 * hist_total - how many requests a histogram counts
 * @buckets: RSWAP_LATENCY_BUCKETS counts
 *
 * Return: the sum.
 */
uint64_t hist_total(const uint64_t *buckets)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++)
		total += buckets[i];
	return total;
}

/**
 * hist_percentile - the time within which a share of the requests completed
 * @buckets: RSWAP_LATENCY_BUCKETS counts
 * @permille: the share, 1 to 1000
 *
 * The nearest-rank percentile, rounded up to the end of its bucket, so that "at
 * least this share took no longer" holds; it is at most a quarter above the true
 * value.  Beyond the last bucket's beginning, 60 s, nothing is known and that
 * beginning is returned.
 *
 * Return: nanoseconds, 0 if nothing was counted.
 */
uint64_t hist_percentile(const uint64_t *buckets, unsigned int permille)
{
	uint64_t total = hist_total(buckets), rank, seen = 0;
	unsigned int i;

	if (!total)
		return 0;
	/* ceil(total * permille / 1000) without overflow */
	rank = total / 1000 * permille + (total % 1000 * permille + 999) / 1000;
	for (i = 0; i < RSWAP_LATENCY_BUCKETS - 1; i++) {
		seen += buckets[i];
		if (seen >= rank)
			break;
	}
	return hist_upper(i);
}

/**
 * hist_max - the end of the highest bucket that counts anything
 * @buckets: RSWAP_LATENCY_BUCKETS counts
 *
 * Return: nanoseconds, 0 if nothing was counted; see hist_percentile().
 */
uint64_t hist_max(const uint64_t *buckets)
{
	return hist_percentile(buckets, 1000);
}
