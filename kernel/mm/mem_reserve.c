// SPDX-License-Identifier: GPL-2.0
/*
 * Memory reserves: pages that are kept for one purpose.
 *
 * A reserve is an array of pages, allocated when it is registered and never
 * returned to the page allocator until it shrinks. Each page carries one
 * reference that belongs to the reserve. To hand it out is to take another;
 * whoever got it frees it as any other page, by whatever function it likes,
 * and the count is back to one: nobody but the reserve has it, and it may be
 * handed out again.
 *
 * That is all there is to the guarantee. The pages are on no free list, so no
 * watermark, per-CPU list, cpuset or PF_MEMALLOC task can reach them; use
 * cannot exceed the number of pages; and no path that frees pages had to be
 * changed. The price is that the reserve cannot tell when a page comes back:
 * it looks when it needs one. An allocation from a reserve costs a walk over
 * its array, after the page allocator has already failed.
 */

#define pr_fmt(fmt) "mem_reserve: " fmt

#include <linux/highmem.h>
#include <linux/init.h>
#include <linux/kasan.h>
#include <linux/mem_reserve.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "mem_reserve_slab.h"

#define CREATE_TRACE_POINTS
#include <trace/events/mem_reserve.h>

DEFINE_STATIC_KEY_FALSE(mem_reserve_key);
EXPORT_SYMBOL_GPL(mem_reserve_key);

/* Caches whose objects may be allocated from a slab of the reserve. */
#define MEM_RESERVE_CACHES	128

/* So many CPUs at most are thought of as taking objects of one cache at a time. */
#define MEM_RESERVE_TAKERS	4U

/*
 * What is free now or what reclaim can free, but do not have the OOM killer make room
 * for it, and do not enter what other reserves there are.
 */
#define MEM_RESERVE_GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOMEMALLOC | __GFP_NOWARN)

/* A reserve may not take more than this part of memory. */
#define MEM_RESERVE_SHARE	4

/* Seconds between attempts to get empty slabs back. */
#define MEM_RESERVE_SHRINK	1

/* Protects the list of reserves and their sizes. Taken before mem_reserve.lock. */
static DEFINE_MUTEX(mem_reserve_mutex);
static LIST_HEAD(mem_reserve_list);
static struct kobject *mem_reserve_kobj;

/*
 * Written once under the mutex, read without a lock in any context. A reserve
 * that others may draw on is never unregistered, a cache never destroyed.
 */
static struct mem_reserve *mem_reserve_default[MEM_RESERVE_CLASSES];
static struct kmem_cache *mem_reserve_caches[MEM_RESERVE_CACHES];

static void mem_reserve_shrink(struct work_struct *work);
static DECLARE_DELAYED_WORK(mem_reserve_shrink_work, mem_reserve_shrink);

static bool mem_reserve_page_used(const struct page *page)
{
	return page_ref_count(page) != 1;
}

static unsigned int mem_reserve_used_locked(const struct mem_reserve *res)
{
	unsigned int i, used = 0;

	lockdep_assert_held(&res->lock);

	for (i = 0; i < res->nr_pages; i++)
		used += mem_reserve_page_used(res->pages[i]);
	return used;
}

/**
 * mem_reserve_used - count the pages that somebody has
 * @res: a registered reserve
 *
 * Context: Any but NMI.
 * Return: the number of pages that are in use now
 */
unsigned int mem_reserve_used(struct mem_reserve *res)
{
	unsigned long flags;
	unsigned int used;

	spin_lock_irqsave(&res->lock, flags);
	used = mem_reserve_used_locked(res);
	spin_unlock_irqrestore(&res->lock, flags);
	return used;
}
EXPORT_SYMBOL_GPL(mem_reserve_used);

/* What the page allocator does to a page it hands out, and frees undo. */
static void mem_reserve_prepare(struct page *page, gfp_t gfp)
{
	page->mapping = NULL;
	page->index = 0;
	set_page_private(page, 0);
	kasan_unpoison_pages(page, 0, false);
	if (want_init_on_alloc(gfp))
		clear_highpage(page);
	set_page_pfmemalloc(page);
}

