// SPDX-License-Identifier: GPL-2.0
/*
 * What reclaim does to a swap device: writes with PF_MEMALLOC, and reads what it wrote.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/uio.h>

#include "exhaust.h"

#define DEPTH_MAX	32
#define PAGES_MAX	32
#define RETRY_MS	5

static char *device = "";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "block device or swap file, which is written to; none: only take memory");
static unsigned int skip;
module_param(skip, uint, 0444);
MODULE_PARM_DESC(skip, "pages at the beginning of the device that are not written to");
static unsigned int count = 200;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "transfers, each a write and a read");
static unsigned int depth = 1;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "transfers at the same time, 1 to 32");
static unsigned int pages = 1;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "pages of a transfer, 1 to 32");
static unsigned int interval;
module_param(interval, uint, 0444);
MODULE_PARM_DESC(interval, "milliseconds between transfers");
static unsigned int patience = 20;
module_param(patience, uint, 0444);
MODULE_PARM_DESC(patience, "seconds without a transfer that is done; without a device, all of it");
static bool bios;
module_param(bios, bool, 0444);
MODULE_PARM_DESC(bios, "bios even if the device has swap operations");

/* Both NULL if there is no device. */
static struct file *file;
static struct task_struct *task;

/* A kernel without swap operations has swap_rw, which takes the parts of a batch. */
#if __has_include(<linux/swap_io.h>)
#include <linux/swap_io.h>

static int swap_rw(struct swap_io *sio)
{
	const struct address_space_operations *ops = sio->iocb.ki_filp->f_mapping->a_ops;

	return sio->kind == SWAP_IO_WRITE ? ops->swap_out(sio) : ops->swap_in(sio);
}

static bool file_has_ops(struct inode *inode)
{
	return inode->i_mapping->a_ops->swap_out;
}

static bool bdev_has_ops(struct block_device *bdev)
{
	return bdev->bd_disk->fops->swap_out && !bdev_is_partition(bdev);
}
#else
enum { SWAP_IO_WRITE, SWAP_IO_DEMAND, SWAP_IO_READAHEAD };

struct swap_io {
	struct kiocb iocb;
	int kind;
	unsigned int nr_bvecs, nr_pages, len;
	struct bio_vec bvecs[PAGES_MAX];
};

static int swap_rw(struct swap_io *sio)
{
	struct iov_iter iter;
	int ret;

	iov_iter_bvec(&iter, sio->kind == SWAP_IO_WRITE ? ITER_SOURCE : ITER_DEST,
		      sio->bvecs, sio->nr_bvecs, sio->len);
	ret = sio->iocb.ki_filp->f_mapping->a_ops->swap_rw(&sio->iocb, &iter);
	return ret == -EIOCBQUEUED ? 0 : ret < 0 ? ret : -EIO;
}

static bool file_has_ops(struct inode *inode)
{
	return inode->i_mapping->a_ops->swap_rw;
}

static bool bdev_has_ops(struct block_device *bdev)
{
	return false;
}
#endif

/* Returns the block device to which bios are to be sent, NULL if operations are used. */
static struct block_device *bio_device(void)
{
	struct inode *inode = file->f_mapping->host;

	if (!S_ISBLK(inode->i_mode) || (!bios && bdev_has_ops(I_BDEV(inode))))
		return NULL;
	return I_BDEV(inode);
}

struct transfer {
	struct bio bio;
	struct swap_io sio;
	struct bio_vec vecs[PAGES_MAX];
	struct page *pages[PAGES_MAX];
	struct completion done;
	unsigned int number;
	bool active;
	bool reading;
	int error;
	ktime_t start;
};

/* Written by the thread that transfers. */
static unsigned int refused;		/* for want of memory */
static unsigned long last_done;		/* in jiffies */
static DECLARE_COMPLETION(all_done);
/* Written by who waits for it. */
static bool give_up;

static struct transfer transfers[DEPTH_MAX];
static unsigned int completed, errors, wrong, longest;

