// SPDX-License-Identifier: GPL-2.0
/*
 * rswap requests: preallocated, tagged, completed exactly once
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "rswap.h"
#include "trace.h"

/**
 * rswap_conn_init - allocate the requests of a connection
 * @conn: the connection, zeroed
 * @session: its session
 * @index: its number
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int rswap_conn_init(struct rswap_conn *conn, struct rswap_session *session,
		    u32 index)
{
	u32 demand = session->config.connections / 2;
	u32 i;

	conn->session = session;
	conn->index = index;
	conn->lane = index < demand ? RSWAP_LANE_DEMAND : RSWAP_LANE_BULK;
	spin_lock_init(&conn->lock);
	INIT_LIST_HEAD(&conn->free);
	init_waitqueue_head(&conn->wait);
	conn->reqs = kvcalloc(session->config.depth, sizeof(*conn->reqs),
			      GFP_KERNEL);
	if (!conn->reqs)
		return -ENOMEM;
	for (i = 0; i < session->config.depth; i++) {
		conn->reqs[i].conn = conn;
		conn->reqs[i].hdr.tag = cpu_to_le32(i);
		INIT_LIST_HEAD(&conn->reqs[i].node);
	}
	return 0;
}

/**
 * rswap_conn_set_depth - say how many requests the server lets us have
 * @conn: the connection; none of its requests is in use
 * @depth: at most config.depth
 *
 * Context: process.
 */
void rswap_conn_set_depth(struct rswap_conn *conn, u32 depth)
{
	u32 i;

	spin_lock_irq(&conn->lock);
	conn->depth = min(depth, conn->session->config.depth);
	INIT_LIST_HEAD(&conn->free);
	for (i = 0; i < conn->depth; i++)
		list_add_tail(&conn->reqs[i].node, &conn->free);
	spin_unlock_irq(&conn->lock);
}

/**
 * rswap_conn_destroy - free the requests of a connection
 * @conn: the connection; none of its requests is in use
 *
 * Context: may sleep.
 */
void rswap_conn_destroy(struct rswap_conn *conn)
{
	kvfree(conn->reqs);
	conn->reqs = NULL;
}

static bool rswap_request_inflight(const struct rswap_request *req)
{
	/* Pairs with the release in rswap_request_accept() */
	return smp_load_acquire(&req->state) == RSWAP_REQ_INFLIGHT;
}

/**
 * rswap_request_find - the request in flight that a reply names
 * @conn: connection the reply came on
 * @tag: the reply's tag, host byte order, not to be trusted
 *
 * Context: any; the transport's receiver.
 * Return: the request, or NULL if none in flight has this tag.
 */
struct rswap_request *rswap_request_find(struct rswap_conn *conn, u32 tag)
{
	u32 index = RSWAP_TAG_INDEX(tag);
	struct rswap_request *req;

	if (index >= conn->depth)
		return NULL;
	req = &conn->reqs[index];
	return rswap_request_inflight(req) && le32_to_cpu(req->hdr.tag) == tag ?
		req : NULL;
}

/**
 * rswap_conn_fail_inflight - end every request in flight on a connection
 * @conn: the connection; its transport neither sends nor receives any more,
 *	and accepts nothing
 * @error: negative errno
 *
 * Context: process.
 */
void rswap_conn_fail_inflight(struct rswap_conn *conn, int error)
{
	u32 i;

	for (i = 0; i < conn->depth; i++) {
		struct rswap_request *req = &conn->reqs[i];

		if (rswap_request_inflight(req))
			rswap_request_done(req, error);
	}
}

/**
 * rswap_conn_timed_out - has a request waited for too long?
 * @conn: the connection
 *
 * Context: process.
 * Return: true if a request in flight is past its deadline.
 */
bool rswap_conn_timed_out(struct rswap_conn *conn)
{
	u32 i;

	for (i = 0; i < conn->depth; i++) {
		struct rswap_request *req = &conn->reqs[i];

		if (rswap_request_inflight(req) &&
		    time_after(jiffies, READ_ONCE(req->deadline)))
			return true;
	}
	return false;
}

/* A free request for rswap_request_prepare(), or NULL */
static struct rswap_request *rswap_request_take(struct rswap_conn *conn)
{
	struct rswap_request *req;
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	req = list_first_entry_or_null(&conn->free, struct rswap_request, node);
	if (req) {
		list_del_init(&req->node);
		WRITE_ONCE(req->state, RSWAP_REQ_TAKEN);
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	return req;
}

/**
 * rswap_conn_pick - choose a connection of a lane, in turn
 * @session: the session
 * @lane: the lane
 *
 * Context: any.
 * Return: the connection.
 */
struct rswap_conn *rswap_conn_pick(struct rswap_session *session,
				   enum rswap_lane_kind lane)
{
	u32 demand = session->nr_conns / 2;
	u32 first = lane == RSWAP_LANE_DEMAND ? 0 : demand;
	u32 nr = lane == RSWAP_LANE_DEMAND ? demand : session->nr_conns - demand;

