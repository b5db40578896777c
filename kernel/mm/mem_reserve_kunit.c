// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the memory reserves. */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mem_reserve.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <net/sock.h>

#define PAGES		7
#define STRESS_TASKS	4
#define STRESS_MS	2000

static struct mem_reserve reserve;

static int mem_reserve_test_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	*(unsigned long *)freed += 1;
	return NOTIFY_OK;
}

/* Nobody is killed for the memory that tests take. */
static struct notifier_block mem_reserve_test_notifier = {
	.notifier_call = mem_reserve_test_oom,
};

static int mem_reserve_test_init(struct kunit *test)
{
	reserve = (struct mem_reserve){ .name = "kunit" };
	return register_oom_notifier(&mem_reserve_test_notifier) ?:
	       mem_reserve_register(&reserve, PAGES);
}

static void mem_reserve_test_exit(struct kunit *test)
{
	mem_reserve_unregister(&reserve);
	unregister_oom_notifier(&mem_reserve_test_notifier);
}

static void mem_reserve_test_limit(struct kunit *test)
{
	struct page *pages[PAGES];
	int i, j;

	for (i = 0; i < PAGES; i++) {
		pages[i] = mem_reserve_alloc(&reserve, 0);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		KUNIT_EXPECT_TRUE(test, page_is_pfmemalloc(pages[i]));
		KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), i + 1);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, pages[i], pages[j]);
	}
	KUNIT_EXPECT_NULL(test, mem_reserve_alloc(&reserve, 0));
	KUNIT_EXPECT_EQ(test, reserve.failures, 1);
	KUNIT_EXPECT_EQ(test, reserve.high_water, PAGES);

	/* Every way to free a page gives it back, and only that page. */
	put_page(pages[3]);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), PAGES - 1);
	KUNIT_EXPECT_PTR_EQ(test, mem_reserve_alloc(&reserve, 0), pages[3]);
	__free_page(pages[0]);
	free_page((unsigned long)page_address(pages[1]));
	page_frag_free(page_address(pages[2]));
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), PAGES - 3);
	for (i = 3; i < PAGES; i++)
		put_page(pages[i]);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 0);
}

/* A page that is shared is in use until the last user drops it. */
static void mem_reserve_test_shared(struct kunit *test)
{
	struct page *page = mem_reserve_alloc(&reserve, 0);

	KUNIT_ASSERT_NOT_NULL(test, page);
	get_page(page);
	put_page(page);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 1);
	put_page(page);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 0);
}

static void mem_reserve_test_zero(struct kunit *test)
{
	struct page *page;
	int i;

	for (i = 0; i < PAGES; i++) {
		page = mem_reserve_alloc(&reserve, 0);
		KUNIT_ASSERT_NOT_NULL(test, page);
		memset(page_address(page), 0xa5, PAGE_SIZE);
		put_page(page);
	}
	page = mem_reserve_alloc(&reserve, __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, memchr_inv(page_address(page), 0, PAGE_SIZE));
	put_page(page);
}

static void mem_reserve_test_resize(struct kunit *test)
{
	struct page *page = mem_reserve_alloc(&reserve, 0);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 1), 0);
	/* The one that is left is the one in use. */
	KUNIT_EXPECT_NULL(test, mem_reserve_alloc(&reserve, 0));
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 3), 0);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 1);
	put_page(page);
}

/* What is in use is neither cut off nor given up, and the rest stays with it. */
static void mem_reserve_test_busy(struct kunit *test)
{
	struct page *pages[PAGES];
	int i;

	for (i = 0; i < 3; i++) {
		pages[i] = mem_reserve_alloc(&reserve, 0);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, mem_reserve_unregister(&reserve), -EBUSY);
	KUNIT_EXPECT_EQ(test, reserve.nr_pages, PAGES);
	KUNIT_EXPECT_EQ(test, reserve.high_water, 3);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 3);
	for (; i < PAGES; i++) {
		pages[i] = mem_reserve_alloc(&reserve, 0);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	KUNIT_EXPECT_NULL(test, mem_reserve_alloc(&reserve, 0));
	while (i--)
		put_page(pages[i]);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 0);
}

static void mem_reserve_test_too_big(struct kunit *test)
{
	struct mem_reserve other = { .name = "kunit_big" };
	unsigned long all = min_t(unsigned long, totalram_pages(), UINT_MAX);

	KUNIT_EXPECT_EQ(test, mem_reserve_register(&other, all), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, all), -ENOMEM);
	KUNIT_EXPECT_EQ(test, reserve.nr_pages, PAGES);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 0);

	other.name = "kunit";
	KUNIT_EXPECT_EQ(test, mem_reserve_register(&other, 1), -EEXIST);
}

