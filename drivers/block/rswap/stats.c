// SPDX-License-Identifier: GPL-2.0
/*
 * rswap statistics: counters and latency histograms, one copy per CPU
 */
#include <linux/log2.h>
#include <linux/percpu.h>
#include <kunit/visibility.h>

#include "rswap.h"

/* Nanoseconds per unit of the histogram, as the netlink specification says */
#define RSWAP_LATENCY_UNIT	64
#define RSWAP_LATENCY_SUB	BIT(RSWAP_LATENCY_SHIFT)

/**
 * rswap_stats_create - allocate a device's statistics
 *
 * Context: may sleep.
 * Return: the statistics, all zero, for free_percpu(), or NULL.
 */
struct rswap_stats_cpu __percpu *rswap_stats_create(void)
{
	struct rswap_stats_cpu __percpu *stats;
	int cpu;

	stats = alloc_percpu(struct rswap_stats_cpu);
	if (!stats)
		return NULL;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats, cpu)->sync);
	return stats;
}

/**
 * rswap_stats_bucket - the histogram bucket of a latency
 * @ns: nanoseconds
 *
 * The histogram is log-linear: RSWAP_LATENCY_SUB buckets per octave, so that a
 * bucket is at most 1 / RSWAP_LATENCY_SUB wider than its lower bound.
 *
 * Context: any.
 * Return: a number below RSWAP_LATENCY_BUCKETS.
 */
u32 rswap_stats_bucket(u64 ns)
{
	u64 units = ns / RSWAP_LATENCY_UNIT;
	u32 octave, bucket;

	if (units < RSWAP_LATENCY_SUB)
		return 0;
	octave = ilog2(units) - RSWAP_LATENCY_SHIFT;
	bucket = octave * RSWAP_LATENCY_SUB +
		 ((units >> octave) & (RSWAP_LATENCY_SUB - 1));
	return min_t(u32, bucket, RSWAP_LATENCY_BUCKETS - 1);
}
EXPORT_SYMBOL_IF_KUNIT(rswap_stats_bucket);

/**
 * rswap_stats_add - count a request that has ended
 * @stats: the device's statistics
 * @kind: enum rswap_io_kind
 * @bytes: length of the request
 * @ns: how long it took
 * @error: 0 or a negative errno
 *
 * Context: any.
 */
void rswap_stats_add(struct rswap_stats_cpu __percpu *stats, u32 kind,
		     u32 bytes, u64 ns, int error)
{
	struct rswap_stats_cpu *cpu = get_cpu_ptr(stats);
	unsigned long flags;

	flags = u64_stats_update_begin_irqsave(&cpu->sync);
	u64_stats_inc(&cpu->ios[kind]);
	if (error)
		u64_stats_inc(&cpu->errors[kind]);
	else
		u64_stats_add(&cpu->bytes[kind], bytes);
	u64_stats_inc(&cpu->latency[kind][rswap_stats_bucket(ns)]);
	u64_stats_update_end_irqrestore(&cpu->sync, flags);
	put_cpu_ptr(stats);
}

static void rswap_stats_read_cpu(struct rswap_stats_cpu *cpu, u32 kind,
				 struct rswap_stats *out)
{
	unsigned int seq;
	u32 i;

	do {
		seq = u64_stats_fetch_begin(&cpu->sync);
		out->ios = u64_stats_read(&cpu->ios[kind]);
		out->bytes = u64_stats_read(&cpu->bytes[kind]);
		out->errors = u64_stats_read(&cpu->errors[kind]);
		for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++)
			out->latency[i] =
				u64_stats_read(&cpu->latency[kind][i]);
	} while (u64_stats_fetch_retry(&cpu->sync, seq));
}

/**
 * rswap_stats_read - sum up over all CPUs
 * @stats: the device's statistics
 * @kind: enum rswap_io_kind
 * @sum: two elements: the result in the first, scratch space in the second
 *
 * Context: process.
 */
void rswap_stats_read(struct rswap_stats_cpu __percpu *stats, u32 kind,
		      struct rswap_stats *sum)
{
	struct rswap_stats *part = sum + 1;
	int cpu;
	u32 i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		rswap_stats_read_cpu(per_cpu_ptr(stats, cpu), kind, part);
		sum->ios += part->ios;
		sum->bytes += part->bytes;
		sum->errors += part->errors;
		for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++)
			sum->latency[i] += part->latency[i];
	}
}
