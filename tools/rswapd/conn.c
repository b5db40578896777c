// SPDX-License-Identifier: GPL-2.0
/*
 * One connection: bytes in, replies out, closing.
 *
 * At most one receive and one send are at the kernel.  A receive asks first
 * for the rest of the WRITE under way, straight into its slab, then for
 * whatever follows, into buf.  While a send is under way replies queue up, and
 * go out together.
 *
 * Every function that is called by the worker ends in conn_go(), which may
 * free the connection.
 */
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rswapd.h"

#define LINGER_MS	2000

static size_t reply_size(const struct op *op)
{
	return sizeof(op->hdr) + le32toh(op->hdr.body);
}

/**
 * conn_new - take charge of an accepted socket
 * @fd: the socket
 * @addr: of the peer
 *
 * Return: the connection, for worker_adopt(), or NULL with errno set; @fd is
 * the caller's then.
 */
struct conn *conn_new(int fd, const struct sockaddr_storage *addr)
{
	static const struct { int level, name, value; } options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 20 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 6 },
	};
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (setsockopt(fd, options[i].level, options[i].name,
			       &options[i].value, sizeof(options[i].value))) {
			free(conn);
			return NULL;
		}
	}
	conn->fd = fd;
	conn->queue_end = &conn->queue;
	listen_name(addr, conn->peer, sizeof(conn->peer));
	return conn;
}

/**
 * conn_op_put - an operation is over, one way or the other
 * @op: the operation
 */
void conn_op_put(struct op *op)
{
	struct conn *conn = op->conn;

	if (op->slab)
		slab_put(op->slab);
	free(op->owned);
	if (!op->pooled)
		return;
	*op = (struct op){ .conn = conn, .pooled = true, .next = conn->free };
	conn->free = op;
}

static void conn_free(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct op *op;

	*conn->prev = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	while ((op = conn->queue)) {
		conn->queue = op->next;
		conn_op_put(op);
	}
	if (conn->cur)
		conn_op_put(conn->cur);
	close(conn->fd);
	if (conn->client) {
		log_peer(LOG_INFO, conn->peer, "client %s disconnected: %s",
			 conn->client->hello.name, conn->why);
		client_leave(conn->client, worker->now);
		reaper_poke(&worker->srv->reaper);
	}
	free(conn->ops);
	free(conn);
	atomic_fetch_sub(&worker->nconns, 1);
	atomic_fetch_sub(&worker->srv->conns, 1);
}

/* End it without ceremony */
static void kill_conn(struct conn *conn, const char *why)
{
	if (conn->state == CONN_DEAD)
		return;
	if (!conn->why)
		conn->why = why;
	conn->state = CONN_DEAD;
	/* Makes the receive and the send that may be at the kernel return */
	shutdown(conn->fd, SHUT_RDWR);
}

static void arm_rx(struct conn *conn)
{
	struct io_uring_sqe *sqe;
	struct op *op = conn->cur;
	unsigned int n = 0;

	if (conn->rx_armed || conn->parked ||
	    (conn->state != CONN_OPEN && conn->state != CONN_LINGER))
		return;
	sqe = ring_sqe(&conn->worker->ring);
	conn->rx_direct = 0;
	if (conn->state == CONN_OPEN && conn->body_left && op->slab) {
		conn->rx_direct = conn->body_left;
		conn->rx_iov[n++] = (struct iovec){
			op->slab->mem + op->req.offset + op->req.length -
				conn->body_left, conn->body_left };
	}
	conn->rx_iov[n++] = (struct iovec){ conn->buf + conn->tail,
					    CONN_BUF - conn->tail };
	if (n == 1) {
		io_uring_prep_recv(sqe, conn->fd, conn->rx_iov[0].iov_base,
				   conn->rx_iov[0].iov_len, 0);
	} else {
		conn->rx_msg = (struct msghdr){ .msg_iov = conn->rx_iov,
						.msg_iovlen = n };
		io_uring_prep_recvmsg(sqe, conn->fd, &conn->rx_msg, 0);
	}
	if (conn->rx_drained)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	io_uring_sqe_set_data64(sqe, (uintptr_t)conn | EV_RX);
	conn->rx_armed = true;
}

