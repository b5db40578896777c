// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the memory reserves. */

#include <kunit/test.h>
#include <linux/mem_reserve.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>

#define PAGES	7

static struct mem_reserve reserve;

static int mem_reserve_test_init(struct kunit *test)
{
	reserve = (struct mem_reserve){ .name = "kunit" };
	return mem_reserve_register(&reserve, PAGES);
}

static void mem_reserve_test_exit(struct kunit *test)
{
	mem_reserve_unregister(&reserve);
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
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, reserve.nr_pages, PAGES);
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 1), 0);
	/* The one that is left is the one in use. */
	KUNIT_EXPECT_NULL(test, mem_reserve_alloc(&reserve, 0));
	KUNIT_EXPECT_EQ(test, mem_reserve_resize(&reserve, 3), 0);
	KUNIT_EXPECT_EQ(test, mem_reserve_used(&reserve), 1);
	KUNIT_EXPECT_EQ(test, mem_reserve_unregister(&reserve), -EBUSY);
	put_page(page);
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
	KUNIT_EXPECT_NULL(test, mem_reserve_page(GFP_KERNEL, 0));
	memalloc_noreclaim_restore(noreclaim);
}

static int mem_reserve_test_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	*(unsigned long *)freed += 1;
	return NOTIFY_OK;
}

/*
 * When all memory has been taken, watermarks ignored, the reserve still has all
 * of its pages. Nobody is killed for it meanwhile.
 */
static void mem_reserve_test_exhausted(struct kunit *test)
{
	struct notifier_block oom = { .notifier_call = mem_reserve_test_oom };
	struct page *page, *next, *pages[PAGES];
	unsigned int noreclaim, given = 0;
	unsigned long taken = 0;
	LIST_HEAD(all);
	bool more;
	int i;

	KUNIT_ASSERT_EQ(test, register_oom_notifier(&oom), 0);
	noreclaim = memalloc_noreclaim_save();
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN))) {
		list_add(&page->lru, &all);
		taken++;
	}
	for (i = 0; i < PAGES; i++) {
		pages[i] = mem_reserve_alloc(&reserve, 0);
		given += !!pages[i];
	}
	more = mem_reserve_alloc(&reserve, 0);
	memalloc_noreclaim_restore(noreclaim);

	for (i = 0; i < PAGES; i++)
		if (pages[i])
			put_page(pages[i]);
	list_for_each_entry_safe(page, next, &all, lru)
		__free_page(page);
	unregister_oom_notifier(&oom);
	/* Nothing is reported before there is memory to report it. */
	KUNIT_EXPECT_GT(test, taken, 1000);
	KUNIT_EXPECT_EQ(test, given, PAGES);
	KUNIT_EXPECT_FALSE(test, more);
}

static struct kunit_case mem_reserve_cases[] = {
	KUNIT_CASE(mem_reserve_test_limit),
	KUNIT_CASE(mem_reserve_test_shared),
	KUNIT_CASE(mem_reserve_test_zero),
	KUNIT_CASE(mem_reserve_test_resize),
	KUNIT_CASE(mem_reserve_test_too_big),
	KUNIT_CASE(mem_reserve_test_entitled),
	KUNIT_CASE(mem_reserve_test_exhausted),
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
