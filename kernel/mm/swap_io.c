// SPDX-License-Identifier: GPL-2.0
/*
 * Batches of folios for swap space that has operations
 *
 * Adjacent slots are collected in a plug, which lives on the stack of whoever
 * reclaims or reads ahead, and are submitted together.  A page that somebody
 * waits for is never plugged.
 *
 * Each kind of batch has a mempool of its own.  Somebody who reads ahead may
 * hold an unfinished batch while an allocation for the next page reclaims, and
 * so may need batches for writing; were they of the same pool, enough of such
 * readers would wait for each other.  And a page that is waited for does not
 * wait for those that nobody may ever want.
 */
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/swap_io.h>
#include <linux/swapops.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "swap.h"

#define CREATE_TRACE_POINTS
#include <trace/events/swap_io.h>

/*
 * What is under writeback cannot be reclaimed again until it has arrived, and
 * reclaim that finds nothing else gives up: the OOM killer came for a guest with
 * half of its swap space free, all of whose memory was under writeback to NFS.
 * A queue of requests has a length; operations may have none. So no more than
 * this part of memory, or this many pages, are on their way to one swap space.
 */
#define SWAP_IO_WRITING_SHARE	64
#define SWAP_IO_WRITING_MAX	(SZ_4M >> PAGE_SHIFT)

/* Pages on their way, of each swap space */
static atomic_t swap_io_writing[MAX_SWAPFILES];

/*
 * A page that somebody waits for does not wait for those that are read with it.
 * So what its fault submits for them sleeps for nothing, and it does not even
 * allocate them while this many batches are on their way already, from one swap
 * space.  Advice to read more than that waits for its turn.
 */
#define SWAP_IO_AHEAD_MAX	SWAP_CLUSTER_MAX

/* Batches that are read ahead, of each swap space */
static atomic_t swap_io_ahead[MAX_SWAPFILES];

static mempool_t *swap_io_pools[SWAP_IO_KINDS];
/* Of each swap space, so that its rescuer does not wait for another one's server */
static struct workqueue_struct *swap_io_wqs[MAX_SWAPFILES];

/**
 * swap_io_activate - get ready for swap space that has operations
 * @type: its number
 *
 * What is allocated here stays, for whoever has the number next; all swap space
 * shares the mempools.
 *
 * Context: process, may sleep; any number at the same time, each with its own @type.
 * Return: 0 or -ENOMEM.
 */
int swap_io_activate(unsigned int type)
{
	mempool_t *pool;
	int kind;

	for (kind = 0; kind < SWAP_IO_KINDS; kind++) {
		/* Pairs with the cmpxchg() below, of another swapon */
		if (smp_load_acquire(&swap_io_pools[kind]))
			continue;
		pool = mempool_create_kmalloc_pool(SWAP_CLUSTER_MAX,
						   sizeof(struct swap_io));
		if (!pool)
			return -ENOMEM;
		if (cmpxchg(&swap_io_pools[kind], NULL, pool))
			mempool_destroy(pool);
	}
	if (!swap_io_wqs[type])
		swap_io_wqs[type] = alloc_workqueue("swap_io/%u", WQ_MEM_RECLAIM | WQ_UNBOUND,
						    1, type);
	return swap_io_wqs[type] ? 0 : -ENOMEM;
}

static unsigned int swap_io_type(const struct swap_io *sio)
{
	return swp_type(page_swap_entry(sio->bvecs[0].bv_page));
}

/**
 * swap_io_may_read_ahead - test whether to read more than somebody waits for
 * @entry: what would be read
 *
 * Context: any.
 * Return: false if too much is being read ahead from there already
 */
bool swap_io_may_read_ahead(swp_entry_t entry)
{
	return atomic_read(&swap_io_ahead[swp_type(entry)]) < SWAP_IO_AHEAD_MAX;
}

static bool swap_io_may_write(const atomic_t *writing)
{
	return atomic_read(writing) <= min(totalram_pages() / SWAP_IO_WRITING_SHARE,
					   SWAP_IO_WRITING_MAX);
}

/* Wait until some of what is on its way has arrived: that needs no memory of ours */
static void swap_io_begin_write(struct swap_io *sio)
{
	atomic_t *writing = &swap_io_writing[swap_io_type(sio)];

	if (!swap_io_may_write(writing))
		___wait_var_event(writing, swap_io_may_write(writing),
				  TASK_UNINTERRUPTIBLE, 0, 0, io_schedule());
	atomic_add(sio->nr_pages, writing);
}

static void swap_io_end_writing(struct swap_io *sio)
{
	atomic_t *writing = &swap_io_writing[swap_io_type(sio)];

	atomic_sub(sio->nr_pages, writing);
	/* Pairs with the barrier of prepare_to_wait_event() */
	smp_mb__after_atomic();
	wake_up_var(writing);
}

static void swap_io_end_write(struct folio *folio, int error)
{
	if (error) {
		/*
		 * Dirty again, so that it stays, and not at the head of those
		 * to be reclaimed: see folio_rotate_reclaimable().
		 */
		folio_mark_dirty(folio);
		folio_clear_reclaim(folio);
	}
	folio_end_writeback(folio);
}

static void swap_io_end_read(struct folio *folio, int error)
{
	if (!error)
		folio_mark_uptodate(folio);
	folio_unlock(folio);
}

