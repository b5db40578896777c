// SPDX-License-Identifier: GPL-2.0
/*
 * rswap wire messages: building ours, and distrusting the server's
 *
 * Everything a server sends passes rswap_wire_check() (or, while connecting,
 * rswap_wire_check_hello()) before any other code looks at it.
 */
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <kunit/visibility.h>

#include "rswap.h"

/**
 * rswap_wire_init - fill in the header of a request; all but the tag
 * @hdr: the header; its tag is kept
 * @op: enum rswap_op, not HELLO
 * @ext: what part of which slab the request is about
 *
 * Context: any.
 */
void rswap_wire_init(struct rswap_hdr *hdr, u8 op,
		     const struct rswap_extent *ext)
{
	hdr->magic = cpu_to_le32(RSWAP_MAGIC);
	hdr->version = RSWAP_VERSION;
	hdr->op = op;
	hdr->flags = 0;
	hdr->status = 0;
	hdr->slab = cpu_to_le32(ext->slab);
	hdr->offset = cpu_to_le64(ext->offset);
	hdr->length = cpu_to_le32(ext->length);
	hdr->body = op == RSWAP_OP_WRITE ? hdr->length : 0;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_wire_init);

static const char *rswap_wire_check_notice(const struct rswap_hdr *hdr)
{
	if (hdr->op < RSWAP_OP_PRESSURE || hdr->op >= RSWAP_OP_COUNT)
		return "request from the server";
	if (hdr->status || hdr->tag || hdr->offset || hdr->length)
		return "notice with stray fields";
	if (hdr->slab && hdr->op != RSWAP_OP_MOVE)
		return "notice with a slab";
	if (hdr->body)
		return "notice with a body";
	return NULL;
}

/**
 * rswap_wire_check - may this header have come from an honest server?
 * @hdr: a header received after HELLO
 * @limits: what was agreed on
 *
 * Looks at the header alone; whether a reply fits its request is for
 * rswap_wire_check_echo().
 *
 * Context: any.
 * Return: NULL, or what is wrong.
 */
const char *rswap_wire_check(const struct rswap_hdr *hdr,
			     const struct rswap_limits *limits)
{
	u32 body = le32_to_cpu(hdr->body);

	if (le32_to_cpu(hdr->magic) != RSWAP_MAGIC)
		return "bad magic";
	if (hdr->version != RSWAP_VERSION)
		return "bad version";
	if (hdr->flags & ~RSWAP_F_ALL)
		return "unknown flags";
	if (!(hdr->flags & RSWAP_F_REPLY))
		return rswap_wire_check_notice(hdr);
	if (hdr->status >= RSWAP_ST_COUNT)
		return "unknown status";
	switch (hdr->op) {
	case RSWAP_OP_READ:
		if (body > limits->max_io)
			return "oversized body";
		if (body != (hdr->status ? 0 : le32_to_cpu(hdr->length)))
			return "body differs from length";
		return NULL;
	case RSWAP_OP_BYE:
	case RSWAP_OP_PING:
	case RSWAP_OP_SLAB_ALLOC:
	case RSWAP_OP_SLAB_FREE:
	case RSWAP_OP_WRITE:
	case RSWAP_OP_TRIM:
		return body ? "unexpected body" : NULL;
	}
	return "unknown operation";
}
EXPORT_SYMBOL_IF_KUNIT(rswap_wire_check);

/**
 * rswap_wire_check_echo - does a reply answer this request?
 * @hdr: a reply that rswap_wire_check() let pass
 * @request: header of the request with its tag
 *
 * Context: any.
 * Return: NULL, or what is wrong.
 */
const char *rswap_wire_check_echo(const struct rswap_hdr *hdr,
				  const struct rswap_hdr *request)
{
	if (hdr->op != request->op)
		return "reply with another operation";
	if (hdr->slab != request->slab || hdr->offset != request->offset ||
	    hdr->length != request->length)
		return "reply for another extent";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_wire_check_echo);

/**
 * rswap_wire_init_hello - fill in the body of HELLO
 * @hello: the body
 * @session: who says hello
 * @lane: what the connection is for
 *
 * Context: any.
 */
void rswap_wire_init_hello(struct rswap_hello *hello,
			   const struct rswap_session *session,
			   enum rswap_lane_kind lane)
{
	const struct rswap_config *config = &session->config;

	*hello = (struct rswap_hello) {
		.version_min	= cpu_to_le16(RSWAP_VERSION),
		.version_max	= cpu_to_le16(RSWAP_VERSION),
		.lane		= lane,
		.size		= cpu_to_le64(config->size),
		.reserve	= cpu_to_le64(config->thin ? 0 : config->size),
		.max_io		= cpu_to_le32(RSWAP_MAX_IO),
		.depth		= cpu_to_le32(config->depth),
	};
	memcpy(hello->id, session->id, sizeof(hello->id));
	memcpy(hello->key, session->key, sizeof(hello->key));
	strtomem_pad(hello->name, config->name, 0);
}