/**
 * mem_reserve_alloc - take a page of a reserve
 * @res: a registered reserve
 * @gfp: flags of the allocation; only __GFP_ZERO and __GFP_ACCOUNT matter.
 *	A page of a reserve is charged to no memory cgroup: __GFP_ACCOUNT gets
 *	none.
 *
 * The page is marked pfmemalloc and has one reference that belongs to the
 * caller. It is freed by put_page(), __free_page() or the like.
 *
 * Context: Any but NMI.
 * Return: the page, or NULL if all of them are in use
 */
struct page *mem_reserve_alloc(struct mem_reserve *res, gfp_t gfp)
{
	struct page *page = NULL;
	unsigned int i, n, used = 0;
	unsigned long flags;

	if (WARN_ON_ONCE(gfp & __GFP_ACCOUNT))
		return NULL;

	spin_lock_irqsave(&res->lock, flags);
	/* All of it, for the sake of an exact count. */
	for (i = 0; i < res->nr_pages; i++) {
		n = res->next + i;
		if (n >= res->nr_pages)
			n -= res->nr_pages;
		if (mem_reserve_page_used(res->pages[n])) {
			used++;
		} else if (!page) {
			page = res->pages[n];
			used++;
		}
	}
	if (page) {
		/*
		 * Nobody else takes a page whose count is one, and whoever
		 * had it has done with it: dropping a reference orders what
		 * came before.
		 */
		smp_acquire__after_ctrl_dep();
		page_ref_inc(page);
		if (++res->next >= res->nr_pages)
			res->next = 0;
		res->high_water = max(res->high_water, used);
	} else {
		res->failures++;
	}
	trace_mem_reserve_alloc(res, page, used, gfp);
	spin_unlock_irqrestore(&res->lock, flags);

	if (page)
		mem_reserve_prepare(page, gfp);
	return page;
}
EXPORT_SYMBOL_GPL(mem_reserve_alloc);

static struct mem_reserve *mem_reserve_get_default(enum mem_reserve_class class)
{
	/* Pairs with mem_reserve_register(): what it points to is complete. */
	return smp_load_acquire(&mem_reserve_default[class]);
}

/* For somebody who did not ask by the name of the reserve. */
static struct page *mem_reserve_alloc_default(struct mem_reserve *res, gfp_t gfp)
{
	struct page *page = mem_reserve_alloc(res, gfp);

	/* Those who keep pages, or slabs, for later do so unless somebody asks. */
	if (page)
		queue_delayed_work(system_unbound_wq, &mem_reserve_shrink_work,
				   MEM_RESERVE_SHRINK * HZ);
	return page;
}

/* The slow half of mem_reserve_page(). */
struct page *__mem_reserve_page(gfp_t gfp, unsigned int order)
{
	struct mem_reserve *res = mem_reserve_get_default(MEM_RESERVE_PAGES);

	/* Its pages are of any zone */
	if (!res || order || (gfp & (__GFP_ACCOUNT | __GFP_DMA | __GFP_DMA32)))
		return NULL;
	return mem_reserve_alloc_default(res, gfp);
}

/* The slow half of mem_reserve_slab(). */
struct page *__mem_reserve_slab(struct kmem_cache *cache, gfp_t gfp, unsigned int order)
{
	struct mem_reserve *res = mem_reserve_get_default(MEM_RESERVE_SLABS);
	int i;

	if (!res || order)
		return NULL;
	for (i = 0; i < MEM_RESERVE_CACHES; i++)
		if (READ_ONCE(mem_reserve_caches[i]) == cache)
			break;
	if (i == MEM_RESERVE_CACHES)
		return NULL;
	return mem_reserve_alloc_default(res, gfp & ~__GFP_ACCOUNT);
}

/* The slow half of mem_reserve_object(). */
bool __mem_reserve_object(const void *object)
{
	const struct slab *slab = virt_to_slab(object);

	return slab && slab_test_reserve(slab);
}
EXPORT_SYMBOL_GPL(__mem_reserve_object);

static void mem_reserve_shrink_caches(void)
{
	int i;

	for (i = 0; i < MEM_RESERVE_CACHES; i++)
		if (mem_reserve_caches[i])
			kmem_cache_shrink(mem_reserve_caches[i]);
}

