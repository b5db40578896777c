// SPDX-License-Identifier: GPL-2.0
/* Who may have what: the registry without any connection. */
#include <endian.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

#define SIZE	(1u << 20)

static struct registry reg = {
	.limit = 8, .slab_size = SIZE, .max_clients = 3, .max_conns = 2,
	.workers = 1, .orphan_timeout = 10, .store = &store_memory,
};
static struct rswap_hello_reply reply;

static int hello(uint8_t id, uint8_t key, uint32_t slabs, uint32_t reserve,
		 struct client **out)
{
	struct wire_hello msg = {
		.id = { id }, .key = { [RSWAP_KEY_LEN - 1] = key },
		.size = (uint64_t)slabs * SIZE, .reserve = (uint64_t)reserve * SIZE,
	};
	const char *why = NULL;
	int status;

	memset(&reply, 0, sizeof(reply));
	status = registry_hello(&reg, &msg, out, &reply, &why);
	CHECK((status == RSWAP_ST_OK) == !why);
	return status;
}

static uint64_t memory_free(void)
{
	return le64toh(reply.memory_free) / SIZE;
}

static void promises(void)
{
	struct client *a, *b, *c;

	CHECK(hello(1, 1, 100, 5, &a) == RSWAP_ST_OK && memory_free() == 8);
	CHECK(hello(2, 2, 100, 4, &b) == RSWAP_ST_NOSPACE && memory_free() == 3);
	CHECK(le64toh(reply.memory_limit) == 8 * SIZE);
	CHECK(hello(2, 2, 100, 3, &b) == RSWAP_ST_OK);
	CHECK(hello(3, 3, 100, 0, &c) == RSWAP_ST_OK && memory_free() == 0);
	CHECK(client_slab_alloc(c, 0) == RSWAP_ST_NOSPACE);
	for (uint32_t i = 0; i < 5; i++)
		CHECK(client_slab_alloc(a, i) == RSWAP_ST_OK);
	CHECK(client_slab_alloc(a, 5) == RSWAP_ST_NOSPACE);
	CHECK(client_slab_alloc(a, 4) == RSWAP_ST_OK);
	CHECK(reg.used == 8);
	client_bye(b);
	CHECK(reg.used == 5);
	CHECK(client_slab_alloc(b, 0) == RSWAP_ST_NOSPACE);
	for (uint32_t i = 5; i < 8; i++)
		CHECK(client_slab_alloc(a, i) == RSWAP_ST_OK);
	for (uint32_t i = 0; i < 8; i++) {
		client_slab_free(a, i);
		CHECK(reg.used == (i < 3 ? 7 - i : 5));
	}
	client_bye(a);
	client_bye(c);
	client_bye(c);
	CHECK(reg.used == 0 && reg.count == 0);
	client_leave(a, 0);
	client_leave(b, 0);
	client_leave(c, 0);
}

static void who_is_who(void)
{
	struct client *a, *b = NULL;

	CHECK(hello(1, 1, 4, 2, &a) == RSWAP_ST_OK);
	CHECK(hello(1, 2, 4, 2, &b) == RSWAP_ST_AUTH && !b);
	CHECK(hello(1, 0x81, 4, 2, &b) == RSWAP_ST_AUTH && !b);
	CHECK(hello(1, 1, 5, 2, &b) == RSWAP_ST_LIMIT);
	CHECK(hello(1, 1, 4, 1, &b) == RSWAP_ST_LIMIT);
	CHECK(client_slab_alloc(a, 3) == RSWAP_ST_OK);
	CHECK(hello(1, 1, 4, 2, &b) == RSWAP_ST_OK && a == b);
	CHECK(le32toh(reply.slabs_present) == 1 && memory_free() == 7);
	CHECK(hello(1, 1, 4, 2, &b) == RSWAP_ST_LIMIT);
	client_leave(a, 0);
	CHECK(hello(1, 1, 4, 2, &b) == RSWAP_ST_OK);
	client_leave(a, 0);
	CHECK(!a->orphan);
	CHECK(hello(9, 1, RSWAP_MAX_SLABS + 1, 0, &b) == RSWAP_ST_LIMIT);
	CHECK(hello(2, 1, 1, 0, &b) == RSWAP_ST_OK);
	client_bye(b);
	client_leave(b, 0);
	client_bye(a);
	client_leave(a, 0);
	CHECK(reg.count == 0);
}

