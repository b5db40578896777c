// SPDX-License-Identifier: GPL-2.0
/*
 * Swapping over the network: the memory with which memalloc sockets make
 * progress when there is no other
 *
 * Two reserves are kept while there are memalloc sockets or swap space, and for
 * a while longer: a connection that is lost or idle must find them when it is
 * made again.
 *
 *	netvm_rx	pages for receive buffers
 *	netvm_skb	slabs for struct sk_buff and small packet heads, sent and
 *			received, for routes, neighbours, and calls of NFS
 *
 * A packet in a buffer of netvm_rx is an emergency packet (skb->pfmemalloc), and
 * goes through the filter in netvm_filter.c.
 */

#define pr_fmt(fmt) "netvm: " fmt

#include <linux/netdevice.h>
#include <linux/netvm.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/sysctl.h>
#include <net/arp.h>
#include <net/hotdata.h>
#include <net/ipv6_stubs.h>
#include <net/tcp.h>

/*
 * Received frames in flight through the stack: what one poll may bring. Less can
 * stall those who send more at a time.
 */
#define NETVM_RX_PER_QUEUE	NAPI_POLL_WEIGHT
#define NETVM_RX_QUEUES_MAX	64

/* Packets that a socket has between itself and the end of transmission. */
#define NETVM_TX_PER_SOCKET	48

/* Of these, packets that are copied into one page each for the device at a time. */
#define NETVM_LINEAR_PER_SOCKET	8

/* How long the reserves outlive the last memalloc socket at least, in seconds. */
#define NETVM_LINGER		900

/* Of routes: IPv4's and IPv6's */
#define NETVM_DST_CACHES	2

/* In bytes: the smallest head that is not of skb_small_head_cache. */
#define NETVM_HEAD_MIN		1024

static void netvm_rx_shrink_cpu(struct work_struct *work)
{
	napi_drop_reserve_frags();
}

static void netvm_rx_shrink(struct mem_reserve *res)
{
	schedule_on_each_cpu(netvm_rx_shrink_cpu);
}

static void netvm_neigh_find(struct neighbour *neigh, void *found)
{
	struct neighbour **first = found;

	/* An administrator made it permanent; a packet waits for it */
	if (*first || READ_ONCE(neigh->nud_state) & (NUD_PERMANENT | NUD_INCOMPLETE))
		return;
	if (mem_reserve_object(neigh)) {
		neigh_hold(neigh);
		*first = neigh;
	}
}

/* Returns false if there was none. */
static bool netvm_neigh_remove(struct neigh_table *table)
{
	struct neighbour *neigh = NULL;
	bool removed;

	neigh_for_each(table, netvm_neigh_find, &neigh);
	if (!neigh)
		return false;
	neigh_update(neigh, NULL, NUD_NONE, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN, 0);
	write_lock_bh(&table->lock);
	neigh_release(neigh);
	removed = neigh_remove_one(neigh, table);
	write_unlock_bh(&table->lock);
	return removed;
}

/*
 * Nothing else ends the life of a neighbour's entry in the reserve. Once there
 * is memory for another one, it goes, and is made again when it is needed.
 */
static void netvm_neigh_shrink(struct neigh_table *table)
{
	void *entry = kmalloc(table->entry_size, GFP_NOWAIT | __GFP_NOWARN);

	kfree(entry);
	while (entry && netvm_neigh_remove(table))
		;
}

static void netvm_skb_shrink(struct mem_reserve *res)
{
	netvm_neigh_shrink(&arp_tbl);
	if (ipv6_stub->nd_tbl)
		netvm_neigh_shrink(ipv6_stub->nd_tbl);
}

static struct mem_reserve netvm_rx = {
	.name = "netvm_rx",
	.class = MEM_RESERVE_PAGES,
	.shrink = netvm_rx_shrink,
};

static struct mem_reserve netvm_skb = {
	.name = "netvm_skb",
	.class = MEM_RESERVE_SLABS,
	.shrink = netvm_skb_shrink,
};

