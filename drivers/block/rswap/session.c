// SPDX-License-Identifier: GPL-2.0
/*
 * rswap session: a device's relation to its server
 *
 * All connections of a session live and die together.  They are taken down by
 * one work item, session->lost_work, whoever wants it: a work item runs in one
 * place at a time, so that transports need no lock for their disconnect.
 */
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uuid.h>
#include <net/net_namespace.h>
#include <kunit/visibility.h>

#include "rswap.h"
#include "trace.h"

/* How long the server has to answer BYE */
#define RSWAP_BYE_TIMEOUT	(5 * HZ)

static const char *const rswap_state_names[] = {
	[RSWAP_STATE_NEW]		= "new",
	[RSWAP_STATE_CONNECTING]	= "connecting",
	[RSWAP_STATE_LIVE]		= "live",
	[RSWAP_STATE_LOST]		= "lost",
	[RSWAP_STATE_FAILED]		= "failed",
	[RSWAP_STATE_CLOSING]		= "closing",
	[RSWAP_STATE_CLOSED]		= "closed",
};

/* Which states may follow each */
static const u8 rswap_state_table[] = {
	[RSWAP_STATE_NEW]		= BIT(RSWAP_STATE_CONNECTING) |
					  BIT(RSWAP_STATE_CLOSING),
	[RSWAP_STATE_CONNECTING]	= BIT(RSWAP_STATE_LIVE) |
					  BIT(RSWAP_STATE_FAILED),
	[RSWAP_STATE_LIVE]		= BIT(RSWAP_STATE_LOST) |
					  BIT(RSWAP_STATE_CLOSING),
	[RSWAP_STATE_LOST]		= BIT(RSWAP_STATE_FAILED),
	[RSWAP_STATE_FAILED]		= BIT(RSWAP_STATE_CLOSING),
	[RSWAP_STATE_CLOSING]		= BIT(RSWAP_STATE_CLOSED),
	[RSWAP_STATE_CLOSED]		= 0,
};

/**
 * rswap_state_allowed - may a session go from one state to another?
 * @from: enum rswap_state
 * @to: enum rswap_state
 *
 * Context: any.
 * Return: whether the transition is in the table.
 */
bool rswap_state_allowed(enum rswap_state from, enum rswap_state to)
{
	return from < ARRAY_SIZE(rswap_state_table) &&
	       to < ARRAY_SIZE(rswap_state_table) &&
	       rswap_state_table[from] & BIT(to);
}
EXPORT_SYMBOL_IF_KUNIT(rswap_state_allowed);

/**
 * rswap_state_name - a state in words
 * @state: enum rswap_state
 *
 * Context: any.
 * Return: its name, as in the netlink specification.
 */
const char *rswap_state_name(enum rswap_state state)
{
	return state < ARRAY_SIZE(rswap_state_names) ?
		rswap_state_names[state] : "?";
}
EXPORT_SYMBOL_IF_KUNIT(rswap_state_name);

static void rswap_session_set_state_locked(struct rswap_session *session,
					   enum rswap_state state)
{
	lockdep_assert_held(&session->lock);
	WARN_ONCE(!rswap_state_allowed(session->state, state),
		  "rswap: session went from %s to %s\n",
		  rswap_state_name(session->state), rswap_state_name(state));
	trace_rswap_session_state(session, state);
	WRITE_ONCE(session->state, state);
}

static void rswap_session_set_state(struct rswap_session *session,
				    enum rswap_state state)
{
	spin_lock_irq(&session->lock);
	rswap_session_set_state_locked(session, state);
	spin_unlock_irq(&session->lock);
}

/**
 * rswap_session_why - leave a message for the administrator
 * @session: the session, being connected
 * @error: negative errno
 * @fmt: what happened, at most RSWAP_WHY_LEN bytes when printed
 *
 * Context: process.
 * Return: @error.
 */
int rswap_session_why(struct rswap_session *session, int error,
		      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(session->why, sizeof(session->why), fmt, args);
	va_end(args);
	return error;
}

/**
 * rswap_session_live - does I/O flow?
 * @session: the session
 *
 * Context: any.
 * Return: whether it is in state LIVE.
 */
bool rswap_session_live(const struct rswap_session *session)
{
	return READ_ONCE(session->state) == RSWAP_STATE_LIVE;
}

/**
 * rswap_session_lost - a transport's upcall: a connection is dead
 * @session: the session
 * @error: negative errno
 *
 * Context: any.
 */
void rswap_session_lost(struct rswap_session *session, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&session->lock, flags);
	if (!session->error)
		session->error = error;
	switch (session->state) {
	case RSWAP_STATE_LIVE:
		rswap_session_set_state_locked(session, RSWAP_STATE_LOST);
		queue_work(rswap_wq, &session->lost_work);
		break;
	case RSWAP_STATE_CLOSING:
		/* End the wait for an answer to BYE */
		queue_work(rswap_wq, &session->lost_work);
		break;
	default:
		break;
	}
	spin_unlock_irqrestore(&session->lock, flags);
}

