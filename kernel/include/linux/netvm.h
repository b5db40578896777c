/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swapping over the network: emergency packets and the memory for them.
 *
 * See Documentation/mm/network-swap.rst.
 */
#ifndef _LINUX_NETVM_H
#define _LINUX_NETVM_H

#include <linux/mem_reserve.h>
#include <linux/netdevice.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#ifdef CONFIG_NETVM

/*
 * A memalloc socket may hold this many pages of received frames: netvm_drop_ofo() bounds
 * what is out of order, what is in order is read by the kernel at once, and what a program
 * has not read is bounded by the filter.
 */
#define NETVM_RX_PER_SOCKET	16U

/*
 * A packet that a device wants in one piece must fit into a page with its
 * headers and shared info: __pskb_pull_tail() adds 128 bytes to a head of
 * SKB_SMALL_HEAD_CACHE_SIZE. KASAN's red zones take the rest of a page.
 */
#define NETVM_LINEAR_SIZE	(IS_ENABLED(CONFIG_KASAN) ? PAGE_SIZE / 2 : PAGE_SIZE)
#define NETVM_LINEAR_MSS	(SKB_WITH_OVERHEAD(NETVM_LINEAR_SIZE) - 768)

void netvm_socket_added(struct sock *sk);
void netvm_socket_removed(struct sock *sk);
int netvm_swapon(void);
void netvm_connect_memalloc(struct sock *sk);
bool netvm_drop(struct sk_buff *skb);
void netvm_drop_list(struct list_head *head);
bool netvm_wanted(const struct sk_buff *skb);
bool netvm_tx_allowed(const struct sock *sk, bool must);
bool netvm_page_frag_refill(struct sock *sk, struct page_frag *pfrag);
bool netvm_rx_half(void);
unsigned int netvm_rx_share(void);
bool netvm_mtu_reduced(struct sock *sk, u32 mtu, const struct dst_entry *dst);
bool netvm_answer_allowed(void);
bool netvm_drop_ofo(const struct sock *sk, const struct sk_buff *skb);
bool netvm_drop_copy(struct sk_buff *skb);
void netvm_add_dst_cache(struct kmem_cache *cache);
int netvm_add_kmalloc(size_t size, int objects);
void napi_drop_reserve_frags(void);
bool netvm_queue_tx(const struct sk_buff_head *queue);

DECLARE_PER_CPU(bool, netvm_neigh_allowed);

/**
 * netvm_rx_gfp - flags for a receive buffer
 * @gfp: what the driver or the network core would use
 *
 * While a memalloc socket exists, a receive buffer that cannot be had above
 * the watermarks comes from the reserve for received packets, and from nowhere
 * else: a network that takes what is left for GFP_ATOMIC starves the
 * allocations that reclaim needs, among them the swap cache's.
 *
 * Return: the flags to use; those of a caller that may wait are not changed
 */
static inline gfp_t netvm_rx_gfp(gfp_t gfp)
{
	/* Without a reserve the flag would mean all memory that is left */
	if (!sk_memalloc_socks() || !mem_reserve_active() || gfpflags_allow_blocking(gfp))
		return gfp;
	return (gfp & ~__GFP_HIGH) | __GFP_MEMALLOC | __GFP_NOWARN;
}

/**
 * netvm_rx_ring_gfp - flags for a buffer of a receive ring
 * @gfp: what the driver would use
 * @posted: buffers that are in the ring now
 *
 * A ring takes from the reserve what it needs to receive, not what it can hold:
 * another ring may be empty. Nor may it take more of what is left below the
 * watermarks when the task that restarts the card may (netvm_restart_begin()).
 *
 * Return: the flags to use
 */
static inline gfp_t netvm_rx_ring_gfp(gfp_t gfp, unsigned int posted)
{
	gfp = netvm_rx_gfp(gfp);
	if (!sk_memalloc_socks() || posted < NAPI_POLL_WEIGHT)
		return gfp;
	return (gfp & ~__GFP_MEMALLOC) | __GFP_NOMEMALLOC;
}

/**
 * netvm_rx_ring_filled - test whether a ring holds all it may hold for now
 * @posted: buffers that are in the ring now
 *
 * Return: true if it is no failure that the ring holds no more than that
 */
static inline bool netvm_rx_ring_filled(unsigned int posted)
{
	return sk_memalloc_socks() && posted >= NAPI_POLL_WEIGHT;
}

/**
 * netvm_rx_worker_gfp - flags for receive buffers that a worker allocates
 * @gfp: what the driver would use
 *
 * A worker that refills a ring must not wait for reclaim, which may wait for
 * what that ring is to receive.
 *
 * Return: the flags to use
 */
