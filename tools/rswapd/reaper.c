// SPDX-License-Identifier: GPL-2.0
/* The thread that does what takes milliseconds, and watches over orphans. */
#include <stdlib.h>
#include <time.h>

#include "rswapd.h"

/* Wait for work until @next ms; reaper.lock held */
static void wait_locked(struct reaper *reaper, uint64_t next)
{
	struct timespec until = {
		.tv_sec = (time_t)(next / 1000),
		.tv_nsec = (long)(next % 1000) * 1000000,
	};

	if (next == UINT64_MAX)
		pthread_cond_wait(&reaper->cond, &reaper->lock);
	else
		pthread_cond_timedwait(&reaper->cond, &reaper->lock, &until);
}

static void *reaper_main(void *arg)
{
	struct reaper *reaper = arg;
	struct registry *reg = &reaper->srv->reg;
	unsigned int byes = 0;

	for (;;) {
		struct op *ops, *op;
		uint64_t next = registry_expire(reg, now_ms());

		if (byes != atomic_load(&reg->byes)) {
			byes = atomic_load(&reg->byes);
			for (unsigned int i = 0; i < reg->workers; i++)
				worker_kick(&reaper->srv->workers[i]);
		}
		pthread_mutex_lock(&reaper->lock);
		if (!reaper->ops && !reaper->poked && !reaper->stop)
			wait_locked(reaper, next);
		reaper->poked = false;
		ops = reaper->ops;
		reaper->ops = NULL;
		reaper->ops_end = &reaper->ops;
		if (!ops && reaper->stop) {
			pthread_mutex_unlock(&reaper->lock);
			return NULL;
		}
		pthread_mutex_unlock(&reaper->lock);

		while ((op = ops)) {
			ops = op->next;
			request_heavy(op);
			worker_done(op);
		}
	}
}

/**
 * reaper_start - start the thread
 * @reaper: zeroed
 * @srv: the server, whose workers run already
 *
 * Return: 0 or a negative errno.
 */
int reaper_start(struct reaper *reaper, struct server *srv)
{
	pthread_condattr_t attr;
	int ret;

	reaper->srv = srv;
	reaper->ops_end = &reaper->ops;
	ret = pthread_mutex_init(&reaper->lock, NULL);
	if (ret)
		return -ret;
	ret = pthread_condattr_init(&attr);
	if (ret)
		return -ret;
	ret = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!ret)
		ret = pthread_cond_init(&reaper->cond, &attr);
	pthread_condattr_destroy(&attr);
	if (!ret)
		ret = pthread_create(&reaper->thread, NULL, reaper_main, reaper);
	return -ret;
}

/**
 * reaper_submit - hand an operation over
 * @reaper: the reaper
 * @op: done with request_heavy(), then given to worker_done()
 *
 * Context: any thread.
 */
void reaper_submit(struct reaper *reaper, struct op *op)
{
	pthread_mutex_lock(&reaper->lock);
	op->next = NULL;
	*reaper->ops_end = op;
	reaper->ops_end = &op->next;
	pthread_cond_signal(&reaper->cond);
	pthread_mutex_unlock(&reaper->lock);
}

/**
 * reaper_poke - look at the orphans again: there may be one more
 * @reaper: the reaper
 *
 * Context: any thread.
 */
void reaper_poke(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->poked = true;
	pthread_cond_signal(&reaper->cond);
	pthread_mutex_unlock(&reaper->lock);
}

/**
 * reaper_stop - finish what was submitted, then end the thread
 * @reaper: the reaper
 */
void reaper_stop(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->stop = true;
	pthread_cond_signal(&reaper->cond);
	pthread_mutex_unlock(&reaper->lock);
	pthread_join(reaper->thread, NULL);
	pthread_cond_destroy(&reaper->cond);
	pthread_mutex_destroy(&reaper->lock);
}
