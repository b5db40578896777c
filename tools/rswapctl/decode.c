// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's messages to structs
 *
 * Attributes that this version does not know are passed over; of those it knows,
 * each must have the length that the specification gives it.
 */
#include <errno.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include "rswapctl.h"

static void get_string(char *to, size_t size, const struct nlattr *attr)
{
	if (attr)
		nla_strlcpy(to, attr, size);
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(const struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static const struct nla_policy device_policy[RSWAP_A_DEV_MAX + 1] = {
	[RSWAP_A_DEV_INDEX] = { .type = NLA_U32 },
	[RSWAP_A_DEV_NAME] = { .type = NLA_STRING, .maxlen = RSWAP_MAX_NAME + 1 },
	[RSWAP_A_DEV_URL] = { .type = NLA_STRING, .maxlen = RSWAP_MAX_URL + 1 },
	[RSWAP_A_DEV_SIZE] = { .type = NLA_U64 },
	[RSWAP_A_DEV_CONNECTIONS] = { .type = NLA_U32 },
	[RSWAP_A_DEV_QUEUE_DEPTH] = { .type = NLA_U32 },
	[RSWAP_A_DEV_TIMEOUT] = { .type = NLA_U32 },
	[RSWAP_A_DEV_THIN] = { .type = NLA_FLAG },
	[RSWAP_A_DEV_STATE] = { .type = NLA_U32 },
	[RSWAP_A_DEV_ERROR] = { .type = NLA_U32 },
	[RSWAP_A_DEV_DISK] = { .type = NLA_STRING, .maxlen = DISK_LEN },
	[RSWAP_A_DEV_IN_USE] = { .type = NLA_U32 },
	[RSWAP_A_DEV_SLAB_SIZE] = { .type = NLA_U32 },
	[RSWAP_A_DEV_SLABS] = { .type = NLA_U32 },
	[RSWAP_A_DEV_SLABS_MAPPED] = { .type = NLA_U32 },
	[RSWAP_A_DEV_MAX_IO] = { .type = NLA_U32 },
	[RSWAP_A_DEV_SERVER_LIMIT] = { .type = NLA_U64 },
	[RSWAP_A_DEV_SERVER_FREE] = { .type = NLA_U64 },
	[RSWAP_A_DEV_MEMORY] = { .type = NLA_U64 },
};

/**
 * decode_device - an answer to ATTACH or DEV_GET
 * @nlh: the message
 * @dev: set to what it says; what it does not say is 0
 *
 * Return: 0, or -1 if the message makes no sense.
 */
int decode_device(const struct nlmsghdr *nlh, struct device *dev)
{
	struct nlattr *at[RSWAP_A_DEV_MAX + 1];

	memset(dev, 0, sizeof(*dev));
	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, at, RSWAP_A_DEV_MAX,
			  (struct nla_policy *)device_policy) < 0)
		return -1;
	if (!at[RSWAP_A_DEV_INDEX] || !at[RSWAP_A_DEV_NAME] || !at[RSWAP_A_DEV_DISK])
		return -1;
	get_string(dev->name, sizeof(dev->name), at[RSWAP_A_DEV_NAME]);
	get_string(dev->url, sizeof(dev->url), at[RSWAP_A_DEV_URL]);
	get_string(dev->disk, sizeof(dev->disk), at[RSWAP_A_DEV_DISK]);
	dev->index = get_u32(at[RSWAP_A_DEV_INDEX]);
	dev->size = get_u64(at[RSWAP_A_DEV_SIZE]);
	dev->connections = get_u32(at[RSWAP_A_DEV_CONNECTIONS]);
	dev->queue_depth = get_u32(at[RSWAP_A_DEV_QUEUE_DEPTH]);
	dev->timeout = get_u32(at[RSWAP_A_DEV_TIMEOUT]);
	dev->thin = at[RSWAP_A_DEV_THIN];
	dev->state = get_u32(at[RSWAP_A_DEV_STATE]);
	dev->error = get_u32(at[RSWAP_A_DEV_ERROR]);
	dev->in_use = get_u32(at[RSWAP_A_DEV_IN_USE]);
	dev->slab_size = get_u32(at[RSWAP_A_DEV_SLAB_SIZE]);
	dev->slabs = get_u32(at[RSWAP_A_DEV_SLABS]);
	dev->slabs_mapped = get_u32(at[RSWAP_A_DEV_SLABS_MAPPED]);
	dev->max_io = get_u32(at[RSWAP_A_DEV_MAX_IO]);
	dev->server_limit = get_u64(at[RSWAP_A_DEV_SERVER_LIMIT]);
	dev->server_free = get_u64(at[RSWAP_A_DEV_SERVER_FREE]);
	dev->memory = get_u64(at[RSWAP_A_DEV_MEMORY]);
	return 0;
}

