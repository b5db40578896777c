// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding of the kernel's messages, packed here by hand as netlink lays them
 * out, whole, cut off and damaged
 */
#include <errno.h>
#include <stdlib.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "test.h"

/**
 * struct packet - a message being packed
 * @buf: its bytes
 * @len: how many
 */
struct packet {
	char buf[8192] __attribute__((aligned(8)));
	size_t len;
};

static struct nlmsghdr *header(struct packet *p)
{
	return (struct nlmsghdr *)p->buf;
}

static void put(struct packet *p, const void *data, size_t len)
{
	memcpy(p->buf + p->len, data, len);
	p->len += len;
	while (p->len % NLA_ALIGNTO)
		p->buf[p->len++] = 0;
	header(p)->nlmsg_len = (uint32_t)p->len;
}

static void put_attr(struct packet *p, uint16_t type, const void *data, size_t len)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };

	put(p, &attr, sizeof(attr));
	put(p, data, len);
}

static void put_u32(struct packet *p, uint16_t type, uint32_t value)
{
	put_attr(p, type, &value, sizeof(value));
}

static void put_u64(struct packet *p, uint16_t type, uint64_t value)
{
	put_attr(p, type, &value, sizeof(value));
}

static void put_text(struct packet *p, uint16_t type, const char *text)
{
	put_attr(p, type, text, strlen(text) + 1);
}

static void begin(struct packet *p, uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr nlh = { .nlmsg_type = type, .nlmsg_flags = flags };
	struct genlmsghdr genl = { .cmd = cmd, .version = 1 };

	memset(p, 0, sizeof(*p));
	put(p, &nlh, sizeof(nlh));
	if (type >= NLMSG_MIN_TYPE)
		put(p, &genl, sizeof(genl));
}

static void pack_device(struct packet *p)
{
	begin(p, 0x20, 0, RSWAP_CMD_DEV_GET);
	put_u32(p, RSWAP_A_DEV_INDEX, 3);
	put_text(p, RSWAP_A_DEV_NAME, "r3");
	put_text(p, RSWAP_A_DEV_DISK, "rswap3");
	put_text(p, RSWAP_A_DEV_URL, "tcp://[fd77::1]:9400");
	put_attr(p, RSWAP_A_DEV_PAD, "", 0);
	put_u64(p, RSWAP_A_DEV_SIZE, 5ull << 32);
	put_u32(p, RSWAP_A_DEV_CONNECTIONS, 4);
	put_u32(p, RSWAP_A_DEV_QUEUE_DEPTH, 128);
	put_u32(p, RSWAP_A_DEV_TIMEOUT, 30);
	put_attr(p, RSWAP_A_DEV_THIN, "", 0);
	put_u32(p, RSWAP_A_DEV_STATE, RSWAP_STATE_FAILED);
	put_u32(p, RSWAP_A_DEV_ERROR, ETIMEDOUT);
	put_u32(p, RSWAP_A_DEV_IN_USE, 1);
	put_u32(p, RSWAP_A_DEV_SLAB_SIZE, 64u << 20);
	put_u32(p, RSWAP_A_DEV_SLABS, 320);
	put_u32(p, RSWAP_A_DEV_SLABS_MAPPED, 7);
	put_u32(p, RSWAP_A_DEV_MAX_IO, 1u << 20);
	put_u64(p, RSWAP_A_DEV_SERVER_LIMIT, 1ull << 40);
	put_u64(p, RSWAP_A_DEV_SERVER_FREE, 1ull << 39);
	put_u64(p, RSWAP_A_DEV_MEMORY, 123456);
	/* From a newer kernel */
	put_u32(p, RSWAP_A_DEV_MAX + 1, 42);
}

static void device(void)
{
	struct packet p;
	struct device d;

	pack_device(&p);
	CHECK(decode_device(header(&p), &d) == 0);
	CHECK_STR(d.name, "r3");
	CHECK_STR(d.disk, "rswap3");
	CHECK_STR(d.url, "tcp://[fd77::1]:9400");
	CHECK(d.index == 3 && d.size == 5ull << 32 && d.connections == 4);
	CHECK(d.queue_depth == 128 && d.timeout == 30 && d.thin);
	CHECK(d.state == RSWAP_STATE_FAILED && d.error == ETIMEDOUT && d.in_use == 1);
	CHECK(d.slab_size == 64u << 20 && d.slabs == 320 && d.slabs_mapped == 7);
	CHECK(d.max_io == 1u << 20 && d.server_limit == 1ull << 40);
	CHECK(d.server_free == 1ull << 39 && d.memory == 123456);
	CHECK_STR(state_name(d.state), "failed");
	CHECK_STR(state_name(1000), "unknown");
}

