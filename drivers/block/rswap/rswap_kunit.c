// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what needs neither device nor network: wire validation, the
 * session's state table, the slab map, the histogram.
 */
#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "rswap.h"

static const struct rswap_limits limits = {
	.slab_size	= 64 << 20,
	.max_io		= RSWAP_MAX_IO,
};

/* A reply that is right in every field */
static struct rswap_hdr good_reply(u8 op, u32 length)
{
	const struct rswap_extent ext = {
		.slab = 3, .offset = 8192, .length = length,
	};
	struct rswap_hdr hdr = { .tag = cpu_to_le32(0x50007) };

	rswap_wire_init(&hdr, op, &ext);
	hdr.flags = RSWAP_F_REPLY;
	hdr.body = op == RSWAP_OP_READ ? cpu_to_le32(length) : 0;
	return hdr;
}

static void wire_init_test(struct kunit *test)
{
	const struct rswap_extent ext = {
		.slab = 7, .offset = 4096, .length = 12288,
	};
	struct rswap_hdr hdr = { .tag = cpu_to_le32(42) };
	u8 op;

	for (op = RSWAP_OP_BYE; op <= RSWAP_OP_TRIM; op++) {
		memset(&hdr, 0xff, sizeof(hdr));
		hdr.tag = cpu_to_le32(42);
		rswap_wire_init(&hdr, op, &ext);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.magic), RSWAP_MAGIC);
		KUNIT_EXPECT_EQ(test, hdr.version, RSWAP_VERSION);
		KUNIT_EXPECT_EQ(test, hdr.op, op);
		KUNIT_EXPECT_EQ(test, hdr.flags, 0);
		KUNIT_EXPECT_EQ(test, hdr.status, 0);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.tag), 42);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.slab), 7);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(hdr.offset), 4096);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.length), 12288);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(hdr.body),
				op == RSWAP_OP_WRITE ? 12288 : 0);
	}
}

static void wire_check_good_test(struct kunit *test)
{
	struct rswap_hdr hdr;
	u8 status;

	hdr = good_reply(RSWAP_OP_READ, 4096);
	KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	hdr = good_reply(RSWAP_OP_READ, RSWAP_MAX_IO);
	KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	hdr = good_reply(RSWAP_OP_TRIM, limits.slab_size);
	KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	for (status = RSWAP_ST_OK; status < RSWAP_ST_COUNT; status++) {
		hdr = good_reply(RSWAP_OP_WRITE, 4096);
		hdr.status = status;
		KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	}
	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.status = RSWAP_ST_IO;
	hdr.body = 0;
	KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
}

#define EXPECT_BAD(test, hdr, what) \
	KUNIT_EXPECT_STREQ(test, rswap_wire_check(&(hdr), &limits) ?: "good", what)

static void wire_check_bad_test(struct kunit *test)
{
	struct rswap_hdr hdr;

	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.magic ^= cpu_to_le32(1);
	EXPECT_BAD(test, hdr, "bad magic");
	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.version++;
	EXPECT_BAD(test, hdr, "bad version");
	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.flags |= 0x80;
	EXPECT_BAD(test, hdr, "unknown flags");
	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.status = RSWAP_ST_COUNT;
	EXPECT_BAD(test, hdr, "unknown status");
	hdr = good_reply(RSWAP_OP_READ, RSWAP_MAX_IO + RSWAP_BLOCK);
	EXPECT_BAD(test, hdr, "oversized body");
	hdr = good_reply(RSWAP_OP_READ, 8192);
	hdr.body = cpu_to_le32(4096);
	EXPECT_BAD(test, hdr, "body differs from length");
	hdr = good_reply(RSWAP_OP_READ, 4096);
	hdr.status = RSWAP_ST_IO;
	EXPECT_BAD(test, hdr, "body differs from length");
	hdr = good_reply(RSWAP_OP_WRITE, 4096);
	hdr.body = cpu_to_le32(1);
	EXPECT_BAD(test, hdr, "unexpected body");
	hdr = good_reply(RSWAP_OP_HELLO, 0);
	EXPECT_BAD(test, hdr, "unknown operation");
	hdr = good_reply(RSWAP_OP_COUNT, 0);
	EXPECT_BAD(test, hdr, "unknown operation");
	hdr = good_reply(0, 0);
	EXPECT_BAD(test, hdr, "unknown operation");
	hdr = good_reply(RSWAP_OP_GOING_AWAY, 0);
	EXPECT_BAD(test, hdr, "unknown operation");
}

