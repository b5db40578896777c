// SPDX-License-Identifier: GPL-2.0
/*
 * Work that waits until there is memory again: once memory is out, there is no other worker
 * for who uses the system's work queues, and none can be made.
 */

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "exhaust.h"

static unsigned int workers;
module_param(workers, uint, 0444);
MODULE_PARM_DESC(workers, "of each CPU that wait while memory is out");

static struct work_struct *works;
static DECLARE_COMPLETION(memory_is_back);

static void wait_for_memory(struct work_struct *work)
{
	wait_for_completion(&memory_is_back);
}

int workers_create(void)
{
	unsigned int i;

	if (!workers)
		return 0;
	works = kvcalloc(array_size(workers, nr_cpu_ids), sizeof(*works), GFP_KERNEL);
	if (!works)
		return -ENOMEM;
	for (i = 0; i < workers * nr_cpu_ids; i++)
		INIT_WORK(&works[i], wait_for_memory);
	return 0;
}

void workers_take(void)
{
	unsigned int i, n = 0;
	int cpu;

	if (!works)
		return;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		for (i = 0; i < workers; i++)
			queue_work_on(cpu, system_wq, &works[n++]);
	cpus_read_unlock();
}

void workers_free(void)
{
	unsigned int i;

	if (!works)
		return;
	complete_all(&memory_is_back);
	for (i = 0; i < workers * nr_cpu_ids; i++)
		flush_work(&works[i]);
	kvfree(works);
	works = NULL;
}