static void device_bad(void)
{
	char name[RSWAP_MAX_NAME + 3];
	struct packet p;
	struct device d;

	begin(&p, 0x20, 0, RSWAP_CMD_DEV_GET);
	put_u32(&p, RSWAP_A_DEV_INDEX, 3);
	put_text(&p, RSWAP_A_DEV_NAME, "r3");
	CHECK(decode_device(header(&p), &d) == -1);
	put_text(&p, RSWAP_A_DEV_DISK, "rswap3");
	CHECK(decode_device(header(&p), &d) == 0);
	CHECK(!d.thin && !d.size && !d.url[0]);
	/* Of the wrong length */
	put_attr(&p, RSWAP_A_DEV_SIZE, "\1\0\0", 3);
	CHECK(decode_device(header(&p), &d) == -1);
	/* Without its NUL, and too long */
	begin(&p, 0x20, 0, RSWAP_CMD_DEV_GET);
	put_u32(&p, RSWAP_A_DEV_INDEX, 3);
	put_text(&p, RSWAP_A_DEV_DISK, "rswap3");
	put_attr(&p, RSWAP_A_DEV_NAME, "r3", 2);
	CHECK(decode_device(header(&p), &d) == -1);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	begin(&p, 0x20, 0, RSWAP_CMD_DEV_GET);
	put_u32(&p, RSWAP_A_DEV_INDEX, 3);
	put_text(&p, RSWAP_A_DEV_DISK, "rswap3");
	put_text(&p, RSWAP_A_DEV_NAME, name);
	CHECK(decode_device(header(&p), &d) == -1);
}

static void pack_io(struct packet *p, uint32_t kind, size_t latency_bytes)
{
	uint64_t latency[RSWAP_LATENCY_BUCKETS] = { [0] = kind, [111] = 9 };
	struct packet nest = { .len = NLMSG_HDRLEN };

	put_u32(&nest, RSWAP_A_IO_STATS_KIND, kind);
	put_u64(&nest, RSWAP_A_IO_STATS_IOS, 100 + kind);
	put_u64(&nest, RSWAP_A_IO_STATS_BYTES, UINT64_MAX - kind);
	put_u64(&nest, RSWAP_A_IO_STATS_ERRORS, kind);
	put_u32(&nest, RSWAP_A_IO_STATS_INFLIGHT, 2);
	put_attr(&nest, RSWAP_A_IO_STATS_LATENCY, latency, latency_bytes);
	put_attr(p, RSWAP_A_STATS_IO | NLA_F_NESTED, nest.buf + NLMSG_HDRLEN,
		 nest.len - NLMSG_HDRLEN);
}

static void pack_stats(struct packet *p)
{
	uint32_t kind;

	begin(p, 0x20, 0, RSWAP_CMD_STATS_GET);
	put_u32(p, RSWAP_A_STATS_INDEX, 1);
	put_text(p, RSWAP_A_STATS_NAME, "r1");
	/* One kind more than is known here */
	for (kind = 0; kind <= IO_KINDS; kind++)
		pack_io(p, kind, RSWAP_LATENCY_BUCKETS * sizeof(uint64_t));
}

static void stats(void)
{
	struct packet p;
	struct stats s;
	uint32_t kind;

	pack_stats(&p);
	CHECK(decode_stats(header(&p), &s) == 0);
	CHECK(s.index == 1);
	CHECK_STR(s.name, "r1");
	for (kind = 0; kind < IO_KINDS; kind++) {
		CHECK(s.io[kind].ios == 100 + kind);
		CHECK(s.io[kind].bytes == UINT64_MAX - kind);
		CHECK(s.io[kind].errors == kind && s.io[kind].inflight == 2);
		CHECK(s.io[kind].latency[0] == kind && s.io[kind].latency[111] == 9);
	}
	CHECK_STR(io_kind_name(RSWAP_IO_KIND_DEMAND_READ), "demand-read");
}

static void stats_bad(void)
{
	struct packet p;
	struct stats s;

	begin(&p, 0x20, 0, RSWAP_CMD_STATS_GET);
	put_u32(&p, RSWAP_A_STATS_INDEX, 1);
	CHECK(decode_stats(header(&p), &s) == -1);
	put_text(&p, RSWAP_A_STATS_NAME, "r1");
	CHECK(decode_stats(header(&p), &s) == 0);
	pack_io(&p, 0, 80);
	CHECK(decode_stats(header(&p), &s) == -1);
}

static void pack_error(struct packet *p, int error, uint16_t flags, const char *text)
{
	struct nlmsgerr head = { .error = error, .msg = { .nlmsg_len = NLMSG_HDRLEN + 21 } };
	char request[24] = "an echo of the request";

	begin(p, NLMSG_ERROR, flags, 0);
	put(p, &head, sizeof(head));
	if (!(flags & NLM_F_CAPPED))
		put(p, request, sizeof(request));
	/* An attribute that is of no interest, then the one that is */
	put_u32(p, NLMSGERR_ATTR_OFFS, 77);
	if (text)
		put_text(p, NLMSGERR_ATTR_MSG, text);
}