static void wire_check_notice_test(struct kunit *test)
{
	static const struct rswap_extent none;
	struct rswap_hdr hdr = { };
	u8 op;

	for (op = RSWAP_OP_PRESSURE; op < RSWAP_OP_COUNT; op++) {
		rswap_wire_init(&hdr, op, &none);
		KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	}
	rswap_wire_init(&hdr, RSWAP_OP_READ, &none);
	EXPECT_BAD(test, hdr, "request from the server");
	rswap_wire_init(&hdr, RSWAP_OP_GOING_AWAY, &none);
	hdr.tag = cpu_to_le32(1);
	EXPECT_BAD(test, hdr, "notice with stray fields");
	hdr.tag = 0;
	hdr.slab = cpu_to_le32(1);
	EXPECT_BAD(test, hdr, "notice with a slab");
	hdr.op = RSWAP_OP_MOVE;
	KUNIT_EXPECT_NULL(test, rswap_wire_check(&hdr, &limits));
	hdr.body = cpu_to_le32(4096);
	EXPECT_BAD(test, hdr, "notice with a body");
}

static void wire_echo_test(struct kunit *test)
{
	struct rswap_hdr reply = good_reply(RSWAP_OP_READ, 4096);
	struct rswap_hdr request = reply;

	KUNIT_EXPECT_NULL(test, rswap_wire_check_echo(&reply, &request));
	request.op = RSWAP_OP_WRITE;
	KUNIT_EXPECT_NOT_NULL(test, rswap_wire_check_echo(&reply, &request));
	request = reply;
	request.slab ^= cpu_to_le32(1);
	KUNIT_EXPECT_NOT_NULL(test, rswap_wire_check_echo(&reply, &request));
	request = reply;
	request.offset ^= cpu_to_le64(4096);
	KUNIT_EXPECT_NOT_NULL(test, rswap_wire_check_echo(&reply, &request));
	request = reply;
	request.length = cpu_to_le32(8192);
	KUNIT_EXPECT_NOT_NULL(test, rswap_wire_check_echo(&reply, &request));
}

struct hello_case {
	struct rswap_hdr	hdr;
	struct rswap_hello_reply reply;
	struct rswap_hello	asked;
};

static void hello_case_init(struct hello_case *c)
{
	*c = (struct hello_case) {
		.hdr = {
			.magic		= cpu_to_le32(RSWAP_MAGIC),
			.version	= RSWAP_VERSION,
			.op		= RSWAP_OP_HELLO,
			.flags		= RSWAP_F_REPLY,
			.body		= cpu_to_le32(sizeof(c->reply)),
		},
		.reply = {
			.version	= cpu_to_le16(RSWAP_VERSION),
			.slab_size	= cpu_to_le32(64 << 20),
			.max_io		= cpu_to_le32(RSWAP_MAX_IO),
			.depth		= cpu_to_le32(64),
		},
		.asked = {
			.max_io		= cpu_to_le32(RSWAP_MAX_IO),
			.depth		= cpu_to_le32(128),
		},
	};
}

static void expect_hello(struct kunit *test, int error, struct hello_case *c)
{
	char why[RSWAP_WHY_LEN] = "";

	KUNIT_EXPECT_EQ(test, rswap_wire_check_hello(&c->hdr, &c->reply,
						     &c->asked, why), error);
	KUNIT_EXPECT_EQ(test, !why[0], !error);
}

/* What is said of a right answer to HELLO after one change to it */
#define EXPECT_HELLO(test, error, change) do {				\
	struct hello_case c;						\
									\
	hello_case_init(&c);						\
	change;								\
	expect_hello(test, error, &c);					\
} while (0)