static atomic_t netvm_sockets = ATOMIC_INIT(0);
/* In jiffies: since when there has been none. */
static unsigned long netvm_idle_since;
static void netvm_resize(struct work_struct *work);
static DECLARE_DELAYED_WORK(netvm_resize_work, netvm_resize);

/* Pages of netvm_rx, 0: as computed. Protected by netvm_mutex, like the sizes. */
static int netvm_rx_pages;
static DEFINE_MUTEX(netvm_mutex);

/* See netvm_neigh_begin(). */
DEFINE_PER_CPU(bool, netvm_neigh_allowed);
EXPORT_PER_CPU_SYMBOL_GPL(netvm_neigh_allowed);

static struct kmem_cache *netvm_dst_caches[NETVM_DST_CACHES];

/* Pages of netvm_skb for what netvm_add_kmalloc() was told of. */
static atomic_t netvm_kmalloc_pages = ATOMIC_INIT(0);

/* More than so many quarters of it are in use. */
static bool netvm_quarters(struct mem_reserve *res, unsigned int quarters)
{
	unsigned int pages = READ_ONCE(res->nr_pages);

	/* Without pages it may not be registered */
	return pages && 4 * mem_reserve_used(res) > quarters * pages;
}

static bool netvm_half(struct mem_reserve *res)
{
	return netvm_quarters(res, 2);
}

/* -- reserves ----------------------------------------------------------- */

/* Receive queues of the cards that are up; at least one. */
static unsigned int netvm_rx_queues(void)
{
	struct net_device *dev;
	unsigned int queues = 0;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		for_each_netdev_rcu(net, dev)
			if (dev->dev.parent && (dev->flags & IFF_UP))
				queues += dev->real_num_rx_queues;
	rcu_read_unlock();
	return clamp(queues, 1U, NETVM_RX_QUEUES_MAX);
}

static unsigned int netvm_rx_size(unsigned int sockets)
{
	if (netvm_rx_pages)
		return netvm_rx_pages;
	return netvm_rx_queues() * NETVM_RX_PER_QUEUE + sockets * NETVM_RX_PER_SOCKET;
}

static unsigned int netvm_skb_size(unsigned int sockets, unsigned int rx_pages)
{
	unsigned int tx = sockets * NETVM_TX_PER_SOCKET;
	unsigned int i, dst = 0;

	/* A route of a reserve is for one packet */
	for (i = 0; i < NETVM_DST_CACHES && netvm_dst_caches[i]; i++)
		dst += mem_reserve_cache_pages(netvm_dst_caches[i], tx);
	/*
	 * Two buffers fit into a page, and each becomes a packet. One page for
	 * each socket is for headers that are copied into a fragment, one for
	 * what is needed to find its neighbour.
	 */
	return sockets * (NETVM_LINEAR_PER_SOCKET + 2) + dst + atomic_read(&netvm_kmalloc_pages) +
	       mem_reserve_cache_pages(net_hotdata.skbuff_cache, 2 * rx_pages + tx) +
	       mem_reserve_cache_pages(net_hotdata.skbuff_fclone_cache, tx) +
	       mem_reserve_cache_pages(net_hotdata.skb_small_head_cache, 2 * tx);
}

/**
 * netvm_add_dst_cache - let routes for memalloc sockets come from the reserve
 * @cache: the cache of an address family's routes, which is never destroyed
 *
 * Context: Process context, before there are sockets of the family.
 */
void netvm_add_dst_cache(struct kmem_cache *cache)
{
	unsigned int i;

	for (i = 0; i < NETVM_DST_CACHES; i++) {
		if (netvm_dst_caches[i])
			continue;
		if (!mem_reserve_add_cache(cache))
			netvm_dst_caches[i] = cache;
		return;
	}
}
EXPORT_SYMBOL_GPL(netvm_add_dst_cache);

/**
 * netvm_add_kmalloc - let requests over memalloc sockets come from the reserve
 * @size: in bytes, of what kmalloc() is asked for with __GFP_MEMALLOC
 * @objects: how many there are at most at the same time; as many below zero: there
 *	are no more
 *
 * The reserve grows when somebody swaps to it, see netvm_swapon().
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOSPC if there are too many caches already; counted all the same
 */
