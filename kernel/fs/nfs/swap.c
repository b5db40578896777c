// SPDX-License-Identifier: GPL-2.0
/*
 * Swap files on NFS
 *
 * A page is swapped out to have memory, so that must not need any. A batch is sent by
 * as many calls as wsize, or rsize, asks for. What a call needs is there since the
 * file was activated: its header and its array of pages here, and what sunrpc
 * allocates in a reserve, on which only tasks with RPC_TASK_SWAPPER draw.
 *
 * Both are for as many calls as there may be, and each file has its own, for each
 * kind of batch. So nobody waits for a call to another server, nor with something in
 * hand that others wait for: who has a call sends it, and the answer ends it. What
 * may need memory of its own before that is in Documentation/mm/network-swap.rst,
 * "What is not covered".
 *
 * Nothing of the page cache, of direct I/O or of a layout is in the way: they allocate
 * for each page, and there is nothing to commit later.
 */

#include <linux/bvec.h>
#include <linux/list.h>
#include <linux/nfs_fs.h>
#include <linux/nfs_page.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sunrpc/sched.h>
#include <linux/swap_io.h>
#include <linux/wait.h>

#include "internal.h"
#include "iostat.h"

/* At the same time, of a file; those that write are 2 MiB */
#define NFS_SWAP_WRITES	16
#define NFS_SWAP_READS	8	/* for pages that are waited for; as many ahead */
#define NFS_SWAP_CALLS	(NFS_SWAP_WRITES + 2 * NFS_SWAP_READS)

struct nfs_swap_pool;

/**
 * struct nfs_swap_call - what a READ or WRITE call needs
 * @hdr: what the rest of NFS knows of it
 * @pool: where it goes in the end
 * @list: in the list of those that nobody uses
 * @sio: the batch it is a part of
 * @count: in bytes, of this part
 * @pages: what it reads or writes
 */
struct nfs_swap_call {
	struct nfs_pgio_header	hdr;
	struct nfs_swap_pool	*pool;
	struct list_head	list;
	struct swap_io		*sio;
	unsigned int		count;
	struct page		*pages[RPC_SWAPPER_PAGES];
};

/**
 * struct nfs_swap_pool - the calls for one kind of batch
 * @wait: for one that nobody uses; exclusive
 * @lock: protects the list
 * @calls: those that nobody uses
 */
struct nfs_swap_pool {
	wait_queue_head_t	wait;
	spinlock_t		lock;	/* protects the next field */
	struct list_head	calls;
};

/**
 * struct nfs_swap_file - a file that is swapped to
 * @list: in the list of all of them
 * @inode: of the file
 * @pools: by enum swap_io_kind. A page that somebody waits for waits neither for
 *	those that nobody may ever want nor for writing
 * @calls: of all pools
 */
struct nfs_swap_file {
	struct list_head	list;
	const struct inode	*inode;
	struct nfs_swap_pool	pools[SWAP_IO_KINDS];
	struct nfs_swap_call	calls[NFS_SWAP_CALLS];
};

static DEFINE_SPINLOCK(nfs_swap_lock);	/* protects the next variable */
static LIST_HEAD(nfs_swap_files);

/* There is one, which stays, for as long as it is swapped to */
static struct nfs_swap_file *nfs_swap_find(const struct inode *inode)
{
	struct nfs_swap_file *file, *found = NULL;

	spin_lock(&nfs_swap_lock);
	list_for_each_entry(file, &nfs_swap_files, list) {
		if (file->inode == inode) {
			found = file;
			break;
		}
	}
	spin_unlock(&nfs_swap_lock);
	return found;
}

static struct nfs_swap_call *nfs_swap_take(struct nfs_swap_pool *pool)
{
	struct nfs_swap_call *call;

	spin_lock(&pool->lock);
	call = list_first_entry_or_null(&pool->calls, struct nfs_swap_call, list);
	if (call)
		list_del(&call->list);
	spin_unlock(&pool->lock);
	return call;
}

static struct nfs_swap_call *nfs_swap_get(struct nfs_swap_pool *pool, bool nowait)
{
	struct nfs_swap_call *call;

	/* Not before those who wait */
	if (nowait && waitqueue_active(&pool->wait))
		return NULL;
	call = nfs_swap_take(pool);
	if (!call && !nowait)
		___wait_event(pool->wait, (call = nfs_swap_take(pool)),
			      TASK_UNINTERRUPTIBLE, 1, 0, io_schedule());
	return call;
}

