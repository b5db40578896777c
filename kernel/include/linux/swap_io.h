/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swap operations: folios between reclaim, or a fault, and a transport
 *
 * address_space_operations.swap_out and .swap_in move a batch of folios to or
 * from consecutive slots of a swap file or device.  Swap space whose ->swap_activate()
 * set SWP_FS_OPS or SWP_BLK_OPS has all its I/O done by them.
 *
 * The contract of both:
 *
 *  - 0 means that iocb.ki_complete will be called for the batch exactly once, by
 *    anybody, in any context that may take spinlocks (softirqs and hardirqs
 *    included), maybe before the operation returns.  From this call on nothing
 *    of the batch may be touched.
 *  - A negative errno means that it will not, and that no byte of the batch is
 *    going to be sent or received any more.
 *
 * The folios of a batch going out are under writeback, those of a batch coming
 * in are locked and not uptodate, until it ends.  They are whole: a large folio
 * is one bio_vec.  A batch has at most SWAP_CLUSTER_MAX pages, or one
 * folio.  One error is the error of every folio: a page is either known to be
 * where it belongs or it is not.
 *
 * Both are called in process context and may sleep, but only for something that
 * ends without memory being freed: reclaim, of which they are a part, waits for
 * them.  Whoever reads ahead for a page that it waits for sleeps for nothing: if
 * iocb.ki_flags has IOCB_NOWAIT, and the batch would have to wait for others,
 * ->swap_in() returns -EAGAIN before any of it is sent.  A worker calls it again,
 * without that flag and with @again.  Whoever faults or reclaims may hold locks,
 * mmap_lock for one, which they must not take.  Nothing of a batch has to be
 * allocated: it comes from a mempool, and has room for what an implementation has
 * to remember of it.
 */
#ifndef _LINUX_SWAP_IO_H
#define _LINUX_SWAP_IO_H

#include <linux/atomic.h>
#include <linux/bvec.h>
#include <linux/fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

struct swap_io;

/**
 * enum swap_io_kind - what a batch is for
 * @SWAP_IO_WRITE: reclaim, nobody waits for it by name
 * @SWAP_IO_DEMAND: somebody waits for this very folio; never more than one
 * @SWAP_IO_READAHEAD: somebody may want it soon
 */
enum swap_io_kind {
	SWAP_IO_WRITE,
	SWAP_IO_DEMAND,
	SWAP_IO_READAHEAD,
	SWAP_IO_KINDS
};

/**
 * struct swap_io - a batch of folios, to or from consecutive slots
 * @iocb: file and position, as of direct I/O.  iocb.ki_complete takes the number
 *	of bytes or a negative errno, and ends the batch
 * @kind: what it is for
 * @nr_bvecs: number of @bvecs in use, one for each folio
 * @nr_pages: pages of all of them
 * @len: bytes of all of them
 * @pending: for the implementation: parts that have not ended
 * @again: ->swap_in() returned -EAGAIN before: this is a worker
 * @work: of that worker
 * @error: for the implementation: the first error of a part
 * @start: for the implementation: when it began
 * @bvecs: the folios
 */
struct swap_io {
	struct kiocb		iocb;
	enum swap_io_kind	kind;
	unsigned int		nr_bvecs;
	unsigned int		nr_pages;
	unsigned int		len;
	bool			again;
	struct work_struct	work;
	atomic_t		pending;
	int			error;
	unsigned long		start;
	struct bio_vec		bvecs[SWAP_CLUSTER_MAX];
};

/**
 * swap_io_pos - where a batch is
 * @sio: the batch, not ended
 *
 * Unlike the position of its iocb, which file systems may advance.
 *
 * Context: any.
 * Return: bytes from the start of the swap space.
 */
static inline loff_t swap_io_pos(const struct swap_io *sio)
{
	swp_entry_t first = page_swap_entry(sio->bvecs[0].bv_page);

	return (loff_t)swp_offset(first) << PAGE_SHIFT;
}

/**
 * swap_io_iter - all bytes of a batch
 * @sio: the batch
 * @iter: filled in
 *
 * Context: any.
 */
static inline void swap_io_iter(struct swap_io *sio, struct iov_iter *iter)
{
	iov_iter_bvec(iter, sio->kind == SWAP_IO_WRITE ? ITER_SOURCE : ITER_DEST,
		      sio->bvecs, sio->nr_bvecs, sio->len);
}

/**
 * swap_io_nowait - test whether ->swap_in() must not wait for others
 * @sio: the batch
 *
 * Context: any.
 * Return: true if it has to return -EAGAIN instead
 */
static inline bool swap_io_nowait(const struct swap_io *sio)
{
	return sio->iocb.ki_flags & IOCB_NOWAIT;
}

/**
 * swap_io_queued - what an operation returns when direct I/O was its way
 * @ret: what came of the direct I/O, asynchronous as @iocb is
 *
 * Context: any.
 * Return: 0 if iocb.ki_complete is or will be called, or a negative errno.
 */
static inline int swap_io_queued(ssize_t ret)
{
	if (ret == -EIOCBQUEUED)
		return 0;
	return ret < 0 ? ret : -EIO;
}

/**
 * swap_has_io_ops - test whether swap space is used by its operations
 * @sis: the swap space
 *
 * Context: any.
 * Return: true if ->swap_activate() said so
 */
static inline bool swap_has_io_ops(struct swap_info_struct *sis)
{
	/* Other flags change without a lock, these only while nobody uses it */
	return data_race(sis->flags & SWP_IO_OPS);
}

/* mm's own */
int swap_io_activate(unsigned int type);
void swap_io_add(struct folio *folio, enum swap_io_kind kind,
		 struct swap_io **plug);
void swap_io_submit(struct swap_io *sio);
bool swap_io_may_read_ahead(swp_entry_t entry);

#ifdef CONFIG_SWAP

static inline void swap_io_unplug(struct swap_io *plug)
{
	if (unlikely(plug))
		swap_io_submit(plug);
}

/* block/blk-swap.c */
int blkdev_swap_activate(struct swap_info_struct *sis, struct file *file,
			 sector_t *span);
int blkdev_swap_out(struct swap_io *sio);
int blkdev_swap_in(struct swap_io *sio);
void blkdev_swap_end(struct swap_io *sio, int error);

#else

static inline void swap_io_unplug(struct swap_io *plug)
{
}

#define blkdev_swap_activate	NULL
#define blkdev_swap_out		NULL
#define blkdev_swap_in		NULL

#endif

#endif /* _LINUX_SWAP_IO_H */