/* Add what is still to be sent of the body of @op; Return: pieces in all */
static unsigned int add_body(struct conn *conn, const struct op *op, unsigned int n)
{
	uint32_t body = le32toh(op->hdr.body), run;
	uint32_t at = op->sent > sizeof(op->hdr) ? op->sent - sizeof(op->hdr) : 0;

	for (; at < body && n < CONN_PIECES; at += run) {
		const char *data;

		run = body - at;
		if (op->data)
			data = (const char *)op->data + at;
		else
			data = slab_read(op->slab, (uint32_t)op->req.offset + at, run, &run);
		conn->tx_iov[n++] = (struct iovec){ (char *)data, run };
	}
	return n;
}

static void arm_tx(struct conn *conn)
{
	struct io_uring_sqe *sqe;
	unsigned int n = 0;

	if (conn->tx_armed || !conn->queue || conn->state == CONN_DEAD)
		return;
	conn->tx_ops = 0;
	for (struct op *op = conn->queue; op && conn->tx_ops < CONN_BATCH && n < CONN_PIECES;
	     op = op->next, conn->tx_ops++) {
		if (op->sent < sizeof(op->hdr))
			conn->tx_iov[n++] = (struct iovec){
				(char *)&op->hdr + op->sent, sizeof(op->hdr) - op->sent };
		n = add_body(conn, op, n);
	}
	sqe = ring_sqe(&conn->worker->ring);
	conn->tx_msg = (struct msghdr){ .msg_iov = conn->tx_iov, .msg_iovlen = n };
	if (n == 1)
		io_uring_prep_send(sqe, conn->fd, conn->tx_iov[0].iov_base,
				   conn->tx_iov[0].iov_len, MSG_NOSIGNAL);
	else
		io_uring_prep_sendmsg(sqe, conn->fd, &conn->tx_msg, MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, (uintptr_t)conn | EV_TX);
	conn->tx_armed = true;
	conn->tx_time = conn->worker->now;
}

/* Do what the state asks for; may free the connection */
static void conn_go(struct conn *conn)
{
	if (conn->state != CONN_OPEN && conn->cur && !conn->rx_armed) {
		conn_op_put(conn->cur);
		conn->cur = NULL;
	}
	arm_tx(conn);
	if (conn->state == CONN_FLUSH && !conn->queue && !conn->async) {
		if (conn->linger && !shutdown(conn->fd, SHUT_WR)) {
			conn->state = CONN_LINGER;
			conn->shut_time = conn->worker->now;
			conn->parked = false;
		} else {
			kill_conn(conn, conn->why);
		}
	}
	if (conn->state == CONN_LINGER && conn->worker->stopping)
		kill_conn(conn, conn->why);
	if (conn->state == CONN_LINGER && !conn->rx_armed)
		conn->head = conn->tail = 0;
	arm_rx(conn);
	if (conn->state == CONN_DEAD && !conn->rx_armed && !conn->tx_armed &&
	    !conn->async)
		conn_free(conn);
}

/**
 * conn_stop - read no more; close when the replies are out
 * @conn: the connection
 * @linger: wait for the peer to close too, for a little while
 * @why: for the log; a string constant
 */
void conn_stop(struct conn *conn, bool linger, const char *why)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->state = CONN_FLUSH;
	conn->linger = linger;
	conn->why = why;
}

/**
 * conn_finish - conn_stop() for callers outside of the connection
 * @conn: the connection, which may be gone afterwards
 * @linger: as there
 * @why: as there
 */
void conn_finish(struct conn *conn, bool linger, const char *why)
{
	conn_stop(conn, linger, why);
	conn_go(conn);
}

/**
 * conn_reply - an operation is done; its reply may go out
 * @conn: the connection
 * @op: the operation, with its reply filled in
 */