static void swap_io_end(struct swap_io *sio, int error)
{
	bool write = sio->kind == SWAP_IO_WRITE;
	unsigned int i;

	trace_swap_io_end(sio, error);
	if (unlikely(error))
		pr_alert_ratelimited("%s-error %d on swap space %pD (%u bytes at %lld)\n",
				     write ? "Write" : "Read", error,
				     sio->iocb.ki_filp, sio->len,
				     swap_io_pos(sio));
	if (write)
		swap_io_end_writing(sio);
	else if (sio->kind == SWAP_IO_READAHEAD)
		atomic_dec(&swap_io_ahead[swap_io_type(sio)]);
	for (i = 0; i < sio->nr_bvecs; i++) {
		struct folio *folio = page_folio(sio->bvecs[i].bv_page);

		if (write)
			swap_io_end_write(folio, error);
		else
			swap_io_end_read(folio, error);
	}
	mempool_free(sio, swap_io_pools[sio->kind]);
}

static void swap_io_complete(struct kiocb *iocb, long ret)
{
	struct swap_io *sio = container_of(iocb, struct swap_io, iocb);

	if (ret >= 0)
		ret = ret == sio->len ? 0 : -EIO;
	swap_io_end(sio, ret);
}

static struct swap_io *swap_io_alloc(enum swap_io_kind kind, struct file *file,
				     loff_t pos)
{
	struct swap_io *sio = mempool_alloc(swap_io_pools[kind], GFP_NOIO);

	init_sync_kiocb(&sio->iocb, file);
	sio->iocb.ki_pos = pos;
	sio->iocb.ki_complete = swap_io_complete;
	sio->kind = kind;
	sio->nr_bvecs = 0;
	sio->nr_pages = 0;
	sio->len = 0;
	sio->again = false;
	return sio;
}

/**
 * swap_io_add - write or read a folio, maybe together with others
 * @folio: of swap space that has operations; under writeback if it is to be
 *	written, else locked and not uptodate
 * @kind: what for
 * @plug: where adjacent folios of the same kind are collected, until
 *	swap_io_unplug(); or NULL
 *
 * Context: process, may sleep.
 */
void swap_io_add(struct folio *folio, enum swap_io_kind kind,
		 struct swap_io **plug)
{
	struct file *file = swp_swap_info(folio->swap)->swap_file;
	unsigned int nr = folio_nr_pages(folio);
	loff_t pos = swap_dev_pos(folio->swap);
	struct swap_io *sio = plug ? *plug : NULL;

	if (sio && (sio->iocb.ki_filp != file ||
		    sio->iocb.ki_pos + sio->len != pos ||
		    sio->nr_pages + nr > SWAP_CLUSTER_MAX)) {
		swap_io_submit(sio);
		sio = NULL;
	}
	if (!sio)
		sio = swap_io_alloc(kind, file, pos);
	bvec_set_folio(&sio->bvecs[sio->nr_bvecs++], folio, folio_size(folio), 0);
	sio->nr_pages += nr;
	sio->len += folio_size(folio);
	if (!plug || sio->nr_pages >= SWAP_CLUSTER_MAX) {
		swap_io_submit(sio);
		sio = NULL;
	}
	if (plug)
		*plug = sio;
}

/* Where waiting for other batches holds up nobody */
static void swap_io_read_again(struct work_struct *work)
{
	struct swap_io *sio = container_of(work, struct swap_io, work);
	int ret;

	sio->again = true;
	sio->iocb.ki_flags &= ~IOCB_NOWAIT;
	ret = sio->iocb.ki_filp->f_mapping->a_ops->swap_in(sio);
	if (ret)
		swap_io_end(sio, ret);
}

static int swap_io_read_ahead(struct swap_io *sio,
			      const struct address_space_operations *ops)
{
	int ret;

	/* Some who were let in at the same time may be beyond */
	if (atomic_inc_return(&swap_io_ahead[swap_io_type(sio)]) > 2 * SWAP_IO_AHEAD_MAX)
		return ops->swap_in(sio);
	sio->iocb.ki_flags |= IOCB_NOWAIT;
	ret = ops->swap_in(sio);
	if (ret != -EAGAIN || !swap_io_nowait(sio))
		return ret;
	INIT_WORK(&sio->work, swap_io_read_again);
	queue_work(swap_io_wqs[swap_io_type(sio)], &sio->work);
	return 0;
}

/**
 * swap_io_submit - hand a batch over
 * @sio: a batch with at least one folio; the caller's no more
 *
 * Context: process, may sleep.
 */
void swap_io_submit(struct swap_io *sio)
{
	const struct address_space_operations *ops =
		sio->iocb.ki_filp->f_mapping->a_ops;
	int ret;

	if (sio->kind == SWAP_IO_WRITE)
		swap_io_begin_write(sio);
	trace_swap_io_submit(sio, 0);
	switch (sio->kind) {
	case SWAP_IO_WRITE:
		ret = ops->swap_out(sio);
		break;
	case SWAP_IO_READAHEAD:
		ret = swap_io_read_ahead(sio, ops);
		break;
	default:
		ret = ops->swap_in(sio);
	}
	if (ret)
		swap_io_end(sio, ret);
}