static void mem_reserve_test_entitled(struct kunit *test)
{
	unsigned int noreclaim;

	KUNIT_EXPECT_TRUE(test, mem_reserve_entitled(GFP_ATOMIC | __GFP_MEMALLOC));
	KUNIT_EXPECT_FALSE(test, mem_reserve_entitled(GFP_ATOMIC));
	KUNIT_EXPECT_FALSE(test, mem_reserve_entitled(GFP_KERNEL | __GFP_NOFAIL));
	KUNIT_EXPECT_FALSE(test, mem_reserve_entitled(GFP_ATOMIC | __GFP_MEMALLOC |
						      __GFP_NOMEMALLOC));
	/* The flag gives what is reserved and nothing else ... */
	KUNIT_EXPECT_EQ(test, mem_reserve_watermarks(GFP_ATOMIC | __GFP_MEMALLOC, 4), 0);
	/* ... unless the task frees memory, which alone gives none of it. */
	noreclaim = memalloc_noreclaim_save();
	KUNIT_EXPECT_EQ(test, mem_reserve_watermarks(GFP_ATOMIC | __GFP_MEMALLOC, 4), 4);
	KUNIT_EXPECT_EQ(test, mem_reserve_watermarks(GFP_KERNEL, 4), 4);
	KUNIT_EXPECT_FALSE(test, mem_reserve_entitled(GFP_KERNEL));
	memalloc_noreclaim_restore(noreclaim);
}

/*
 * Take pages until there are no more. Returns how many are of a reserve, which has a
 * reference to each of its own.
 */
static unsigned long mem_reserve_test_take(struct list_head *taken, gfp_t gfp)
{
	unsigned long reserved = 0;
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		reserved += page_ref_count(page) > 1;
		list_add(&page->lru, taken);
		cond_resched();
	}
	return reserved;
}

static void mem_reserve_test_give(struct list_head *taken, unsigned long nr)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, taken, lru) {
		if (!nr--)
			break;
		list_del(&page->lru);
		__free_page(page);
		cond_resched();
	}
}

/* Of a class on which others draw there is one reserve. This one is always too big. */
static bool mem_reserve_test_class(enum mem_reserve_class class)
{
	struct mem_reserve other = { .name = "kunit_class", .class = class };

	return mem_reserve_register(&other, UINT_MAX) == -EEXIST;
}

/*
 * When all memory has been taken, watermarks ignored, the reserves still have all
 * of their pages, and the page allocator gives them only to who is entitled. One on
 * which it draws stays for good, so a test cannot have its own: have the network
 * register those that it keeps for a while.
 */
static void mem_reserve_test_exhausted(struct kunit *test)
{
	unsigned long count, noreclaim_task, atomic, forbidden, entitled;
	unsigned int noreclaim, given = 0, tries = 500;
	struct page *pages[PAGES];
	struct socket *sock;
	LIST_HEAD(taken);
	bool more;
	int i;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
					       &sock), 0);
	sk_set_memalloc(sock->sk);
	while (!mem_reserve_test_class(MEM_RESERVE_PAGES) && tries--)
		msleep(20);

	noreclaim = memalloc_noreclaim_save();
	noreclaim_task = mem_reserve_test_take(&taken, GFP_ATOMIC);
	memalloc_noreclaim_restore(noreclaim);
	atomic = mem_reserve_test_take(&taken, GFP_ATOMIC);
	forbidden = mem_reserve_test_take(&taken, GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOMEMALLOC);
	entitled = mem_reserve_test_take(&taken, GFP_ATOMIC | __GFP_MEMALLOC);
	for (i = 0; i < PAGES; i++) {
		pages[i] = mem_reserve_alloc(&reserve, 0);
		given += !!pages[i];
	}
	more = mem_reserve_alloc(&reserve, 0);

	for (i = 0; i < PAGES; i++)
		if (pages[i])
			put_page(pages[i]);
	count = list_count_nodes(&taken);
	mem_reserve_test_give(&taken, ULONG_MAX);
	sk_clear_memalloc(sock->sk);
	sock_release(sock);
	/* Nothing is reported before there is memory to report it. */
	KUNIT_EXPECT_GT(test, count, 1000);
	KUNIT_EXPECT_EQ(test, noreclaim_task, 0);
	KUNIT_EXPECT_EQ(test, atomic, 0);
	KUNIT_EXPECT_EQ(test, forbidden, 0);
	KUNIT_EXPECT_GT(test, entitled, 0);
	KUNIT_EXPECT_EQ(test, given, PAGES);
	KUNIT_EXPECT_FALSE(test, more);
}