void conn_reply(struct conn *conn, struct op *op)
{
	if (op->hdr.status != RSWAP_ST_OK && conn->client)
		stat_add(&conn->client->stats[conn->worker->index].errors, 1);
	op->next = NULL;
	*conn->queue_end = op;
	conn->queue_end = &op->next;
}

/**
 * conn_done - an operation comes back from the reaper
 * @op: the operation
 */
void conn_done(struct op *op)
{
	struct conn *conn = op->conn;

	conn->async--;
	conn_reply(conn, op);
	conn_go(conn);
}

/* Answer one last time and close; @hdr as it came */
static void refuse(struct conn *conn, const struct rswap_hdr *hdr,
		   unsigned int status, const char *why)
{
	static const struct rswap_hello_reply nothing;
	struct op *op = &conn->op_final;

	op->conn = conn;
	request_reply_init(op, hdr);
	op->hdr.status = (__u8)status;
	if (hdr->op == RSWAP_OP_HELLO) {
		op->hdr.body = htole32(sizeof(nothing));
		op->data = conn->client ? &nothing : &conn->hello_reply;
	}
	log_peer(LOG_WARN, conn->peer, "%s refused with %s: %s",
		 wire_op_name(hdr->op), wire_status_name(status), why);
	conn_reply(conn, op);
	conn_stop(conn, true, why);
}

static void announce(struct conn *conn)
{
	struct op *op = &conn->op_notice;

	if (conn->state != CONN_OPEN || !conn->client || conn->announced)
		return;
	conn->announced = true;
	op->conn = conn;
	op->hdr = (struct rswap_hdr){
		.magic = htole32(RSWAP_MAGIC),
		.version = RSWAP_VERSION,
		.op = RSWAP_OP_GOING_AWAY,
	};
	conn_reply(conn, op);
}

/**
 * conn_announce - tell the peer, once, that the server is going away
 * @conn: the connection, which may be gone afterwards
 */
void conn_announce(struct conn *conn)
{
	announce(conn);
	conn_go(conn);
}

/* Join the client; Return: enum rswap_status */
static int join(struct conn *conn, const struct wire_hello *hello,
		const char **why)
{
	struct registry *reg = &conn->worker->srv->reg;
	struct rswap_hello_reply *reply = &conn->hello_reply;
	uint32_t depth = hello->depth < RSWAP_MAX_DEPTH ? hello->depth :
							  RSWAP_MAX_DEPTH;
	uint32_t max_io = hello->max_io < RSWAP_MAX_IO ? hello->max_io :
							 RSWAP_MAX_IO;
	int status;

	conn->ops = calloc(depth, sizeof(*conn->ops));
	if (!conn->ops) {
		*why = "out of memory for its requests";
		return RSWAP_ST_NOSPACE;
	}
	status = registry_hello(reg, hello, &conn->client, reply, why);
	if (status != RSWAP_ST_OK)
		return status;
	for (uint32_t i = depth; i--;) {
		conn->ops[i] = (struct op){ .conn = conn, .pooled = true,
					    .next = conn->free };
		conn->free = &conn->ops[i];
	}
	conn->lim = (struct wire_limits){
		.slabs = conn->client->max_slabs,
		.slab_size = reg->slab_size,
		.max_io = max_io & ~(RSWAP_BLOCK - 1),
		.depth = depth,
	};
	reply->max_io = htole32(conn->lim.max_io);
	reply->depth = htole32(depth);
	return RSWAP_ST_OK;
}

