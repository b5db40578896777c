// SPDX-License-Identifier: GPL-2.0
/*
 * One slab: references, and the exact count of blocks that have memory.
 *
 * The bitmap is lock-free because WRITEs of several connections mark, and a
 * TRIM clears, at the same time.  WRITE marks after bytes have arrived, TRIM
 * clears before it gives memory back; so once nothing is under way, every
 * block that has memory is marked.  (Requests that overlap while both are
 * outstanding have no order; the protocol leaves their outcome open.)
 */
#include <stdlib.h>

#include "rswapd.h"

#define WORD_BITS	64u

/* Bits of word @word that lie in blocks @first to @last */
static uint64_t word_mask(uint32_t word, uint32_t first, uint32_t last)
{
	uint64_t mask = UINT64_MAX;

	if (word == first / WORD_BITS)
		mask &= UINT64_MAX << first % WORD_BITS;
	if (word == last / WORD_BITS)
		mask &= UINT64_MAX >> (WORD_BITS - 1 - last % WORD_BITS);
	return mask;
}

static unsigned int clear_bits(struct slab *slab, uint32_t first, uint32_t last)
{
	unsigned int cleared = 0;

	for (uint32_t w = first / WORD_BITS; w <= last / WORD_BITS; w++) {
		uint64_t mask = word_mask(w, first, last);

		cleared += (unsigned int)__builtin_popcountll(mask &
				atomic_fetch_and(&slab->bitmap[w], ~mask));
	}
	return cleared;
}

/**
 * slab_new - make a slab that reads as zeroes
 * @client: its owner; the caller passes a reference and one slab of the memory
 *	accounting, both of which the slab gives back when it goes
 * @store: where its bytes are to live
 * @size: bytes
 *
 * Context: no lock held.
 * Return: the slab with one reference, or NULL when there is no memory.
 */
struct slab *slab_new(struct client *client, const struct store_ops *store,
		      uint32_t size)
{
	size_t words = size / RSWAP_BLOCK / WORD_BITS;
	struct slab *slab = calloc(1, sizeof(*slab) + words * sizeof(uint64_t));

	if (!slab)
		return NULL;
	slab->mem = store->create(size);
	if (!slab->mem) {
		free(slab);
		return NULL;
	}
	slab->client = client;
	slab->store = store;
	slab->size = size;
	atomic_init(&slab->refs, 1);
	return slab;
}

/**
 * slab_put - drop a reference; the last one gives the memory back
 * @slab: the slab, which the caller may not use any more
 *
 * Context: no lock held; the last one takes milliseconds and registry.lock.
 */
void slab_put(struct slab *slab)
{
	struct client *client = slab->client;

	if (atomic_fetch_sub(&slab->refs, 1) != 1)
		return;
	slab->store->destroy(slab->mem, slab->size);
	atomic_fetch_sub(&client->held,
			 clear_bits(slab, 0, slab->size / RSWAP_BLOCK - 1));
	free(slab);
	client_slab_gone(client);
}

/**
 * slab_mark - bytes were stored: their blocks have memory now
 * @slab: the slab
 * @offset: first byte
 * @length: how many, not 0
 */
void slab_mark(struct slab *slab, uint32_t offset, uint32_t length)
{
	uint32_t first = offset / RSWAP_BLOCK;
	uint32_t last = (offset + length - 1) / RSWAP_BLOCK;
	unsigned int set = 0;

	for (uint32_t w = first / WORD_BITS; w <= last / WORD_BITS; w++) {
		uint64_t mask = word_mask(w, first, last);

		set += (unsigned int)__builtin_popcountll(mask &
				~atomic_fetch_or(&slab->bitmap[w], mask));
	}
	if (set)
		atomic_fetch_add(&slab->client->held, set);
}

static bool has_memory(const struct slab *slab, uint32_t offset)
{
	uint32_t block = offset / RSWAP_BLOCK;

	return atomic_load(&slab->bitmap[block / WORD_BITS]) >> block % WORD_BITS & 1;
}

/**
 * slab_read - where bytes can be sent from
 * @slab: the slab, of which the caller has a reference
 * @offset: first byte
 * @length: how many, not 0 and at most RSWAP_MAX_IO
 * @run: set to how many of them are at the address returned, at least 1
 *
 * Blocks without memory are not touched: not every kernel has a page of zeroes for
 * memory that is only read, and a read would make them resident without being
 * counted.
 *
 * Return: the address of the bytes, which may change as the slab does.
 */
const char *slab_read(const struct slab *slab, uint32_t offset, uint32_t length,
		      uint32_t *run)
{
	static const char zeroes[RSWAP_MAX_IO];
	bool memory = has_memory(slab, offset);
	uint32_t n = RSWAP_BLOCK - offset % RSWAP_BLOCK;

	while (n < length && has_memory(slab, offset + n) == memory)
		n += RSWAP_BLOCK;
	*run = n < length ? n : length;
	return memory ? slab->mem + offset : zeroes;
}

/**
 * slab_trim - make a range read as zeroes and give its memory back
 * @slab: the slab, of which the caller has a reference
 * @offset: first byte, a multiple of RSWAP_BLOCK
 * @length: bytes, a multiple of RSWAP_BLOCK, not 0
 *
 * Return: 0 or a negative errno, when the range has kept its bytes.
 */
int slab_trim(struct slab *slab, uint32_t offset, uint32_t length)
{
	unsigned int cleared = clear_bits(slab, offset / RSWAP_BLOCK,
					  (offset + length - 1) / RSWAP_BLOCK);
	int err;

	if (cleared)
		atomic_fetch_sub(&slab->client->held, cleared);
	err = slab->store->trim(slab->mem, offset, length);
	if (err)
		slab_mark(slab, offset, length);
	return err;
}