/* If only some of the pages are to be had, those go back and nothing has changed. */
static void mem_reserve_test_half_way(struct kunit *test)
{
	unsigned long room = totalram_pages() / 32, again;
	unsigned int noreclaim, nr_pages, used;
	struct page *page;
	LIST_HEAD(taken);
	int ret;

	page = mem_reserve_alloc(&reserve, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	/* Which does not reclaim. */
	noreclaim = memalloc_noreclaim_save();
	mem_reserve_test_take(&taken, GFP_NOWAIT);
	mem_reserve_test_give(&taken, room);
	ret = mem_reserve_resize(&reserve, totalram_pages() / 4);
	nr_pages = reserve.nr_pages;
	used = mem_reserve_used(&reserve);
	again = list_count_nodes(&taken);
	mem_reserve_test_take(&taken, GFP_NOWAIT);
	again = list_count_nodes(&taken) - again;
	memalloc_noreclaim_restore(noreclaim);
	mem_reserve_test_give(&taken, ULONG_MAX);

	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, nr_pages, PAGES);
	KUNIT_EXPECT_EQ(test, used, 1);
	KUNIT_EXPECT_EQ(test, reserve.high_water, 1);
	KUNIT_EXPECT_GT(test, again, room / 2);
	put_page(page);
}

/* Returns how often somebody else wrote to a page that it had. */
static int mem_reserve_test_user(void *number)
{
	struct page *pages[PAGES] = {};
	int step = (long)number, i, wrong = 0;

	for (i = 0; !kthread_should_stop(); i = (i + step) % PAGES) {
		if (pages[i]) {
			wrong += !!memchr_inv(page_address(pages[i]), step, PAGE_SIZE);
			put_page(pages[i]);
			pages[i] = NULL;
		} else {
			pages[i] = mem_reserve_alloc(&reserve, 0);
			if (pages[i])
				memset(page_address(pages[i]), step, PAGE_SIZE);
		}
		cond_resched();
	}
	for (i = 0; i < PAGES; i++)
		if (pages[i])
			put_page(pages[i]);
	return wrong;
}

/* Who has a page has it alone, while others take and free and the size changes. */
static void mem_reserve_test_stress(struct kunit *test)
{
	ktime_t end = ktime_add_ms(ktime_get(), STRESS_MS);
	struct task_struct *tasks[STRESS_TASKS];
	unsigned int size = PAGES, resized = 0;
	int i, ret, wrong = 0;

	for (i = 0; i < STRESS_TASKS; i++)
		tasks[i] = kthread_run(mem_reserve_test_user, (void *)(i + 1L), "kunit/%d", i);
	while (ktime_before(ktime_get(), end)) {
		size = (size + 5) % (3 * PAGES);
		ret = mem_reserve_resize(&reserve, size);
		resized += !ret;
		wrong += ret && ret != -EBUSY;
		cond_resched();
	}
	for (i = 0; i < STRESS_TASKS; i++) {
		ret = PTR_ERR_OR_ZERO(tasks[i]) ?: kthread_stop(tasks[i]);
		wrong += !!ret;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_GT(test, resized, 0);
	KUNIT_EXPECT_LT(test, reserve.high_water, 3 * PAGES);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 0);
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, PAGES), 0);
}

static struct kunit_case mem_reserve_cases[] = {
	KUNIT_CASE(mem_reserve_test_limit),
	KUNIT_CASE(mem_reserve_test_shared),
	KUNIT_CASE(mem_reserve_test_zero),
	KUNIT_CASE(mem_reserve_test_resize),
	KUNIT_CASE(mem_reserve_test_busy),
	KUNIT_CASE(mem_reserve_test_too_big),
	KUNIT_CASE(mem_reserve_test_entitled),
	KUNIT_CASE_SLOW(mem_reserve_test_exhausted),
	KUNIT_CASE_SLOW(mem_reserve_test_half_way),
	KUNIT_CASE_SLOW(mem_reserve_test_stress),
	{}
};

static struct kunit_suite mem_reserve_suite = {
	.name = "mem_reserve",
	.init = mem_reserve_test_init,
	.exit = mem_reserve_test_exit,
	.test_cases = mem_reserve_cases,
};

kunit_test_suite(mem_reserve_suite);

MODULE_DESCRIPTION("KUnit tests of the memory reserves");
MODULE_LICENSE("GPL");