static void nfs_swap_put(struct nfs_swap_call *call)
{
	struct nfs_swap_pool *pool = call->pool;

	spin_lock(&pool->lock);
	list_add(&call->list, &pool->calls);
	spin_unlock(&pool->lock);
	wake_up(&pool->wait);
}

static void nfs_swap_end(struct swap_io *sio, int error)
{
	if (error)
		cmpxchg(&sio->error, 0, error);
	if (!atomic_dec_and_test(&sio->pending))
		return;
	error = sio->error;
	/* Not by ?: alone, which would make the error as unsigned as the length */
	sio->iocb.ki_complete(&sio->iocb, error ? error : (long)sio->len);
}

static int nfs_swap_error(const struct nfs_swap_call *call)
{
	const struct nfs_pgio_header *hdr = &call->hdr;

	if (test_bit(NFS_IOHDR_ERROR, &hdr->flags))
		return hdr->error;
	/* Beyond the end of the file; or it would be lost if the server crashed */
	if (hdr->good_bytes < call->count || test_bit(NFS_IOHDR_UNSTABLE_WRITES, &hdr->flags))
		return -EIO;
	return 0;
}

static void nfs_swap_completion(struct nfs_pgio_header *hdr)
{
	struct nfs_swap_call *call = container_of(hdr, struct nfs_swap_call, hdr);
	struct swap_io *sio = call->sio;
	int error = nfs_swap_error(call);

	nfs_swap_put(call);
	nfs_swap_end(sio, error);
}

static const struct nfs_pgio_completion_ops nfs_swap_completion_ops = {
	.completion = nfs_swap_completion,
};

/* The pages of the next part, up to @bsize bytes, and go past them. */
static void nfs_swap_fill(struct nfs_swap_call *call, struct bvec_iter *iter,
			  unsigned int bsize)
{
	const struct bio_vec *bvecs = call->sio->bvecs;
	unsigned int i, len;

	call->count = 0;
	for (i = 0; i < RPC_SWAPPER_PAGES && iter->bi_size && call->count < bsize; i++) {
		len = min(bvec_iter_len(bvecs, *iter), bsize - call->count);
		call->pages[i] = bvec_iter_page(bvecs, *iter);
		call->count += len;
		bvec_iter_advance(bvecs, iter, len);
	}
}

static void nfs_swap_start(struct nfs_swap_call *call, struct bvec_iter *iter,
			   const struct nfs_pageio_descriptor *desc)
{
	struct swap_io *sio = call->sio;
	struct nfs_open_context *ctx = nfs_file_open_context(sio->iocb.ki_filp);
	struct nfs_pgio_header *hdr = &call->hdr;
	struct inode *inode = desc->pg_inode;

	memset(hdr, 0, sizeof(*hdr));
	INIT_LIST_HEAD(&hdr->pages);
	hdr->inode = inode;
	hdr->cred = ctx->cred;
	hdr->rw_ops = desc->pg_rw_ops;
	hdr->completion_ops = desc->pg_completion_ops;
	hdr->io_start = sio->iocb.ki_pos + sio->len - iter->bi_size;
	hdr->mds_offset = hdr->io_start;
	hdr->args.fh = NFS_FH(inode);
	hdr->args.offset = hdr->io_start;
	hdr->args.pgbase = bvec_iter_offset(sio->bvecs, *iter);
	hdr->args.pages = call->pages;
	/* The file is open for as long as it is swapped to, and nobody locks it for that */
	hdr->args.context = ctx;
	hdr->args.lock_context = &ctx->lock_context;
	hdr->res.fattr = &hdr->fattr;
	nfs_fattr_init(&hdr->fattr);
	if (sio->kind == SWAP_IO_WRITE) {
		hdr->rw_mode = FMODE_WRITE;
		hdr->args.stable = NFS_FILE_SYNC;
		hdr->res.verf = &hdr->verf;
	} else {
		hdr->rw_mode = FMODE_READ;
	}
	nfs_swap_fill(call, iter, desc->pg_bsize);
	hdr->args.count = call->count;
	hdr->good_bytes = call->count;
	/* The task is in the header, so this does not fail */
	nfs_initiate_pgio(NFS_CLIENT(inode), hdr, hdr->cred, NFS_PROTO(inode),
			  &nfs_pgio_common_ops, desc->pg_ioflags,
			  RPC_TASK_SWAPPER | RPC_TASK_CRED_NOREF, NULL);
}