static void wire_hello_test(struct kunit *test)
{
	EXPECT_HELLO(test, 0, (void)0);
	EXPECT_HELLO(test, -EPROTO, c.hdr.magic = 0);
	EXPECT_HELLO(test, -EPROTO, c.hdr.op = RSWAP_OP_PING);
	EXPECT_HELLO(test, -EPROTO, c.hdr.flags = 0);
	EXPECT_HELLO(test, -EPROTO, c.hdr.status = RSWAP_ST_COUNT);
	EXPECT_HELLO(test, -EPROTO, c.hdr.tag = cpu_to_le32(1));
	EXPECT_HELLO(test, -EPROTO, c.hdr.body = cpu_to_le32(0));
	EXPECT_HELLO(test, -EPROTONOSUPPORT, c.hdr.version = 2);
	EXPECT_HELLO(test, -EPROTONOSUPPORT, c.reply.version = cpu_to_le16(2));
	EXPECT_HELLO(test, -EPROTONOSUPPORT, c.hdr.status = RSWAP_ST_VERSION);
	EXPECT_HELLO(test, -ENOSPC, c.hdr.status = RSWAP_ST_NOSPACE);
	EXPECT_HELLO(test, -EACCES, c.hdr.status = RSWAP_ST_AUTH);
	EXPECT_HELLO(test, -EUSERS, c.hdr.status = RSWAP_ST_LIMIT);
	EXPECT_HELLO(test, -ESHUTDOWN, c.hdr.status = RSWAP_ST_DRAINING);
	EXPECT_HELLO(test, -EPROTO, c.hdr.status = RSWAP_ST_PROTO);
	EXPECT_HELLO(test, -EPROTO, c.hdr.status = RSWAP_ST_IO);
	EXPECT_HELLO(test, -EPROTO, c.reply.slab_size = 0);
	EXPECT_HELLO(test, -EPROTO, c.reply.slab_size = cpu_to_le32(3 << 20));
	EXPECT_HELLO(test, -EPROTO,
		     c.reply.slab_size = cpu_to_le32(RSWAP_SLAB_MIN / 2));
	EXPECT_HELLO(test, -EPROTO,
		     c.reply.slab_size = cpu_to_le32(RSWAP_SLAB_MAX * 2u));
	EXPECT_HELLO(test, -EPROTO, c.reply.max_io = 0);
	EXPECT_HELLO(test, -EPROTO, c.reply.max_io = cpu_to_le32(1000));
	EXPECT_HELLO(test, -EPROTO,
		     c.reply.max_io = cpu_to_le32(RSWAP_MAX_IO * 2));
	EXPECT_HELLO(test, -EPROTO, c.reply.depth = 0);
	EXPECT_HELLO(test, -EPROTO, c.reply.depth = cpu_to_le32(129));
	EXPECT_HELLO(test, -EPROTO, c.reply.features = cpu_to_le64(1));
	EXPECT_HELLO(test, -EPROTO, c.reply.reserved0[1] = 1);
	EXPECT_HELLO(test, -EPROTO, c.reply.reserved1[3] = 1);
}

static void wire_status_test(struct kunit *test)
{
	unsigned int status;

	KUNIT_EXPECT_EQ(test, rswap_status_to_errno(RSWAP_ST_OK), 0);
	for (status = 1; status < 256; status++)
		KUNIT_EXPECT_LT(test, rswap_status_to_errno(status), 0);
	KUNIT_EXPECT_EQ(test, rswap_status_to_errno(RSWAP_ST_NOSPACE), -ENOSPC);
	KUNIT_EXPECT_EQ(test, rswap_status_to_errno(RSWAP_ST_NOSLAB), -EIO);
}

