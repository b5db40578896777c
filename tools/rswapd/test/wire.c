// SPDX-License-Identifier: GPL-2.0
/* Every rule of wire.c, each on its own. */
#include <endian.h>

#include "test.h"

#define SLAB	(64u << 20)

static const struct wire_limits lim = {
	.slabs = 10, .slab_size = SLAB, .max_io = 128 << 10, .depth = 4,
};

static struct rswap_hdr make(uint8_t op)
{
	struct rswap_hdr hdr = {
		.magic = htole32(RSWAP_MAGIC), .version = RSWAP_VERSION, .op = op,
	};

	if (op == RSWAP_OP_READ || op == RSWAP_OP_WRITE || op == RSWAP_OP_TRIM)
		hdr.length = htole32(4096);
	if (op == RSWAP_OP_WRITE)
		hdr.body = htole32(4096);
	if (op == RSWAP_OP_HELLO)
		hdr.body = htole32(120);
	return hdr;
}

static int check(const struct rswap_hdr *hdr)
{
	struct wire_req req;

	return wire_check(&lim, hdr, &req);
}

static void requests_are_accepted(void)
{
	for (unsigned int op = 0; op < 256; op++) {
		struct rswap_hdr hdr = make((uint8_t)op);
		bool known = op >= RSWAP_OP_HELLO && op <= RSWAP_OP_TRIM;
		struct wire_req req;

		CHECK(check(&hdr) == (known && op != RSWAP_OP_HELLO ?
				      RSWAP_ST_OK : RSWAP_ST_PROTO));
		CHECK(wire_check(NULL, &hdr, &req) ==
		      (op == RSWAP_OP_HELLO ? RSWAP_ST_OK : RSWAP_ST_PROTO));
		CHECK(req.op == op);
	}
}

/* Each bit of each field is looked at: all that one flipped bit may do */
static void every_bit_counts(void)
{
	for (uint8_t op = RSWAP_OP_BYE; op <= RSWAP_OP_TRIM; op++) {
		for (size_t bit = 0; bit < 8 * sizeof(struct rswap_hdr); bit++) {
			struct rswap_hdr hdr = make(op);
			unsigned char *bytes = (unsigned char *)&hdr;
			size_t byte = bit / 8;
			int got;

			bytes[byte] ^= 1u << bit % 8;
			got = check(&hdr);
			if (byte < 4)
				CHECK(got == WIRE_FOREIGN);
			else if (byte == 5)	/* op: may have become another */
				continue;
			else if (byte < 8)	/* version, flags, status */
				CHECK(got == RSWAP_ST_PROTO);
			else if (byte < 12)	/* tag: any */
				CHECK(got == RSWAP_ST_OK);
			else if (byte >= 28)	/* body: never what it was */
				CHECK(got == RSWAP_ST_PROTO);
			else if (op == RSWAP_OP_BYE || op == RSWAP_OP_PING)
				CHECK(got == RSWAP_ST_PROTO);
		}
	}
}

static int range(uint8_t op, uint32_t slab, uint64_t offset, uint32_t length)
{
	struct rswap_hdr hdr = make(op);

	hdr.slab = htole32(slab);
	hdr.offset = htole64(offset);
	hdr.length = htole32(length);
	if (op == RSWAP_OP_WRITE)
		hdr.body = hdr.length;
	return check(&hdr);
}

static void ranges(void)
{
	static const uint8_t io[] = { RSWAP_OP_READ, RSWAP_OP_WRITE, RSWAP_OP_TRIM };

	for (size_t i = 0; i < sizeof(io); i++) {
		CHECK(range(io[i], 9, SLAB - 4096, 4096) == RSWAP_ST_OK);
		CHECK(range(io[i], 10, 0, 4096) == RSWAP_ST_RANGE);
		CHECK(range(io[i], UINT32_MAX, 0, 4096) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, SLAB, 4096) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, SLAB - 4096, 8192) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, UINT64_MAX - 4095, 4096) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, UINT64_MAX - 4095, 8192) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, 1ull << 32, 4096) == RSWAP_ST_RANGE);
		CHECK(range(io[i], 0, 0, 0) == RSWAP_ST_PROTO);
		CHECK(range(io[i], 0, 1, 4096) == RSWAP_ST_PROTO);
		CHECK(range(io[i], 0, 0, 4095) == RSWAP_ST_PROTO);
		CHECK(range(io[i], 0, 0, 128 << 10) == RSWAP_ST_OK);
	}
	CHECK(range(RSWAP_OP_READ, 0, 0, (128 << 10) + 4096) == RSWAP_ST_RANGE);
	CHECK(range(RSWAP_OP_WRITE, 0, 0, RSWAP_MAX_IO) == RSWAP_ST_RANGE);
	CHECK(range(RSWAP_OP_READ, 0, 0, RSWAP_MAX_IO + 4096) == RSWAP_ST_PROTO);
	CHECK(range(RSWAP_OP_WRITE, 0, 0, RSWAP_MAX_IO + 4096) == RSWAP_ST_PROTO);
	CHECK(range(RSWAP_OP_TRIM, 0, 0, SLAB) == RSWAP_ST_OK);
	CHECK(range(RSWAP_OP_TRIM, 0, 0, SLAB + 4096) == RSWAP_ST_RANGE);
	CHECK(range(RSWAP_OP_SLAB_LIST, UINT32_MAX, 0, 0) == RSWAP_ST_OK);
	CHECK(range(RSWAP_OP_SLAB_ALLOC, 10, 0, 0) == RSWAP_ST_RANGE);
	CHECK(range(RSWAP_OP_SLAB_FREE, 10, 0, 0) == RSWAP_ST_RANGE);
}

