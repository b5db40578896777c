// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets what is reserved?
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>

#include "exhaust.h"

struct drained {
	struct list_head pages;
	struct sk_buff_head skbs;
};

/* A page of a reserve has one more reference: the reserve's. */
static bool is_reserved(const void *address)
{
	return page_ref_count(virt_to_head_page(address)) > 1;
}

/*
 * Take pages and packets until there are no more. What others have just freed anybody
 * may get, if the threads have not yet.
 */
static void drain(struct drained *drained, const char *who, gfp_t gfp)
{
	unsigned int nr_pages = 0, nr_skbs = 0, unmarked = 0, others = 0;
	struct sk_buff *skb;
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		if (is_reserved(page_address(page))) {
			nr_pages++;
			unmarked += !page_is_pfmemalloc(page);
		} else {
			others++;
		}
		list_add(&page->lru, &drained->pages);
	}
	while ((skb = alloc_skb(0, gfp | __GFP_NOWARN))) {
		if (is_reserved(skb) || is_reserved(skb->head)) {
			nr_skbs++;
			unmarked += !skb_pfmemalloc(skb);
		} else {
			others++;
		}
		__skb_queue_tail(&drained->skbs, skb);
	}
	pr_info("%s: %u pages and %u packets of a reserve, %u unmarked, %u others\n", who,
		nr_pages, nr_skbs, unmarked, others);
}

/* Memory is out. Each gets what those before left. */
void entitled_tell(void)
{
	struct drained drained = { .pages = LIST_HEAD_INIT(drained.pages) };
	struct page *page, *next;
	unsigned int noreclaim;

	__skb_queue_head_init(&drained.skbs);
	drain(&drained, "GFP_ATOMIC", GFP_ATOMIC);
	noreclaim = memalloc_noreclaim_save();
	drain(&drained, "PF_MEMALLOC", GFP_ATOMIC);
	memalloc_noreclaim_restore(noreclaim);
	/*
	 * This is what the page allocator knows a victim of the OOM killer by
	 * (TIF_MEMDIE matters without an MMU only). Nothing is to be reaped.
	 */
	current->signal->oom_mm = current->mm;
	drain(&drained, "OOM victim", GFP_ATOMIC);
	current->signal->oom_mm = NULL;
	drain(&drained, "__GFP_MEMALLOC", GFP_ATOMIC | __GFP_MEMALLOC);

	list_for_each_entry_safe(page, next, &drained.pages, lru)
		__free_page(page);
	__skb_queue_purge(&drained.skbs);
}
