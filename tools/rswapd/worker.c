// SPDX-License-Identifier: GPL-2.0
/* A thread, its ring, and the connections it was given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "rswapd.h"

#define RING_ENTRIES	1024
#define STOP_MS		2000		/* to send the last replies */

/**
 * now_ms - the clock of all timeouts
 *
 * Return: milliseconds, monotonic.
 */
uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/**
 * ring_init - an io_uring for the calling thread alone
 * @ring: to set up
 * @entries: of the submission queue
 *
 * Return: 0 or a negative errno.
 */
int ring_init(struct io_uring *ring, unsigned int entries)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = 4 * entries,
	};
	int ret = io_uring_queue_init_params(entries, ring, &params);

	if (ret != -EINVAL)
		return ret;
	/* Before 6.1: works the same, with more interruptions */
	params = (struct io_uring_params){
		.flags = IORING_SETUP_CQSIZE, .cq_entries = 4 * entries,
	};
	return io_uring_queue_init_params(entries, ring, &params);
}

/**
 * ring_sqe - a submission entry, whatever it takes
 * @ring: of the calling thread
 *
 * Return: the entry; never NULL, because a full queue is submitted first.
 */
struct io_uring_sqe *ring_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(ring)))
		io_uring_submit(ring);
	return sqe;
}

static void arm_kick(struct worker *worker)
{
	struct io_uring_sqe *sqe = ring_sqe(&worker->ring);

	io_uring_prep_read(sqe, worker->kick, &worker->kicked,
			   sizeof(worker->kicked), 0);
	io_uring_sqe_set_data64(sqe, EV_KICK);
}

static void arm_tick(struct worker *worker)
{
	struct io_uring_sqe *sqe = ring_sqe(&worker->ring);

	worker->tick = (struct __kernel_timespec){ .tv_sec = 1 };
	io_uring_prep_timeout(sqe, &worker->tick, 0, 0);
	io_uring_sqe_set_data64(sqe, EV_TICK);
}

/* Do @what to each connection, which may end it */
static void for_each_conn(struct worker *worker, void (*what)(struct conn *))
{
	struct conn *next;

	for (struct conn *conn = worker->conns; conn; conn = next) {
		next = conn->next;
		what(conn);
	}
}

static void close_if_gone(struct conn *conn)
{
	if (conn->client && atomic_load(&conn->client->gone))
		conn_finish(conn, true, "its client said BYE or expired");
}

static void close_quickly(struct conn *conn)
{
	conn_finish(conn, false, "the server stops");
}

static void take_mail(struct worker *worker)
{
	struct conn *fresh, *conn;
	struct op *done, *op;

	pthread_mutex_lock(&worker->lock);
	fresh = worker->fresh;
	done = worker->done;
	worker->fresh = NULL;
	worker->done = NULL;
	pthread_mutex_unlock(&worker->lock);

	while ((conn = fresh)) {
		fresh = conn->next;
		conn_start(conn, worker);
	}
	while ((op = done)) {
		done = op->next;
		conn_done(op);
	}
}

static void on_kick(struct worker *worker)
{
	struct server *srv = worker->srv;
	unsigned int byes = atomic_load(&srv->reg.byes);

	take_mail(worker);
	if (byes != worker->byes) {
		worker->byes = byes;
		for_each_conn(worker, close_if_gone);
	}
	if (atomic_load(&srv->draining) && !worker->announced) {
		worker->announced = true;
		for_each_conn(worker, conn_announce);
	}
	if (atomic_load(&srv->stopping) && !worker->stopping) {
		worker->stopping = true;
		worker->stop_by = worker->now + STOP_MS;
		for_each_conn(worker, close_quickly);
	}
}

static void on_event(struct worker *worker, const struct io_uring_cqe *cqe)
{
	uint64_t data = cqe->user_data;
	struct conn *conn = (struct conn *)(uintptr_t)(data & ~(uint64_t)EV_MASK);

	switch (data & EV_MASK) {
	case EV_RX:
		conn_received(conn, cqe->res);
		break;
	case EV_TX:
		conn_sent(conn, cqe->res);
		break;
	case EV_KICK:
		on_kick(worker);
		arm_kick(worker);
		break;
	case EV_TICK:
		for_each_conn(worker, conn_tick);
		arm_tick(worker);
		break;
	}
}

