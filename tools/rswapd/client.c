// SPDX-License-Identifier: GPL-2.0
/*
 * The clients, their slabs, and the memory promised to them.
 *
 * A client costs max(reserve, slabs) slabs of the limit: what it was promised,
 * or what it has, whichever is more.  registry.used is the sum, and it never
 * exceeds registry.limit.  A slab counts until its memory is really back, also
 * when FREE took it out of the table while an operation on it was under way.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rswapd.h"

#define WORD_BITS	64u

/* Slabs that @client costs; registry.lock held */
static uint64_t cost_locked(const struct client *client)
{
	return client->slabs > client->reserve ? client->slabs : client->reserve;
}

/* Change what a client has or was promised, and the sum; registry.lock held */
static void charge_locked(struct client *client, uint32_t slabs, uint32_t reserve)
{
	struct registry *reg = client->reg;
	uint64_t one = 1;

	reg->used -= cost_locked(client);
	client->slabs = slabs;
	client->reserve = reserve;
	reg->used += cost_locked(client);
	if (reg->draining && !reg->used &&
	    write(reg->wake, &one, sizeof(one)) != sizeof(one))
		log_event(LOG_ERROR, "cannot wake the main thread");
}

/* registry.lock held; the last reference frees */
static void client_put_locked(struct client *client)
{
	if (--client->refs)
		return;
	pthread_mutex_destroy(&client->lock);
	free(client->table);
	free(client->present);
	free(client);
}

static void client_put(struct client *client)
{
	struct registry *reg = client->reg;

	pthread_mutex_lock(&reg->lock);
	client_put_locked(client);
	pthread_mutex_unlock(&reg->lock);
}

