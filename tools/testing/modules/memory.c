// SPDX-License-Identifier: GPL-2.0
/*
 * Take every page and object that can be had without a reserve, until they are given back.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/vmstat.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "exhaust.h"

static unsigned int leave;
module_param(leave, uint, 0444);
MODULE_PARM_DESC(leave, "free pages to leave, for tasks with PF_MEMALLOC");
static bool routes;
module_param(routes, bool, 0444);
MODULE_PARM_DESC(routes, "take routes too, each attempt with a warning");
static bool refund = true;
module_param(refund, bool, 0444);
MODULE_PARM_DESC(refund, "give pages back when others have used what was left");
static unsigned int spare;
module_param(spare, uint, 0444);
MODULE_PARM_DESC(spare, "packets and small objects of each size that anybody may have, but no page");

/*
 * What one thread has taken: pages by their lru, objects by their first word,
 * routes by the list for those that nothing caches.
 */
struct hoard {
	struct task_struct *task;
	struct list_head pages;
	void *objects[KMALLOC_SHIFT_HIGH + 1];
	struct sk_buff *skbs;
	struct list_head routes;
	unsigned long nr_pages;
};

static struct hoard hoards[NR_CPUS];
static atomic64_t free_sum = ATOMIC64_INIT(0);
static atomic_t free_checks = ATOMIC_INIT(0);
static bool settled;

static unsigned long free_pages_now(void)
{
	return global_zone_page_state(NR_FREE_PAGES);
}

static void hoard_pages(struct hoard *hoard)
{
	struct page *page;

	while (free_pages_now() > leave) {
		page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!page)
			break;
		list_add(&page->lru, &hoard->pages);
		hoard->nr_pages++;
	}
	while (refund && leave && free_pages_now() < leave && !list_empty(&hoard->pages)) {
		page = list_first_entry(&hoard->pages, struct page, lru);
		list_del(&page->lru);
		__free_page(page);
		hoard->nr_pages--;
	}
}

static void hoard_objects(struct hoard *hoard)
{
	struct sk_buff *skb;
	void **object;
	int i;

	for (i = KMALLOC_SHIFT_LOW; i <= PAGE_SHIFT + 1; i++) {
		while ((object = kmalloc(1UL << i, GFP_NOWAIT | __GFP_NOWARN))) {
			*object = hoard->objects[i];
			hoard->objects[i] = object;
		}
	}
	while ((skb = alloc_skb(0, GFP_NOWAIT | __GFP_NOWARN)) ||
	       (skb = alloc_skb_fclone(0, GFP_NOWAIT | __GFP_NOWARN))) {
		skb->next = hoard->skbs;
		hoard->skbs = skb;
	}
}

/* One at a time, or their warnings would be mixed up. */
static DEFINE_MUTEX(routes_mutex);

static void hoard_routes(struct hoard *hoard)
{
	struct rtable *rt;
	struct rt6_info *rt6;

	if (!mutex_trylock(&routes_mutex))
		return;
	while ((rt = rt_dst_alloc(blackhole_netdev, 0, RTN_UNICAST, 0)))
		list_add(&rt->dst.rt_uncached, &hoard->routes);
	while (IS_REACHABLE(CONFIG_IPV6) &&
	       (rt6 = ip6_dst_alloc(&init_net, blackhole_netdev, DST_NOCOUNT)))
		list_add(&rt6->dst.rt_uncached, &hoard->routes);
	mutex_unlock(&routes_mutex);
}

/* Each list goes on in an object's first word. */
static void free_objects(void **lists, unsigned int n)
{
	void **object;
	unsigned int i;

	for (i = 0; i < n; i++) {
		while ((object = lists[i])) {
			lists[i] = *object;
			kfree(object);
		}
	}
}

static void hoard_free(struct hoard *hoard)
{
	struct dst_entry *dst, *next_dst;
	struct page *page, *next_page;

	list_for_each_entry_safe(page, next_page, &hoard->pages, lru)
		__free_page(page);
	free_objects(hoard->objects, ARRAY_SIZE(hoard->objects));
	kfree_skb_list_reason(hoard->skbs, SKB_CONSUMED);
	list_for_each_entry_safe(dst, next_dst, &hoard->routes, rt_uncached) {
		list_del_init(&dst->rt_uncached);
		dst_release_immediate(dst);
	}
}

