// SPDX-License-Identifier: GPL-2.0
/*
 * Swap operations of block devices
 *
 * A driver that has them (block_device_operations.swap_out, .swap_in) gets the
 * folios from mm as they are, with no bio and no request.  What submit_bio()
 * and the request queue count for a bio is counted here for a batch.
 */
#include <linux/blkdev.h>
#include <linux/memcontrol.h>
#include <linux/swap_io.h>
#include <linux/task_io_accounting_ops.h>

#include "blk-cgroup.h"

static struct block_device *swap_io_bdev(const struct swap_io *sio)
{
	return file_bdev(sio->iocb.ki_filp);
}

/**
 * blkdev_swap_activate - address_space_operations.swap_activate of block devices
 * @sis: the swap space
 * @file: the device
 * @span: set to the number of its pages
 *
 * Context: process, may sleep.
 * Return: the number of extents or a negative errno.
 */
int blkdev_swap_activate(struct swap_info_struct *sis, struct file *file,
			 sector_t *span)
{
	struct block_device *bdev = file_bdev(file);

	*span = sis->pages;
	/* Positions of a batch are the device's */
	if (bdev->bd_disk->fops->swap_out && bdev->bd_disk->fops->swap_in &&
	    !bdev_is_partition(bdev))
		sis->flags |= SWP_BLK_OPS;
	return add_swap_extent(sis, 0, sis->max, 0);
}

#ifdef CONFIG_BLK_CGROUP
/* As blk_cgroup_bio_start() does for a bio that belongs to the folio's cgroup */
static void swap_io_account_cgroup(struct block_device *bdev, blk_opf_t opf,
				   struct mem_cgroup *memcg, unsigned int len)
{
	struct bio bio;

	bio_init(&bio, bdev, NULL, 0, opf);
	bio.bi_iter.bi_size = len;
#ifdef CONFIG_MEMCG
	if (memcg)
		bio_associate_blkg_from_css(&bio, cgroup_e_css(memcg->css.cgroup,
							       &io_cgrp_subsys));
#endif
	blk_cgroup_bio_start(&bio);
	bio_uninit(&bio);
}

/* What is written is on account of whose it is, what is read of who reads */
static void swap_io_account(struct swap_io *sio, struct block_device *bdev,
			    blk_opf_t opf)
{
	struct mem_cgroup *memcg = NULL, *other;
	unsigned int i, len = 0;

	/* A folio that zswap writes back may change its cgroup meanwhile */
	rcu_read_lock();
	for (i = 0; i < sio->nr_bvecs; i++) {
		other = sio->kind == SWAP_IO_WRITE ?
			folio_memcg(page_folio(sio->bvecs[i].bv_page)) : NULL;
		if (len && other != memcg) {
			swap_io_account_cgroup(bdev, opf, memcg, len);
			len = 0;
		}
		memcg = other;
		len += sio->bvecs[i].bv_len;
	}
	swap_io_account_cgroup(bdev, opf, memcg, len);
	rcu_read_unlock();
}
#else
static void swap_io_account(struct swap_io *sio, struct block_device *bdev,
			    blk_opf_t opf)
{
}
#endif

static enum req_op swap_io_op(const struct swap_io *sio)
{
	return sio->kind == SWAP_IO_WRITE ? REQ_OP_WRITE : REQ_OP_READ;
}

static struct block_device *swap_io_begin(struct swap_io *sio)
{
	struct block_device *bdev = swap_io_bdev(sio);

	swap_io_account(sio, bdev, swap_io_op(sio) | REQ_SWAP);
	sio->start = bdev_start_io_acct(bdev, swap_io_op(sio), jiffies);
	return bdev;
}

static void swap_io_account_end(struct swap_io *sio)
{
	bdev_end_io_acct(swap_io_bdev(sio), swap_io_op(sio),
			 sio->len >> SECTOR_SHIFT, sio->start);
}

/**
 * blkdev_swap_out - address_space_operations.swap_out of block devices
 * @sio: the batch
 *
 * Context: process, may sleep.
 * Return: 0 if the batch will end, or a negative errno.
 */
int blkdev_swap_out(struct swap_io *sio)
{
	struct block_device *bdev = swap_io_begin(sio);
	int ret;

	count_vm_events(PGPGOUT, sio->len >> SECTOR_SHIFT);
	ret = bdev->bd_disk->fops->swap_out(bdev, sio);
	if (ret)
		swap_io_account_end(sio);
	return ret;
}

/**
 * blkdev_swap_in - address_space_operations.swap_in of block devices
 * @sio: the batch
 *
 * Context: process, may sleep.
 * Return: 0 if the batch will end, or a negative errno.
 */
int blkdev_swap_in(struct swap_io *sio)
{
	struct block_device *bdev = swap_io_bdev(sio);
	int ret;

	/* Counted once, for who reads and not for a worker */
	if (!sio->again) {
		swap_io_begin(sio);
		task_io_account_read(sio->len);
		count_vm_events(PGPGIN, sio->len >> SECTOR_SHIFT);
	}
	ret = bdev->bd_disk->fops->swap_in(bdev, sio);
	if (ret && !(ret == -EAGAIN && swap_io_nowait(sio)))
		swap_io_account_end(sio);
	return ret;
}

/**
 * blkdev_swap_end - a driver has done with a batch
 * @sio: what its swap_out or swap_in took
 * @error: 0 if every byte is where it belongs, or a negative errno
 *
 * Context: any in which spinlocks may be taken.
 */
void blkdev_swap_end(struct swap_io *sio, int error)
{
	swap_io_account_end(sio);
	/* The length is unsigned, and so would be the error */
	sio->iocb.ki_complete(&sio->iocb, error ? error : (long)sio->len);
}
EXPORT_SYMBOL_GPL(blkdev_swap_end);