/* Every pair of states, against the picture in the documentation */
static void state_table_test(struct kunit *test)
{
	static const struct { u8 from, to; } allowed[] = {
		{ RSWAP_STATE_NEW,		RSWAP_STATE_CONNECTING },
		{ RSWAP_STATE_NEW,		RSWAP_STATE_CLOSING },
		{ RSWAP_STATE_CONNECTING,	RSWAP_STATE_LIVE },
		{ RSWAP_STATE_CONNECTING,	RSWAP_STATE_FAILED },
		{ RSWAP_STATE_LIVE,		RSWAP_STATE_LOST },
		{ RSWAP_STATE_LIVE,		RSWAP_STATE_CLOSING },
		{ RSWAP_STATE_LOST,		RSWAP_STATE_FAILED },
		{ RSWAP_STATE_FAILED,		RSWAP_STATE_CLOSING },
		{ RSWAP_STATE_CLOSING,		RSWAP_STATE_CLOSED },
	};
	unsigned int from, to, i;

	for (from = 0; from <= RSWAP_STATE_CLOSED + 1; from++) {
		for (to = 0; to <= RSWAP_STATE_CLOSED + 1; to++) {
			bool want = false;

			for (i = 0; i < ARRAY_SIZE(allowed); i++)
				want |= allowed[i].from == from &&
					allowed[i].to == to;
			KUNIT_EXPECT_EQ_MSG(test, rswap_state_allowed(from, to),
					    want, "%u to %u", from, to);
		}
	}
	KUNIT_EXPECT_STREQ(test, rswap_state_name(RSWAP_STATE_LIVE), "live");
	KUNIT_EXPECT_STREQ(test, rswap_state_name(RSWAP_STATE_CLOSED + 1), "?");
}

static void slab_geometry_test(struct kunit *test)
{
	const u32 size = 64 << 20;
	struct rswap_slab_map *map;
	struct rswap_extent ext;

	map = rswap_slab_map_create(10ULL * size + 4096, size);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, map->nr, 11);

	ext = rswap_slab_extent(map, 0, 4096);
	KUNIT_EXPECT_EQ(test, ext.slab, 0);
	KUNIT_EXPECT_EQ(test, ext.offset, 0);
	KUNIT_EXPECT_EQ(test, ext.length, 4096);
	ext = rswap_slab_extent(map, size - 4096, 12288);
	KUNIT_EXPECT_EQ(test, ext.slab, 0);
	KUNIT_EXPECT_EQ(test, ext.offset, size - 4096);
	KUNIT_EXPECT_EQ(test, ext.length, 4096);
	ext = rswap_slab_extent(map, 10ULL * size, 4096);
	KUNIT_EXPECT_EQ(test, ext.slab, 10);
	KUNIT_EXPECT_EQ(test, ext.offset, 0);
	ext = rswap_slab_extent(map, size, 5ULL * size);
	KUNIT_EXPECT_EQ(test, ext.slab, 1);
	KUNIT_EXPECT_EQ(test, ext.length, size);
	rswap_slab_map_destroy(map);

	/* Beyond 4 GiB the byte offset needs 64 bits, the slab number does not */
	map = rswap_slab_map_create(1ULL << 40, RSWAP_SLAB_MIN);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, map->nr, 1U << 20);
	ext = rswap_slab_extent(map, (1ULL << 40) - 4096, 4096);
	KUNIT_EXPECT_EQ(test, ext.slab, (1U << 20) - 1);
	KUNIT_EXPECT_EQ(test, ext.offset, RSWAP_SLAB_MIN - 4096);
	rswap_slab_map_destroy(map);
}

static void slab_create_bad_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(rswap_slab_map_create(0, 1 << 20)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rswap_slab_map_create(4096, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rswap_slab_map_create(4096, 3 << 20)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(rswap_slab_map_create((1ULL << 40) + 4096,
							    RSWAP_SLAB_MIN)),
			-EINVAL);
}

