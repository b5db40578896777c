// SPDX-License-Identifier: GPL-2.0
/*
 * Take all memory there is, and see whether a swap device still works.
 *
 * Loading the module does it once: a thread on each CPU takes every page, every
 * free object of the kmalloc caches, every sk_buff and, if told so, every route that
 * an allocation without entitlement to a reserve can get, PF_MEMALLOC ignoring all
 * watermarks, and takes again whatever others free. Meanwhile another thread does what
 * reclaim does: with PF_MEMALLOC set it writes blocks to the device,
 * and reads them back, by swap operations where the device has them, else by
 * bios. These and the pages are there beforehand. A file must be swapped to, so
 * that its file system is prepared. Then everything is given back, and the
 * log says how far it came:
 *
 *	exhaust: took 28115 pages, left 3 free on average
 *	exhaust: 200 of 200 done, 0 errors, 0 wrong, longest 12 ms
 *
 * If nothing is done for "patience" seconds while memory is out, that is the end of
 * it: "stuck". How long it then takes with memory tells whether that was the cause.
 *
 * No process is killed: the OOM killer is told that memory has been freed.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/ktime.h>
#include <linux/module.h>
#include <net/page_pool/helpers.h>

#include "exhaust.h"

#define POOL_MAX	64

static unsigned int pool;
module_param(pool, uint, 0444);
MODULE_PARM_DESC(pool, "pages to take from a page_pool as a card's driver does, first");
static bool entitled;
module_param(entitled, bool, 0444);
MODULE_PARM_DESC(entitled, "see who gets what is reserved, before the transfers");

static struct page_pool *page_pool;
static unsigned int pooled;

/* Returns false if the pool gives less than it is asked for. */
static bool pool_use(void)
{
	struct page *taken[POOL_MAX];
	unsigned int n, i;

	if (!pool)
		return true;
	local_bh_disable();
	for (n = 0; n < pool; n++) {
		taken[n] = page_pool_alloc_pages(page_pool, GFP_ATOMIC | __GFP_NOWARN);
		if (!taken[n])
			break;
	}
	for (i = 0; i < n; i++)
		page_pool_put_full_page(page_pool, taken[i], true);
	local_bh_enable();
	pooled = n;
	return n == pool;
}

static int pool_create(void)
{
	struct page_pool_params params = { .pool_size = POOL_MAX, .nid = NUMA_NO_NODE };

	if (!pool)
		return 0;
	if (pool > POOL_MAX)
		return -EINVAL;
	page_pool = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(page_pool);
}

static int __init exhaust_init(void)
{
	bool pool_stuck, stuck = false;
	ktime_t since;
	int ret;

	ret = pool_create();
	if (ret)
		return ret;
	ret = stall_create();
	if (ret)
		goto out_pool;
	ret = workers_create();
	if (ret)
		goto out_stall;
	ret = transfers_create();
	if (ret)
		goto out_workers;
	ret = memory_take();
	if (ret)
		goto out;
	if (entitled)
		entitled_tell();
	workers_take();
	stall_send();
	since = ktime_get();
	pool_stuck = !pool_use();
	stuck = pool_stuck || !transfers_run();
	if (stuck)
		tell_state(transfers_task());
	transfers_give_up();
	memory_give_back();
	if (pool_stuck)
		pr_info("stuck after %u of %u\n", pooled, pool);
	else
		transfers_tell(stuck);
out:
	transfers_free();
	if (stuck)
		pr_info("with memory, it ended %lld ms after its beginning\n",
			ktime_ms_delta(ktime_get(), since));
out_workers:
	workers_free();
out_stall:
	stall_free();
out_pool:
	if (page_pool)
		page_pool_destroy(page_pool);
	return ret;
}
module_init(exhaust_init);

static void __exit exhaust_exit(void)
{
}
module_exit(exhaust_exit);

MODULE_DESCRIPTION("Take all memory and use a swap device");
MODULE_LICENSE("GPL");
