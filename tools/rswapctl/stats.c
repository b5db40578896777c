// SPDX-License-Identifier: GPL-2.0
/*
 * stats: totals since attach, or what happened in each interval
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <netlink/attr.h>

#include "rswapctl.h"

/**
 * struct sample - counters of some devices at one time
 * @count: number of @stats
 * @stats: by device, from malloc()
 * @time_ms: monotonic clock
 */
struct sample {
	size_t count;
	struct stats *stats;
	uint64_t time_ms;
};

/* The shares of "stats", in thousandths, as they are called */
static const struct {
	unsigned int permille;
	const char *name;
} shares[] = {
	{ 500, "p50" }, { 900, "p90" }, { 990, "p99" }, { 999, "p99.9" }, { 1000, "max" },
};

#define SHARES	(sizeof(shares) / sizeof(shares[0]))

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int decode_stats_to(const struct nlmsghdr *nlh, void *arg)
{
	return decode_stats(nlh, arg);
}

static int get_stats(struct ctl *ctl, const struct which *which, struct stats *stats,
		     struct err *e)
{
	struct nl_msg *msg = ctl_message(ctl, RSWAP_CMD_STATS_GET, 0);

	memset(stats, 0, sizeof(*stats));
	if (msg && which->by_index)
		nla_put_u32(msg, RSWAP_A_STATS_INDEX, which->index);
	else if (msg)
		nla_put_string(msg, RSWAP_A_STATS_NAME, which->name);
	return ctl_request(ctl, msg, decode_stats_to, stats, e);
}

static int sample_all(struct ctl *ctl, struct sample *sample, struct err *e)
{
	struct which which = { .by_index = true };
	struct device_list list;
	size_t i;
	int rc;

	rc = device_list_get(ctl, &list, e);
	if (rc)
		goto out;
	sample->stats = calloc(list.count + 1, sizeof(*sample->stats));
	if (!sample->stats) {
		rc = err_set(e, RC_FAILED, ENOMEM, "out of memory");
		goto out;
	}
	for (i = 0; i < list.count; i++) {
		which.index = list.dev[i].index;
		rc = get_stats(ctl, &which, &sample->stats[sample->count], e);
		if (!rc)
			sample->count++;
		else if (rc != RC_NOT_FOUND)
			break;
		/* One that was detached in the meantime is not missed */
		rc = 0;
	}
out:
	free(list.dev);
	return rc;
}

/* Counters of the device that @which names, or of all if it is NULL */
static int take_sample(struct ctl *ctl, const struct which *which,
		       struct sample *sample, struct err *e)
{
	memset(sample, 0, sizeof(*sample));
	sample->time_ms = now_ms();
	if (!which)
		return sample_all(ctl, sample, e);
	sample->stats = calloc(1, sizeof(*sample->stats));
	if (!sample->stats)
		return err_set(e, RC_FAILED, ENOMEM, "out of memory");
	sample->count = 1;
	return get_stats(ctl, which, sample->stats, e);
}

/* Counters never go back, unless it is another device under the old index */
static bool same_device(const struct stats *now, const struct stats *then)
{
	unsigned int kind;

	if (now->index != then->index || strcmp(now->name, then->name))
		return false;
	for (kind = 0; kind < IO_KINDS; kind++)
		if (now->io[kind].ios < then->io[kind].ios ||
		    now->io[kind].bytes < then->io[kind].bytes ||
		    now->io[kind].errors < then->io[kind].errors)
			return false;
	return true;
}

static void subtract(struct io_stats *now, const struct io_stats *then)
{
	unsigned int i;

	now->ios -= then->ios;
	now->bytes -= then->bytes;
	now->errors -= then->errors;
	for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++)
		now->latency[i] -= then->latency[i] < now->latency[i] ?
				   then->latency[i] : now->latency[i];
}

/* Make @now what happened since @then; a new device began at 0 */
static void sample_subtract(struct sample *now, const struct sample *then)
{
	unsigned int kind;
	size_t i, k;

	for (i = 0; i < now->count; i++)
		for (k = 0; k < then->count; k++)
			if (same_device(&now->stats[i], &then->stats[k]))
				for (kind = 0; kind < IO_KINDS; kind++)
					subtract(&now->stats[i].io[kind],
						 &then->stats[k].io[kind]);
}