static void transfer_end_bio(struct bio *bio)
{
	struct transfer *transfer = bio->bi_private;

	transfer->error = bio->bi_status ? -EIO : 0;
	bio_uninit(bio);
	complete(&transfer->done);
}

static void transfer_submit_bio(struct transfer *transfer, struct block_device *bdev, u64 at)
{
	struct bio *bio = &transfer->bio;
	unsigned int i;

	bio_init(bio, bdev, transfer->vecs, pages,
		 transfer->reading ? REQ_OP_READ : REQ_OP_WRITE | REQ_SYNC);
	bio->bi_iter.bi_sector = at << PAGE_SECTORS_SHIFT;
	bio->bi_private = transfer;
	bio->bi_end_io = transfer_end_bio;
	for (i = 0; i < pages; i++)
		__bio_add_page(bio, transfer->pages[i], PAGE_SIZE, 0);
	submit_bio(bio);
}

static void transfer_end_ops(struct kiocb *iocb, long ret)
{
	struct transfer *transfer = container_of(iocb, struct transfer, sio.iocb);

	/* Part of it is as good as nothing, for a page and for reclaim. */
	if (ret >= 0)
		ret = ret == pages * PAGE_SIZE ? 0 : -ENOMEM;
	transfer->error = ret;
	complete(&transfer->done);
}

/* As mm does it, but for what happens in the end. */
static void transfer_submit_ops(struct transfer *transfer, u64 at)
{
	struct swap_io *sio = &transfer->sio;
	unsigned int i;
	int ret;

	init_sync_kiocb(&sio->iocb, file);
	sio->iocb.ki_complete = transfer_end_ops;
	sio->iocb.ki_pos = at << PAGE_SHIFT;
	sio->kind = !transfer->reading ? SWAP_IO_WRITE :
		    pages == 1 ? SWAP_IO_DEMAND : SWAP_IO_READAHEAD;
	for (i = 0; i < pages; i++)
		bvec_set_page(&sio->bvecs[i], transfer->pages[i], PAGE_SIZE, 0);
	sio->nr_bvecs = pages;
	sio->nr_pages = pages;
	sio->len = pages * PAGE_SIZE;
	ret = swap_rw(sio);
	if (ret)
		transfer_end_ops(&sio->iocb, ret);
}

static void transfer_submit(struct transfer *transfer)
{
	struct block_device *bdev = bio_device();
	u64 at = skip + transfer->number * pages;
	unsigned int i;

	for (i = 0; i < pages; i++)
		memset(page_address(transfer->pages[i]),
		       transfer->reading ? 0 : transfer->number + i + 1, PAGE_SIZE);
	init_completion(&transfer->done);
	if (bdev)
		transfer_submit_bio(transfer, bdev, at);
	else
		transfer_submit_ops(transfer, at);
}

static void transfer_wait(struct transfer *transfer)
{
	unsigned int i;

	if (!transfer->active)
		return;
	wait_for_completion(&transfer->done);
	/* A page that could not be written stays dirty until later, and a fault would wait. */
	while (transfer->error == -ENOMEM && !READ_ONCE(give_up)) {
		refused++;
		msleep(RETRY_MS);
		transfer_submit(transfer);
		wait_for_completion(&transfer->done);
	}
	transfer->active = false;
	WRITE_ONCE(last_done, jiffies);
	longest = max_t(unsigned int, longest,
			ktime_ms_delta(ktime_get(), transfer->start));
	if (transfer->error) {
		errors++;
	} else if (transfer->reading) {
		for (i = 0; i < pages; i++)
			if (memchr_inv(page_address(transfer->pages[i]),
				       (u8)(transfer->number + i + 1), PAGE_SIZE))
				wrong++;
	}
}

static void transfer_wait_all(void)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		transfer_wait(&transfers[i]);
}

