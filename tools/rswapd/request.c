// SPDX-License-Identifier: GPL-2.0
/* What each operation does. */
#include <endian.h>
#include <stdlib.h>

#include "rswapd.h"

/* A bigger TRIM gives back so many pages that the reaper should do it */
#define TRIM_INLINE	(256u << 10)

/**
 * request_reply_init - begin the reply to a request
 * @op: the operation
 * @hdr: the request as it came; its tag, slab, offset and length are echoed
 */
void request_reply_init(struct op *op, const struct rswap_hdr *hdr)
{
	op->hdr = *hdr;
	op->hdr.magic = htole32(RSWAP_MAGIC);
	op->hdr.version = RSWAP_VERSION;
	op->hdr.flags = RSWAP_F_REPLY;
	op->hdr.status = RSWAP_ST_OK;
	op->hdr.body = 0;
}

static void finish(struct conn *conn, struct op *op, int status)
{
	op->hdr.status = (__u8)status;
	conn_reply(conn, op);
}

static int do_read(struct conn *conn, struct op *op)
{
	op->slab = client_slab_get(conn->client, op->req.slab);
	if (!op->slab)
		return RSWAP_ST_NOSLAB;
	stat_add(&conn->client->stats[conn->worker->index].reads, 1);
	op->hdr.body = htole32(op->req.length);
	return RSWAP_ST_OK;
}

static int do_list(struct conn *conn, struct op *op)
{
	uint32_t max = RSWAP_MAX_CONTROL / sizeof(__le32);

	op->owned = malloc(RSWAP_MAX_CONTROL);
	if (!op->owned)
		return RSWAP_ST_IO;
	op->data = op->owned;
	op->hdr.body = htole32((uint32_t)sizeof(__le32) *
			       client_slab_list(conn->client, op->req.slab,
						op->owned, max));
	return RSWAP_ST_OK;
}

/*
 * Done with the slab before the reply is sent: whoever has the reply may use the
 * same bytes through another worker, which takes a reference first and is thereby
 * ordered after what this one did.
 */
static void release_slab(struct op *op)
{
	slab_put(op->slab);
	op->slab = NULL;
}

static int do_trim(struct op *op)
{
	int err = slab_trim(op->slab, (uint32_t)op->req.offset, op->req.length);

	release_slab(op);
	return err ? RSWAP_ST_IO : RSWAP_ST_OK;
}

static void start_trim(struct conn *conn, struct op *op)
{
	op->slab = client_slab_get(conn->client, op->req.slab);
	if (!op->slab) {
		finish(conn, op, RSWAP_ST_NOSLAB);
		return;
	}
	stat_add(&conn->client->stats[conn->worker->index].trims, 1);
	if (op->req.length > TRIM_INLINE)
		worker_heavy(conn->worker, op);
	else
		finish(conn, op, do_trim(op));
}

/* The body follows, even if the WRITE is refused: then it goes nowhere */
static void start_write(struct conn *conn, struct op *op, int status)
{
	if (status == RSWAP_ST_OK) {
		op->slab = client_slab_get(conn->client, op->req.slab);
		if (!op->slab)
			status = RSWAP_ST_NOSLAB;
	}
	op->hdr.status = (__u8)status;
	conn->cur = op;
	conn->body_left = op->req.body;
}

/**
 * request_start - act on a request
 * @conn: the connection it came on
 * @op: the operation, with req and the beginnings of its reply
 * @status: RSWAP_ST_OK, or why it is refused
 *
 * Exactly one conn_reply() follows, sooner or later, unless the connection
 * ends.
 */
void request_start(struct conn *conn, struct op *op, int status)
{
	if (op->req.op == RSWAP_OP_WRITE) {
		start_write(conn, op, status);
		return;
	}
	if (status != RSWAP_ST_OK) {
		finish(conn, op, status);
		return;
	}
	switch (op->req.op) {
	case RSWAP_OP_PING:
		finish(conn, op, RSWAP_ST_OK);
		break;
	case RSWAP_OP_SLAB_ALLOC:
		finish(conn, op, client_slab_alloc(conn->client, op->req.slab));
		break;
	case RSWAP_OP_SLAB_LIST:
		finish(conn, op, do_list(conn, op));
		break;
	case RSWAP_OP_READ:
		finish(conn, op, do_read(conn, op));
		break;
	case RSWAP_OP_TRIM:
		start_trim(conn, op);
		break;
	case RSWAP_OP_SLAB_FREE:
		worker_heavy(conn->worker, op);
		break;
	case RSWAP_OP_BYE:
		worker_heavy(conn->worker, op);
		conn_stop(conn, true, "BYE");
		break;
	}
}

/**
 * request_written - the whole body of a WRITE has come
 * @conn: the connection
 * @op: the operation
 */
void request_written(struct conn *conn, struct op *op)
{
	if (op->hdr.status == RSWAP_ST_OK)
		stat_add(&conn->client->stats[conn->worker->index].writes, 1);
	if (op->slab)
		release_slab(op);
	conn_reply(conn, op);
}

/**
 * request_heavy - do an operation that takes milliseconds
 * @op: given to worker_heavy() before
 *
 * Context: the reaper; no lock held.
 */
void request_heavy(struct op *op)
{
	struct client *client = op->conn->client;

	switch (op->req.op) {
	case RSWAP_OP_TRIM:
		op->hdr.status = (__u8)do_trim(op);
		break;
	case RSWAP_OP_SLAB_FREE:
		client_slab_free(client, op->req.slab);
		break;
	case RSWAP_OP_BYE:
		client_bye(client);
		break;
	}
}