static int nfs_swap_submit(struct swap_io *sio, const struct nfs_pageio_descriptor *desc)
{
	struct nfs_swap_pool *pool = &nfs_swap_find(desc->pg_inode)->pools[sio->kind];
	struct bvec_iter iter = { .bi_size = sio->len };
	bool nowait = swap_io_nowait(sio);
	struct nfs_swap_call *call;

	/* Not more than one part, since none may have been sent */
	if (nowait && (sio->len > desc->pg_bsize || sio->nr_pages > RPC_SWAPPER_PAGES))
		return -EAGAIN;
	sio->error = 0;
	atomic_set(&sio->pending, 1);
	while (iter.bi_size) {
		call = nfs_swap_get(pool, nowait);
		if (!call)
			return -EAGAIN;
		call->sio = sio;
		atomic_inc(&sio->pending);
		nfs_swap_start(call, &iter, desc);
	}
	nfs_swap_end(sio, 0);
	return 0;
}

/**
 * nfs_swap_out - NFS address space operation to write swap
 * @sio: what to write
 *
 * Context: Process context, may sleep until another call has ended.
 * Return: 0: @sio will end.
 */
int nfs_swap_out(struct swap_io *sio)
{
	struct inode *inode = file_inode(sio->iocb.ki_filp);
	struct nfs_pageio_descriptor desc;

	nfs_add_stats(inode, NFSIOS_DIRECTWRITTENBYTES, sio->len);
	nfs_pageio_init_write(&desc, inode, FLUSH_STABLE, true, &nfs_swap_completion_ops);
	return nfs_swap_submit(sio, &desc);
}

/**
 * nfs_swap_in - NFS address space operation to read swap
 * @sio: what to read
 *
 * Context: Process context, may sleep until another call has ended.
 * Return: 0: @sio will end; or -EAGAIN, with IOCB_NOWAIT.
 */
int nfs_swap_in(struct swap_io *sio)
{
	struct inode *inode = file_inode(sio->iocb.ki_filp);
	struct nfs_pageio_descriptor desc;

	if (!sio->again)
		nfs_add_stats(inode, NFSIOS_DIRECTREADBYTES, sio->len);
	nfs_pageio_init_read(&desc, inode, true, &nfs_swap_completion_ops);
	return nfs_swap_submit(sio, &desc);
}

static void nfs_swap_init(struct nfs_swap_file *file)
{
	struct nfs_swap_call *call = file->calls;
	unsigned int i, nr;
	int kind;

	for (kind = 0; kind < SWAP_IO_KINDS; kind++) {
		struct nfs_swap_pool *pool = &file->pools[kind];

		nr = kind == SWAP_IO_WRITE ? NFS_SWAP_WRITES : NFS_SWAP_READS;
		init_waitqueue_head(&pool->wait);
		spin_lock_init(&pool->lock);
		INIT_LIST_HEAD(&pool->calls);
		for (i = 0; i < nr; i++, call++) {
			call->pool = pool;
			list_add(&call->list, &pool->calls);
		}
	}
}

/**
 * nfs_swap_prepare - allocate what swapping to a file needs
 * @inode: of the file
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0 or a negative errno.
 */
int nfs_swap_prepare(const struct inode *inode)
{
	struct nfs_swap_file *file = kvzalloc(sizeof(*file), GFP_KERNEL);
	int ret;

	if (!file)
		return -ENOMEM;
	ret = rpc_swap_reserve(NFS_SWAP_CALLS);
	if (ret) {
		rpc_swap_reserve(-NFS_SWAP_CALLS);
		kvfree(file);
		return ret;
	}
	file->inode = inode;
	nfs_swap_init(file);
	spin_lock(&nfs_swap_lock);
	list_add(&file->list, &nfs_swap_files);
	spin_unlock(&nfs_swap_lock);
	return 0;
}

/**
 * nfs_swap_release - undo nfs_swap_prepare(), when all batches have ended
 * @inode: of the file
 *
 * Context: Process context, may sleep.
 */
void nfs_swap_release(const struct inode *inode)
{
	struct nfs_swap_file *file = nfs_swap_find(inode);

	spin_lock(&nfs_swap_lock);
	list_del(&file->list);
	spin_unlock(&nfs_swap_lock);
	rpc_swap_reserve(-NFS_SWAP_CALLS);
	kvfree(file);
}
