// SPDX-License-Identifier: GPL-2.0
/*
 * rswap: swap operations
 *
 * A batch of folios is one request for each slab and each max_io bytes that it
 * touches, and ends with the last of them.  No bio, and nothing allocated: a
 * request points to the batch's own bio_vecs.
 *
 * Freed slots are remembered in a bitmap and trimmed later, in runs, one TRIM at
 * a time.  A write takes its pages out of the bitmap first, and waits for the
 * TRIM that is on its way if that has any of them.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/swap_io.h>

#include "rswap.h"

/* Slots are freed in runs: how long to wait for the rest of one */
#define RSWAP_TRIM_DELAY	(HZ / 2)
/* A write may have to wait for a TRIM: pages of one at most */
#define RSWAP_TRIM_MAX		256
/* Others wait for the bitmap's lock: pages to look at while it is held */
#define RSWAP_TRIM_SCAN		(256 * 1024UL)

static void rswap_swap_put(struct swap_io *sio)
{
	if (atomic_dec_and_test(&sio->pending))
		blkdev_swap_end(sio, sio->error);
}

static void rswap_swap_part_end(struct rswap_request *req, int error)
{
	struct swap_io *sio = req->private;

	if (error) {
		pr_err_ratelimited("rswap: %s: %s of %u bytes failed: %pe\n",
				   req->conn->session->config.name,
				   sio->kind == SWAP_IO_WRITE ? "swap-out" :
								"swap-in",
				   le32_to_cpu(req->hdr.length),
				   ERR_PTR(error));
		WRITE_ONCE(sio->error, error);
	}
	rswap_request_put(req);
	rswap_swap_put(sio);
}

static int rswap_swap(struct block_device *bdev, struct swap_io *sio, u32 kind)
{
	struct rswap_dev *dev = bdev->bd_disk->private_data;
	struct rswap_session *session = dev->session;
	struct iov_iter data, part;
	struct rswap_extent ext;
	u64 pos = sio->iocb.ki_pos;
	bool nowait = swap_io_nowait(sio);
	int ret = 0;

	if (!rswap_session_live(session))
		return -EIO;
	sio->error = 0;
	/* One for us, so that it cannot end while parts are being sent */
	atomic_set(&sio->pending, 1);
	swap_io_iter(sio, &data);
	while (!ret && iov_iter_count(&data)) {
		ext = rswap_slab_extent(session->slabs, pos,
					min(iov_iter_count(&data),
					    session->limits.max_io));
		/* Not more than one part, since none may have been sent */
		if (nowait && ext.length < sio->len)
			return -EAGAIN;
		part = data;
		iov_iter_truncate(&part, ext.length);
		atomic_inc(&sio->pending);
		ret = rswap_io_submit(session, kind, &ext, &part,
				      rswap_swap_part_end, sio, 0, nowait);
		if (ret)
			atomic_dec(&sio->pending);
		if (nowait && ret == -EAGAIN)
			return ret;
		if (ret > 0)
			ret = 0;
		iov_iter_advance(&data, ext.length);
		pos += ext.length;
	}
	if (ret)
		WRITE_ONCE(sio->error, ret);
	rswap_swap_put(sio);
	return 0;
}

/**
 * rswap_swap_out - block_device_operations.swap_out
 * @bdev: the device
 * @sio: the batch
 *
 * Context: process, may sleep, never for memory that reclaim would have to free.
 * Return: 0 if the batch will end, or a negative errno.
 */
int rswap_swap_out(struct block_device *bdev, struct swap_io *sio)
{
	return rswap_swap(bdev, sio, RSWAP_IO_KIND_WRITE);
}

/**
 * rswap_swap_in - block_device_operations.swap_in
 * @bdev: the device
 * @sio: the batch
 *
 * Context: as rswap_swap_out().
 * Return: 0 if the batch will end, or a negative errno.
 */
int rswap_swap_in(struct block_device *bdev, struct swap_io *sio)
{
	return rswap_swap(bdev, sio, sio->kind == SWAP_IO_DEMAND ?
				     RSWAP_IO_KIND_DEMAND_READ :
				     RSWAP_IO_KIND_BULK_READ);
}

/**
 * rswap_slot_free - block_device_operations.swap_slot_free_notify
 * @bdev: the device
 * @slot: number of the page
 *
 * Context: any, locks held; does not sleep.
 */
void rswap_slot_free(struct block_device *bdev, unsigned long slot)
{
	struct rswap_dev *dev = bdev->bd_disk->private_data;
	struct rswap_trim *trim = dev->session->trim;
	unsigned long flags;

	if (WARN_ON_ONCE(slot >= trim->nr))
		return;
	spin_lock_irqsave(&trim->lock, flags);
	__set_bit(slot, trim->freed);
	spin_unlock_irqrestore(&trim->lock, flags);
	if (!delayed_work_pending(&trim->work))
		queue_delayed_work(rswap_wq, &trim->work, RSWAP_TRIM_DELAY);
}

static bool rswap_trim_busy(struct rswap_trim *trim, unsigned long first,
			    unsigned long end)
{
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&trim->lock, flags);
	busy = first < trim->busy_end && trim->busy_first < end;
	spin_unlock_irqrestore(&trim->lock, flags);
	return busy;
}