/*
 * While a reserve on which others draw is in use, have those who keep its pages
 * give them up: caches their empty slabs, the owner of the reserve knows the
 * rest. Only the return of the pages depends on this work: it may wait for
 * memory.
 */
static void mem_reserve_shrink(struct work_struct *work)
{
	bool again = false;
	int class;

	for (class = MEM_RESERVE_PAGES; class < MEM_RESERVE_CLASSES; class++) {
		struct mem_reserve *res = mem_reserve_get_default(class);

		if (!res || !mem_reserve_used(res))
			continue;
		if (class == MEM_RESERVE_SLABS)
			mem_reserve_shrink_caches();
		if (res->shrink)
			res->shrink(res);
		again |= mem_reserve_used(res);
	}
	if (again)
		queue_delayed_work(system_unbound_wq, &mem_reserve_shrink_work,
				   MEM_RESERVE_SHRINK * HZ);
}

/**
 * mem_reserve_add_cache - let objects of a cache come from the reserve of slabs
 * @cache: a cache that is never destroyed
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOSPC if there are too many caches already
 */
int mem_reserve_add_cache(struct kmem_cache *cache)
{
	int i, ret = -ENOSPC;

	mutex_lock(&mem_reserve_mutex);
	for (i = 0; i < MEM_RESERVE_CACHES; i++) {
		if (mem_reserve_caches[i] && mem_reserve_caches[i] != cache)
			continue;
		WRITE_ONCE(mem_reserve_caches[i], cache);
		ret = 0;
		break;
	}
	mutex_unlock(&mem_reserve_mutex);
	return ret;
}

/**
 * mem_reserve_add_kmalloc - let what kmalloc() returns come from the reserve
 * @size: in bytes; all requests that kmalloc() rounds up to the same size count
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOSPC if there are too many caches already
 */
int mem_reserve_add_kmalloc(size_t size)
{
	unsigned int index = __kmalloc_index(size, false);
	int type, ret = 0;

	/* With red zones a slab of large objects is more than a page */
	if (kmalloc_caches[KMALLOC_NORMAL][index]->size > PAGE_SIZE)
		pr_warn("%s takes slabs of several pages (slab_debug?), and gets none of a reserve\n",
			kmalloc_caches[KMALLOC_NORMAL][index]->name);
	for (type = KMALLOC_RANDOM_START; type <= KMALLOC_RANDOM_END && !ret; type++)
		if (kmalloc_caches[type][index])
			ret = mem_reserve_add_cache(kmalloc_caches[type][index]);
	return ret;
}

/**
 * mem_reserve_cache_pages - how many slabs a number of objects needs
 * @cache: the cache of the objects
 * @objects: number of objects that must be available at the same time
 *
 * Includes some slabs for CPUs: while one takes an object of a slab, others do not
 * find the rest of it.
 *
 * Return: a number of pages
 */
unsigned int mem_reserve_cache_pages(struct kmem_cache *cache, unsigned int objects)
{
	unsigned int per_page = max_t(unsigned int, PAGE_SIZE / cache->size, 1);

	return DIV_ROUND_UP(objects, per_page) +
	       min(num_possible_cpus(), MEM_RESERVE_TAKERS);
}

/**
 * mem_reserve_kmalloc_pages - how many slabs a number of objects of kmalloc() needs
 * @size: of an object, in bytes
 * @objects: number of objects that must be available at the same time
 *
 * Return: a number of pages
 */
unsigned int mem_reserve_kmalloc_pages(size_t size, unsigned int objects)
{
	return mem_reserve_cache_pages(kmalloc_caches[KMALLOC_NORMAL][__kmalloc_index(size, false)],
				       objects);
}

/* Give pages that are not in use any more, or never were, back. */
static void mem_reserve_free_pages(struct page **pages, unsigned int nr)
{
	while (nr--) {
		/* As it was when the page allocator gave it to us. */
		clear_page_pfmemalloc(pages[nr]);
		pages[nr]->mapping = NULL;
		set_page_private(pages[nr], 0);
		__free_page(pages[nr]);
	}
}

