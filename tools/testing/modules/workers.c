// SPDX-License-Identifier: GPL-2.0
/*
 * Work that waits until there is memory again. Memory being out, no new worker can be made:
 * once those that there are wait, work on the system's work queues is not done.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "exhaust.h"

#define UNTIL_THEN_MS	1000
/* What has not begun by then has no worker. */
#define PATIENCE_MS	500

static unsigned int workers;
module_param(workers, uint, 0444);
MODULE_PARM_DESC(workers, "that wait while memory is out, of each pool at most");

struct wait_work {
	struct work_struct work;
	bool begun;
};

static struct wait_work *works;
static unsigned int nr_works;
static DECLARE_COMPLETION(memory_is_back);

static void wait_for_memory(struct work_struct *work)
{
	WRITE_ONCE(container_of(work, struct wait_work, work)->begun, true);
	wait_for_completion(&memory_is_back);
}

int workers_create(void)
{
	unsigned int i;

	nr_works = 2 * workers * nr_cpu_ids;
	works = kvcalloc(nr_works, sizeof(*works), GFP_KERNEL);
	if (!works)
		return -ENOMEM;
	for (i = 0; i < nr_works; i++)
		INIT_WORK(&works[i].work, wait_for_memory);
	return 0;
}

static bool has_begun(const struct wait_work *waiter)
{
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS && !READ_ONCE(waiter->begun); ms++)
		usleep_range(900, 1100);
	return ms < PATIENCE_MS;
}

/* What has no worker when there is none left goes before all that comes later. */
static bool take_pool(struct workqueue_struct *wq, int cpu, struct wait_work *waiters)
{
	bool none_left = false;
	unsigned int i;

	for (i = 0; i < workers; i++) {
		queue_work_on(cpu, wq, &waiters[i].work);
		none_left = none_left || !has_begun(&waiters[i]);
	}
	return none_left;
}

void workers_take(void)
{
	struct wait_work *waiters = works;
	bool all = true;
	int cpu;

	if (!workers)
		return;
	/* What the lab does when memory is out may need one, for example to see the cable out */
	msleep(UNTIL_THEN_MS);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		all &= take_pool(system_wq, cpu, waiters);
		all &= take_pool(system_unbound_wq, cpu, waiters + workers);
		waiters += 2 * workers;
	}
	cpus_read_unlock();
	pr_info("%s\n", all ? "no worker is left" : "some workers are left");
}

void workers_free(void)
{
	unsigned int i;

	complete_all(&memory_is_back);
	for (i = 0; i < nr_works; i++)
		flush_work(&works[i].work);
	kvfree(works);
}