/*
 * Twice as many as are spared, so that every second one can be freed without a page that
 * becomes free with it.
 */
static const size_t spare_sizes[] = { 64, 96, 128, 192, 256, 512, 1024 };
static void *spare_objects[2][ARRAY_SIZE(spare_sizes)];
static struct sk_buff *spare_skbs[2];

static void spare_free(int half)
{
	free_objects(spare_objects[half], ARRAY_SIZE(spare_sizes));
	kfree_skb_list_reason(spare_skbs[half], SKB_CONSUMED);
}

static int spare_take(void)
{
	struct sk_buff *skb;
	void **object;
	unsigned int n;
	int i;

	for (n = 0; n < 2 * spare; n++) {
		for (i = 0; i < ARRAY_SIZE(spare_sizes); i++) {
			object = kmalloc(spare_sizes[i], GFP_KERNEL);
			if (!object)
				return -ENOMEM;
			*object = spare_objects[n % 2][i];
			spare_objects[n % 2][i] = object;
		}
		skb = alloc_skb(0, GFP_KERNEL);
		if (!skb)
			return -ENOMEM;
		skb->next = spare_skbs[n % 2];
		spare_skbs[n % 2] = skb;
	}
	return 0;
}

static int hoard_thread(void *data)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	struct hoard *hoard = data;

	/* What is freed must not lie about for long. */
	sched_set_fifo_low(current);
	while (!kthread_should_stop()) {
		if (READ_ONCE(settled)) {
			atomic64_add(free_pages_now(), &free_sum);
			atomic_inc(&free_checks);
		}
		hoard_pages(hoard);
		if (!leave && !(spare && READ_ONCE(settled))) {
			hoard_objects(hoard);
			if (routes)
				hoard_routes(hoard);
		}
		usleep_range(500, 1000);
	}
	memalloc_noreclaim_restore(noreclaim);
	return 0;
}

static int pretend_to_free(struct notifier_block *nb, unsigned long unused, void *freed)
{
	*(unsigned long *)freed += 1;
	msleep(20);
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = {
	.notifier_call = pretend_to_free,
};

static void stop_threads(void)
{
	unsigned long taken = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!hoards[cpu].task)
			continue;
		kthread_stop(hoards[cpu].task);
		hoards[cpu].task = NULL;
		taken += hoards[cpu].nr_pages;
	}
	for_each_possible_cpu(cpu)
		hoard_free(&hoards[cpu]);
	pr_info("took %lu pages, left %lld free on average\n", taken,
		div_s64(atomic64_read(&free_sum), max(atomic_read(&free_checks), 1)));
}

static int start_threads(void)
{
	struct task_struct *task;
	int cpu;

	/* All of them before the first runs: after that there is no memory for more. */
	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(&hoards[cpu].pages);
		INIT_LIST_HEAD(&hoards[cpu].routes);
	}
	for_each_online_cpu(cpu) {
		task = kthread_create_on_cpu(hoard_thread, &hoards[cpu], cpu, "exhaust/%u");
		if (IS_ERR(task)) {
			stop_threads();
			return PTR_ERR(task);
		}
		hoards[cpu].task = task;
	}
	for_each_online_cpu(cpu)
		wake_up_process(hoards[cpu].task);
	return 0;
}

/* Returns when the last caches are empty too, with 0, or a negative error. */
int memory_take(void)
{
	int ret;

	register_oom_notifier(&oom_notifier);
	ret = spare_take() ?: start_threads();
	if (ret) {
		spare_free(0);
		spare_free(1);
		unregister_oom_notifier(&oom_notifier);
		return ret;
	}
	msleep(500);
	if (spare) {
		WRITE_ONCE(settled, true);
		/* Whoever has not seen it yet takes no more after that */
		msleep(20);
		spare_free(0);
	}
	pr_info("memory is out: %lu pages free\n", free_pages_now());
	return 0;
}

void memory_give_back(void)
{
	stop_threads();
	spare_free(1);
	unregister_oom_notifier(&oom_notifier);
}