static void too_many(void)
{
	struct client *c[4];

	for (uint8_t i = 0; i < 3; i++)
		CHECK(hello(i + 1, 1, 1, 0, &c[i]) == RSWAP_ST_OK);
	CHECK(hello(4, 1, 1, 0, &c[3]) == RSWAP_ST_LIMIT);
	client_bye(c[1]);
	CHECK(hello(4, 1, 1, 0, &c[3]) == RSWAP_ST_OK);
	for (int i = 0; i < 4; i++) {
		client_bye(c[i]);
		client_leave(c[i], 0);
	}
}

static void orphans(void)
{
	struct client *a, *b;

	CHECK(registry_expire(&reg, 0) == UINT64_MAX);
	CHECK(hello(1, 1, 4, 0, &a) == RSWAP_ST_OK);
	CHECK(hello(2, 1, 4, 1, &b) == RSWAP_ST_OK);
	CHECK(client_slab_alloc(a, 0) == RSWAP_ST_OK);
	client_leave(a, 5000);
	client_leave(b, 6000);
	CHECK(registry_expire(&reg, 14999) == 15000 && reg.used == 2);
	CHECK(registry_expire(&reg, 15000) == 16000 && reg.used == 1);
	CHECK(hello(2, 1, 4, 1, &b) == RSWAP_ST_OK);
	CHECK(registry_expire(&reg, 1000000) == UINT64_MAX && reg.used == 1);
	client_leave(b, 1000000);
	CHECK(registry_expire(&reg, 1010000) == UINT64_MAX && reg.used == 0);
	/* Nothing held, nothing kept */
	CHECK(hello(3, 1, 4, 0, &a) == RSWAP_ST_OK);
	client_leave(a, 50);
	CHECK(registry_expire(&reg, 50) == UINT64_MAX && reg.count == 0);
}

static void lists(void)
{
	struct client *a;
	__le32 out[4];

	CHECK(hello(1, 1, 200, 0, &a) == RSWAP_ST_OK);
	CHECK(client_slab_list(a, 0, out, 4) == 0);
	for (uint32_t n = 199; n > 59; n -= 20)
		CHECK(client_slab_alloc(a, n) == RSWAP_ST_OK);
	CHECK(client_slab_list(a, 0, out, 4) == 4);
	CHECK(le32toh(out[0]) == 79 && le32toh(out[3]) == 139);
	CHECK(client_slab_list(a, 140, out, 4) == 3 && le32toh(out[2]) == 199);
	CHECK(client_slab_list(a, 199, out, 4) == 1);
	CHECK(client_slab_list(a, 200, out, 4) == 0);
	CHECK(client_slab_list(a, UINT32_MAX, out, 4) == 0);
	client_slab_free(a, 199);
	CHECK(client_slab_list(a, 190, out, 4) == 0);
	client_bye(a);
	client_leave(a, 0);
}

static void draining(void)
{
	struct client *a, *b = NULL;
	uint64_t woken;

	reg.wake = eventfd(0, EFD_NONBLOCK);
	CHECK(hello(1, 1, 4, 2, &a) == RSWAP_ST_OK);
	CHECK(client_slab_alloc(a, 0) == RSWAP_ST_OK);
	CHECK(!registry_drain(&reg));
	CHECK(client_slab_alloc(a, 1) == RSWAP_ST_DRAINING);
	CHECK(client_slab_alloc(a, 0) == RSWAP_ST_OK);
	CHECK(hello(2, 1, 4, 0, &b) == RSWAP_ST_DRAINING && !b);
	CHECK(hello(1, 1, 4, 2, &b) == RSWAP_ST_OK);
	CHECK(read(reg.wake, &woken, 8) < 0);
	client_bye(a);
	CHECK(read(reg.wake, &woken, 8) == 8);
	CHECK(registry_drain(&reg));
	client_leave(a, 0);
	client_leave(a, 0);
	close(reg.wake);
}

int main(void)
{
	CHECK(!registry_init(&reg));
	RUN(promises);
	RUN(who_is_who);
	RUN(too_many);
	RUN(orphans);
	RUN(lists);
	RUN(draining);
	CHECK(reg.count == 0 && reg.used == 0);
	registry_destroy(&reg);
	return 0;
}
