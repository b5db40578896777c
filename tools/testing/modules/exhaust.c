// SPDX-License-Identifier: GPL-2.0
/*
 * Take all memory there is, and see whether a swap device still works.
 *
 * Loading the module does it once: a thread on each CPU takes every page, every
 * free object of the kmalloc caches, every sk_buff and, if told so, every route that
 * an allocation without entitlement to a reserve can get, PF_MEMALLOC ignoring all
 * watermarks, and takes again whatever others free. Meanwhile another thread does what
 * reclaim does: with PF_MEMALLOC set it writes blocks to the device,
 * and reads them back, by swap operations where the device has them, else by
 * bios. These and the pages are there beforehand. A file must be swapped to, so
 * that its file system is prepared. Then everything is given back, and the
 * log says how far it came:
 *
 *	exhaust: took 28115 pages, left 3 free on average
 *	exhaust: 200 of 200 done, 0 errors, 0 wrong, longest 12 ms
 *
 * If nothing is done for "patience" seconds while memory is out, that is the end of
 * it: "stuck". How long it then takes with memory tells whether that was the cause.
 *
 * No process is killed: the OOM killer is told that memory has been freed.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/sysrq.h>
#include <linux/uio.h>
#include <linux/vmstat.h>
#include <net/inet_hashtables.h>
#include <net/ip6_route.h>
#include <net/page_pool/helpers.h>
#include <net/route.h>
#include <net/tcp.h>

#define DEPTH_MAX	32
#define PAGES_MAX	32
#define POOL_MAX	64
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
static unsigned int leave;
module_param(leave, uint, 0444);
MODULE_PARM_DESC(leave, "free pages to leave, for tasks with PF_MEMALLOC");

static bool bios;
module_param(bios, bool, 0444);
MODULE_PARM_DESC(bios, "bios even if the device has swap operations");
static bool routes;
module_param(routes, bool, 0444);
MODULE_PARM_DESC(routes, "take routes too, each attempt with a warning");
static bool refund = true;
module_param(refund, bool, 0444);
MODULE_PARM_DESC(refund, "give pages back when others have used what was left");
static unsigned int pool;
module_param(pool, uint, 0444);
MODULE_PARM_DESC(pool, "pages to take from a page_pool as a card's driver does, first");
static bool entitled;
module_param(entitled, bool, 0444);
MODULE_PARM_DESC(entitled, "see who gets what is reserved, before the transfers");

/* -- memory ------------------------------------------------------------- */

/*
 * What one thread has taken: pages by their lru, objects by their first word,
 * routes by the list for those that nothing caches.
 */
struct hoard {
	struct task_struct *task;
	struct list_head pages;
	void *objects[KMALLOC_SHIFT_HIGH + 1];
	struct sk_buff *skbs;
	struct list_head routes;
	unsigned long nr_pages;
};

static struct hoard hoards[NR_CPUS];
static atomic64_t free_sum = ATOMIC64_INIT(0);
static atomic_t free_checks = ATOMIC_INIT(0);
static bool settled;

static unsigned long free_pages_now(void)
{
	return global_zone_page_state(NR_FREE_PAGES);
}

static void hoard_pages(struct hoard *hoard)
{
	struct page *page;

	while (free_pages_now() > leave) {
		page = alloc_page(GFP_NOWAIT | __GFP_NOWARN);
		if (!page)
			break;
		list_add(&page->lru, &hoard->pages);
		hoard->nr_pages++;
	}
	while (refund && leave && free_pages_now() < leave && !list_empty(&hoard->pages)) {
		page = list_first_entry(&hoard->pages, struct page, lru);
		list_del(&page->lru);
		__free_page(page);
		hoard->nr_pages--;
	}
}

static void hoard_objects(struct hoard *hoard)
{
	struct sk_buff *skb;
	void **object;
	int i;

	for (i = KMALLOC_SHIFT_LOW; i <= PAGE_SHIFT + 1; i++) {
		while ((object = kmalloc(1UL << i, GFP_NOWAIT | __GFP_NOWARN))) {
			*object = hoard->objects[i];
			hoard->objects[i] = object;
		}
	}
	while ((skb = alloc_skb(0, GFP_NOWAIT | __GFP_NOWARN)) ||
	       (skb = alloc_skb_fclone(0, GFP_NOWAIT | __GFP_NOWARN))) {
		skb->next = hoard->skbs;
		hoard->skbs = skb;
	}
}

/* One at a time, or their warnings would be mixed up. */
static DEFINE_MUTEX(routes_mutex);