static inline gfp_t netvm_rx_worker_gfp(gfp_t gfp)
{
	return sk_memalloc_socks() ? GFP_NOWAIT : gfp;
}

/**
 * netvm_restart_begin - stop or start a card without waiting for reclaim
 * @dev: the card
 *
 * Reclaim may wait for a page to be swapped out by the card that is off. What
 * its driver, and those who are told of it, allocate until netvm_restart_end()
 * comes from what is left below the watermarks, or fails. Devices in network
 * namespaces of users, who may change them as often as they like, get none of that.
 *
 * Context: Process context. Nests.
 * Return: what netvm_restart_end() is to be given
 */
static inline unsigned int netvm_restart_begin(const struct net_device *dev)
{
	if (!sk_memalloc_socks() || dev_net(dev)->user_ns != &init_user_ns)
		return 0;
	return memalloc_noreclaim_save();
}

/**
 * netvm_restart_end - allocate again as before netvm_restart_begin()
 * @flags: what that returned
 */
static inline void netvm_restart_end(unsigned int flags)
{
	memalloc_noreclaim_restore(flags);
}

/* What PR_SET_IO_FLUSHER sets. */
#define NETVM_FLUSHER		(PF_MEMALLOC_NOIO | PF_LOCAL_THROTTLE)

/**
 * netvm_flusher - test whether the task serves a device from user space
 *
 * A program that connects a network block device (NBD, iSCSI) declares itself an
 * I/O flusher (PR_SET_IO_FLUSHER): swapping may depend on what it does.
 *
 * Context: Process context.
 * Return: true if it has, and there are memalloc sockets
 */
static inline bool netvm_flusher(void)
{
	return sk_memalloc_socks() && (current->flags & NETVM_FLUSHER) == NETVM_FLUSHER;
}

/**
 * netvm_flusher_begin - let a program connect a device again without reclaim
 *
 * Reclaim may wait for this very device. What an I/O flusher needs for a connection
 * until netvm_flusher_end(), the socket for example, comes from what is left below the
 * watermarks, or fails.
 *
 * Context: Process context. Nests.
 * Return: what netvm_flusher_end() is to be given
 */
static inline unsigned int netvm_flusher_begin(void)
{
	return netvm_flusher() ? memalloc_noreclaim_save() : 0;
}

/**
 * netvm_flusher_end - allocate again as before netvm_flusher_begin()
 * @flags: what that returned
 */
static inline void netvm_flusher_end(unsigned int flags)
{
	memalloc_noreclaim_restore(flags);
}

/**
 * netvm_connect - answers to a connection of an I/O flusher are progress
 * @sk: the socket that is about to be connected
 *
 * Context: Process context, may sleep.
 */
static inline void netvm_connect(struct sock *sk)
{
	if (netvm_flusher() && sk_is_tcp(sk))
		netvm_connect_memalloc(sk);
}

/**
 * netvm_neigh_begin - look for the neighbour to which a memalloc socket sends
 *
 * The neighbour's entry, the request for its address and the route of that may
 * use the reserve if this CPU allocates them until netvm_neigh_end().
 *
 * Context: Any but hard interrupts. Disables bottom halves. Does not nest.
 */
static inline void netvm_neigh_begin(void)
{
	local_bh_disable();
	__this_cpu_write(netvm_neigh_allowed, true);
}

/**
 * netvm_neigh_end - no more of what netvm_neigh_begin() allows
 */
static inline void netvm_neigh_end(void)
{
	__this_cpu_write(netvm_neigh_allowed, false);
	local_bh_enable();
}

/**
 * netvm_neigh_gfp - flags for an entry of a neighbour table
 * @gfp: what its creator would use
 *
 * Return: the flags to use
 */
static inline gfp_t netvm_neigh_gfp(gfp_t gfp)
{
	if (sk_memalloc_socks() && in_softirq() && __this_cpu_read(netvm_neigh_allowed))
		return gfp | __GFP_MEMALLOC;
	return gfp;
}

/**
 * netvm_tx_gfp - flags for a packet by which a neighbour is asked or answered
 * @gfp: what its creator would use
 *
 * ARP and neighbour discovery have sockets that everybody shares, so the
 * entitlement comes from the packet that waits for an address. Without that, as for
 * an answer, a quarter of the reserve must be left for others. What asks may be in any
 * memory: not all of a ring is of the reserve when memory is out.
 *
 * Return: the flags to use
 */
static inline gfp_t netvm_tx_gfp(gfp_t gfp)
{
	if (sk_memalloc_socks() && in_softirq() && netvm_answer_allowed())
		return gfp | __GFP_MEMALLOC;
	return netvm_neigh_gfp(gfp);
}

/**
 * netvm_sk - test whether swapping may depend on a socket
 * @sk: the socket
 *
 * Return: true if it is a memalloc socket
 */