int netvm_add_kmalloc(size_t size, int objects)
{
	int pages = mem_reserve_kmalloc_pages(size, abs(objects));

	atomic_add(objects < 0 ? -pages : pages, &netvm_kmalloc_pages);
	return mem_reserve_add_kmalloc(size);
}
EXPORT_SYMBOL_GPL(netvm_add_kmalloc);

static int netvm_size(struct mem_reserve *res, unsigned int pages, bool shrink)
{
	if (!res->pages)
		return pages ? mem_reserve_register(res, pages) : 0;
	if (pages < res->nr_pages && !shrink)
		return 0;
	return mem_reserve_resize(res, pages);
}

static int netvm_size_all(unsigned int sockets, bool shrink)
{
	unsigned int rx = sockets ? netvm_rx_size(sockets) : 0;
	unsigned int skb = sockets ? netvm_skb_size(sockets, rx) : 0;
	int ret;

	lockdep_assert_held(&netvm_mutex);

	ret = netvm_size(&netvm_rx, rx, shrink);
	return netvm_size(&netvm_skb, skb, shrink) ?: ret;
}

/*
 * sk_memalloc_socks() is true as long as the reserves are kept, so that the next
 * socket need not wait for the locks that it takes to patch code: who holds them
 * may be waiting for memory.
 */
static void netvm_switch(void)
{
	if (!atomic_read(&netvm_sockets) && static_key_enabled(&memalloc_socks_key))
		static_branch_disable(&memalloc_socks_key);
	/* One that was added meanwhile may have seen it enabled */
	if (atomic_read(&netvm_sockets) && !static_key_enabled(&memalloc_socks_key))
		static_branch_enable(&memalloc_socks_key);
}

static void netvm_resize(struct work_struct *work)
{
	unsigned long end = READ_ONCE(netvm_idle_since) + NETVM_LINGER * HZ;
	unsigned int sockets;
	int ret = 0;

	mutex_lock(&netvm_mutex);
	sockets = atomic_read(&netvm_sockets);
	/* A swap file on NFS has no connection while nobody uses it */
	if (!sockets && (total_swap_pages || time_before(jiffies, end))) {
		mutex_unlock(&netvm_mutex);
		queue_delayed_work(system_unbound_wq, &netvm_resize_work, NETVM_LINGER * HZ);
		return;
	}
	/* Nothing to shrink and nothing to grow for. */
	if (sockets || netvm_rx.pages)
		ret = netvm_size_all(sockets, !sockets);
	mutex_unlock(&netvm_mutex);
	netvm_switch();
	if (ret == -ENOMEM)
		pr_warn("no memory for the reserves of %u sockets: swap over the network can hang; free some and bring a network device down and up\n",
			sockets);
	else if (ret == -EBUSY)
		queue_delayed_work(system_unbound_wq, &netvm_resize_work, NETVM_LINGER * HZ);
}

/**
 * netvm_swapon - wait for the reserves that swapping over a network needs
 *
 * Context: Process context, may sleep and reclaim memory.
 * Return: 0, also if nothing needs them, or -ENOMEM if there is no
 *	room for the reserves of those that there are
 */
int netvm_swapon(void)
{
	unsigned int sockets = max(atomic_read(&netvm_sockets),
				   !!atomic_read(&netvm_kmalloc_pages));
	int ret = 0;

	if (sockets) {
		mutex_lock(&netvm_mutex);
		ret = netvm_size_all(sockets, false);
		mutex_unlock(&netvm_mutex);
	}
	return ret;
}

/**
 * netvm_socket_added - keep memory for one more memalloc socket
 * @sk: the socket
 *
 * The reserves grow soon after, from a worker: sockets are set memalloc in
 * atomic context too. Reserves that were made for other sockets are there.
 *
 * Context: Process context. The first one since the reserves were given back may
 *	sleep.
 */
void netvm_socket_added(struct sock *sk)
{
	atomic_inc(&netvm_sockets);
	if (!static_key_enabled(&memalloc_socks_key))
		static_branch_enable(&memalloc_socks_key);
	mod_delayed_work(system_unbound_wq, &netvm_resize_work, 0);
}