static int rswap_wire_refused(const struct rswap_hdr *hdr,
			      const struct rswap_hello_reply *reply,
			      const struct rswap_hello *asked, char *why)
{
	const char *text;

	switch (hdr->status) {
	case RSWAP_ST_PROTO:
		text = "server refused: it says our request breaks the protocol";
		break;
	case RSWAP_ST_VERSION:
		snprintf(why, RSWAP_WHY_LEN,
			 "version mismatch: server speaks %u, this driver %u",
			 le16_to_cpu(reply->version), RSWAP_VERSION);
		return -EPROTONOSUPPORT;
	case RSWAP_ST_NOSPACE:
		snprintf(why, RSWAP_WHY_LEN,
			 "server full: %llu of %llu MiB free, %llu wanted",
			 le64_to_cpu(reply->memory_free) >> 20,
			 le64_to_cpu(reply->memory_limit) >> 20,
			 DIV_ROUND_UP_ULL(le64_to_cpu(asked->size), SZ_1M));
		return -ENOSPC;
	case RSWAP_ST_AUTH:
		text = "server refused: it knows this client by another key";
		break;
	case RSWAP_ST_LIMIT:
		text = "server refused: too many slabs, connections or clients";
		break;
	case RSWAP_ST_DRAINING:
		text = "server refused: it is shutting down";
		break;
	default:
		strscpy(why, "server answers HELLO with a status that means nothing there",
			RSWAP_WHY_LEN);
		return -EPROTO;
	}
	strscpy(why, text, RSWAP_WHY_LEN);
	return rswap_status_to_errno(hdr->status);
}

/**
 * rswap_wire_check_hello - judge the answer to HELLO
 * @hdr: header received
 * @reply: body received; zeroed if @hdr announced another size
 * @asked: what was asked
 * @why: RSWAP_WHY_LEN bytes; says what is wrong when this fails
 *
 * Context: any.
 * Return: 0; -EPROTO if the other side is no rswap server, or breaks the
 * protocol; -EPROTONOSUPPORT if it speaks another version; -ENOSPC and others
 * if it refused.
 */
int rswap_wire_check_hello(const struct rswap_hdr *hdr,
			   const struct rswap_hello_reply *reply,
			   const struct rswap_hello *asked, char *why)
{
	u32 slab_size = le32_to_cpu(reply->slab_size);
	u32 max_io = le32_to_cpu(reply->max_io);
	u32 depth = le32_to_cpu(reply->depth);

	if (le32_to_cpu(hdr->magic) != RSWAP_MAGIC) {
		strscpy(why, "what answers there is not an rswap server",
			RSWAP_WHY_LEN);
		return -EPROTO;
	}
	if (hdr->op != RSWAP_OP_HELLO || hdr->flags != RSWAP_F_REPLY ||
	    hdr->status >= RSWAP_ST_COUNT || hdr->tag || hdr->slab ||
	    hdr->offset || hdr->length ||
	    le32_to_cpu(hdr->body) != sizeof(*reply)) {
		strscpy(why, "server answers HELLO with something else",
			RSWAP_WHY_LEN);
		return -EPROTO;
	}
	if (hdr->status)
		return rswap_wire_refused(hdr, reply, asked, why);
	if (hdr->version != RSWAP_VERSION ||
	    le16_to_cpu(reply->version) != RSWAP_VERSION) {
		snprintf(why, RSWAP_WHY_LEN,
			 "version mismatch: server speaks %u, this driver %u",
			 le16_to_cpu(reply->version), RSWAP_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (memchr_inv(reply->reserved0, 0, sizeof(reply->reserved0)) ||
	    memchr_inv(reply->reserved1, 0, sizeof(reply->reserved1))) {
		strscpy(why, "server answers HELLO with reserved bytes set",
			RSWAP_WHY_LEN);
		return -EPROTO;
	}
	if (!is_power_of_2(slab_size) || slab_size < RSWAP_SLAB_MIN ||
	    slab_size > RSWAP_SLAB_MAX) {
		snprintf(why, RSWAP_WHY_LEN, "server offers slabs of %u bytes",
			 slab_size);
		return -EPROTO;
	}
	if (!max_io || max_io % RSWAP_BLOCK || max_io % PAGE_SIZE ||
	    max_io > le32_to_cpu(asked->max_io)) {
		snprintf(why, RSWAP_WHY_LEN, "server offers requests of %u bytes",
			 max_io);
		return -EPROTO;
	}
	if (!depth || depth > le32_to_cpu(asked->depth) || reply->features) {
		snprintf(why, RSWAP_WHY_LEN,
			 "server grants what was not asked for (depth %u)", depth);
		return -EPROTO;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_wire_check_hello);

/**
 * rswap_status_to_errno - what a server's status means here
 * @status: enum rswap_status
 *
 * Context: any.
 * Return: 0 or a negative errno.
 */
int rswap_status_to_errno(u8 status)
{
	switch (status) {
	case RSWAP_ST_OK:
		return 0;
	case RSWAP_ST_VERSION:
		return -EPROTONOSUPPORT;
	case RSWAP_ST_AUTH:
		return -EACCES;
	case RSWAP_ST_NOSPACE:
		return -ENOSPC;
	case RSWAP_ST_LIMIT:
		return -EUSERS;
	case RSWAP_ST_DRAINING:
		return -ESHUTDOWN;
	case RSWAP_ST_PROTO:
		return -EPROTO;
	}
	return -EIO;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_status_to_errno);