static void hoard_routes(struct hoard *hoard)
{
	struct rtable *rt;
	struct rt6_info *rt6;

	if (!mutex_trylock(&routes_mutex))
		return;
	while ((rt = rt_dst_alloc(blackhole_netdev, 0, RTN_UNICAST, 0)))
		list_add(&rt->dst.rt_uncached, &hoard->routes);
	while (IS_REACHABLE(CONFIG_IPV6) &&
	       (rt6 = ip6_dst_alloc(&init_net, blackhole_netdev, DST_NOCOUNT)))
		list_add(&rt6->dst.rt_uncached, &hoard->routes);
	mutex_unlock(&routes_mutex);
}

static void hoard_free(struct hoard *hoard)
{
	struct dst_entry *dst, *next_dst;
	struct page *page, *next_page;
	struct sk_buff *skb;
	void **object;
	int i;

	list_for_each_entry_safe(page, next_page, &hoard->pages, lru)
		__free_page(page);
	for (i = 0; i < ARRAY_SIZE(hoard->objects); i++) {
		while ((object = hoard->objects[i])) {
			hoard->objects[i] = *object;
			kfree(object);
		}
	}
	while ((skb = hoard->skbs)) {
		hoard->skbs = skb->next;
		skb->next = NULL;
		consume_skb(skb);
	}
	list_for_each_entry_safe(dst, next_dst, &hoard->routes, rt_uncached) {
		list_del_init(&dst->rt_uncached);
		dst_release_immediate(dst);
	}
}

static int hoard_thread(void *data)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	struct hoard *hoard = data;

	/* What is freed must not lie about for long. */
	sched_set_fifo_low(current);
	while (!kthread_should_stop()) {
		if (READ_ONCE(settled)) {
			atomic64_add(free_pages_now(), &free_sum);
			atomic_inc(&free_checks);
		}
		hoard_pages(hoard);
		if (!leave) {
			hoard_objects(hoard);
			if (routes)
				hoard_routes(hoard);
		}
		usleep_range(500, 1000);
	}
	memalloc_noreclaim_restore(noreclaim);
	return 0;
}

static int pretend_to_free(struct notifier_block *nb, unsigned long unused, void *freed)
{
	*(unsigned long *)freed += 1;
	msleep(20);
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = {
	.notifier_call = pretend_to_free,
};

static void stop_threads(void)
{
	unsigned long taken = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!hoards[cpu].task)
			continue;
		kthread_stop(hoards[cpu].task);
		hoards[cpu].task = NULL;
		taken += hoards[cpu].nr_pages;
	}
	for_each_possible_cpu(cpu)
		hoard_free(&hoards[cpu]);
	pr_info("took %lu pages, left %lld free on average\n", taken,
		div_s64(atomic64_read(&free_sum), max(atomic_read(&free_checks), 1)));
}

static int start_threads(void)
{
	struct task_struct *task;
	int cpu;

	/* All of them before the first runs: after that there is no memory for more. */
	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(&hoards[cpu].pages);
		INIT_LIST_HEAD(&hoards[cpu].routes);
	}
	for_each_online_cpu(cpu) {
		task = kthread_create_on_cpu(hoard_thread, &hoards[cpu], cpu, "exhaust/%u");
		if (IS_ERR(task)) {
			stop_threads();
			return PTR_ERR(task);
		}
		hoards[cpu].task = task;
	}
	for_each_online_cpu(cpu)
		wake_up_process(hoards[cpu].task);
	return 0;
}

/* -- who gets what is reserved ------------------------------------------- */

struct drained {
	struct list_head pages;
	struct sk_buff_head skbs;
};

/* A page of a reserve has one more reference: the reserve's. */
static bool is_reserved(const void *address)
{
	return page_ref_count(virt_to_head_page(address)) > 1;
}

/*
 * Take pages and packets until there are no more. What others have just freed anybody
 * may get, if the threads have not yet.
 */
static void drain(struct drained *drained, const char *who, gfp_t gfp)
{
	unsigned int nr_pages = 0, nr_skbs = 0, unmarked = 0, others = 0;
	struct sk_buff *skb;
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		if (is_reserved(page_address(page))) {
			nr_pages++;
			unmarked += !page_is_pfmemalloc(page);
		} else {
			others++;
		}
		list_add(&page->lru, &drained->pages);
	}
	while ((skb = alloc_skb(0, gfp | __GFP_NOWARN))) {
		if (is_reserved(skb) || is_reserved(skb->head)) {
			nr_skbs++;
			unmarked += !skb_pfmemalloc(skb);
		} else {
			others++;
		}
		__skb_queue_tail(&drained->skbs, skb);
	}
	pr_info("%s: %u pages and %u packets of a reserve, %u unmarked, %u others\n", who,
		nr_pages, nr_skbs, unmarked, others);
}

