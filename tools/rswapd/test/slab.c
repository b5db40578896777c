// SPDX-License-Identifier: GPL-2.0
/* Bytes and counts of one slab, against a plain model of it. */
#include <sys/mman.h>

#include "test.h"

#define SIZE	(1u << 20)
#define BLOCKS	(SIZE / RSWAP_BLOCK)

static struct registry reg = {
	.limit = 100, .slab_size = SIZE, .max_clients = 4, .max_conns = 4,
	.workers = 1, .store = &store_memory,
};

static struct client *client_new(void)
{
	struct wire_hello hello = { .id = { 1 }, .size = 64u << 20 };
	struct rswap_hello_reply reply;
	struct client *client = NULL;
	const char *why;

	CHECK(registry_hello(&reg, &hello, &client, &reply, &why) == RSWAP_ST_OK);
	return client;
}

static void begins_empty(void)
{
	struct client *client = client_new();
	struct slab *slab;

	CHECK(client_slab_alloc(client, 3) == RSWAP_ST_OK);
	slab = client_slab_get(client, 3);
	for (uint32_t i = 0; i < SIZE; i++)
		CHECK(!slab->mem[i]);
	CHECK(!atomic_load(&client->held));
	slab_put(slab);
	client_bye(client);
	client_leave(client, 0);
}

static int64_t count(const bool *model)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < BLOCKS; i++)
		n += model[i];
	return n;
}

static void random_marks_and_trims(void)
{
	struct client *client = client_new();
	bool model[BLOCKS] = { false };
	struct slab *slab;

	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_OK);
	slab = client_slab_get(client, 0);
	srand(1);
	for (int i = 0; i < 3000; i++) {
		uint32_t offset = (uint32_t)rand() % SIZE;
		uint32_t length = 1 + (uint32_t)rand() % (SIZE - offset);
		uint32_t first = offset / RSWAP_BLOCK;
		uint32_t n = (offset + length - 1) / RSWAP_BLOCK - first + 1;
		bool mark = rand() & 1;

		if (mark) {
			memset(slab->mem + offset, 1, length);
			slab_mark(slab, offset, length);
		} else {
			CHECK(!slab_trim(slab, first * RSWAP_BLOCK, n * RSWAP_BLOCK));
			for (uint32_t b = first; b < first + n; b++)
				CHECK(!slab->mem[b * RSWAP_BLOCK] &&
				      !slab->mem[b * RSWAP_BLOCK + 4095]);
		}
		for (uint32_t b = first; b < first + n; b++)
			model[b] = mark;
		CHECK(atomic_load(&client->held) == count(model));
	}
	slab_put(slab);
	client_slab_free(client, 0);
	CHECK(!atomic_load(&client->held));
	client_bye(client);
	client_leave(client, 0);
}

static size_t resident(const struct slab *slab)
{
	unsigned char pages[BLOCKS];
	size_t n = 0;

	CHECK(!mincore(slab->mem, SIZE, pages));
	for (uint32_t i = 0; i < BLOCKS; i++)
		n += pages[i] & 1;
	return n;
}

/* All of @slab comes from so many @pieces and is as @expect says */
static void read_all(struct slab *slab, const char *expect, unsigned int pieces)
{
	uint32_t run;

	for (uint32_t at = 0; at < SIZE; at += run, pieces--) {
		const char *data = slab_read(slab, at, SIZE - at, &run);

		CHECK(pieces && run && run <= SIZE - at);
		CHECK(!memcmp(data, expect + at, run));
	}
	CHECK(!pieces);
}

static void reads_touch_nothing(void)
{
	static char expect[SIZE];
	struct client *client = client_new();
	struct slab *slab;
	uint32_t run;

	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_OK);
	slab = client_slab_get(client, 0);
	read_all(slab, expect, 1);
	CHECK(resident(slab) == 0);
	for (uint32_t b = 0; b < BLOCKS; b++) {
		if (b % 3 && b != 64)
			continue;
		memset(slab->mem + b * RSWAP_BLOCK, 1 + b % 100, RSWAP_BLOCK);
		memset(expect + b * RSWAP_BLOCK, 1 + b % 100, RSWAP_BLOCK);
		slab_mark(slab, b * RSWAP_BLOCK, RSWAP_BLOCK);
	}
	/* 0, 3, 6, ..., 255 have memory, and 64, which comes right after 63 */
	read_all(slab, expect, 2 * 86 - 1);
	CHECK(slab_read(slab, 63 * RSWAP_BLOCK + 10, 5, &run) == slab->mem + 63 * RSWAP_BLOCK + 10);
	CHECK(run == 5);
	CHECK(slab_read(slab, 63 * RSWAP_BLOCK + 10, 2 * RSWAP_BLOCK + 9, &run) ==
	      slab->mem + 63 * RSWAP_BLOCK + 10);
	CHECK(run == 2 * RSWAP_BLOCK - 10);
	slab_put(slab);
	client_bye(client);
	client_leave(client, 0);
}

static void memory_goes_back(void)
{
	struct client *client = client_new();
	struct slab *slab;

	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_OK);
	slab = client_slab_get(client, 0);
	CHECK(resident(slab) == 0);
	memset(slab->mem, 1, SIZE);
	slab_mark(slab, 0, SIZE);
	CHECK(resident(slab) == BLOCKS);
	CHECK(!slab_trim(slab, 4096, 10 * 4096));
	CHECK(resident(slab) == BLOCKS - 10);
	CHECK(slab->mem[4095] == 1 && !slab->mem[4096] && slab->mem[11 * 4096] == 1);
	slab_put(slab);
	client_bye(client);
	client_leave(client, 0);
}

/* The table gives a slab up; an operation keeps it, and its memory, alive */
static void outlives_its_table(void)
{
	struct client *client = client_new();
	struct slab *slab;

	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_OK);
	slab = client_slab_get(client, 0);
	client_slab_free(client, 0);
	CHECK(!client_slab_get(client, 0));
	CHECK(reg.used == 1);
	memset(slab->mem, 7, SIZE);
	slab_mark(slab, 0, SIZE);
	client_bye(client);
	CHECK(reg.used == 1 && reg.count == 0);
	CHECK(slab->mem[SIZE - 1] == 7);
	slab_put(slab);
	CHECK(reg.used == 0);
	CHECK(!atomic_load(&client->held));
	client_leave(client, 0);
}

static void *refuse(size_t size)
{
	(void)size;
	return NULL;
}

static void no_memory(void)
{
	static const struct store_ops full = { .name = "full", .create = refuse };
	struct client *client = client_new();

	reg.store = &full;
	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_NOSPACE);
	CHECK(reg.used == 0 && !client_slab_get(client, 0));
	reg.store = &store_memory;
	CHECK(client_slab_alloc(client, 0) == RSWAP_ST_OK);
	CHECK(reg.used == 1);
	client_bye(client);
	client_leave(client, 0);
	CHECK(reg.used == 0);
}

/* So large that the kernel says no: an error, not a crash */
static void too_large(void)
{
	CHECK(!store_memory.create((size_t)1 << 62));
}

int main(void)
{
	CHECK(!registry_init(&reg));
	RUN(begins_empty);
	RUN(random_marks_and_trims);
	RUN(reads_touch_nothing);
	RUN(memory_goes_back);
	RUN(outlives_its_table);
	RUN(no_memory);
	RUN(too_large);
	CHECK(reg.count == 0);
	registry_destroy(&reg);
	return 0;
}