static void rswap_session_lost_work(struct work_struct *work)
{
	struct rswap_session *session =
		container_of(work, struct rswap_session, lost_work);
	u32 i;

	if (READ_ONCE(session->state) == RSWAP_STATE_LOST)
		pr_err("rswap: %s: lost %s: %pe; I/O fails from now on\n",
		       session->config.name, session->config.url,
		       ERR_PTR(session->error));
	for (i = 0; i < session->nr_conns; i++)
		session->ops->disconnect(&session->conns[i],
					 session->error ?: -ESHUTDOWN);

	spin_lock_irq(&session->lock);
	if (session->state == RSWAP_STATE_LOST)
		rswap_session_set_state_locked(session, RSWAP_STATE_FAILED);
	spin_unlock_irq(&session->lock);
}

/*
 * Has taking leave lasted too long?  BYE may have to wait for requests that are
 * outstanding, whose own deadlines may be far away.
 */
static bool rswap_session_closing_late(struct rswap_session *session)
{
	bool late;

	spin_lock_irq(&session->lock);
	late = session->state == RSWAP_STATE_CLOSING &&
	       time_after(jiffies, session->bye_deadline);
	spin_unlock_irq(&session->lock);
	return late;
}

static void rswap_session_watch(struct work_struct *work)
{
	struct rswap_session *session =
		container_of(work, struct rswap_session, watchdog.work);
	bool late = rswap_session_closing_late(session);
	u32 i;

	for (i = 0; i < session->nr_conns && !late; i++)
		late = rswap_conn_timed_out(&session->conns[i]);
	if (late) {
		rswap_session_lost(session, -ETIMEDOUT);
		return;
	}
	queue_delayed_work(rswap_wq, &session->watchdog, HZ / 2);
}

/**
 * rswap_session_create - prepare a session; nothing is sent
 * @config: what is asked for, checked by rswap_config_check()
 * @net: network namespace to connect from
 * @why: RSWAP_WHY_LEN bytes; says what is wrong when this fails
 *
 * Allocates all that the session will ever need, but for the slab map and the
 * bitmap of freed slots, which need the server's answer, and what the transport
 * keeps of each connection.
 *
 * Context: may sleep.
 * Return: the session, for rswap_session_close() and rswap_session_destroy(),
 * or an ERR_PTR.
 */
struct rswap_session *rswap_session_create(const struct rswap_config *config,
					   struct net *net, char *why)
{
	struct rswap_session *session;
	int ret;
	u32 i;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);
	session->config = *config;
	session->net = get_net(net);
	spin_lock_init(&session->lock);
	INIT_WORK(&session->lost_work, rswap_session_lost_work);
	INIT_DELAYED_WORK(&session->watchdog, rswap_session_watch);
	init_waitqueue_head(&session->idle);
	generate_random_uuid(session->id);
	get_random_bytes(session->key, sizeof(session->key));

	ret = rswap_transport_parse(session);
	if (ret)
		goto out_destroy;
	ret = -ENOMEM;
	session->stats = rswap_stats_create();
	session->conns = kcalloc(config->connections, sizeof(*session->conns),
				 GFP_KERNEL);
	if (!session->stats || !session->conns)
		goto out_destroy;
	for (i = 0; i < config->connections; i++) {
		ret = rswap_conn_init(&session->conns[i], session, i);
		if (ret)
			goto out_destroy;
		session->nr_conns++;
	}
	return session;

out_destroy:
	strscpy(why, session->why, RSWAP_WHY_LEN);
	rswap_session_destroy(session);
	return ERR_PTR(ret);
}

static int rswap_session_connect_all(struct rswap_session *session)
{
	struct rswap_limits limits;
	int ret;
	u32 i;

	for (i = 0; i < session->nr_conns; i++) {
		memset(&limits, 0, sizeof(limits));
		ret = session->ops->connect(&session->conns[i], &limits);
		if (ret)
			return ret;
		if (!i) {
			session->limits = limits;
			continue;
		}
		if (limits.slab_size != session->limits.slab_size ||
		    memcmp(limits.server_id, session->limits.server_id,
			   sizeof(limits.server_id)))
			return rswap_session_why(session, -EPROTO,
						 "connections reach different servers");
		session->limits.max_io = min(session->limits.max_io,
					     limits.max_io);
	}

	session->slabs = rswap_slab_map_create(session->config.size,
					       session->limits.slab_size);
	if (IS_ERR(session->slabs)) {
		ret = PTR_ERR(session->slabs);
		session->slabs = NULL;
		return rswap_session_why(session, ret,
					 "more than %u slabs of %u bytes",
					 RSWAP_MAX_SLABS,
					 session->limits.slab_size);
	}
	session->trim = rswap_trim_create(session);
	if (!session->trim)
		return rswap_session_why(session, -ENOMEM,
					 "no memory for a bit for each page");
	return 0;
}