static int mem_reserve_get_pages(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(MEM_RESERVE_GFP);
		if (!pages[i]) {
			mem_reserve_free_pages(pages, i);
			return -ENOMEM;
		}
	}
	return 0;
}

static int mem_reserve_grow(struct mem_reserve *res, unsigned int nr_pages)
{
	struct page **pages, **old;
	unsigned int had = res->nr_pages;

	if (nr_pages > totalram_pages() / MEM_RESERVE_SHARE)
		return -ENOMEM;
	pages = kvcalloc(nr_pages, sizeof(*pages), MEM_RESERVE_GFP);
	if (!pages)
		return -ENOMEM;
	if (mem_reserve_get_pages(pages + had, nr_pages - had)) {
		kvfree(pages);
		return -ENOMEM;
	}
	spin_lock_irq(&res->lock);
	memcpy(pages, res->pages, had * sizeof(*pages));
	old = res->pages;
	res->pages = pages;
	res->nr_pages = nr_pages;
	spin_unlock_irq(&res->lock);
	kvfree(old);
	return 0;
}

/* Needs no memory: the array keeps its size. */
static int mem_reserve_cut(struct mem_reserve *res, unsigned int nr_pages)
{
	unsigned int i, kept = 0, had = res->nr_pages;

	spin_lock_irq(&res->lock);
	if (mem_reserve_used_locked(res) > nr_pages) {
		spin_unlock_irq(&res->lock);
		return -EBUSY;
	}
	/* Those in use to the front, so that none of them is cut off. */
	for (i = 0; i < had; i++) {
		if (mem_reserve_page_used(res->pages[i])) {
			swap(res->pages[i], res->pages[kept]);
			kept++;
		}
	}
	res->nr_pages = nr_pages;
	res->next = 0;
	spin_unlock_irq(&res->lock);

	mem_reserve_free_pages(res->pages + nr_pages, had - nr_pages);
	return 0;
}

/**
 * mem_reserve_resize - change the size of a reserve
 * @res: a registered reserve
 * @nr_pages: its new size in pages
 *
 * Returns when the pages are really there, or changes nothing.
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0, -ENOMEM if there is no room for the pages, -EBUSY if more than
 *	@nr_pages are in use
 */