/* Return: whether there may be more to parse */
static bool take_hello(struct conn *conn, const struct rswap_hdr *hdr)
{
	const char *why = "it breaks a rule of the protocol";
	struct op *op = &conn->op_hello;
	struct rswap_hello body;
	struct wire_hello hello;
	struct wire_req req;
	int status = wire_check(NULL, hdr, &req);

	if (status == WIRE_FOREIGN) {
		log_peer(LOG_WARN, conn->peer, "closed: it does not speak rswap");
		kill_conn(conn, "it does not speak rswap");
		return false;
	}
	conn->hello_reply.version = htole16(RSWAP_VERSION);
	if (status == RSWAP_ST_OK) {
		if (conn->tail - conn->head < sizeof(*hdr) + sizeof(body))
			return false;
		memcpy(&body, conn->buf + conn->head + sizeof(*hdr), sizeof(body));
		status = wire_check_hello(&body, &hello);
	}
	if (status == RSWAP_ST_OK)
		status = join(conn, &hello, &why);
	else if (status == RSWAP_ST_VERSION)
		why = "this server speaks version 1 only";
	if (status != RSWAP_ST_OK) {
		refuse(conn, hdr, (unsigned int)status, why);
		return false;
	}
	conn->head += sizeof(*hdr) + sizeof(body);
	op->conn = conn;
	request_reply_init(op, hdr);
	op->hdr.body = htole32(sizeof(conn->hello_reply));
	op->data = &conn->hello_reply;
	conn_reply(conn, op);
	log_peer(LOG_INFO, conn->peer, "client %s connected (%s lane)", hello.name,
		 hello.lane == RSWAP_LANE_DEMAND ? "demand" : "bulk");
	if (atomic_load(&conn->worker->srv->draining))
		announce(conn);
	return true;
}

/* Return: whether there may be more to parse */
static bool take_header(struct conn *conn)
{
	struct rswap_hdr hdr;
	struct wire_req req;
	struct op *op = conn->free;
	int status;

	if (conn->tail - conn->head < sizeof(hdr))
		return false;
	memcpy(&hdr, conn->buf + conn->head, sizeof(hdr));
	if (!conn->client)
		return take_hello(conn, &hdr);
	if (atomic_load(&conn->client->gone)) {
		conn_stop(conn, true, "its client said BYE or expired");
		return false;
	}
	status = wire_check(&conn->lim, &hdr, &req);
	if (status == WIRE_FOREIGN) {
		log_peer(LOG_WARN, conn->peer, "closed: no message where one should begin");
		kill_conn(conn, "no message where one should begin");
		return false;
	}
	if (status != RSWAP_ST_OK && status != RSWAP_ST_RANGE) {
		refuse(conn, &hdr, (unsigned int)status,
		       "it breaks a rule of the protocol");
		return false;
	}
	if (!op) {
		/* Replies that are on their way may have been received */
		conn->parked = conn->tx_armed;
		if (!conn->parked)
			refuse(conn, &hdr, RSWAP_ST_PROTO,
			       "more requests outstanding than negotiated");
		return false;
	}
	conn->free = op->next;
	conn->head += sizeof(hdr);
	op->req = req;
	request_reply_init(op, &hdr);
	request_start(conn, op, status);
	return true;
}

/* @n bytes more of the WRITE under way are where they belong */
static void body_progress(struct conn *conn, uint32_t n)
{
	struct op *op = conn->cur;

	if (op->slab)
		slab_mark(op->slab, (uint32_t)op->req.offset + op->req.length -
			  conn->body_left, n);
	conn->body_left -= n;
	if (conn->body_left)
		return;
	conn->cur = NULL;
	request_written(conn, op);
}

/* Return: whether there may be more to parse */
static bool take_body(struct conn *conn)
{
	uint32_t n = conn->tail - conn->head;
	struct op *op = conn->cur;

	if (n > conn->body_left)
		n = conn->body_left;
	if (!n)
		return false;
	if (op->slab)
		memcpy(op->slab->mem + op->req.offset + op->req.length -
		       conn->body_left, conn->buf + conn->head, n);
	conn->head += n;
	body_progress(conn, n);
	return true;
}

static void parse(struct conn *conn)
{
	while (conn->state == CONN_OPEN)
		if (!(conn->body_left ? take_body(conn) : take_header(conn)))
			break;
	conn->tail -= conn->head;
	memmove(conn->buf, conn->buf + conn->head, conn->tail);
	conn->head = 0;
}

