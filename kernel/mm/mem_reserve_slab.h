/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slabs of a memory reserve: only for objects that were allocated with
 * __GFP_MEMALLOC, and never the slab of a CPU, whose objects anybody may take.
 */
#ifndef MM_MEM_RESERVE_SLAB_H
#define MM_MEM_RESERVE_SLAB_H

#include <linux/mem_reserve.h>
#include "slab.h"

static inline bool slab_test_reserve(const struct slab *slab)
{
	return folio_test_reclaim(slab_folio(slab));
}

static inline void slab_set_reserve(struct slab *slab)
{
	folio_set_reclaim(slab_folio(slab));
}

static inline void slab_clear_reserve(struct slab *slab)
{
	folio_clear_reclaim(slab_folio(slab));
}

#endif /* MM_MEM_RESERVE_SLAB_H */