static void drain_all(void)
{
	struct drained drained = { .pages = LIST_HEAD_INIT(drained.pages) };
	struct page *page, *next;
	unsigned int noreclaim;

	__skb_queue_head_init(&drained.skbs);
	drain(&drained, "GFP_ATOMIC", GFP_ATOMIC);
	noreclaim = memalloc_noreclaim_save();
	drain(&drained, "PF_MEMALLOC", GFP_ATOMIC);
	memalloc_noreclaim_restore(noreclaim);
	/*
	 * This is what the page allocator knows a victim of the OOM killer by
	 * (TIF_MEMDIE matters without an MMU only). Nothing is to be reaped.
	 */
	current->signal->oom_mm = current->mm;
	drain(&drained, "OOM victim", GFP_ATOMIC);
	current->signal->oom_mm = NULL;
	drain(&drained, "__GFP_MEMALLOC", GFP_ATOMIC | __GFP_MEMALLOC);

	list_for_each_entry_safe(page, next, &drained.pages, lru)
		__free_page(page);
	__skb_queue_purge(&drained.skbs);
}

/* -- transfers ---------------------------------------------------------- */

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
static struct block_device *bio_device(struct file *file)
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
static unsigned int completed, pooled, errors, wrong, longest;

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
static void transfer_submit_ops(struct transfer *transfer, struct file *file, u64 at)
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

static void transfer_submit(struct transfer *transfer, struct file *file)
{
	struct block_device *bdev = bio_device(file);
	u64 at = skip + transfer->number * pages;
	unsigned int i;

	for (i = 0; i < pages; i++)
		memset(page_address(transfer->pages[i]),
		       transfer->reading ? 0 : transfer->number + i + 1, PAGE_SIZE);
	init_completion(&transfer->done);
	if (bdev)
		transfer_submit_bio(transfer, bdev, at);
	else
		transfer_submit_ops(transfer, file, at);
}