/**
 * rswap_trim_forget - pages are going to be written: they must not be trimmed
 * @session: the session
 * @pos: bytes, where on the device
 * @len: how many
 *
 * Context: process, may sleep until the server has answered a TRIM.
 */
void rswap_trim_forget(struct rswap_session *session, u64 pos, u64 len)
{
	struct rswap_trim *trim = session->trim;
	unsigned long first = pos >> PAGE_SHIFT;
	unsigned long nr = len >> PAGE_SHIFT;
	unsigned long flags;

	spin_lock_irqsave(&trim->lock, flags);
	bitmap_clear(trim->freed, first, nr);
	spin_unlock_irqrestore(&trim->lock, flags);
	wait_event(trim->wait, !rswap_trim_busy(trim, first, first + nr));
}

/* Take a run of freed pages of a slab that exists; Return: false if there is none */
static bool rswap_trim_take(struct rswap_session *session,
			    struct rswap_extent *ext)
{
	struct rswap_trim *trim = session->trim;
	unsigned long first, end, limit, left = trim->nr;
	bool found = false;

	while (left && !found) {
		spin_lock_irq(&trim->lock);
		if (trim->next >= trim->nr)
			trim->next = 0;
		limit = min(trim->next + min(left, RSWAP_TRIM_SCAN), trim->nr);
		first = find_next_bit(trim->freed, limit, trim->next);
		end = first;
		if (first < limit) {
			end = find_next_zero_bit(trim->freed,
						 min(first + RSWAP_TRIM_MAX, limit),
						 first);
			*ext = rswap_slab_extent(session->slabs,
						 (u64)first << PAGE_SHIFT,
						 (u64)(end - first) << PAGE_SHIFT);
			end = first + (ext->length >> PAGE_SHIFT);
			bitmap_clear(trim->freed, first, end - first);
			found = rswap_slab_mapped(session->slabs, ext->slab);
		}
		if (found) {
			trim->busy_first = first;
			trim->busy_end = end;
		}
		left -= end - trim->next;
		trim->next = end;
		spin_unlock_irq(&trim->lock);
		cond_resched();
	}
	return found;
}

static void rswap_trim_end(struct rswap_request *req, int error)
{
	struct rswap_session *session = req->conn->session;
	struct rswap_trim *trim = session->trim;
	unsigned long flags;

	/* Not told: the server only keeps what nobody will read */
	rswap_request_put(req);
	spin_lock_irqsave(&trim->lock, flags);
	trim->busy_first = 0;
	trim->busy_end = 0;
	spin_unlock_irqrestore(&trim->lock, flags);
	wake_up_all(&trim->wait);
	mod_delayed_work(rswap_wq, &trim->work, error ? RSWAP_TRIM_DELAY : 0);
}

static void rswap_trim_work(struct work_struct *work)
{
	struct rswap_trim *trim = container_of(work, struct rswap_trim, work.work);
	struct rswap_session *session = trim->session;
	struct rswap_request *req;
	struct rswap_extent ext;

	/* The one on its way continues when it has ended */
	if (!rswap_session_live(session) || rswap_trim_busy(trim, 0, trim->nr))
		return;
	/*
	 * Not rswap_request_get(): what is in flight may need this work queue,
	 * and maybe this worker, to end.
	 */
	req = rswap_request_try_get(rswap_conn_pick(session, RSWAP_LANE_BULK));
	if (!req) {
		queue_delayed_work(rswap_wq, &trim->work, RSWAP_TRIM_DELAY);
		return;
	}
	if (!rswap_trim_take(session, &ext)) {
		rswap_request_put(req);
		return;
	}
	rswap_wire_init(&req->hdr, RSWAP_OP_TRIM, &ext);
	req->kind = RSWAP_IO_KIND_TRIM;
	req->private = NULL;
	req->end = rswap_trim_end;
	rswap_request_submit(req);
}

/**
 * rswap_trim_create - make room to remember every page of a device
 * @session: the session, whose server has agreed to its size
 *
 * Context: may sleep.
 * Return: it, or NULL for want of memory.
 */
struct rswap_trim *rswap_trim_create(struct rswap_session *session)
{
	u64 nr = session->config.size >> PAGE_SHIFT;
	struct rswap_trim *trim;

	/* No more than kvmalloc() would ever give */
	if (nr / BITS_PER_BYTE >= INT_MAX - PAGE_SIZE)
		return NULL;
	trim = kvzalloc(struct_size(trim, freed, BITS_TO_LONGS(nr)), GFP_KERNEL);
	if (!trim)
		return NULL;
	trim->session = session;
	trim->nr = nr;
	spin_lock_init(&trim->lock);
	init_waitqueue_head(&trim->wait);
	INIT_DELAYED_WORK(&trim->work, rswap_trim_work);
	return trim;
}

/**
 * rswap_trim_stop - send no more TRIMs, for the server forgets all
 * @session: the session
 *
 * Context: may sleep.
 */
void rswap_trim_stop(struct rswap_session *session)
{
	disable_delayed_work_sync(&session->trim->work);
}

/**
 * rswap_trim_destroy - forget them
 * @trim: what rswap_trim_create() returned, or NULL; its session is not live
 *	and no request is outstanding
 *
 * Context: may sleep.
 */
void rswap_trim_destroy(struct rswap_trim *trim)
{
	if (trim)
		cancel_delayed_work_sync(&trim->work);
	kvfree(trim);
}
