// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: whatever wire_check() accepts must be harmless.  What is harmless
 * is said here a second time, in other words.
 */
#include <stdlib.h>
#include <string.h>

#include "rswapd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void accepted(const struct wire_limits *lim, const struct wire_req *req)
{
	require(req->op >= RSWAP_OP_BYE && req->op <= RSWAP_OP_TRIM);
	require(req->body <= RSWAP_MAX_IO);
	if (req->op == RSWAP_OP_SLAB_ALLOC || req->op == RSWAP_OP_SLAB_FREE)
		require(req->slab < lim->slabs);
	if (req->op < RSWAP_OP_READ)
		return;
	require(req->slab < lim->slabs && req->length);
	require((__uint128_t)req->offset + req->length <= lim->slab_size);
	require(req->op == RSWAP_OP_TRIM || req->length <= lim->max_io);
	require(req->body == (req->op == RSWAP_OP_WRITE ? req->length : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_limits lim = { .slabs = 4, .slab_size = 1u << 20,
				   .max_io = 64 << 10, .depth = 8 };
	struct rswap_hdr hdr;
	struct rswap_hello body;
	struct wire_hello hello;
	struct wire_req req;
	int status;

	if (size < sizeof(hdr))
		return 0;
	memcpy(&hdr, data, sizeof(hdr));
	/* Half of the inputs get past the magic and the version for sure */
	if (hdr.tag & 1) {
		hdr.magic = RSWAP_MAGIC;
		hdr.version = RSWAP_VERSION;
	}
	status = wire_check(&lim, &hdr, &req);
	if (status == RSWAP_ST_OK)
		accepted(&lim, &req);
	if (status == RSWAP_ST_RANGE)
		require(req.body <= RSWAP_MAX_IO);
	status = wire_check(NULL, &hdr, &req);
	require(status == WIRE_FOREIGN || status == RSWAP_ST_PROTO ||
		status == RSWAP_ST_VERSION ||
		(status == RSWAP_ST_OK && req.op == RSWAP_OP_HELLO && req.body == sizeof(body)));
	if (size < sizeof(hdr) + sizeof(body))
		return 0;
	memcpy(&body, data + sizeof(hdr), sizeof(body));
	if (wire_check_hello(&body, &hello) == RSWAP_ST_OK) {
		require(hello.size && hello.reserve <= hello.size);
		require(hello.depth && hello.max_io >= RSWAP_BLOCK);
		require(strlen(hello.name) <= RSWAP_NAME_LEN);
	}
	return 0;
}