/**
 * rswap_session_connect - connect to the server
 * @session: the session, in state NEW
 *
 * Context: may sleep; interruptible.
 * Return: 0 and state LIVE; or a negative errno, session->why, and state FAILED.
 */
int rswap_session_connect(struct rswap_session *session)
{
	int ret;

	rswap_session_set_state(session, RSWAP_STATE_CONNECTING);
	ret = rswap_session_connect_all(session);

	spin_lock_irq(&session->lock);
	if (!ret && session->error) {
		ret = session->error;
		rswap_session_why(session, ret,
				  "connection lost while attaching");
	}
	session->error = ret;
	rswap_session_set_state_locked(session, ret ? RSWAP_STATE_FAILED :
						      RSWAP_STATE_LIVE);
	spin_unlock_irq(&session->lock);
	if (!ret)
		queue_delayed_work(rswap_wq, &session->watchdog, HZ / 2);
	return ret;
}

static bool rswap_session_idle(const struct rswap_session *session)
{
	int kind;

	for (kind = 0; kind < ARRAY_SIZE(session->inflight); kind++)
		if (atomic_read(&session->inflight[kind]))
			return false;
	return true;
}

/**
 * rswap_session_drain - wait until no request is outstanding
 * @session: the session; no new request is submitted
 *
 * Context: may sleep; bounded by the session's timeout.
 */
void rswap_session_drain(struct rswap_session *session)
{
	wait_event(session->idle, rswap_session_idle(session));
}

/* The first connection that said HELLO with success, if any */
static struct rswap_conn *rswap_session_greeted(struct rswap_session *session)
{
	u32 i;

	for (i = 0; i < session->nr_conns; i++)
		if (session->conns[i].depth)
			return &session->conns[i];
	return NULL;
}

/**
 * rswap_session_close - take leave of the server and disconnect
 * @session: the session, in state NEW, LIVE, LOST or FAILED
 *
 * Requests outstanding fail.  If the server can still be reached it frees what
 * it held for us.
 *
 * Context: may sleep, RSWAP_BYE_TIMEOUT and little more at most.
 */
void rswap_session_close(struct rswap_session *session)
{
	struct rswap_conn *conn = rswap_session_greeted(session);
	enum rswap_state old;

	for (;;) {
		flush_work(&session->lost_work);
		spin_lock_irq(&session->lock);
		old = session->state;
		if (old != RSWAP_STATE_LOST)
			break;
		spin_unlock_irq(&session->lock);
	}
	session->bye_deadline = jiffies + RSWAP_BYE_TIMEOUT;
	rswap_session_set_state_locked(session, RSWAP_STATE_CLOSING);
	spin_unlock_irq(&session->lock);

	if (conn) {
		/* The watchdog ends the wait, also of a session that never lived */
		mod_delayed_work(rswap_wq, &session->watchdog, HZ / 2);
		if (rswap_request_control(conn, RSWAP_OP_BYE, 0,
					  RSWAP_BYE_TIMEOUT) &&
		    old == RSWAP_STATE_LIVE)
			pr_warn("rswap: %s: %s did not answer; it keeps the slabs until it forgets this client\n",
				session->config.name, session->config.url);
		cancel_delayed_work_sync(&session->watchdog);
	}
	queue_work(rswap_wq, &session->lost_work);
	flush_work(&session->lost_work);
	rswap_session_set_state(session, RSWAP_STATE_CLOSED);
	/* A sender that met its closed socket meanwhile may have queued it again */
	flush_work(&session->lost_work);
}

/**
 * rswap_session_destroy - free a session
 * @session: the session, in state NEW or CLOSED
 *
 * Context: may sleep.
 */
void rswap_session_destroy(struct rswap_session *session)
{
	u32 i;

	rswap_session_drain(session);
	/* See rswap_request_finish() */
	synchronize_rcu();
	rswap_trim_destroy(session->trim);
	/* The transport's part hangs on the connections: it goes first */
	if (session->transport_data)
		session->ops->destroy(session);
	for (i = 0; i < session->nr_conns; i++)
		rswap_conn_destroy(&session->conns[i]);
	kfree(session->conns);
	rswap_slab_map_destroy(session->slabs);
	free_percpu(session->stats);
	put_net(session->net);
	kfree_sensitive(session);
}

/**
 * rswap_session_memory - kernel memory held for a session
 * @session: the session
 *
 * Context: any.
 * Return: bytes, the statistics of all CPUs included.
 */
u64 rswap_session_memory(const struct rswap_session *session)
{
	u64 bytes = sizeof(*session);

	bytes += session->nr_conns * sizeof(*session->conns);
	bytes += (u64)session->nr_conns * session->config.depth *
		 sizeof(struct rswap_request);
	bytes += (u64)num_possible_cpus() * sizeof(struct rswap_stats_cpu);
	if (session->trim)
		bytes += struct_size(session->trim, freed,
				     BITS_TO_LONGS(session->trim->nr));
	if (session->slabs)
		bytes += struct_size(session->slabs, state, session->slabs->nr);
	return bytes;
}