	if (nr > 1)
		first += (u32)atomic_inc_return(&session->next_conn) % nr;
	return &session->conns[first];
}

static struct rswap_request *rswap_request_prepare(struct rswap_request *req)
{
	le32_add_cpu(&req->hdr.tag, RSWAP_TAG_USE);
	iov_iter_bvec(&req->data, ITER_SOURCE, NULL, 0, 0);
	req->replied = false;
	req->error = 0;
	req->deadline = jiffies + req->conn->session->config.timeout * HZ;
	return req;
}

/**
 * rswap_request_try_get - take a free request, if there is one
 * @conn: the connection
 *
 * For those that the end of other requests may depend on, such as what runs on
 * rswap_wq.
 *
 * Context: any.
 * Return: the request, as rswap_request_get(), or NULL.
 */
struct rswap_request *rswap_request_try_get(struct rswap_conn *conn)
{
	struct rswap_request *req = rswap_request_take(conn);

	return req ? rswap_request_prepare(req) : NULL;
}

/**
 * rswap_request_get - take a free request, waiting for one
 * @conn: the connection
 *
 * The request's tag differs from the one it had last.  The caller sets @end,
 * @private, @kind, the header and, if need be, @data, and passes it to
 * rswap_request_submit().
 *
 * Context: may sleep; bounded, since requests end at the latest when the
 * session is lost.
 * Return: the request; that a session is no longer live is found out by
 * rswap_request_submit().
 */
struct rswap_request *rswap_request_get(struct rswap_conn *conn)
{
	struct rswap_request *req = rswap_request_take(conn);

