// SPDX-License-Identifier: GPL-2.0
/*
 * rswap slab map: which slabs of a device exist on its server
 *
 * A slab is asked for when it is first written.  Until then it reads as zeroes
 * without a word to the server.
 */
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <kunit/visibility.h>

#include "rswap.h"

/**
 * rswap_slab_map_create - make the map of a new device, all slabs unmapped
 * @size: bytes of the device, not 0
 * @slab_size: bytes of a slab, a power of two
 *
 * Context: may sleep.
 * Return: the map, or ERR_PTR(-ENOMEM), or ERR_PTR(-EINVAL) if a slab is not a
 * power of two or the device has more than RSWAP_MAX_SLABS of them.
 */
struct rswap_slab_map *rswap_slab_map_create(u64 size, u32 slab_size)
{
	struct rswap_slab_map *map;
	u64 nr;

	if (!size || !is_power_of_2(slab_size))
		return ERR_PTR(-EINVAL);
	nr = DIV_ROUND_UP_ULL(size, slab_size);
	if (nr > RSWAP_MAX_SLABS)
		return ERR_PTR(-EINVAL);

	map = kvzalloc(struct_size(map, state, nr), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->nr = nr;
	map->shift = ilog2(slab_size);
	init_waitqueue_head(&map->wait);
	return map;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_map_create);

/**
 * rswap_slab_map_destroy - free a map
 * @map: the map, or NULL
 *
 * Context: may sleep; nobody uses the map any more.
 */
void rswap_slab_map_destroy(struct rswap_slab_map *map)
{
	kvfree(map);
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_map_destroy);

/**
 * rswap_slab_extent - the first part of a range that lies in one slab
 * @map: the map
 * @pos: byte offset in the device
 * @bytes: length of the range, not 0, ending within the device
 *
 * Context: any.
 * Return: the extent; its length is less than @bytes if the range crosses into
 * the next slab.
 */
struct rswap_extent rswap_slab_extent(const struct rswap_slab_map *map,
				      u64 pos, u64 bytes)
{
	u32 slab_size = 1U << map->shift;
	u32 offset = pos & (slab_size - 1);

	return (struct rswap_extent) {
		.slab	= pos >> map->shift,
		.offset	= offset,
		.length	= min_t(u64, bytes, slab_size - offset),
	};
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_extent);

/**
 * rswap_slab_pos - where an extent is on the device
 * @map: the slab map
 * @ext: the extent
 *
 * Context: any.
 * Return: bytes from the start of the device.
 */
u64 rswap_slab_pos(const struct rswap_slab_map *map,
		   const struct rswap_extent *ext)
{
	return ((u64)ext->slab << map->shift) + ext->offset;
}

/**
 * rswap_slab_mapped - does a slab exist?
 * @map: the map
 * @slab: number of the slab
 *
 * Context: any.
 * Return: true if it exists on the server, as far as anybody was told.
 */
bool rswap_slab_mapped(const struct rswap_slab_map *map, u32 slab)
{
	if (WARN_ON_ONCE(slab >= map->nr))
		return false;
	/* Pairs with the release in rswap_slab_end() */
	return smp_load_acquire(&map->state[slab]) == RSWAP_SLAB_MAPPED;
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_mapped);

/**
 * rswap_slab_begin - make sure that a slab exists, or find that one must ask
 * @map: the map
 * @slab: number of the slab
 *
 * Waits while somebody else asks the server.
 *
 * Context: may sleep.
 * Return: false if the slab exists; true if the caller must ask the server for
 * it and then call rswap_slab_end().
 */
bool rswap_slab_begin(struct rswap_slab_map *map, u32 slab)
{
	u8 old;

	if (rswap_slab_mapped(map, slab))
		return false;
	for (;;) {
		old = cmpxchg(&map->state[slab], RSWAP_SLAB_UNMAPPED,
			      RSWAP_SLAB_MAPPING);
		if (old == RSWAP_SLAB_UNMAPPED)
			return true;
		if (old == RSWAP_SLAB_MAPPED)
			return false;
		wait_event(map->wait,
			   READ_ONCE(map->state[slab]) != RSWAP_SLAB_MAPPING);
	}
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_begin);

/**
 * rswap_slab_end - the asking that rswap_slab_begin() began is over
 * @map: the map
 * @slab: number of the slab
 * @mapped: whether the server gave the slab
 *
 * Context: any.
 */
void rswap_slab_end(struct rswap_slab_map *map, u32 slab, bool mapped)
{
	WARN_ON_ONCE(READ_ONCE(map->state[slab]) != RSWAP_SLAB_MAPPING);
	if (mapped)
		atomic_inc(&map->mapped);
	/* Whoever sees MAPPED sees what the server was told before */
	smp_store_release(&map->state[slab],
			  mapped ? RSWAP_SLAB_MAPPED : RSWAP_SLAB_UNMAPPED);
	wake_up_all(&map->wait);
}
EXPORT_SYMBOL_IF_KUNIT(rswap_slab_end);
