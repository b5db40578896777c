// SPDX-License-Identifier: GPL-2.0
/*
 * rswap to server memory inside this kernel
 *
 * No network, no other machine: it proves what lies above the transport, and
 * tells a fault there from a fault on the wire.  A server's rules are kept: a
 * slab must be allocated before it is used, and memory is lent up to a limit,
 * half of this machine's.  Requests end before submit returns.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "rswap.h"

#define RSWAP_LOOP_SLAB_SIZE	(64U << 20)

/**
 * struct rswap_loop - the memory of one device
 * @sem: read for data, write to drop pages
 * @pages: the pages, by block number within the device; absent ones are zero
 * @slabs: which slabs are allocated: those with an entry
 * @reserved: bytes counted in rswap_loop_reserved
 * @connections: connections open; the session connects and disconnects them
 *	one at a time
 */
struct rswap_loop {
	struct rw_semaphore	sem;
	struct xarray		pages;
	struct xarray		slabs;
	u64			reserved;
	u32			connections;
};

/* Bytes reserved by all devices on this transport */
static atomic64_t rswap_loop_reserved = ATOMIC64_INIT(0);

static u64 rswap_loop_limit(void)
{
	return (u64)(totalram_pages() / 2) << PAGE_SHIFT;
}

static int rswap_loop_reserve(struct rswap_loop *loop, u64 bytes)
{
	if (atomic64_add_return(bytes, &rswap_loop_reserved) >
	    rswap_loop_limit()) {
		atomic64_sub(bytes, &rswap_loop_reserved);
		return -ENOSPC;
	}
	loop->reserved += bytes;
	return 0;
}

static void rswap_loop_drop(struct rswap_loop *loop, unsigned long first,
			    unsigned long last)
{
	unsigned long index;
	struct page *page;

	lockdep_assert_held_write(&loop->sem);

	xa_for_each_range(&loop->pages, index, page, first, last) {
		xa_erase(&loop->pages, index);
		__free_page(page);
	}
}

static void rswap_loop_forget(struct rswap_loop *loop)
{
	down_write(&loop->sem);
	rswap_loop_drop(loop, 0, ULONG_MAX);
	xa_destroy(&loop->slabs);
	atomic64_sub(loop->reserved, &rswap_loop_reserved);
	loop->reserved = 0;
	up_write(&loop->sem);
}

static int rswap_loop_slab_alloc(struct rswap_session *session, u32 slab)
{
	struct rswap_loop *loop = session->transport_data;
	int ret;

	if (xa_load(&loop->slabs, slab))
		return 0;
	if (session->config.thin) {
		ret = rswap_loop_reserve(loop, RSWAP_LOOP_SLAB_SIZE);
		if (ret)
			return ret;
	}
	return xa_err(xa_store(&loop->slabs, slab, xa_mk_value(1), GFP_NOIO));
}

static struct page *rswap_loop_page(struct rswap_loop *loop,
				    unsigned long index)
{
	struct page *page = xa_load(&loop->pages, index);
	struct page *old;

	if (page)
		return page;
	page = alloc_page(GFP_NOIO | __GFP_ZERO | __GFP_HIGHMEM | __GFP_NOWARN);
	if (!page)
		return NULL;
	old = xa_cmpxchg(&loop->pages, index, NULL, page, GFP_NOIO);
	if (!old)
		return page;
	__free_page(page);
	return xa_is_err(old) ? NULL : old;
}

static int rswap_loop_copy(struct rswap_loop *loop, unsigned long index,
			   struct iov_iter *data, u32 bytes, bool write)
{
	struct page *page;
	size_t n, copied;
	int ret = 0;

	down_read(&loop->sem);
	for (; bytes && !ret; bytes -= n, index++) {
		n = min_t(u32, bytes, PAGE_SIZE);
		if (write) {
			page = rswap_loop_page(loop, index);
			if (!page) {
				ret = -ENOMEM;
				break;
			}
			copied = copy_page_from_iter(page, 0, n, data);
		} else {
			page = xa_load(&loop->pages, index);
			copied = page ? copy_page_to_iter(page, 0, n, data) :
					iov_iter_zero(n, data);
		}
		if (copied != n)
			ret = -EFAULT;
	}
	up_read(&loop->sem);
	return ret;
}