static void serve(struct worker *worker)
{
	struct io_uring *ring = &worker->ring;

	while (!worker->stopping ||
	       (worker->conns && worker->now < worker->stop_by)) {
		struct io_uring_cqe *cqe;
		unsigned int head, n = 0;
		int ret = io_uring_submit_and_wait(ring, 1);

		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY) {
			log_event(LOG_ERROR, "io_uring_enter: %s", strerror(-ret));
			abort();
		}
		worker->now = now_ms();
		io_uring_for_each_cqe(ring, head, cqe) {
			on_event(worker, cqe);
			n++;
		}
		io_uring_cq_advance(ring, n);
	}
}

/* What worker_start() waits for */
struct starting {
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int result;			/* 1 while unknown */
};

static void *worker_main(void *arg)
{
	struct starting *starting = arg;
	struct worker *worker = starting->worker;
	int ret = ring_init(&worker->ring, RING_ENTRIES);

	pthread_mutex_lock(&starting->lock);
	starting->result = ret;
	pthread_cond_signal(&starting->cond);
	pthread_mutex_unlock(&starting->lock);
	if (ret)
		return NULL;

	worker->now = now_ms();
	arm_kick(worker);
	arm_tick(worker);
	serve(worker);
	if (!worker->conns)
		io_uring_queue_exit(&worker->ring);
	return NULL;
}

/**
 * worker_start - start a worker, and wait until it has its ring
 * @worker: zeroed
 * @srv: the server
 * @index: of this worker
 *
 * The ring is made by the thread that is to use it, as the kernel wants it.
 *
 * Return: 0 or a negative errno.
 */
int worker_start(struct worker *worker, struct server *srv, unsigned int index)
{
	struct starting starting = {
		.worker = worker,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
		.result = 1,
	};
	int ret;

	worker->srv = srv;
	worker->index = index;
	worker->kick = eventfd(0, EFD_CLOEXEC);
	if (worker->kick < 0)
		return -errno;
	ret = pthread_mutex_init(&worker->lock, NULL);
	if (!ret)
		ret = pthread_create(&worker->thread, NULL, worker_main, &starting);
	if (ret)
		return -ret;
	pthread_mutex_lock(&starting.lock);
	while (starting.result > 0)
		pthread_cond_wait(&starting.cond, &starting.lock);
	pthread_mutex_unlock(&starting.lock);
	if (starting.result)
		pthread_join(worker->thread, NULL);
	return starting.result;
}

/**
 * worker_kick - make a worker look at its mail and at what the server is up to
 * @worker: any
 *
 * Context: any thread.
 */
void worker_kick(struct worker *worker)
{
	uint64_t one = 1;

	if (write(worker->kick, &one, sizeof(one)) != sizeof(one))
		log_event(LOG_ERROR, "cannot wake worker %u", worker->index);
}

/**
 * worker_adopt - hand a new connection to a worker, for good
 * @worker: any
 * @conn: of conn_new()
 *
 * Context: any thread.
 */
void worker_adopt(struct worker *worker, struct conn *conn)
{
	atomic_fetch_add(&worker->nconns, 1);
	pthread_mutex_lock(&worker->lock);
	conn->next = worker->fresh;
	worker->fresh = conn;
	pthread_mutex_unlock(&worker->lock);
	worker_kick(worker);
}

/**
 * worker_heavy - have the reaper do an operation
 * @worker: the calling thread
 * @op: the operation; not to be touched until conn_done() gets it back
 */
void worker_heavy(struct worker *worker, struct op *op)
{
	op->conn->async++;
	reaper_submit(&worker->srv->reaper, op);
}

/**
 * worker_done - the reaper gives an operation back
 * @op: the operation, whose reply is ready
 *
 * Context: the reaper.
 */
void worker_done(struct op *op)
{
	struct worker *worker = op->conn->worker;

	pthread_mutex_lock(&worker->lock);
	op->next = worker->done;
	worker->done = op;
	pthread_mutex_unlock(&worker->lock);
	worker_kick(worker);
}