static void transfer_wait(struct transfer *transfer, struct file *file)
{
	unsigned int i;

	if (!transfer->active)
		return;
	wait_for_completion(&transfer->done);
	/* A page that could not be written stays dirty until later, and a fault would wait. */
	while (transfer->error == -ENOMEM && !READ_ONCE(give_up)) {
		refused++;
		msleep(RETRY_MS);
		transfer_submit(transfer, file);
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

static void transfer_wait_all(struct file *file)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		transfer_wait(&transfers[i], file);
}

/* All writes, then all reads, @depth at a time. */
static int transfer_thread(void *file)
{
	unsigned int noreclaim = memalloc_noreclaim_save();
	struct transfer *transfer;
	unsigned int i;

	for (i = 0; i < 2 * count && !READ_ONCE(give_up); i++) {
		/* The writes that the reads are to find are done. */
		if (i == count)
			transfer_wait_all(file);
		transfer = &transfers[i % depth];
		transfer_wait(transfer, file);
		transfer->number = i % count;
		transfer->reading = i >= count;
		transfer->active = true;
		transfer->start = ktime_get();
		transfer_submit(transfer, file);
		WRITE_ONCE(completed, i / 2);
		if (interval)
			msleep(interval);
	}
	transfer_wait_all(file);
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

/* -- what is looked at when it stands still, before memory is given back --- */

static void tell_socket(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	pr_info("port %u: sent %u, acknowledged %u, to send %u, wmem %d, forward %d\n",
		ntohs(sk->sk_dport), tp->snd_nxt, tp->snd_una, tp->write_seq - tp->snd_nxt,
		sk->sk_wmem_queued, sk->sk_forward_alloc);
	pr_info("port %u: received %u, read %u, rmem %d, backlog %d, timer %u in %ld, retransmits %u\n",
		ntohs(sk->sk_dport), tp->rcv_nxt, tp->copied_seq, atomic_read(&sk->sk_rmem_alloc),
		sk->sk_backlog.len, icsk->icsk_pending,
		(long)(icsk->icsk_timeout - jiffies), icsk->icsk_retransmits);
}

static void tell_sockets(void)
{
	struct inet_hashinfo *table = init_net.ipv4.tcp_death_row.hashinfo;
	struct hlist_nulls_node *node;
	struct sock *sk;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i <= table->ehash_mask; i++)
		sk_nulls_for_each_rcu(sk, node, &table->ehash[i].chain)
			if (sk_fullsock(sk) && sock_flag(sk, SOCK_MEMALLOC))
				tell_socket(sk);
	rcu_read_unlock();
}

static void tell_devices(void)
{
	struct rtnl_link_stats64 stats;
	struct net_device *dev;

	rcu_read_lock();
	for_each_netdev_rcu(&init_net, dev) {
		dev_get_stats(dev, &stats);
		if (!stats.tx_packets)
			continue;
		pr_info("%s: received %llu, dropped %llu, sent %llu, dropped %llu\n", dev->name,
			stats.rx_packets, stats.rx_dropped, stats.tx_packets, stats.tx_dropped);
	}
	rcu_read_unlock();
}

static void tell_state(struct task_struct *task)
{
	int i;

	for (i = 0; i < 2; i++) {
		tell_sockets();
		tell_devices();
		msleep(1000);
	}
	if (task)
		sched_show_task(task);
	handle_sysrq('l');
	handle_sysrq('w');
}

static struct page_pool *page_pool;

/* Returns false if the pool gives less than it is asked for. */
static bool pool_use(void)
{
	struct page *taken[POOL_MAX];
	unsigned int n, i;

	local_bh_disable();
	for (n = 0; n < pool; n++) {
		taken[n] = page_pool_alloc_pages(page_pool, GFP_ATOMIC | __GFP_NOWARN);
		if (!taken[n])
			break;
	}
	for (i = 0; i < n; i++)
		page_pool_put_full_page(page_pool, taken[i], true);
	local_bh_enable();
	pooled = n;
	return n == pool;
}

static int pool_create(void)
{
	struct page_pool_params params = { .pool_size = POOL_MAX, .nid = NUMA_NO_NODE };

	page_pool = page_pool_create(&params);
	return PTR_ERR_OR_ZERO(page_pool);
}

static int transfers_alloc(void)
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

static void transfers_free(void)
{
	unsigned int i, j;

	for (i = 0; i < DEPTH_MAX; i++)
		for (j = 0; j < PAGES_MAX; j++)
			if (transfers[i].pages[j])
				__free_page(transfers[i].pages[j]);
}

static struct file *device_open(void)
{
	struct file *file = filp_open(device, O_RDWR, 0);
	struct inode *inode;
	int ret = 0;

	if (IS_ERR(file))
		return file;
	inode = file->f_mapping->host;
	if (!S_ISBLK(inode->i_mode) && !(IS_SWAPFILE(inode) && file_has_ops(inode)))
		ret = -EINVAL;
	else if (i_size_read(inode) >> PAGE_SHIFT < skip + count * pages)
		ret = -ENOSPC;
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

static int __init exhaust_init(void)
{
	struct task_struct *task = NULL;
	struct file *file = NULL;
	bool stuck = false;
	ktime_t since;
	int ret;

	if (depth < 1 || depth > DEPTH_MAX || pages < 1 || pages > PAGES_MAX || !count ||
	    pool > POOL_MAX)
		return -EINVAL;
	if (pool && pool_create())
		return -ENOMEM;
	if (*device) {
		file = device_open();
		if (IS_ERR(file)) {
			ret = PTR_ERR(file);
			goto out_pool;
		}
	}
	ret = transfers_alloc();
	if (ret)
		goto out;
	if (file) {
		task = kthread_create(transfer_thread, file, "exhaust_io");
		ret = PTR_ERR_OR_ZERO(task);
		if (ret)
			goto out;
		get_task_struct(task);
	}
	register_oom_notifier(&oom_notifier);
	ret = start_threads();
	if (ret)
		goto out_notifier;
	/* Until the last caches are empty. */
	msleep(500);
	WRITE_ONCE(settled, true);
	pr_info("memory is out: %lu pages free\n", free_pages_now());
	if (entitled)
		drain_all();
	if (file)
		pr_info("transfers are %s\n", bio_device(file) ? "bios" : "swap operations");
	since = ktime_get();
	last_done = jiffies;
	if (pool && !pool_use())
		stuck = true;
	else if (!task)
		msleep(patience * MSEC_PER_SEC);
	else if (wake_up_process(task) && !transfer_watch())
		stuck = true;
	if (stuck)
		tell_state(task);
	WRITE_ONCE(give_up, true);
	stop_threads();
	if (stuck)
		pr_info("stuck after %u of %u\n", pooled < pool ? pooled : READ_ONCE(completed),
			pooled < pool ? pool : count);
	else if (task)
		pr_info("%u of %u done, %u errors, %u wrong, longest %u ms\n", completed, count,
			errors, wrong, longest);
	if (refused)
		pr_info("%u times a file system had no memory for a transfer\n", refused);
out_notifier:
	unregister_oom_notifier(&oom_notifier);
	if (task) {
		kthread_stop(task);
		put_task_struct(task);
	}
	if (stuck)
		pr_info("with memory, it ended %lld ms after its beginning\n",
			ktime_ms_delta(ktime_get(), since));
out:
	transfers_free();
	if (file)
		fput(file);
out_pool:
	if (page_pool)
		page_pool_destroy(page_pool);
	return ret;
}
module_init(exhaust_init);

static void __exit exhaust_exit(void)
{
}
module_exit(exhaust_exit);

MODULE_DESCRIPTION("Take all memory and use a swap device");
MODULE_LICENSE("GPL");