static void io_json(struct json *j, unsigned int kind, const struct io_stats *io)
{
	size_t i;

	json_open(j, NULL, '{');
	json_string(j, "kind", io_kind_name(kind));
	json_u64(j, "ios", io->ios);
	json_u64(j, "bytes", io->bytes);
	json_u64(j, "errors", io->errors);
	json_u64(j, "inflight", io->inflight);
	json_open(j, "latency_ns", '{');
	for (i = 0; i < SHARES; i++) {
		uint64_t ns = hist_percentile(io->latency, shares[i].permille);

		if (hist_total(io->latency))
			json_u64(j, shares[i].name, ns);
		else
			json_null(j, shares[i].name);
	}
	json_close(j, '}');
	json_open(j, "histogram", '[');
	for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++) {
		if (!io->latency[i])
			continue;
		json_open(j, NULL, '{');
		json_u64(j, "from_ns", hist_lower((unsigned int)i));
		json_u64(j, "count", io->latency[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void stats_json(struct json *j, const struct stats *stats, uint64_t ms)
{
	unsigned int kind;

	json_open(j, NULL, '{');
	json_u64(j, "index", stats->index);
	json_string(j, "name", stats->name);
	if (ms)
		json_ms(j, "interval", ms);
	json_open(j, "io", '[');
	for (kind = 0; kind < IO_KINDS; kind++)
		io_json(j, kind, &stats->io[kind]);
	json_close(j, ']');
	json_close(j, '}');
}

static void sample_json(const struct sample *sample, bool one, uint64_t ms)
{
	struct json j = { .out = stdout };
	size_t i;

	if (!one)
		json_open(&j, NULL, '[');
	for (i = 0; i < sample->count; i++)
		stats_json(&j, &sample->stats[i], ms);
	if (!one)
		json_close(&j, ']');
	putchar('\n');
}

static uint64_t per_second(uint64_t n, uint64_t ms)
{
	return ms ? (uint64_t)((double)n * 1000 / (double)ms + 0.5) : n;
}

static void stats_text(const struct stats *stats, uint64_t ms)
{
	char buf[FORMAT_LEN];
	unsigned int kind;
	size_t i;

	if (ms)
		printf("%s (rswap%" PRIu32 "), the last %.1f s\n", stats->name,
		       stats->index, (double)ms / 1000);
	else
		printf("%s (rswap%" PRIu32 "), since it was attached\n", stats->name,
		       stats->index);
	printf("  %-12s %10s %10s %7s %8s", "", ms ? "ios/s" : "ios",
	       ms ? "bytes/s" : "bytes", "errors", "inflight");
	for (i = 0; i < SHARES; i++)
		printf(" %7s", shares[i].name);
	putchar('\n');
	for (kind = 0; kind < IO_KINDS; kind++) {
		const struct io_stats *io = &stats->io[kind];

		printf("  %-12s %10" PRIu64 " %10s %7" PRIu64 " %8" PRIu32,
		       io_kind_name(kind), per_second(io->ios, ms),
		       format_size(per_second(io->bytes, ms), buf), io->errors,
		       io->inflight);
		for (i = 0; i < SHARES; i++)
			printf(" %7s", format_ns(hist_percentile(io->latency,
								 shares[i].permille),
						 buf));
		putchar('\n');
	}
}

static int print_sample(const struct sample *sample, const struct args *args,
			uint64_t ms, struct err *e)
{
	size_t i;

	if (args->json)
		sample_json(sample, args->which, ms);
	else
		for (i = 0; i < sample->count; i++)
			stats_text(&sample->stats[i], ms);
	return flush_output(e);
}

static void wait_until(uint64_t ms)
{
	struct timespec until = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Reports until the device is gone, output fails, or a signal ends the program */
static int watch(struct ctl *ctl, const struct which *which, const struct args *args,
		 uint64_t every, struct err *e)
{
	struct sample then, now, diff;
	uint64_t next;
	int rc;

	rc = take_sample(ctl, which, &then, e);
	next = then.time_ms;
	while (!rc) {
		next += every;
		wait_until(next);
		rc = take_sample(ctl, which, &now, e);
		if (rc) {
			free(now.stats);
			break;
		}
		diff = now;
		diff.stats = calloc(now.count + 1, sizeof(*diff.stats));
		if (diff.stats) {
			memcpy(diff.stats, now.stats, now.count * sizeof(*now.stats));
			sample_subtract(&diff, &then);
			rc = print_sample(&diff, args, now.time_ms - then.time_ms, e);
		} else {
			rc = err_set(e, RC_FAILED, ENOMEM, "out of memory");
		}
		free(diff.stats);
		free(then.stats);
		then = now;
	}
	free(then.stats);
	return rc;
}

/**
 * run_stats - the command "stats"
 * @args: the command line
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int run_stats(const struct args *args, struct err *e)
{
	struct sample sample = { 0 };
	struct which named;
	const struct which *which = args->which ? &named : NULL;
	uint64_t every = 0;
	struct ctl ctl;
	int rc = 0;

	if (args->watch)
		rc = parse_interval(args->watch, &every, e);
	if (!rc && which)
		rc = parse_which(args->which, &named, e);
	if (!rc)
		rc = ctl_open(&ctl, e);
	if (rc)
		return rc;
	if (every) {
		rc = watch(&ctl, which, args, every, e);
	} else {
		rc = take_sample(&ctl, which, &sample, e);
		if (!rc)
			rc = print_sample(&sample, args, 0, e);
		free(sample.stats);
	}
	ctl_close(&ctl);
	return rc;
}