static void slab_states_test(struct kunit *test)
{
	struct rswap_slab_map *map = rswap_slab_map_create(4 << 20, 1 << 20);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_FALSE(test, rswap_slab_mapped(map, 2));
	KUNIT_EXPECT_TRUE(test, rswap_slab_begin(map, 2));
	KUNIT_EXPECT_FALSE(test, rswap_slab_mapped(map, 2));
	/* A refusal leaves it unmapped, and the next writer asks again */
	rswap_slab_end(map, 2, false);
	KUNIT_EXPECT_FALSE(test, rswap_slab_mapped(map, 2));
	KUNIT_EXPECT_EQ(test, atomic_read(&map->mapped), 0);
	KUNIT_EXPECT_TRUE(test, rswap_slab_begin(map, 2));
	rswap_slab_end(map, 2, true);
	KUNIT_EXPECT_TRUE(test, rswap_slab_mapped(map, 2));
	KUNIT_EXPECT_FALSE(test, rswap_slab_begin(map, 2));
	KUNIT_EXPECT_EQ(test, atomic_read(&map->mapped), 1);
	KUNIT_EXPECT_FALSE(test, rswap_slab_mapped(map, 1));
	KUNIT_EXPECT_FALSE(test, rswap_slab_mapped(map, 3));
	rswap_slab_map_destroy(map);
}

struct slab_race {
	struct rswap_slab_map	*map;
	atomic_t		askers;
	atomic_t		finished;
	struct completion	done;
};

#define SLAB_RACERS	4

static int slab_racer(void *data)
{
	struct slab_race *race = data;
	u32 slab;

	for (slab = 0; slab < race->map->nr; slab++) {
		if (rswap_slab_begin(race->map, slab)) {
			atomic_inc(&race->askers);
			cond_resched();
			rswap_slab_end(race->map, slab, true);
		}
		if (!rswap_slab_mapped(race->map, slab))
			atomic_add(1000000, &race->askers);
	}
	if (atomic_inc_return(&race->finished) == SLAB_RACERS)
		complete(&race->done);
	return 0;
}

/* Of any number of writers exactly one asks the server, the others wait */
static void slab_race_test(struct kunit *test)
{
	struct slab_race race = { };
	struct task_struct *task;
	int i;

	race.map = rswap_slab_map_create(2048ULL << 20, 1 << 20);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, race.map);
	init_completion(&race.done);
	for (i = 0; i < SLAB_RACERS; i++) {
		task = kthread_run(slab_racer, &race, "slab_racer/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	}
	wait_for_completion(&race.done);
	KUNIT_EXPECT_EQ(test, atomic_read(&race.askers), race.map->nr);
	KUNIT_EXPECT_EQ(test, atomic_read(&race.map->mapped), race.map->nr);
	rswap_slab_map_destroy(race.map);
}

/* The specification's formula for the lower bound of a bucket */
static u64 bucket_start(u32 bucket)
{
	u32 sub = 1 << RSWAP_LATENCY_SHIFT;

	return (u64)((sub + bucket % sub) << (bucket / sub)) * 64;
}

static void stats_bucket_test(struct kunit *test)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, rswap_stats_bucket(0), 0);
	KUNIT_EXPECT_EQ(test, rswap_stats_bucket(U64_MAX),
			RSWAP_LATENCY_BUCKETS - 1);
	for (i = 0; i < RSWAP_LATENCY_BUCKETS; i++) {
		KUNIT_EXPECT_EQ(test, rswap_stats_bucket(bucket_start(i)), i);
		if (i)
			KUNIT_EXPECT_EQ(test,
					rswap_stats_bucket(bucket_start(i) - 1),
					i - 1);
	}
}

static struct kunit_case rswap_cases[] = {
	KUNIT_CASE(wire_init_test),
	KUNIT_CASE(wire_check_good_test),
	KUNIT_CASE(wire_check_bad_test),
	KUNIT_CASE(wire_check_notice_test),
	KUNIT_CASE(wire_echo_test),
	KUNIT_CASE(wire_hello_test),
	KUNIT_CASE(wire_status_test),
	KUNIT_CASE(state_table_test),
	KUNIT_CASE(slab_geometry_test),
	KUNIT_CASE(slab_create_bad_test),
	KUNIT_CASE(slab_states_test),
	KUNIT_CASE(slab_race_test),
	KUNIT_CASE(stats_bucket_test),
	{ }
};

static struct kunit_suite rswap_suite = {
	.name		= "rswap",
	.test_cases	= rswap_cases,
};

kunit_test_suite(rswap_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of rswap");
MODULE_LICENSE("GPL");