static void versions(void)
{
	struct rswap_hdr hdr = make(RSWAP_OP_HELLO);
	struct wire_req req;

	hdr.version = 2;
	hdr.body = htole32(77);
	CHECK(wire_check(NULL, &hdr, &req) == RSWAP_ST_VERSION);
	CHECK(check(&hdr) == RSWAP_ST_PROTO);
}

static struct rswap_hello make_hello(void)
{
	struct rswap_hello hello = {
		.version_min = htole16(1), .version_max = htole16(1),
		.id = { 1 }, .name = "name", .size = htole64(1 << 20),
		.max_io = htole32(4096), .depth = htole32(1),
	};

	return hello;
}

#define HELLO(expect, change)						\
	do {								\
		struct rswap_hello hello = make_hello();		\
		struct wire_hello out;					\
		change;							\
		CHECK(wire_check_hello(&hello, &out) == (expect));	\
	} while (0)

static void hellos(void)
{
	HELLO(RSWAP_ST_OK, );
	HELLO(RSWAP_ST_OK, hello.features = ~0ull);
	HELLO(RSWAP_ST_OK, memset(hello.name, '~', 32));
	HELLO(RSWAP_ST_OK, memset(hello.name, 0, 32));
	HELLO(RSWAP_ST_OK, hello.reserve = hello.size);
	HELLO(RSWAP_ST_OK, (hello.version_min = 0, hello.version_max = 0xffff));
	HELLO(RSWAP_ST_VERSION, hello.version_max = hello.version_min = 0);
	HELLO(RSWAP_ST_VERSION, hello.version_max = hello.version_min = htole16(2));
	HELLO(RSWAP_ST_PROTO, hello.version_min = htole16(2));
	HELLO(RSWAP_ST_PROTO, hello.lane = 2);
	HELLO(RSWAP_ST_PROTO, hello.reserved0[2] = 1);
	HELLO(RSWAP_ST_PROTO, hello.id[0] = 0);
	HELLO(RSWAP_ST_OK, (hello.id[0] = 0, hello.id[15] = 1));
	HELLO(RSWAP_ST_PROTO, hello.name[0] = '\n');
	HELLO(RSWAP_ST_PROTO, hello.name[1] = 0x7f);
	HELLO(RSWAP_ST_PROTO, hello.name[31] = 'x');
	HELLO(RSWAP_ST_PROTO, hello.size = 0);
	HELLO(RSWAP_ST_PROTO, hello.size = htole64(4097));
	HELLO(RSWAP_ST_PROTO, hello.reserve = htole64((1 << 20) + 1));
	HELLO(RSWAP_ST_PROTO, hello.max_io = htole32(4095));
	HELLO(RSWAP_ST_PROTO, hello.depth = 0);
}

static void names(void)
{
	CHECK(!strcmp(wire_op_name(RSWAP_OP_TRIM), "TRIM"));
	CHECK(!strcmp(wire_op_name(0), "?") && !strcmp(wire_op_name(255), "?"));
	for (unsigned int i = 0; i < RSWAP_ST_COUNT; i++)
		CHECK(strcmp(wire_status_name(i), "?"));
	CHECK(!strcmp(wire_status_name(RSWAP_ST_COUNT), "?"));
}

int main(void)
{
	RUN(requests_are_accepted);
	RUN(every_bit_counts);
	RUN(ranges);
	RUN(versions);
	RUN(hellos);
	RUN(names);
	return 0;
}
