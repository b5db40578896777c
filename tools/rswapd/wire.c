// SPDX-License-Identifier: GPL-2.0
/*
 * Validation of what a peer sent, before anything acts on it.
 *
 * Nothing here has state or side effects, so that every rule of the protocol
 * can be tested, and fuzzed, on its own.
 */
#include <endian.h>
#include <string.h>

#include "rswapd.h"

/* Which fields of the header an operation uses; the others must be 0 */
enum { F_SLAB = 1, F_RANGE = 2, F_ANY_SLAB = 4 };

static const struct {
	const char *name;
	unsigned char fields;
	bool request;
} ops[RSWAP_OP_COUNT] = {
	[RSWAP_OP_HELLO]	= { "HELLO", 0, true },
	[RSWAP_OP_BYE]		= { "BYE", 0, true },
	[RSWAP_OP_PING]		= { "PING", 0, true },
	[RSWAP_OP_SLAB_ALLOC]	= { "SLAB_ALLOC", F_SLAB, true },
	[RSWAP_OP_SLAB_FREE]	= { "SLAB_FREE", F_SLAB, true },
	[RSWAP_OP_SLAB_LIST]	= { "SLAB_LIST", F_SLAB | F_ANY_SLAB, true },
	[RSWAP_OP_READ]		= { "READ", F_SLAB | F_RANGE, true },
	[RSWAP_OP_WRITE]	= { "WRITE", F_SLAB | F_RANGE, true },
	[RSWAP_OP_TRIM]		= { "TRIM", F_SLAB | F_RANGE, true },
	[RSWAP_OP_PRESSURE]	= { "PRESSURE", 0, false },
	[RSWAP_OP_MOVE]		= { "MOVE", 0, false },
	[RSWAP_OP_GOING_AWAY]	= { "GOING_AWAY", 0, false },
};

static const char *const statuses[RSWAP_ST_COUNT] = {
	[RSWAP_ST_OK]		= "OK",
	[RSWAP_ST_PROTO]	= "PROTO",
	[RSWAP_ST_VERSION]	= "VERSION",
	[RSWAP_ST_AUTH]		= "AUTH",
	[RSWAP_ST_NOSPACE]	= "NOSPACE",
	[RSWAP_ST_LIMIT]	= "LIMIT",
	[RSWAP_ST_NOSLAB]	= "NOSLAB",
	[RSWAP_ST_RANGE]	= "RANGE",
	[RSWAP_ST_DRAINING]	= "DRAINING",
	[RSWAP_ST_IO]		= "IO",
};

/**
 * wire_status_name - a status as the protocol header spells it
 * @status: enum rswap_status, or anything
 *
 * Return: its name, or "?".
 */
const char *wire_status_name(unsigned int status)
{
	return status < RSWAP_ST_COUNT ? statuses[status] : "?";
}

/**
 * wire_op_name - an operation as the protocol header spells it
 * @op: enum rswap_op, or anything
 *
 * Return: its name, or "?".
 */
const char *wire_op_name(unsigned int op)
{
	return op < RSWAP_OP_COUNT && ops[op].name ? ops[op].name : "?";
}

static bool is_io(uint8_t op)
{
	return op == RSWAP_OP_READ || op == RSWAP_OP_WRITE;
}

/* The rules that hold whatever was negotiated; breaking one ends it all */
static bool well_formed(const struct rswap_hdr *hdr, const struct wire_req *req)
{
	unsigned int fields;
	uint32_t body = 0;

	if (hdr->flags || hdr->status)
		return false;
	if (req->op >= RSWAP_OP_COUNT || !ops[req->op].request)
		return false;
	fields = ops[req->op].fields;
	if (!(fields & F_SLAB) && req->slab)
		return false;
	if (!(fields & F_RANGE) && (req->offset || req->length))
		return false;
	if (fields & F_RANGE &&
	    (!req->length || req->length % RSWAP_BLOCK ||
	     req->offset % RSWAP_BLOCK))
		return false;
	if (is_io(req->op) && req->length > RSWAP_MAX_IO)
		return false;
	if (req->op == RSWAP_OP_WRITE)
		body = req->length;
	else if (req->op == RSWAP_OP_HELLO)
		body = sizeof(struct rswap_hello);
	return req->body == body;
}