/**
 * netvm_socket_removed - a memalloc socket is none any more, or is gone
 * @sk: the socket
 *
 * Context: Any but hard interrupts.
 */
void netvm_socket_removed(struct sock *sk)
{
	WRITE_ONCE(netvm_idle_since, jiffies);
	if (atomic_dec_and_test(&netvm_sockets))
		mod_delayed_work(system_unbound_wq, &netvm_resize_work, NETVM_LINGER * HZ);
}

/* The slow half of netvm_connect(). */
void netvm_connect_memalloc(struct sock *sk)
{
	lock_sock(sk);
	sk_set_memalloc(sk);
	release_sock(sk);
}

static int netvm_device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	if (event == NETDEV_UP && atomic_read(&netvm_sockets))
		mod_delayed_work(system_unbound_wq, &netvm_resize_work, 0);
	return NOTIFY_DONE;
}

static struct notifier_block netvm_notifier = {
	.notifier_call = netvm_device_event,
};

/* -- transmission ------------------------------------------------------ */

/**
 * netvm_queue_tx - test whether a memalloc socket waits for a neighbour
 * @queue: packets to be sent when its address is known
 *
 * Context: The queue's lock is held.
 * Return: true if one of them is of a memalloc socket
 */
bool netvm_queue_tx(const struct sk_buff_head *queue)
{
	struct sk_buff *skb;

	if (!sk_memalloc_socks())
		return false;
	skb_queue_walk(queue, skb)
		if (netvm_skb_tx(skb))
			return true;
	return false;
}

/* Nothing that could be acknowledged, nor what was sent again since a timeout */
static bool netvm_tx_idle(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return !tcp_packets_in_flight(tp) ||
	       (inet_csk(sk)->icsk_ca_state == TCP_CA_Loss && !tp->retrans_out);
}

/**
 * netvm_tx_allowed - test whether a stream may put one more packet into the reserve
 * @sk: a TCP socket, locked
 * @must: it cannot send anything without: the packet is its only one, or half of its oldest
 *
 * A packet of a stream is kept until it is acknowledged, and one that is split
 * is two from then on. What waits for an acknowledgment leaves half of the reserve
 * to get one. While a packet is on its way, another one can wait.
 *
 * Context: Any but NMI.
 * Return: true if it is a memalloc socket, and if no more than half of the reserve
 *	is in use or @must and nothing that the socket sent is on its way
 */
bool netvm_tx_allowed(const struct sock *sk, bool must)
{
	return netvm_sk(sk) && (!netvm_half(&netvm_skb) || (must && netvm_tx_idle(sk)));
}

/**
 * netvm_page_frag_refill - a page for what a memalloc socket sends
 * @sk: the socket, locked
 * @pfrag: where the page goes; empty
 *
 * There are no more of these than a packet holds for each that netvm_tx_allowed() allows.
 *
 * Context: Any but NMI.
 * Return: true if there is a page
 */
bool netvm_page_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	if (!sock_flag(sk, SOCK_MEMALLOC) || !READ_ONCE(netvm_skb.nr_pages))
		return false;
	pfrag->page = mem_reserve_alloc(&netvm_skb, 0);
	pfrag->offset = 0;
	pfrag->size = PAGE_SIZE;
	return pfrag->page;
}

/**
 * netvm_rx_half - test whether half of the pages for receive buffers is in use
 *
 * Context: Any but NMI.
 * Return: true if more than half of them is
 */
bool netvm_rx_half(void)
{
	return netvm_half(&netvm_rx);
}

/**
 * netvm_rx_share - how much one socket may hold of the pages for receive buffers
 *
 * What there is for it. Where the reserve has not grown for all that there are, because
 * they were connected without memory, they share half of it.
 *
 * Context: Any.
 * Return: in bytes
 */
unsigned int netvm_rx_share(void)
{
	unsigned int sockets = max(atomic_read(&netvm_sockets), 1);

	return min(READ_ONCE(netvm_rx.nr_pages) / sockets / 2, NETVM_RX_PER_SOCKET) * PAGE_SIZE;
}