	if (!req)
		___wait_event(conn->wait, (req = rswap_request_take(conn)),
			      TASK_UNINTERRUPTIBLE, 1, 0, io_schedule());
	return rswap_request_prepare(req);
}

/**
 * rswap_request_put - give a request back
 * @req: a request in state TAKEN
 *
 * Context: any.
 */
void rswap_request_put(struct rswap_request *req)
{
	struct rswap_conn *conn = req->conn;
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	WARN_ON_ONCE(req->state != RSWAP_REQ_TAKEN);
	WRITE_ONCE(req->state, RSWAP_REQ_FREE);
	list_add(&req->node, &conn->free);
	spin_unlock_irqrestore(&conn->lock, flags);
	wake_up(&conn->wait);
}

/**
 * rswap_request_accept - the transport takes over a request
 * @req: a request in state TAKEN
 *
 * Called by a transport's submit under the lock that keeps its disconnect from
 * missing the request.
 *
 * Context: any.
 */
void rswap_request_accept(struct rswap_request *req)
{
	/* Whoever sees INFLIGHT sees the request as it was prepared */
	smp_store_release(&req->state, RSWAP_REQ_INFLIGHT);
}

/* The last thing that happens to a request, which is TAKEN again */
static void rswap_request_finish(struct rswap_request *req, int error)
{
	struct rswap_session *session = req->conn->session;
	u32 kind = req->kind;

	trace_rswap_request_done(req, error);
	if (kind != RSWAP_IO_KIND_NONE)
		rswap_stats_add(session->stats, kind,
				le32_to_cpu(req->hdr.length),
				ktime_get_ns() - req->start, error);
	req->end(req, error);
	/*
	 * Whoever waits for the session to be idle may free it as soon as the
	 * count is 0, but waits for an RCU grace period first.
	 */
	rcu_read_lock();
	if (atomic_dec_and_test(&session->inflight[kind]))
		wake_up_all(&session->idle);
	rcu_read_unlock();
}

/**
 * rswap_request_submit - send a request
 * @req: a request in state TAKEN, prepared
 *
 * The request's end function is called exactly once, maybe before this returns.
 *
 * Context: process, may sleep.
 */
void rswap_request_submit(struct rswap_request *req)
{
	struct rswap_session *session = req->conn->session;
	int ret = -ENOTCONN;

	req->start = ktime_get_ns();
	atomic_inc(&session->inflight[req->kind]);
	trace_rswap_request_submit(req, 0);
	if (rswap_session_live(session) || req->kind == RSWAP_IO_KIND_NONE)
		ret = session->ops->submit(req->conn, req);
	/*
	 * Refused, so still ours.  It must not look INFLIGHT even for a moment:
	 * rswap_conn_fail_inflight() may be looking for those right now.
	 */
	if (ret)
		rswap_request_finish(req, ret);
}

/**
 * rswap_request_done - a request has ended
 * @req: a request in state INFLIGHT; the transport will not touch it again
 * @error: 0 or a negative errno
 *
 * Context: any.
 */
void rswap_request_done(struct rswap_request *req, int error)
{
	if (WARN_ON_ONCE(cmpxchg(&req->state, RSWAP_REQ_INFLIGHT,
				 RSWAP_REQ_TAKEN) != RSWAP_REQ_INFLIGHT))
		return;
	rswap_request_finish(req, error);
}

struct rswap_control {
	struct completion	done;
	int			error;
};

static void rswap_control_end(struct rswap_request *req, int error)
{
	struct rswap_control *control = req->private;

	rswap_request_put(req);
	control->error = error;
	complete(&control->done);
}

/**
 * rswap_request_control - send a control message and wait for the answer
 * @conn: the connection to use
 * @op: RSWAP_OP_BYE or RSWAP_OP_SLAB_ALLOC
 * @slab: number of the slab, or 0
 * @timeout: jiffies until the server counts as lost
 *
 * Context: may sleep, until the server answers or is given up.
 * Return: 0 or a negative errno.
 */
int rswap_request_control(struct rswap_conn *conn, u8 op, u32 slab,
			  unsigned long timeout)
{
	const struct rswap_extent ext = { .slab = slab };
	struct rswap_control control;
	struct rswap_request *req;

	init_completion(&control.done);
	req = rswap_request_get(conn);
	rswap_wire_init(&req->hdr, op, &ext);
	req->kind = RSWAP_IO_KIND_NONE;
	req->deadline = jiffies + timeout;
	req->private = &control;
	req->end = rswap_control_end;
	rswap_request_submit(req);
	wait_for_completion(&control.done);
	return control.error;
}

static u8 rswap_kind_op(u32 kind)
{
	switch (kind) {
	case RSWAP_IO_KIND_WRITE:
		return RSWAP_OP_WRITE;
	case RSWAP_IO_KIND_TRIM:
		return RSWAP_OP_TRIM;
	default:
		return RSWAP_OP_READ;
	}
}

/* Make sure that the slab exists; Return: 0 or a negative errno */
static int rswap_map_slab(struct rswap_session *session, u32 slab)
{
	int ret;

	if (!rswap_slab_begin(session->slabs, slab))
		return 0;
	ret = rswap_request_control(rswap_conn_pick(session, RSWAP_LANE_BULK),
				    RSWAP_OP_SLAB_ALLOC, slab,
				    session->config.timeout * HZ);
	rswap_slab_end(session->slabs, slab, !ret);
	if (ret == -ENOSPC)
		pr_err_ratelimited("rswap: %s: %s is full: no memory for slab %u\n",
				   session->config.name, session->config.url,
				   slab);
	return ret;
}

/**
 * rswap_io_submit - move the bytes of an extent
 * @session: the session
 * @kind: what for
 * @ext: where
 * @data: ext->length bytes of memory, or none to TRIM; copied
 * @end: called once when the server has answered, as rswap_request.end
 * @private: for @end
 * @start_jiffies: for @end
 * @nowait: do not wait for the end of other requests; to read
 *
 * A slab that does not exist yet is asked for when it is written to.
 *
 * Context: process, may sleep, but never for memory that reclaim would have to
 * free.
 * Return: 0 if @end has been or will be called; 1 if it will not, for all has
 * been done; a negative errno if it will not, for nothing could be done: -EAGAIN
 * with @nowait.
 */
int rswap_io_submit(struct rswap_session *session, u32 kind,
		    const struct rswap_extent *ext, struct iov_iter *data,
		    void (*end)(struct rswap_request *req, int error),
		    void *private, unsigned long start_jiffies, bool nowait)
{
	struct rswap_request *req;
	struct rswap_conn *conn;
	int ret;

	if (kind == RSWAP_IO_KIND_WRITE)
		rswap_trim_forget(session, rswap_slab_pos(session->slabs, ext),
				  ext->length);
	if (!rswap_slab_mapped(session->slabs, ext->slab)) {
		if (kind != RSWAP_IO_KIND_WRITE) {
			iov_iter_zero(iov_iter_count(data), data);
			return 1;
		}
		ret = rswap_map_slab(session, ext->slab);
		if (ret)
			return ret;
	}
	conn = rswap_conn_pick(session, kind == RSWAP_IO_KIND_DEMAND_READ ?
					RSWAP_LANE_DEMAND : RSWAP_LANE_BULK);
	/* Not before those who wait */
	if (nowait && waitqueue_active(&conn->wait))
		return -EAGAIN;
	req = nowait ? rswap_request_try_get(conn) : rswap_request_get(conn);
	if (!req)
		return -EAGAIN;
	rswap_wire_init(&req->hdr, rswap_kind_op(kind), ext);
	req->kind = kind;
	req->data = *data;
	req->private = private;
	req->end = end;
	req->start_jiffies = start_jiffies;
	rswap_request_submit(req);
	return 0;
}