/* Is what a well-formed request names within what was negotiated? */
static bool in_range(const struct wire_limits *lim, const struct wire_req *req)
{
	unsigned int fields = ops[req->op].fields;

	if (fields & F_SLAB && !(fields & F_ANY_SLAB) && req->slab >= lim->slabs)
		return false;
	if (is_io(req->op) && req->length > lim->max_io)
		return false;
	return req->length <= lim->slab_size &&
	       req->offset <= lim->slab_size - req->length;
}

/**
 * wire_check - validate the header of a request
 * @lim: what this connection negotiated, or NULL before HELLO
 * @hdr: 32 bytes as they came
 * @req: filled with @hdr in host byte order, whatever comes out
 *
 * Return: RSWAP_ST_OK; RSWAP_ST_RANGE when the request is to be refused but
 * the connection goes on (@req->body bytes follow, at most RSWAP_MAX_IO);
 * RSWAP_ST_PROTO or RSWAP_ST_VERSION when the connection is to be closed after
 * the reply; WIRE_FOREIGN when this is not our protocol at all.
 */
int wire_check(const struct wire_limits *lim, const struct rswap_hdr *hdr,
	       struct wire_req *req)
{
	*req = (struct wire_req){
		.op = hdr->op,
		.tag = le32toh(hdr->tag),
		.slab = le32toh(hdr->slab),
		.offset = le64toh(hdr->offset),
		.length = le32toh(hdr->length),
		.body = le32toh(hdr->body),
	};

	if (le32toh(hdr->magic) != RSWAP_MAGIC)
		return WIRE_FOREIGN;
	/* A HELLO of another version is refused unread: its body may be new */
	if (hdr->version != RSWAP_VERSION)
		return !lim && req->op == RSWAP_OP_HELLO ? RSWAP_ST_VERSION :
							   RSWAP_ST_PROTO;
	if (!well_formed(hdr, req))
		return RSWAP_ST_PROTO;
	/* HELLO is the first message, and only the first */
	if (!lim != (req->op == RSWAP_OP_HELLO))
		return RSWAP_ST_PROTO;
	if (lim && !in_range(lim, req))
		return RSWAP_ST_RANGE;
	return RSWAP_ST_OK;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	while (len--)
		any |= bytes[len];
	return !any;
}

/* Printable ASCII, then nothing but NUL */
static bool name_ok(const __u8 *name)
{
	size_t len = strnlen((const char *)name, RSWAP_NAME_LEN);

	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x20 || name[i] > 0x7e)
			return false;
	return all_zero(name + len, RSWAP_NAME_LEN - len);
}

/**
 * wire_check_hello - validate the body of a HELLO
 * @body: 120 bytes as they came
 * @hello: filled with @body in host byte order
 *
 * Return: RSWAP_ST_OK, RSWAP_ST_VERSION or RSWAP_ST_PROTO.
 */
int wire_check_hello(const struct rswap_hello *body, struct wire_hello *hello)
{
	unsigned int min = le16toh(body->version_min);
	unsigned int max = le16toh(body->version_max);

	*hello = (struct wire_hello){
		.lane = body->lane,
		.size = le64toh(body->size),
		.reserve = le64toh(body->reserve),
		.max_io = le32toh(body->max_io),
		.depth = le32toh(body->depth),
	};
	memcpy(hello->id, body->id, sizeof(hello->id));
	memcpy(hello->key, body->key, sizeof(hello->key));
	memcpy(hello->name, body->name, RSWAP_NAME_LEN);

	if (min > max)
		return RSWAP_ST_PROTO;
	if (RSWAP_VERSION < min || RSWAP_VERSION > max)
		return RSWAP_ST_VERSION;
	if (body->lane > RSWAP_LANE_BULK ||
	    !all_zero(body->reserved0, sizeof(body->reserved0)) ||
	    all_zero(body->id, sizeof(body->id)) || !name_ok(body->name))
		return RSWAP_ST_PROTO;
	if (!hello->size || hello->size % RSWAP_BLOCK ||
	    hello->reserve > hello->size)
		return RSWAP_ST_PROTO;
	if (hello->max_io < RSWAP_BLOCK || !hello->depth)
		return RSWAP_ST_PROTO;
	return RSWAP_ST_OK;
}