/**
 * netvm_mtu_reduced - send shorter segments though nobody could note why
 * @sk: a TCP socket, locked
 * @mtu: what its path takes in bytes, as an ICMP error said
 * @dst: its route
 *
 * An exception from the route takes memory. Without it bound the segments of the
 * socket, for as long as it is connected, as if the peer had asked for that.
 *
 * Context: Any but hard interrupts.
 * Return: true if it is a memalloc socket whose route does not know, and which sends
 *	shorter segments now
 */
bool netvm_mtu_reduced(struct sock *sk, u32 mtu, const struct dst_entry *dst)
{
	u32 header = inet_csk(sk)->icsk_af_ops->net_header_len, mss, least = IPV6_MIN_MTU;

	if (!netvm_sk(sk) || mtu >= dst_mtu(dst))
		return false;
	if (header == sizeof(struct iphdr))
		least = sock_net(sk)->ipv4.ip_rt_min_pmtu;
	mss = max(mtu, least) - header - sizeof(struct tcphdr);
	if (mss >= tcp_sk(sk)->rx_opt.mss_clamp)
		return false;
	tcp_sk(sk)->rx_opt.mss_clamp = mss;
	return true;
}
EXPORT_SYMBOL_GPL(netvm_mtu_reduced);

/**
 * netvm_answer_allowed - test whether an answer to a neighbour may use the reserve
 *
 * More of it than streams may have, which may wait for a peer that has to find us first,
 * and not all: requests may come faster than answers are sent.
 *
 * Context: Any but NMI.
 * Return: true if a quarter of the slabs for packets is left
 */
bool netvm_answer_allowed(void)
{
	return !netvm_quarters(&netvm_skb, 3);
}
EXPORT_SYMBOL_GPL(netvm_answer_allowed);

/* -- what users see ------------------------------------------------------ */

static int netvm_rx_pages_write(const struct ctl_table *table, int write, void *buffer,
				size_t *length, loff_t *ppos)
{
	int value, limit = totalram_pages() / 8, sockets, ret;
	struct ctl_table copy = *table;

	mutex_lock(&netvm_mutex);
	value = netvm_rx_pages;
	copy.data = &value;
	ret = proc_dointvec(&copy, write, buffer, length, ppos);
	if (ret || !write)
		goto out;
	if (value && (value < NETVM_RX_PER_QUEUE || value > limit)) {
		pr_info("netvm_rx_pages=%d refused: 0 or %d to %d\n", value,
			NETVM_RX_PER_QUEUE, limit);
		ret = -EINVAL;
		goto out;
	}
	swap(value, netvm_rx_pages);
	sockets = atomic_read(&netvm_sockets);
	if (sockets)
		ret = netvm_size_all(sockets, true);
	/* Slabs that are in use are no reason to refuse it */
	if (ret == -EBUSY && netvm_rx.nr_pages == netvm_rx_size(sockets))
		ret = 0;
	if (ret) {
		netvm_rx_pages = value;
		netvm_size_all(sockets, true);
	}
out:
	mutex_unlock(&netvm_mutex);
	return ret;
}

static struct ctl_table netvm_table[] = {
	{
		.procname	= "netvm_rx_pages",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= netvm_rx_pages_write,
	},
};

static int __init netvm_init(void)
{
	int ret = mem_reserve_add_cache(net_hotdata.skbuff_cache) ?:
		  mem_reserve_add_cache(net_hotdata.skbuff_fclone_cache) ?:
		  mem_reserve_add_cache(net_hotdata.skb_small_head_cache);
	size_t size;

	if (!ret)
		ret = mem_reserve_add_kmalloc(sizeof(struct neighbour) + sizeof(struct in6_addr));
	/* Heads that are larger than small, up to a page */
	for (size = NETVM_HEAD_MIN; size <= PAGE_SIZE && !ret; size *= 2)
		ret = mem_reserve_add_kmalloc(size);
	if (ret)
		return ret;
	register_net_sysctl(&init_net, "net/core", netvm_table);
	return register_netdevice_notifier(&netvm_notifier);
}
late_initcall(netvm_init);