int mem_reserve_resize(struct mem_reserve *res, unsigned int nr_pages)
{
	unsigned int had;
	int ret = 0;

	mutex_lock(&mem_reserve_mutex);
	had = res->nr_pages;
	if (nr_pages > had)
		ret = mem_reserve_grow(res, nr_pages);
	else if (nr_pages < had)
		ret = mem_reserve_cut(res, nr_pages);
	trace_mem_reserve_resize(res, had, ret);
	mutex_unlock(&mem_reserve_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(mem_reserve_resize);

static struct mem_reserve *mem_reserve_of(struct kobject *kobj)
{
	struct mem_reserve *res;

	lockdep_assert_held(&mem_reserve_mutex);

	list_for_each_entry(res, &mem_reserve_list, list)
		if (res->kobj == kobj)
			return res;
	return NULL;
}

static ssize_t mem_reserve_show(struct kobject *kobj, char *buf, char what)
{
	unsigned long value = 0;
	struct mem_reserve *res;

	mutex_lock(&mem_reserve_mutex);
	res = mem_reserve_of(kobj);
	if (res) {
		spin_lock_irq(&res->lock);
		switch (what) {
		case 'p':
			value = res->nr_pages;
			break;
		case 'u':
			value = mem_reserve_used_locked(res);
			break;
		case 'h':
			value = res->high_water;
			break;
		case 'f':
			value = res->failures;
			break;
		}
		spin_unlock_irq(&res->lock);
	}
	mutex_unlock(&mem_reserve_mutex);
	return res ? sysfs_emit(buf, "%lu\n", value) : -ENODEV;
}

#define MEM_RESERVE_ATTR(name)							\
static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
			   char *buf)						\
{										\
	return mem_reserve_show(kobj, buf, *#name);				\
}										\
static struct kobj_attribute name##_attr = __ATTR_RO(name)

MEM_RESERVE_ATTR(pages);
MEM_RESERVE_ATTR(used);
MEM_RESERVE_ATTR(high_water);
MEM_RESERVE_ATTR(failures);

static struct attribute *mem_reserve_attrs[] = {
	&pages_attr.attr,
	&used_attr.attr,
	&high_water_attr.attr,
	&failures_attr.attr,
	NULL
};

static const struct attribute_group mem_reserve_group = {
	.attrs = mem_reserve_attrs,
};

/* Under /sys/kernel/mm/mem_reserve/. A reserve without it works all the same. */
static void mem_reserve_add_sysfs(struct mem_reserve *res)
{
	res->kobj = mem_reserve_kobj ? kobject_create_and_add(res->name, mem_reserve_kobj) : NULL;
	if (!res->kobj)
		return;
	if (sysfs_create_group(res->kobj, &mem_reserve_group)) {
		kobject_put(res->kobj);
		res->kobj = NULL;
	}
}

/**
 * mem_reserve_register - keep pages for one purpose
 * @res: the reserve, zeroed but for its name, class and functions
 * @nr_pages: its size in pages
 *
 * Returns when the pages are really there, or changes nothing. Of the classes
 * on which others draw there is one reserve each, which stays for good, so no
 * module that can be unloaded may have it.
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0, -ENOMEM if there is no room for the pages, -EEXIST if there is
 *	such a reserve already
 */
int mem_reserve_register(struct mem_reserve *res, unsigned int nr_pages)
{
	struct mem_reserve *other;
	int ret = -EEXIST;

	spin_lock_init(&res->lock);
	mutex_lock(&mem_reserve_mutex);
	list_for_each_entry(other, &mem_reserve_list, list)
		if (!strcmp(other->name, res->name) ||
		    (res->class != MEM_RESERVE_PRIVATE && other->class == res->class))
			goto out;
	ret = nr_pages ? mem_reserve_grow(res, nr_pages) : 0;
	if (ret)
		goto out;
	list_add_tail(&res->list, &mem_reserve_list);
	mem_reserve_add_sysfs(res);
	if (res->class != MEM_RESERVE_PRIVATE)
		/* Pairs with mem_reserve_get_default(). */
		smp_store_release(&mem_reserve_default[res->class], res);
	static_branch_inc(&mem_reserve_key);
out:
	trace_mem_reserve_resize(res, 0, ret);
	mutex_unlock(&mem_reserve_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(mem_reserve_register);

/**
 * mem_reserve_unregister - give up a private reserve
 * @res: a registered reserve of class MEM_RESERVE_PRIVATE
 *
 * -EBUSY cannot be ignored: the reserve is still registered then. A module that
 * registers one holds a reference to itself (try_module_get()) from before a page
 * is handed out until this has returned 0; an exit function cannot refuse.
 *
 * Context: Process context, may sleep.
 * Return: 0, -EBUSY if a page of it is in use, -EPERM if others draw on it
 */
int mem_reserve_unregister(struct mem_reserve *res)
{
	int ret = -EPERM;

	mutex_lock(&mem_reserve_mutex);
	if (res->class != MEM_RESERVE_PRIVATE)
		goto out;
	ret = mem_reserve_cut(res, 0);
	if (ret)
		goto out;
	list_del(&res->list);
	static_branch_dec(&mem_reserve_key);
	kvfree(res->pages);
	res->pages = NULL;
out:
	mutex_unlock(&mem_reserve_mutex);
	if (!ret)
		kobject_put(res->kobj);
	return ret;
}
EXPORT_SYMBOL_GPL(mem_reserve_unregister);

static int __init mem_reserve_init(void)
{
	struct mem_reserve *res;

	mutex_lock(&mem_reserve_mutex);
	mem_reserve_kobj = kobject_create_and_add("mem_reserve", mm_kobj);
	list_for_each_entry(res, &mem_reserve_list, list)
		mem_reserve_add_sysfs(res);
	mutex_unlock(&mem_reserve_mutex);
	return mem_reserve_kobj ? 0 : -ENOMEM;
}
subsys_initcall(mem_reserve_init);