static int decode_io(struct nlattr *nest, struct stats *stats)
{
	static const struct nla_policy policy[RSWAP_A_IO_STATS_MAX + 1] = {
		[RSWAP_A_IO_STATS_KIND] = { .type = NLA_U32 },
		[RSWAP_A_IO_STATS_IOS] = { .type = NLA_U64 },
		[RSWAP_A_IO_STATS_BYTES] = { .type = NLA_U64 },
		[RSWAP_A_IO_STATS_ERRORS] = { .type = NLA_U64 },
		[RSWAP_A_IO_STATS_INFLIGHT] = { .type = NLA_U32 },
	};
	struct nlattr *at[RSWAP_A_IO_STATS_MAX + 1];
	const struct nlattr *latency;
	struct io_stats *io;
	uint32_t kind;

	if (nla_parse_nested(at, RSWAP_A_IO_STATS_MAX, nest,
			     (struct nla_policy *)policy) < 0 ||
	    !at[RSWAP_A_IO_STATS_KIND])
		return -1;
	kind = nla_get_u32(at[RSWAP_A_IO_STATS_KIND]);
	if (kind >= IO_KINDS)
		return 0;
	io = &stats->io[kind];
	io->ios = get_u64(at[RSWAP_A_IO_STATS_IOS]);
	io->bytes = get_u64(at[RSWAP_A_IO_STATS_BYTES]);
	io->errors = get_u64(at[RSWAP_A_IO_STATS_ERRORS]);
	io->inflight = get_u32(at[RSWAP_A_IO_STATS_INFLIGHT]);
	latency = at[RSWAP_A_IO_STATS_LATENCY];
	if (!latency || nla_len(latency) != (int)sizeof(io->latency))
		return -1;
	memcpy(io->latency, nla_data(latency), sizeof(io->latency));
	return 0;
}

/**
 * decode_stats - an answer to STATS_GET
 * @nlh: the message
 * @stats: set to what it says
 *
 * Return: 0, or -1 if the message makes no sense.
 */
int decode_stats(const struct nlmsghdr *nlh, struct stats *stats)
{
	static const struct nla_policy policy[RSWAP_A_STATS_MAX + 1] = {
		[RSWAP_A_STATS_INDEX] = { .type = NLA_U32 },
		[RSWAP_A_STATS_NAME] = { .type = NLA_STRING, .maxlen = RSWAP_MAX_NAME + 1 },
		[RSWAP_A_STATS_IO] = { .type = NLA_NESTED },
	};
	struct nlattr *at[RSWAP_A_STATS_MAX + 1], *attr;
	const struct genlmsghdr *genl;
	int left;

	memset(stats, 0, sizeof(*stats));
	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, at, RSWAP_A_STATS_MAX,
			  (struct nla_policy *)policy) < 0)
		return -1;
	if (!at[RSWAP_A_STATS_INDEX] || !at[RSWAP_A_STATS_NAME])
		return -1;
	stats->index = nla_get_u32(at[RSWAP_A_STATS_INDEX]);
	get_string(stats->name, sizeof(stats->name), at[RSWAP_A_STATS_NAME]);
	genl = NLMSG_DATA(nlh);
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0),
			  genlmsg_attrlen(genl, 0), left)
		if (nla_type(attr) == RSWAP_A_STATS_IO && decode_io(attr, stats))
			return -1;
	return 0;
}

/* The text of an extended acknowledgement among the attributes at @data */
static void extack_text(const char *data, size_t left, char *text, size_t size)
{
	struct nlattr *attr = (struct nlattr *)data;
	int rest;

	nla_for_each_attr(attr, (struct nlattr *)data, (int)left, rest) {
		int len = nla_len(attr);

		if (nla_type(attr) != NLMSGERR_ATTR_MSG || len <= 0)
			continue;
		snprintf(text, size, "%.*s", len, (const char *)nla_data(attr));
		return;
	}
}

/**
 * decode_error - an acknowledgement, or the end of a dump
 * @nlh: a message of type NLMSG_ERROR or NLMSG_DONE
 * @text: set to the kernel's words, empty if it said none
 * @size: bytes at @text
 *
 * Return: 0 or a negative errno, as the kernel reported it.
 */
int decode_error(const struct nlmsghdr *nlh, char *text, size_t size)
{
	const char *data = NLMSG_DATA(nlh);
	size_t length = nlh->nlmsg_len - NLMSG_HDRLEN;
	size_t skip = sizeof(int);
	int error;

	text[0] = '\0';
	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(int))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, data, sizeof(error));
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		struct nlmsgerr head;

		if (length < sizeof(head))
			return -EBADMSG;
		memcpy(&head, data, sizeof(head));
		skip = sizeof(head);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED) &&
		    head.msg.nlmsg_len > sizeof(head.msg))
			skip += NLMSG_ALIGN(head.msg.nlmsg_len - sizeof(head.msg));
	}
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && skip < length)
		extack_text(data + skip, length - skip, text, size);
	return error;
}

static const char *const states[] = {
	[RSWAP_STATE_NEW] = "new",
	[RSWAP_STATE_CONNECTING] = "connecting",
	[RSWAP_STATE_LIVE] = "live",
	[RSWAP_STATE_LOST] = "lost",
	[RSWAP_STATE_FAILED] = "failed",
	[RSWAP_STATE_CLOSING] = "closing",
	[RSWAP_STATE_CLOSED] = "closed",
};

/**
 * state_name - name of a session state
 * @state: enum rswap_state, or a number from a newer kernel
 *
 * Return: the name that the netlink specification gives it, or "unknown".
 */
const char *state_name(uint32_t state)
{
	return state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown";
}

/**
 * io_kind_name - name of a kind of I/O
 * @kind: enum rswap_io_kind, below IO_KINDS
 *
 * Return: the name that the netlink specification gives it.
 */
const char *io_kind_name(uint32_t kind)
{
	static const char *const names[IO_KINDS] = {
		[RSWAP_IO_KIND_DEMAND_READ] = "demand-read",
		[RSWAP_IO_KIND_BULK_READ] = "bulk-read",
		[RSWAP_IO_KIND_WRITE] = "write",
		[RSWAP_IO_KIND_TRIM] = "trim",
	};

	return names[kind];
}