/* Keys are compared in a time that does not tell how much was right */
static bool key_equal(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t diff = 0;

	for (size_t i = 0; i < RSWAP_KEY_LEN; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

/**
 * registry_init - begin without clients
 * @reg: with its constant fields filled
 *
 * Return: 0 or -1 with errno set.
 */
int registry_init(struct registry *reg)
{
	return pthread_mutex_init(&reg->lock, NULL) ? -1 : 0;
}

static struct client *client_new(struct registry *reg,
				 const struct wire_hello *hello, uint32_t slabs)
{
	size_t size = sizeof(struct client) +
		      reg->workers * sizeof(struct client_stats);
	struct client *client = aligned_alloc(alignof(struct client), size);

	if (!client)
		return NULL;
	memset(client, 0, size);
	client->table = calloc(slabs, sizeof(struct slab *));
	client->present = calloc((slabs + WORD_BITS - 1) / WORD_BITS,
				 sizeof(uint64_t));
	if (!client->table || !client->present ||
	    pthread_mutex_init(&client->lock, NULL)) {
		free(client->table);
		free(client->present);
		free(client);
		return NULL;
	}
	client->reg = reg;
	client->hello = *hello;
	client->max_slabs = slabs;
	client->refs = 1;
	return client;
}

/* A client that is not known yet; registry.lock held */
static int hello_new_locked(struct registry *reg, const struct wire_hello *hello,
			    uint32_t slabs, struct client **out,
			    const char **why)
{
	uint32_t reserve = (uint32_t)((hello->reserve + reg->slab_size - 1) /
				      reg->slab_size);
	struct client *client;

	if (reg->draining) {
		*why = "the server is stopping";
		return RSWAP_ST_DRAINING;
	}
	if (reg->count >= reg->max_clients) {
		*why = "there are as many clients as --max-clients allows";
		return RSWAP_ST_LIMIT;
	}
	if (reserve > reg->limit - reg->used) {
		*why = "its reservation does not fit into the free memory";
		return RSWAP_ST_NOSPACE;
	}
	client = client_new(reg, hello, slabs);
	if (!client) {
		*why = "out of memory for its table of slabs";
		return RSWAP_ST_NOSPACE;
	}
	charge_locked(client, 0, reserve);
	client->next = reg->clients;
	reg->clients = client;
	reg->count++;
	*out = client;
	return RSWAP_ST_OK;
}

/* A further connection of a client that is known; registry.lock held */
static int hello_again_locked(struct client *client,
			      const struct wire_hello *hello, const char **why)
{
	if (!key_equal(client->hello.key, hello->key)) {
		*why = "this id is known with another key";
		return RSWAP_ST_AUTH;
	}
	if (client->hello.size != hello->size ||
	    client->hello.reserve != hello->reserve) {
		*why = "size or reserve differ from what this client said before";
		return RSWAP_ST_LIMIT;
	}
	if (client->conns >= client->reg->max_conns) {
		*why = "it has as many connections as one client may have";
		return RSWAP_ST_LIMIT;
	}
	return RSWAP_ST_OK;
}

/* Slabs that exist; client.lock held */
static uint32_t present_count_locked(const struct client *client)
{
	uint32_t words = (client->max_slabs + WORD_BITS - 1) / WORD_BITS, n = 0;

	for (uint32_t w = 0; w < words; w++)
		n += (uint32_t)__builtin_popcountll(client->present[w]);
	return n;
}

/* Memory figures as they would be without @client's promise; registry.lock held */
static void fill_memory_locked(const struct registry *reg,
			       const struct client *client,
			       struct rswap_hello_reply *reply)
{
	uint64_t free_slabs = reg->limit - reg->used;

	if (client)
		free_slabs += cost_locked(client) - client->slabs;
	reply->slab_size = htole32(reg->slab_size);
	reply->memory_limit = htole64(reg->limit * reg->slab_size);
	reply->memory_free = htole64(free_slabs * reg->slab_size);
}

/**
 * registry_hello - a connection introduces itself
 * @reg: the clients
 * @hello: what it said, validated
 * @out: set to the client, with a reference, when it is welcome
 * @reply: filled as far as the answer allows: identity and slabs when welcome,
 *	memory figures also with NOSPACE
 * @why: set to the reason of a refusal
 *
 * Context: takes registry.lock and client.lock.
 * Return: enum rswap_status.
 */
int registry_hello(struct registry *reg, const struct wire_hello *hello,
		   struct client **out, struct rswap_hello_reply *reply,
		   const char **why)
{
	uint64_t slabs = hello->size / reg->slab_size +
			 !!(hello->size % reg->slab_size);
	struct client *client;
	int status;

	if (slabs > RSWAP_MAX_SLABS) {
		*why = "its size takes more slabs than one client may have";
		return RSWAP_ST_LIMIT;
	}
	pthread_mutex_lock(&reg->lock);
	for (client = reg->clients; client; client = client->next)
		if (!memcmp(client->hello.id, hello->id, RSWAP_ID_LEN))
			break;
	if (client) {
		status = hello_again_locked(client, hello, why);
	} else {
		status = hello_new_locked(reg, hello, (uint32_t)slabs, &client, why);
	}
	if (status == RSWAP_ST_OK || status == RSWAP_ST_NOSPACE)
		fill_memory_locked(reg, client, reply);
	if (status == RSWAP_ST_OK) {
		client->refs++;
		client->conns++;
		client->orphan = false;
		pthread_mutex_lock(&client->lock);
		reply->slabs_present = htole32(present_count_locked(client));
		pthread_mutex_unlock(&client->lock);
		memcpy(reply->server_id, reg->server_id, RSWAP_ID_LEN);
		*out = client;
	}
	pthread_mutex_unlock(&reg->lock);
	return status;
}

/* Off the list and marked; the promise ends; registry.lock held */
static void unlink_locked(struct client *client)
{
	struct registry *reg = client->reg;

	for (struct client **p = &reg->clients; *p; p = &(*p)->next) {
		if (*p == client) {
			*p = client->next;
			break;
		}
	}
	reg->count--;
	atomic_store(&client->gone, true);
	charge_locked(client, client->slabs, 0);
	atomic_fetch_add(&reg->byes, 1);
}

/* Free every slab of a client that is gone, and the list's reference */
static void forget(struct client *client)
{
	struct slab **table;

	pthread_mutex_lock(&client->lock);
	table = client->table;
	client->table = NULL;
	pthread_mutex_unlock(&client->lock);

	for (uint32_t i = 0; i < client->max_slabs; i++) {
		if (!(i % WORD_BITS) && !client->present[i / WORD_BITS])
			i += WORD_BITS - 1;
		else if (table[i])
			slab_put(table[i]);
	}
	free(table);
	client_put(client);
}

/**
 * client_bye - free everything of a client and forget it
 * @client: of which the caller has a reference
 *
 * Memory under operations of other connections follows when these end.
 *
 * Context: no lock held; takes as long as unmapping takes.
 */
void client_bye(struct client *client)
{
	struct registry *reg = client->reg;
	bool mine;

	pthread_mutex_lock(&reg->lock);
	mine = !atomic_load(&client->gone);
	if (mine)
		unlink_locked(client);
	pthread_mutex_unlock(&reg->lock);
	if (mine)
		forget(client);
}

/**
 * client_leave - a connection of a client is over
 * @client: its client; the connection's reference is dropped
 * @now: milliseconds
 *
 * Context: no lock held.  When it was the last one the client becomes an
 * orphan, whose time the reaper watches.
 */
void client_leave(struct client *client, uint64_t now)
{
	struct registry *reg = client->reg;

	pthread_mutex_lock(&reg->lock);
	if (!--client->conns && !atomic_load(&client->gone)) {
		client->orphan = true;
		/* One that holds nothing has nothing to come back to */
		client->deadline = now;
		if (cost_locked(client))
			client->deadline += reg->orphan_timeout * 1000ull;
	}
	client_put_locked(client);
	pthread_mutex_unlock(&reg->lock);
}

/**
 * registry_expire - forget orphans whose time is over
 * @reg: the clients
 * @now: milliseconds
 *
 * Context: no lock held; takes as long as unmapping takes.
 * Return: when to call again, milliseconds, UINT64_MAX for never.
 */
uint64_t registry_expire(struct registry *reg, uint64_t now)
{
	for (;;) {
		uint64_t next = UINT64_MAX;
		struct client *client;

		pthread_mutex_lock(&reg->lock);
		for (client = reg->clients; client; client = client->next) {
			if (!client->orphan)
				continue;
			if (client->deadline <= now)
				break;
			if (client->deadline < next)
				next = client->deadline;
		}
		if (client) {
			if (cost_locked(client))
				log_peer(LOG_INFO, "orphan",
					 "client %s did not come back in time: %u slabs are freed",
					 client->hello.name, client->slabs);
			unlink_locked(client);
		}
		pthread_mutex_unlock(&reg->lock);
		if (!client)
			return next;
		forget(client);
	}
}

/**
 * registry_drain - give out no more memory
 * @reg: the clients
 *
 * Return: whether no client has, or was promised, memory.
 */
bool registry_drain(struct registry *reg)
{
	bool idle;

	pthread_mutex_lock(&reg->lock);
	reg->draining = true;
	idle = !reg->used;
	pthread_mutex_unlock(&reg->lock);
	return idle;
}

/**
 * registry_destroy - forget every client; no connection is left
 * @reg: the clients
 */
void registry_destroy(struct registry *reg)
{
	while (reg->clients)
		client_bye(reg->clients);
	pthread_mutex_destroy(&reg->lock);
}

static bool slab_exists(struct client *client, uint32_t number)
{
	bool exists;

	pthread_mutex_lock(&client->lock);
	exists = client->table && client->table[number];
	pthread_mutex_unlock(&client->lock);
	return exists;
}

/* Take one slab of the limit, and a reference on the client for the slab */
static int slab_charge(struct client *client)
{
	struct registry *reg = client->reg;
	int status = RSWAP_ST_OK;

	pthread_mutex_lock(&reg->lock);
	if (reg->draining)
		status = RSWAP_ST_DRAINING;
	else if (atomic_load(&client->gone) ||
		 (client->slabs >= client->reserve && reg->used >= reg->limit))
		status = RSWAP_ST_NOSPACE;
	if (status == RSWAP_ST_OK) {
		charge_locked(client, client->slabs + 1, client->reserve);
		client->refs++;
	}
	pthread_mutex_unlock(&reg->lock);
	return status;
}

/**
 * client_slab_gone - the memory of one slab is back
 * @client: whose slab it was; the slab's reference is dropped
 *
 * Context: takes registry.lock.
 */
void client_slab_gone(struct client *client)
{
	struct registry *reg = client->reg;

	pthread_mutex_lock(&reg->lock);
	charge_locked(client, client->slabs - 1, client->reserve);
	client_put_locked(client);
	pthread_mutex_unlock(&reg->lock);
}

/**
 * client_slab_alloc - make a slab exist
 * @client: whose
 * @number: less than max_slabs
 *
 * Context: takes registry.lock and client.lock.
 * Return: RSWAP_ST_OK, also if it existed; RSWAP_ST_NOSPACE, RSWAP_ST_DRAINING.
 */
int client_slab_alloc(struct client *client, uint32_t number)
{
	struct registry *reg = client->reg;
	struct slab *slab;
	int status;

	if (slab_exists(client, number))
		return RSWAP_ST_OK;
	status = slab_charge(client);
	if (status != RSWAP_ST_OK)
		return status;
	slab = slab_new(client, reg->store, reg->slab_size);
	if (!slab) {
		client_slab_gone(client);
		return RSWAP_ST_NOSPACE;
	}
	pthread_mutex_lock(&client->lock);
	if (client->table && !client->table[number]) {
		client->table[number] = slab;
		client->present[number / WORD_BITS] |= 1ull << number % WORD_BITS;
		slab = NULL;
	}
	pthread_mutex_unlock(&client->lock);
	/* Another connection was faster, or said BYE */
	if (slab)
		slab_put(slab);
	return RSWAP_ST_OK;
}

/**
 * client_slab_free - give a slab back
 * @client: whose
 * @number: less than max_slabs; it need not exist
 *
 * Context: no lock held; may take milliseconds.
 */
void client_slab_free(struct client *client, uint32_t number)
{
	struct slab *slab = NULL;

	pthread_mutex_lock(&client->lock);
	if (client->table) {
		slab = client->table[number];
		client->table[number] = NULL;
		client->present[number / WORD_BITS] &= ~(1ull << number % WORD_BITS);
	}
	pthread_mutex_unlock(&client->lock);
	if (slab)
		slab_put(slab);
}

/**
 * client_slab_get - find a slab to operate on
 * @client: whose
 * @number: less than max_slabs
 *
 * Return: the slab with a reference for slab_put(), or NULL.
 */
struct slab *client_slab_get(struct client *client, uint32_t number)
{
	struct slab *slab;

	pthread_mutex_lock(&client->lock);
	slab = client->table ? client->table[number] : NULL;
	if (slab)
		atomic_fetch_add(&slab->refs, 1);
	pthread_mutex_unlock(&client->lock);
	return slab;
}

/**
 * client_slab_list - numbers of the slabs that exist, ascending
 * @client: whose
 * @from: first number of interest; any
 * @out: array for @max little-endian numbers
 * @max: its length
 *
 * Return: how many were stored; fewer than @max is the end of the list.
 */
uint32_t client_slab_list(struct client *client, uint32_t from, __le32 *out,
			  uint32_t max)
{
	uint32_t n = 0;

	pthread_mutex_lock(&client->lock);
	for (uint64_t i = from; client->table && i < client->max_slabs && n < max;) {
		uint64_t word = client->present[i / WORD_BITS] >> i % WORD_BITS;

		if (!word) {
			i += WORD_BITS - i % WORD_BITS;
			continue;
		}
		i += (uint64_t)__builtin_ctzll(word);
		out[n++] = htole32((uint32_t)i++);
	}
	pthread_mutex_unlock(&client->lock);
	return n;
}