static int rswap_loop_do(struct rswap_session *session,
			 struct rswap_request *req)
{
	struct rswap_loop *loop = session->transport_data;
	u32 slab = le32_to_cpu(req->hdr.slab);
	u32 bytes = le32_to_cpu(req->hdr.length);
	struct iov_iter data = req->data;
	unsigned long index;

	index = ((u64)slab * RSWAP_LOOP_SLAB_SIZE +
		 le64_to_cpu(req->hdr.offset)) >> PAGE_SHIFT;

	switch (req->hdr.op) {
	case RSWAP_OP_BYE:
		rswap_loop_forget(loop);
		return 0;
	case RSWAP_OP_SLAB_ALLOC:
		return rswap_loop_slab_alloc(session, slab);
	}
	if (!xa_load(&loop->slabs, slab))
		return -EIO;
	switch (req->hdr.op) {
	case RSWAP_OP_READ:
		return rswap_loop_copy(loop, index, &data, bytes, false);
	case RSWAP_OP_WRITE:
		return rswap_loop_copy(loop, index, &data, bytes, true);
	case RSWAP_OP_TRIM:
		down_write(&loop->sem);
		rswap_loop_drop(loop, index, index + (bytes >> PAGE_SHIFT) - 1);
		up_write(&loop->sem);
		return 0;
	}
	return -EOPNOTSUPP;
}

static int rswap_loop_submit(struct rswap_conn *conn, struct rswap_request *req)
{
	if (!READ_ONCE(conn->priv))
		return -ENOTCONN;
	rswap_request_accept(req);
	rswap_request_done(req, rswap_loop_do(conn->session, req));
	return 0;
}

static int rswap_loop_connect(struct rswap_conn *conn,
			      struct rswap_limits *limits)
{
	struct rswap_session *session = conn->session;
	struct rswap_loop *loop = session->transport_data;
	u64 limit = rswap_loop_limit();
	u64 used = atomic64_read(&rswap_loop_reserved);
	u64 want = round_up(session->config.size, RSWAP_LOOP_SLAB_SIZE);

	limits->slab_size = RSWAP_LOOP_SLAB_SIZE;
	limits->max_io = RSWAP_MAX_IO;
	limits->memory_limit = limit;
	limits->memory_free = used < limit ? limit - used : 0;
	if (!loop->connections && !session->config.thin &&
	    rswap_loop_reserve(loop, want))
		return rswap_session_why(session, -ENOSPC,
					 "server full: %llu of %llu MiB free, %llu wanted",
					 limits->memory_free >> 20, limit >> 20,
					 want >> 20);
	loop->connections++;
	rswap_conn_set_depth(conn, session->config.depth);
	WRITE_ONCE(conn->priv, loop);
	return 0;
}

static void rswap_loop_disconnect(struct rswap_conn *conn, int error)
{
	struct rswap_loop *loop = conn->priv;

	if (!loop)
		return;
	WRITE_ONCE(conn->priv, NULL);
	if (!--loop->connections)
		rswap_loop_forget(loop);
}

static int rswap_loop_parse(struct rswap_session *session, const char *rest)
{
	struct rswap_loop *loop;

	if (*rest)
		return rswap_session_why(session, -EINVAL,
					 "loop:// takes no address");
	loop = kzalloc(sizeof(*loop), GFP_KERNEL);
	if (!loop)
		return -ENOMEM;
	init_rwsem(&loop->sem);
	xa_init(&loop->pages);
	xa_init(&loop->slabs);
	session->transport_data = loop;
	return 0;
}

static void rswap_loop_destroy(struct rswap_session *session)
{
	struct rswap_loop *loop = session->transport_data;

	/* Writes that were under way at the disconnect have left pages */
	rswap_loop_forget(loop);
	xa_destroy(&loop->pages);
	kfree(loop);
}

/** rswap_loop_ops - the transport behind loop:// */
const struct rswap_transport_ops rswap_loop_ops = {
	.name		= "loop",
	.parse		= rswap_loop_parse,
	.connect	= rswap_loop_connect,
	.submit		= rswap_loop_submit,
	.disconnect	= rswap_loop_disconnect,
	.destroy	= rswap_loop_destroy,
};