/* Nothing came, or less than nothing */
static void receive_failed(struct conn *conn, int res)
{
	bool partial = conn->body_left || conn->tail;

	if (res == -EINTR || res == -EAGAIN)
		return;
	if (conn->state == CONN_LINGER || res < 0)
		kill_conn(conn, res == -EFAULT ? "no memory to receive into" :
						 strerrordesc_np(-res));
	else
		conn_stop(conn, false, partial ?
			  "the peer closed in the middle of a message" :
			  "the peer closed");
}

/**
 * conn_received - a receive came back
 * @conn: the connection, which may be gone afterwards
 * @res: bytes, or a negative errno
 */
void conn_received(struct conn *conn, int res)
{
	uint32_t n = res > 0 ? (uint32_t)res : 0, direct = conn->rx_direct;

	conn->rx_armed = false;
	if (res <= 0) {
		receive_failed(conn, res);
	} else if (conn->state == CONN_OPEN) {
		conn->rx_time = conn->worker->now;
		if (direct > n)
			direct = n;
		conn->rx_drained = n < conn->rx_direct + CONN_BUF - conn->tail;
		conn->tail += n - direct;
		if (conn->client)
			stat_add(&conn->client->stats[conn->worker->index].bytes_in, n);
		if (direct)
			body_progress(conn, direct);
		parse(conn);
	}
	conn_go(conn);
}

/* @n bytes of the queue were sent */
static void consume(struct conn *conn, size_t n)
{
	struct op *op;

	while (n) {
		size_t left;

		op = conn->queue;
		left = reply_size(op) - op->sent;
		if (n < left) {
			op->sent += n;
			return;
		}
		n -= left;
		conn->queue = op->next;
		if (!conn->queue)
			conn->queue_end = &conn->queue;
		conn_op_put(op);
	}
}

/**
 * conn_sent - a send came back
 * @conn: the connection, which may be gone afterwards
 * @res: bytes, or a negative errno
 */
void conn_sent(struct conn *conn, int res)
{
	conn->tx_armed = false;
	if (res < 0 && res != -EINTR && res != -EAGAIN) {
		kill_conn(conn, strerrordesc_np(-res));
	} else if (res > 0) {
		if (conn->client)
			stat_add(&conn->client->stats[conn->worker->index].bytes_out,
				 (uint64_t)res);
		consume(conn, (size_t)res);
	}
	/* Before parsing: a reply that is on its way is no longer outstanding */
	arm_tx(conn);
	if (conn->parked && conn->state == CONN_OPEN) {
		conn->parked = false;
		parse(conn);
	}
	conn_go(conn);
}

/**
 * conn_start - begin to serve
 * @conn: of conn_new()
 * @worker: the calling thread
 */
void conn_start(struct conn *conn, struct worker *worker)
{
	conn->worker = worker;
	conn->born = conn->rx_time = worker->now;
	conn->next = worker->conns;
	if (conn->next)
		conn->next->prev = &conn->next;
	worker->conns = conn;
	conn->prev = &worker->conns;
	if (worker->stopping)
		conn_stop(conn, false, "the server stops");
	conn_go(conn);
}

/**
 * conn_tick - once a second: is it late with something?
 * @conn: the connection, which may be gone afterwards
 */
void conn_tick(struct conn *conn)
{
	const struct options *opt = &conn->worker->srv->opt;
	uint64_t now = conn->worker->now, stall = opt->stall_timeout * 1000ull;
	bool partial = conn->body_left || conn->tail;
	const char *why = NULL;

	if (conn->state == CONN_LINGER && now > conn->shut_time + LINGER_MS)
		kill_conn(conn, conn->why);
	else if (conn->state == CONN_OPEN && !conn->client &&
		 now > conn->born + opt->hello_timeout * 1000ull)
		why = "no HELLO in time";
	else if (conn->tx_armed && now > conn->tx_time + stall)
		why = "it does not take its replies";
	else if (conn->state == CONN_OPEN && conn->rx_armed && partial &&
		 now > conn->rx_time + stall)
		why = "it stalled in the middle of a message";
	if (why) {
		log_peer(LOG_WARN, conn->peer, "closed: %s", why);
		kill_conn(conn, why);
	}
	conn_go(conn);
}
