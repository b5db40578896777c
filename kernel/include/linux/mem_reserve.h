/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory reserves: pages that are kept for one purpose and can be had by
 * nobody else.
 *
 * See Documentation/mm/network-swap.rst.
 */
#ifndef _LINUX_MEM_RESERVE_H
#define _LINUX_MEM_RESERVE_H

#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct kmem_cache;

/**
 * enum mem_reserve_class - what else than its owner may draw on a reserve
 * @MEM_RESERVE_PRIVATE: nothing: only mem_reserve_alloc() does
 * @MEM_RESERVE_PAGES: single pages that the page allocator cannot provide and
 *	that were asked for with __GFP_MEMALLOC
 * @MEM_RESERVE_SLABS: slabs of the caches of mem_reserve_add_cache(), for
 *	objects that were asked for with __GFP_MEMALLOC
 */
enum mem_reserve_class {
	MEM_RESERVE_PRIVATE,
	MEM_RESERVE_PAGES,
	MEM_RESERVE_SLABS,
	MEM_RESERVE_CLASSES,
};

/**
 * struct mem_reserve - pages kept for one purpose
 * @name: for users, in lower case; a directory in sysfs
 * @class: who draws on it
 * @lock: protects the next 5 fields; taken in any context but NMI
 * @pages: the pages, each with one reference that belongs to the reserve
 * @nr_pages: number of them
 * @next: where to look first for a page that nobody uses
 * @high_water: most pages that were in use at the same time
 * @failures: times that every page was in use
 * @shrink: if not NULL, called about once a second while an allocation by the
 *	class of the reserve is in use: have those that keep pages for later give
 *	them back. May sleep
 * @list: in the list of all reserves
 * @kobj: the directory in sysfs
 */
struct mem_reserve {
	const char *name;
	enum mem_reserve_class class;
	spinlock_t lock;	/* protects next 5 fields */
	struct page **pages;
	unsigned int nr_pages;
	unsigned int next;
	unsigned int high_water;
	unsigned long failures;
	void (*shrink)(struct mem_reserve *res);
	struct list_head list;
	struct kobject *kobj;
};

#ifdef CONFIG_MEM_RESERVE

DECLARE_STATIC_KEY_FALSE(mem_reserve_key);

int mem_reserve_register(struct mem_reserve *res, unsigned int nr_pages);
int mem_reserve_resize(struct mem_reserve *res, unsigned int nr_pages);
int mem_reserve_unregister(struct mem_reserve *res);
struct page *mem_reserve_alloc(struct mem_reserve *res, gfp_t gfp);
unsigned int mem_reserve_used(struct mem_reserve *res);
int mem_reserve_add_cache(struct kmem_cache *cache);
int mem_reserve_add_kmalloc(size_t size);
unsigned int mem_reserve_cache_pages(struct kmem_cache *cache, unsigned int objects);
unsigned int mem_reserve_kmalloc_pages(size_t size, unsigned int objects);
struct page *__mem_reserve_page(gfp_t gfp, unsigned int order);
struct page *__mem_reserve_slab(struct kmem_cache *cache, gfp_t gfp, unsigned int order);
bool __mem_reserve_object(const void *object);

/**
 * mem_reserve_active - test whether any reserve is registered
 *
 * Return: true if one is
 */
static inline bool mem_reserve_active(void)
{
	return static_branch_unlikely(&mem_reserve_key);
}

/**
 * mem_reserve_entitled - test whether an allocation may draw on a reserve
 * @gfp: its flags
 *
 * The flag has to be given for this allocation. That the task reclaims memory
 * (PF_MEMALLOC) or was chosen by the OOM killer entitles it to nothing here.
 *
 * Return: true if it may
 */
static inline bool mem_reserve_entitled(gfp_t gfp)
{
	return (gfp & (__GFP_MEMALLOC | __GFP_NOMEMALLOC)) == __GFP_MEMALLOC;
}

/**
 * mem_reserve_watermarks - which watermarks an allocation may ignore
 * @gfp: its flags
 * @alloc_flags: what it could ignore if there were no reserves
 *
 * While there are reserves, __GFP_MEMALLOC means these, and not all memory
 * that is left: without a bound, whoever uses the flag most takes everything,
 * and in the network that is the traffic that must not. Tasks that free
 * memory keep what they have as PF_MEMALLOC.
 *
 * Return: @alloc_flags or 0
 */
static inline int mem_reserve_watermarks(gfp_t gfp, int alloc_flags)
{
	if (mem_reserve_active() && mem_reserve_entitled(gfp) &&
	    (in_interrupt() || !(current->flags & PF_MEMALLOC)))
		return 0;
	return alloc_flags;
}

/**
 * mem_reserve_page - last resort of the page allocator before it reclaims
 * @gfp: flags of the allocation
 * @order: its order
 *
 * Context: Any but NMI.
 * Return: a page of the reserve of class MEM_RESERVE_PAGES, marked pfmemalloc,
 *	or NULL if the allocation is not entitled to one or none is left
 */
static inline struct page *mem_reserve_page(gfp_t gfp, unsigned int order)
{
	if (mem_reserve_active() && mem_reserve_entitled(gfp))
		return __mem_reserve_page(gfp, order);
	return NULL;
}

/**
 * mem_reserve_slab_gfp - flags with which the slab allocator asks for pages
 * @gfp: flags of the allocation of an object
 *
 * A slab must not come from the reserve that is kept for pages. That there is
 * no other page is no news if the reserve of slabs has one.
 *
 * Return: @gfp, without __GFP_MEMALLOC while there are reserves
 */
static inline gfp_t mem_reserve_slab_gfp(gfp_t gfp)
{
	if (mem_reserve_active() && mem_reserve_entitled(gfp))
		return (gfp & ~__GFP_MEMALLOC) | __GFP_NOWARN;
	return gfp;
}

/**
 * mem_reserve_slab - last resort of the slab allocator
 * @cache: the cache that needs a slab
 * @gfp: flags of the allocation of an object
 * @order: of the slab
 *
 * Context: Any but NMI.
 * Return: a page of the reserve of class MEM_RESERVE_SLABS, or NULL
 */
static inline struct page *mem_reserve_slab(struct kmem_cache *cache, gfp_t gfp,
					    unsigned int order)
{
	if (mem_reserve_active() && mem_reserve_entitled(gfp))
		return __mem_reserve_slab(cache, gfp, order);
	return NULL;
}

/**
 * mem_reserve_object - test whether an object is in a slab of a reserve
 * @object: what a slab cache returned
 *
 * Who keeps free objects for later must not keep these.
 *
 * Context: Any.
 * Return: true if it is
 */
static inline bool mem_reserve_object(const void *object)
{
	return mem_reserve_active() && __mem_reserve_object(object);
}

#else

static inline bool mem_reserve_active(void)
{
	return false;
}

static inline bool mem_reserve_entitled(gfp_t gfp)
{
	return false;
}

static inline int mem_reserve_watermarks(gfp_t gfp, int alloc_flags)
{
	return alloc_flags;
}

static inline struct page *mem_reserve_page(gfp_t gfp, unsigned int order)
{
	return NULL;
}

static inline gfp_t mem_reserve_slab_gfp(gfp_t gfp)
{
	return gfp;
}

static inline struct page *mem_reserve_slab(struct kmem_cache *cache, gfp_t gfp,
					    unsigned int order)
{
	return NULL;
}

static inline bool mem_reserve_object(const void *object)
{
	return false;
}

#endif /* CONFIG_MEM_RESERVE */

#endif /* _LINUX_MEM_RESERVE_H */