static inline bool netvm_sk(const struct sock *sk)
{
	return sk_memalloc_socks() && sock_flag(sk, SOCK_MEMALLOC);
}

/**
 * netvm_skb_tx - test whether a packet to be sent may use the reserve
 * @skb: a packet that a driver, or segmentation in software, has to copy
 *
 * Return: true if it is of a memalloc socket
 */
static inline bool netvm_skb_tx(const struct sk_buff *skb)
{
	return skb->sk && sk_fullsock(skb->sk) && netvm_sk(skb->sk);
}

/**
 * netvm_skb_rx - test whether what is needed to receive a packet may use the reserve
 * @skb: a packet that came in, or NULL
 *
 * Return: true if it is an emergency packet
 */
static inline bool netvm_skb_rx(const struct sk_buff *skb)
{
	return sk_memalloc_socks() && skb && skb_pfmemalloc(skb);
}

/* It takes a segment in pieces: one that cannot add it up has the checksum made in one. */
static inline bool netvm_gathers(const struct dst_entry *dst)
{
	__be16 proto = dst->ops->family == AF_INET6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);

	return dst->dev->features & NETIF_F_SG && can_checksum_protocol(dst->dev->features, proto);
}

/**
 * netvm_mss - bound the segments of a memalloc socket
 * @sk: the socket
 * @mss: what it would send, in bytes
 *
 * A device that cannot gather gets each segment in one piece. When memory is
 * out there are single pages for that, and no larger ones. Nor has the socket a route
 * then, once it has to be looked up again, that would tell which device it is.
 *
 * Return: the size to use
 */
static inline unsigned int netvm_mss(const struct sock *sk, unsigned int mss)
{
	const struct dst_entry *dst;

	if (!netvm_sk(sk))
		return mss;
	dst = __sk_dst_get(sk);
	if (dst && netvm_gathers(dst))
		return mss;
	return min_t(unsigned int, mss, NETVM_LINEAR_MSS);
}

#else

static inline void netvm_socket_added(struct sock *sk)
{
}

static inline void netvm_socket_removed(struct sock *sk)
{
}

static inline int netvm_swapon(void)
{
	return 0;
}

static inline void netvm_add_dst_cache(struct kmem_cache *cache)
{
}

static inline int netvm_add_kmalloc(size_t size, int objects)
{
	return 0;
}

static inline bool netvm_drop(struct sk_buff *skb)
{
	return false;
}

static inline void netvm_drop_list(struct list_head *head)
{
}

static inline bool netvm_wanted(const struct sk_buff *skb)
{
	return false;
}

static inline bool netvm_tx_allowed(const struct sock *sk, bool must)
{
	return false;
}

static inline bool netvm_page_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	return false;
}

static inline bool netvm_drop_ofo(const struct sock *sk, const struct sk_buff *skb)
{
	return false;
}

static inline bool netvm_drop_copy(struct sk_buff *skb)
{
	return false;
}

static inline gfp_t netvm_rx_gfp(gfp_t gfp)
{
	return gfp;
}

static inline gfp_t netvm_rx_ring_gfp(gfp_t gfp, unsigned int posted)
{
	return gfp;
}

static inline bool netvm_rx_ring_filled(unsigned int posted)
{
	return false;
}

static inline gfp_t netvm_rx_worker_gfp(gfp_t gfp)
{
	return gfp;
}

static inline unsigned int netvm_restart_begin(const struct net_device *dev)
{
	return 0;
}

static inline void netvm_restart_end(unsigned int flags)
{
}

static inline unsigned int netvm_flusher_begin(void)
{
	return 0;
}

static inline void netvm_flusher_end(unsigned int flags)
{
}

static inline void netvm_connect(struct sock *sk)
{
}

static inline bool netvm_queue_tx(const struct sk_buff_head *queue)
{
	return false;
}

static inline void netvm_neigh_begin(void)
{
}

static inline void netvm_neigh_end(void)
{
}

static inline gfp_t netvm_neigh_gfp(gfp_t gfp)
{
	return gfp;
}

static inline gfp_t netvm_tx_gfp(gfp_t gfp)
{
	return gfp;
}

static inline bool netvm_skb_tx(const struct sk_buff *skb)
{
	return false;
}

static inline bool netvm_skb_rx(const struct sk_buff *skb)
{
	return false;
}

static inline unsigned int netvm_mss(const struct sock *sk, unsigned int mss)
{
	return mss;
}

static inline bool netvm_mtu_reduced(struct sock *sk, u32 mtu, const struct dst_entry *dst)
{
	return false;
}

static inline bool netvm_sk(const struct sock *sk)
{
	return false;
}

#endif /* CONFIG_NETVM */

#endif /* _LINUX_NETVM_H */