/* All writes, then all reads, @depth at a time. */
static int transfer_thread(void *unused)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	struct transfer *transfer;
	unsigned int i;

	for (i = 0; i < 2 * count && !READ_ONCE(give_up); i++) {
		/* The writes that the reads are to find are done. */
		if (i == count)
			transfer_wait_all();
		transfer = &transfers[i % depth];
		transfer_wait(transfer);
		transfer->number = i % count;
		transfer->reading = i >= count;
		transfer->active = true;
		transfer->start = ktime_get();
		transfer_submit(transfer);
		WRITE_ONCE(completed, i / 2);
		if (interval)
			msleep(interval);
	}
	transfer_wait_all();
	if (i == 2 * count)
		completed = count;
	memalloc_noreclaim_restore(noreclaim);
	complete(&all_done);
	return 0;
}

/* Returns false if it stands still. */
static bool transfer_watch(void)
{
	while (!wait_for_completion_timeout(&all_done, HZ / 4))
		if (time_after(jiffies, READ_ONCE(last_done) + patience * HZ))
			return false;
	return true;
}

static int pages_alloc(void)
{
	unsigned int i, j;

	for (i = 0; i < depth; i++) {
		for (j = 0; j < pages; j++) {
			transfers[i].pages[j] = alloc_page(GFP_KERNEL);
			if (!transfers[i].pages[j])
				return -ENOMEM;
		}
	}
	return 0;
}

static void pages_free(void)
{
	unsigned int i, j;

	for (i = 0; i < DEPTH_MAX; i++)
		for (j = 0; j < PAGES_MAX; j++)
			if (transfers[i].pages[j])
				__free_page(transfers[i].pages[j]);
}

static struct file *device_open(void)
{
	struct file *opened = filp_open(device, O_RDWR, 0);
	struct inode *inode;
	int ret = 0;

	if (IS_ERR(opened))
		return opened;
	inode = opened->f_mapping->host;
	if (!S_ISBLK(inode->i_mode) && !(IS_SWAPFILE(inode) && file_has_ops(inode)))
		ret = -EINVAL;
	else if (i_size_read(inode) >> PAGE_SHIFT < skip + count * pages)
		ret = -ENOSPC;
	if (!ret)
		return opened;
	fput(opened);
	return ERR_PTR(ret);
}

void transfers_free(void)
{
	if (task) {
		kthread_stop(task);
		put_task_struct(task);
	}
	pages_free();
	if (file)
		fput(file);
}

/* All that they need is there when it returns 0, and not a negative error. */
int transfers_create(void)
{
	struct task_struct *created;
	struct file *opened;
	int ret;

	if (depth < 1 || depth > DEPTH_MAX || pages < 1 || pages > PAGES_MAX || !count)
		return -EINVAL;
	if (!*device)
		return 0;
	opened = device_open();
	if (IS_ERR(opened))
		return PTR_ERR(opened);
	file = opened;
	ret = pages_alloc();
	if (ret)
		goto fail;
	created = kthread_create(transfer_thread, NULL, "exhaust_io");
	ret = PTR_ERR_OR_ZERO(created);
	if (ret)
		goto fail;
	task = get_task_struct(created);
	return 0;
fail:
	transfers_free();
	return ret;
}

/* Returns false if they stand still. Without a device, it only takes its time. */
bool transfers_run(void)
{
	if (!task) {
		msleep(patience * MSEC_PER_SEC);
		return true;
	}
	pr_info("transfers are %s\n", bio_device() ? "bios" : "swap operations");
	last_done = jiffies;
	wake_up_process(task);
	return transfer_watch();
}

/* Who transfers, or NULL. */
struct task_struct *transfers_task(void)
{
	return task;
}

void transfers_give_up(void)
{
	WRITE_ONCE(give_up, true);
}

void transfers_tell(bool stuck)
{
	if (stuck)
		pr_info("stuck after %u of %u\n", READ_ONCE(completed), count);
	else if (task)
		pr_info("%u of %u done, %u errors, %u wrong, longest %u ms\n", completed, count,
			errors, wrong, longest);
	if (refused)
		pr_info("%u times a file system had no memory for a transfer\n", refused);
}