static void errors(void)
{
	int zero = 0, minus = -ENOMEM;
	struct packet p;
	char text[64];

	pack_error(&p, -EEXIST, NLM_F_CAPPED | NLM_F_ACK_TLVS, "name r0 is taken");
	CHECK(decode_error(header(&p), text, sizeof(text)) == -EEXIST);
	CHECK_STR(text, "name r0 is taken");
	pack_error(&p, -EEXIST, NLM_F_ACK_TLVS, "name r0 is taken");
	CHECK(decode_error(header(&p), text, sizeof(text)) == -EEXIST);
	CHECK_STR(text, "name r0 is taken");
	pack_error(&p, -EPERM, NLM_F_CAPPED | NLM_F_ACK_TLVS, NULL);
	CHECK(decode_error(header(&p), text, sizeof(text)) == -EPERM);
	CHECK_STR(text, "");
	/* Attributes that were not announced are not looked at */
	pack_error(&p, -EBUSY, NLM_F_CAPPED, "noise");
	CHECK(decode_error(header(&p), text, sizeof(text)) == -EBUSY);
	CHECK_STR(text, "");
	pack_error(&p, -EBUSY, NLM_F_CAPPED | NLM_F_ACK_TLVS, "longer than there is room");
	CHECK(decode_error(header(&p), text, 8) == -EBUSY);
	CHECK_STR(text, "longer ");

	begin(&p, NLMSG_DONE, NLM_F_MULTI, 0);
	CHECK(decode_error(header(&p), text, sizeof(text)) == 0);
	put(&p, &zero, sizeof(zero));
	CHECK(decode_error(header(&p), text, sizeof(text)) == 0);
	begin(&p, NLMSG_DONE, NLM_F_MULTI, 0);
	put(&p, &minus, sizeof(minus));
	CHECK(decode_error(header(&p), text, sizeof(text)) == -ENOMEM);
	begin(&p, NLMSG_ERROR, 0, 0);
	put(&p, &minus, sizeof(minus));
	CHECK(decode_error(header(&p), text, sizeof(text)) == -EBADMSG);
}

static void decode_all(const struct packet *p)
{
	struct nlmsghdr *exact = malloc(p->len);
	struct device d;
	struct stats s;
	char text[64];

	/* Of exactly the right size, so that the sanitizer sees each byte beyond */
	if (!exact)
		abort();
	memcpy(exact, p->buf, p->len);
	exact->nlmsg_len = (uint32_t)p->len;
	decode_device(exact, &d);
	decode_stats(exact, &s);
	decode_error(exact, text, sizeof(text));
	free(exact);
}

/* What is decoded matters little here; the sanitizers watch what is read */
static void damage(const struct packet *p)
{
	struct packet q = *p;
	size_t i;

	for (q.len = NLMSG_HDRLEN + GENL_HDRLEN; q.len < p->len; q.len++)
		decode_all(&q);
	q.len = p->len;
	for (i = NLMSG_HDRLEN; i < p->len; i++) {
		static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
		size_t k;

		for (k = 0; k < sizeof(values); k++) {
			q.buf[i] = (char)values[k];
			decode_all(&q);
		}
		q.buf[i] = p->buf[i];
	}
}

static void damaged(void)
{
	struct packet p;

	pack_device(&p);
	damage(&p);
	begin(&p, 0x20, 0, RSWAP_CMD_STATS_GET);
	put_u32(&p, RSWAP_A_STATS_INDEX, 1);
	put_text(&p, RSWAP_A_STATS_NAME, "r1");
	pack_io(&p, 0, RSWAP_LATENCY_BUCKETS * sizeof(uint64_t));
	damage(&p);
	pack_error(&p, -EEXIST, NLM_F_ACK_TLVS, "name r0 is taken");
	damage(&p);
	pack_error(&p, -EEXIST, NLM_F_CAPPED | NLM_F_ACK_TLVS, "name r0 is taken");
	damage(&p);
}

static void kernel_errors(void)
{
	struct err e;

	CHECK(err_kernel(&e, ECONNREFUSED, "connection refused") == RC_UNREACHABLE);
	CHECK_STR(e.text, "connection refused");
	CHECK(e.hint[0]);
	CHECK(err_kernel(&e, EPERM, "") == RC_PERMISSION);
	CHECK_STR(e.text, "Operation not permitted");
	CHECK(err_kernel(&e, ENODEV, "") == RC_NOT_FOUND);
	CHECK(err_kernel(&e, EBUSY, "") == RC_IN_USE);
	CHECK(err_kernel(&e, EEXIST, "") == RC_IN_USE);
	CHECK(err_kernel(&e, ENOSPC, "") == RC_REFUSED);
	CHECK(err_kernel(&e, EPROTO, "") == RC_REFUSED);
	CHECK(err_kernel(&e, EINVAL, "odd") == RC_FAILED);
	CHECK_STR(e.hint, "");
}

static const struct test_case cases[] = {
	{ "a device", device },
	{ "a device with something missing or wrong", device_bad },
	{ "statistics", stats },
	{ "statistics with something missing or wrong", stats_bad },
	{ "acknowledgements and their texts", errors },
	{ "cut off or damaged messages", damaged },
	{ "exit codes and hints", kernel_errors },
};

TEST_MAIN(cases)
