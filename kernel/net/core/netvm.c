// SPDX-License-Identifier: GPL-2.0
/*
 * Swapping over the network: the memory with which memalloc sockets make
 * progress when there is no other, and the packets that may not use it.
 *
 * Two reserves are kept while memalloc sockets exist, and for a while longer,
 * because a socket that reconnects is not there for a moment:
 *
 *	netvm_rx	pages for receive buffers
 *	netvm_skb	slabs for struct sk_buff and small packet heads, sent and
 *			received
 *
 * A packet in a buffer of netvm_rx is an emergency packet (skb->pfmemalloc).
 * When it enters the stack, before taps, filters, bridges and reassembly, it
 * is looked at once: if it is not for a memalloc socket and does not help one
 * (ARP and neighbour discovery, ICMP errors about its packets), it is dropped,
 * and its buffer can be posted again. So foreign traffic holds a buffer for as
 * long as it takes to look at a packet, whatever the rate.
 */

#define pr_fmt(fmt) "netvm: " fmt

#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netvm.h>
#include <linux/proc_fs.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <net/arp.h>
#include <net/hotdata.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/ipv6_stubs.h>
#include <net/ndisc.h>
#include <net/tcp.h>
#include <net/udp.h>

/* Received frames in flight through the stack: what one poll may bring. */
#define NETVM_RX_PER_QUEUE	NAPI_POLL_WEIGHT
#define NETVM_RX_QUEUES_MAX	64

/*
 * A memalloc socket may hold this many received frames: netvm_drop_ofo() keeps
 * what is out of order below half of the reserve, what is in order is read by
 * the kernel at once.
 */
#define NETVM_RX_PER_SOCKET	16

/* Packets that a socket has between itself and the end of transmission. */
#define NETVM_TX_PER_SOCKET	48

/* Of these, packets that are copied into one page each for the device. */
#define NETVM_LINEAR_PER_SOCKET	16

/* How long the reserves outlive the last memalloc socket, in seconds. */
#define NETVM_LINGER		900

/* When cards are polled after a reserve was empty, in jiffies. */
#define NETVM_POLL		(HZ / 20)

#define NETVM_RX_PAGES_MIN	16

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

/*
 * A ring that found no buffer when its last one was used receives nothing, so
 * nothing makes its driver look again. Drivers have workers for that, but those
 * may wait for memory behind others: have every card polled. Not what is no card,
 * and may only be polled on a CPU of its own (gro_cells).
 */
static void netvm_poll(struct timer_list *unused)
{
	struct napi_struct *napi;
	struct net_device *dev;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		for_each_netdev_rcu(net, dev)
			list_for_each_entry_rcu(napi, &dev->napi_list, dev_list)
				if (!test_bit(NAPI_STATE_NO_BUSY_POLL, &napi->state))
					napi_schedule(napi);
	rcu_read_unlock();
}

static DEFINE_TIMER(netvm_poll_timer, netvm_poll);

static void netvm_empty(struct mem_reserve *res)
{
	if (!timer_pending(&netvm_poll_timer))
		mod_timer(&netvm_poll_timer, jiffies + NETVM_POLL);
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
	.empty = netvm_empty,
};

static struct mem_reserve netvm_skb = {
	.name = "netvm_skb",
	.class = MEM_RESERVE_SLABS,
	.shrink = netvm_skb_shrink,
	.empty = netvm_empty,
};

static atomic_t netvm_sockets = ATOMIC_INIT(0);
/* In jiffies: since when there has been none. */
static unsigned long netvm_idle_since;
static void netvm_resize(struct work_struct *work);
static DECLARE_DELAYED_WORK(netvm_resize_work, netvm_resize);

/* Pages of netvm_rx, 0: as computed. Protected by netvm_mutex, like the sizes. */
static int netvm_rx_pages;
static DEFINE_MUTEX(netvm_mutex);

enum netvm_counter {
	NETVM_PASSED,
	NETVM_SOCKET,
	NETVM_FORWARD,
	NETVM_FRAGMENT,
	NETVM_NEIGH,
	NETVM_ICMP,
	NETVM_PROTO,
	NETVM_OFO,
	NETVM_COPY,
	NETVM_COUNTERS
};

static const struct {
	const char *name;
	enum skb_drop_reason reason;
} netvm_counters[NETVM_COUNTERS] = {
	[NETVM_PASSED]		= { "passed", SKB_NOT_DROPPED_YET },
	[NETVM_SOCKET]		= { "drop_socket", SKB_DROP_REASON_NETVM_SOCKET },
	[NETVM_FORWARD]		= { "drop_forward", SKB_DROP_REASON_NETVM_FORWARD },
	[NETVM_FRAGMENT]	= { "drop_fragment", SKB_DROP_REASON_NETVM_FRAGMENT },
	[NETVM_NEIGH]		= { "drop_neigh", SKB_DROP_REASON_NETVM_NEIGH },
	[NETVM_ICMP]		= { "drop_icmp", SKB_DROP_REASON_NETVM_ICMP },
	[NETVM_PROTO]		= { "drop_proto", SKB_DROP_REASON_NETVM_PROTO },
	[NETVM_OFO]		= { "drop_ofo", SKB_NOT_DROPPED_YET },
	[NETVM_COPY]		= { "drop_copy", SKB_NOT_DROPPED_YET },
};

static DEFINE_PER_CPU(unsigned long [NETVM_COUNTERS], netvm_count);

/* See netvm_neigh_begin(). */
DEFINE_PER_CPU(bool, netvm_neigh_allowed);
EXPORT_PER_CPU_SYMBOL_GPL(netvm_neigh_allowed);

static struct kmem_cache *netvm_dst_caches[NETVM_DST_CACHES];

/* Neighbours that we do not know yet: enough for a reconnect, no more. */
static DEFINE_RATELIMIT_STATE(netvm_neigh_limit, HZ / 10, 16);

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
	return sockets * (NETVM_LINEAR_PER_SOCKET + 2) + dst +
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
	unsigned int sockets = atomic_read(&netvm_sockets);
	unsigned long end = READ_ONCE(netvm_idle_since) + NETVM_LINGER * HZ;
	int ret = 0;

	if (!sockets && time_before(jiffies, end)) {
		queue_delayed_work(system_unbound_wq, &netvm_resize_work, end - jiffies);
		return;
	}
	mutex_lock(&netvm_mutex);
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
 * Return: 0, also if there is no memalloc socket, or -ENOMEM if there is no
 *	room for the reserves of those that there are
 */
int netvm_swapon(void)
{
	unsigned int sockets = atomic_read(&netvm_sockets);
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

static int netvm_device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	if (event == NETDEV_UP && atomic_read(&netvm_sockets))
		mod_delayed_work(system_unbound_wq, &netvm_resize_work, 0);
	return NOTIFY_DONE;
}

static struct notifier_block netvm_notifier = {
	.notifier_call = netvm_device_event,
};

/* -- the filter --------------------------------------------------------- */

static bool netvm_sock_wanted(struct sock *sk)
{
	bool wanted;

	if (!sk)
		return false;
	wanted = sk_fullsock(sk) && sock_flag(sk, SOCK_MEMALLOC);
	sock_gen_put(sk);
	return wanted;
}

struct netvm_question {
	bool (*ask)(struct net_device *dev, const void *about);
	const void *about;
};

static int netvm_ask_upper(struct net_device *dev, struct netdev_nested_priv *priv)
{
	const struct netvm_question *question = priv->data;

	return question->ask(dev, question->about);
}

/*
 * The card, and what is above it: a VLAN, a bond or a bridge has neighbours of its
 * own, sockets may be bound to it, and it may be in another network namespace.
 */
static bool netvm_ask(struct net_device *dev, bool (*ask)(struct net_device *, const void *),
		      const void *about)
{
	struct netvm_question question = { .ask = ask, .about = about };
	struct netdev_nested_priv priv = { .data = &question };

	return ask(dev, about) || netdev_walk_all_upper_dev_rcu(dev, netvm_ask_upper, &priv);
}

struct netvm_flow4 {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

static bool netvm_tcp4_here(struct net_device *dev, const void *about)
{
	const struct netvm_flow4 *flow = about;
	struct net *net = dev_net(dev);

	return netvm_sock_wanted(__inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
							   flow->saddr, flow->sport, flow->daddr,
							   ntohs(flow->dport), dev->ifindex, 0));
}

static bool netvm_udp4_here(struct net_device *dev, const void *about)
{
	const struct netvm_flow4 *flow = about;
	struct net *net = dev_net(dev);
	struct sock *sk;

	sk = __udp4_lib_lookup(net, flow->saddr, flow->sport, flow->daddr, flow->dport,
			       dev->ifindex, 0, net->ipv4.udp_table, NULL);
	/* Found under RCU, without a reference. */
	return sk && sock_flag(sk, SOCK_MEMALLOC);
}

static bool netvm_address4_here(struct net_device *dev, const void *address)
{
	return inet_lookup_ifaddr_rcu(dev_net(dev), *(const __be32 *)address);
}

/* An error about a packet that we sent is wanted if its sender is. */
static enum netvm_counter netvm_icmp4(struct sk_buff *skb, int offset)
{
	struct icmphdr _icmp, *icmp;
	struct netvm_flow4 flow;
	struct iphdr _ip, *ip;
	__be16 _ports[2], *ports;

	icmp = skb_header_pointer(skb, offset, sizeof(_icmp), &_icmp);
	if (!icmp || !icmp_is_err(icmp->type))
		return NETVM_ICMP;
	offset += sizeof(*icmp);
	ip = skb_header_pointer(skb, offset, sizeof(_ip), &_ip);
	if (!ip || ip->protocol != IPPROTO_TCP || ip->ihl < 5)
		return NETVM_ICMP;
	ports = skb_header_pointer(skb, offset + ip->ihl * 4, sizeof(_ports), _ports);
	if (!ports)
		return NETVM_ICMP;
	flow = (struct netvm_flow4) { ip->daddr, ip->saddr, ports[1], ports[0] };
	return netvm_ask(skb->dev, netvm_tcp4_here, &flow) ? NETVM_PASSED : NETVM_ICMP;
}

static enum netvm_counter netvm_ip4(struct sk_buff *skb, int offset)
{
	__be16 _ports[2], *ports;
	struct netvm_flow4 flow;
	struct iphdr _ip, *ip;

	ip = skb_header_pointer(skb, offset, sizeof(_ip), &_ip);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return NETVM_PROTO;
	if (ip_is_fragment(ip))
		return NETVM_FRAGMENT;
	if (ip->protocol == IPPROTO_ICMP)
		return netvm_icmp4(skb, offset + ip->ihl * 4);
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return NETVM_PROTO;
	ports = skb_header_pointer(skb, offset + ip->ihl * 4, sizeof(_ports), _ports);
	if (!ports)
		return NETVM_PROTO;
	flow = (struct netvm_flow4) { ip->saddr, ip->daddr, ports[0], ports[1] };
	if (netvm_ask(skb->dev, ip->protocol == IPPROTO_TCP ? netvm_tcp4_here : netvm_udp4_here,
		      &flow))
		return NETVM_PASSED;
	return ipv4_is_multicast(ip->daddr) || skb->pkt_type != PACKET_HOST ||
	       netvm_ask(skb->dev, netvm_address4_here, &ip->daddr) ? NETVM_SOCKET : NETVM_FORWARD;
}

struct netvm_asker {
	struct neigh_table *table;
	const void *address;
};

static bool netvm_neigh_here(struct net_device *dev, const void *about)
{
	const struct netvm_asker *asker = about;
	struct neighbour *neigh = neigh_lookup(asker->table, asker->address, dev);

	if (neigh)
		neigh_release(neigh);
	return neigh;
}

static bool netvm_neigh_wanted(struct neigh_table *table, const void *address,
			       struct net_device *dev)
{
	struct netvm_asker asker = { .table = table, .address = address };

	return (table && netvm_ask(dev, netvm_neigh_here, &asker)) ||
	       __ratelimit(&netvm_neigh_limit);
}

#if IS_ENABLED(CONFIG_IPV6)
struct netvm_flow6 {
	const struct in6_addr *saddr, *daddr;
	__be16 sport, dport;
};

static bool netvm_tcp6_here(struct net_device *dev, const void *about)
{
	const struct netvm_flow6 *flow = about;
	struct net *net = dev_net(dev);

	return netvm_sock_wanted(__inet6_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
							    flow->saddr, flow->sport, flow->daddr,
							    ntohs(flow->dport), dev->ifindex, 0));
}

static enum netvm_counter netvm_icmp6(struct sk_buff *skb, int offset,
				      const struct in6_addr *saddr)
{
	struct icmp6hdr _icmp, *icmp;
	struct netvm_flow6 flow;
	struct ipv6hdr _ip, *ip;
	__be16 _ports[2], *ports;

	icmp = skb_header_pointer(skb, offset, sizeof(_icmp), &_icmp);
	if (!icmp)
		return NETVM_ICMP;
	switch (icmp->icmp6_type) {
	case NDISC_NEIGHBOUR_SOLICITATION:
	case NDISC_NEIGHBOUR_ADVERTISEMENT:
		return netvm_neigh_wanted(ipv6_stub->nd_tbl, saddr, skb->dev) ?
		       NETVM_PASSED : NETVM_NEIGH;
	case ICMPV6_DEST_UNREACH:
	case ICMPV6_PKT_TOOBIG:
	case ICMPV6_TIME_EXCEED:
	case ICMPV6_PARAMPROB:
		break;
	default:
		return NETVM_ICMP;
	}
	offset += sizeof(*icmp);
	ip = skb_header_pointer(skb, offset, sizeof(_ip), &_ip);
	if (!ip || ip->nexthdr != IPPROTO_TCP)
		return NETVM_ICMP;
	ports = skb_header_pointer(skb, offset + sizeof(*ip), sizeof(_ports), _ports);
	if (!ports)
		return NETVM_ICMP;
	flow = (struct netvm_flow6) { &ip->daddr, &ip->saddr, ports[1], ports[0] };
	return netvm_ask(skb->dev, netvm_tcp6_here, &flow) ? NETVM_PASSED : NETVM_ICMP;
}

static enum netvm_counter netvm_ip6(struct sk_buff *skb, int offset)
{
	__be16 _ports[2], *ports, frag = 0;
	struct netvm_flow6 flow;
	struct ipv6hdr _ip, *ip;
	u8 proto;

	ip = skb_header_pointer(skb, offset, sizeof(_ip), &_ip);
	if (!ip || ip->version != 6)
		return NETVM_PROTO;
	proto = ip->nexthdr;
	offset += sizeof(*ip);
	if (proto != IPPROTO_TCP && proto != IPPROTO_ICMPV6 && proto != NEXTHDR_FRAGMENT) {
		offset = ipv6_skip_exthdr(skb, offset, &proto, &frag);
		if (offset < 0)
			return NETVM_PROTO;
	}
	if (proto == NEXTHDR_FRAGMENT || frag)
		return NETVM_FRAGMENT;
	if (proto == IPPROTO_ICMPV6)
		return netvm_icmp6(skb, offset, &ip->saddr);
	if (proto == IPPROTO_UDP)
		return NETVM_SOCKET;
	if (proto != IPPROTO_TCP)
		return NETVM_PROTO;
	ports = skb_header_pointer(skb, offset, sizeof(_ports), _ports);
	if (!ports)
		return NETVM_PROTO;
	flow = (struct netvm_flow6) { &ip->saddr, &ip->daddr, ports[0], ports[1] };
	return netvm_ask(skb->dev, netvm_tcp6_here, &flow) ? NETVM_PASSED : NETVM_SOCKET;
}
#else
static enum netvm_counter netvm_ip6(struct sk_buff *skb, int offset)
{
	return NETVM_PROTO;
}
#endif

/* Requests and replies for an address of ours. */
static enum netvm_counter netvm_arp(struct sk_buff *skb, int offset)
{
	struct {
		struct arphdr head;
		u8 sender_mac[ETH_ALEN];
		__be32 sender;
		u8 target_mac[ETH_ALEN];
		__be32 target;
	} __packed _arp, *arp;
	__be32 sender, target;

	arp = skb_header_pointer(skb, offset, sizeof(_arp), &_arp);
	if (!arp || arp->head.ar_hln != ETH_ALEN || arp->head.ar_pln != sizeof(__be32))
		return NETVM_NEIGH;
	sender = arp->sender;
	target = arp->target;
	if (!netvm_ask(skb->dev, netvm_address4_here, &target))
		return NETVM_NEIGH;
	return netvm_neigh_wanted(&arp_tbl, &sender, skb->dev) ? NETVM_PASSED : NETVM_NEIGH;
}

static enum netvm_counter netvm_judge(struct sk_buff *skb)
{
	__be16 proto = skb->protocol;
	struct vlan_hdr _vlan, *vlan;
	int offset = 0;

	/* What is above the card, a bridge for example, may have another address */
	if (skb->pkt_type == PACKET_OTHERHOST && !rcu_access_pointer(skb->dev->rx_handler))
		return NETVM_FORWARD;
	while (eth_type_vlan(proto)) {
		vlan = skb_header_pointer(skb, offset, sizeof(_vlan), &_vlan);
		if (!vlan)
			return NETVM_PROTO;
		proto = vlan->h_vlan_encapsulated_proto;
		offset += sizeof(*vlan);
	}
	switch (proto) {
	case htons(ETH_P_IP):
		return netvm_ip4(skb, offset);
	case htons(ETH_P_IPV6):
		return netvm_ip6(skb, offset);
	case htons(ETH_P_ARP):
		return netvm_arp(skb, offset);
	default:
		return NETVM_PROTO;
	}
}

static enum netvm_counter netvm_judge_one(struct sk_buff *skb)
{
	enum netvm_counter verdict;

	rcu_read_lock();
	verdict = netvm_judge(skb);
	/* Of a bridge, say: nobody on this machine wants it */
	if (verdict != NETVM_PASSED && skb->pkt_type == PACKET_OTHERHOST)
		verdict = NETVM_FORWARD;
	rcu_read_unlock();
	this_cpu_inc(netvm_count[verdict]);
	return verdict;
}

/**
 * netvm_drop - drop an emergency packet that helps no memalloc socket
 * @skb: a packet that enters the stack, its data at the network header, which
 *	may be that of a VLAN
 *
 * Needs no memory.
 *
 * Context: Softirq, or process context with bottom halves disabled.
 * Return: true if the packet is gone
 */
bool netvm_drop(struct sk_buff *skb)
{
	enum netvm_counter verdict = netvm_judge_one(skb);

	if (verdict == NETVM_PASSED)
		return false;
	kfree_skb_reason(skb, netvm_counters[verdict].reason);
	return true;
}

/**
 * netvm_drop_list - drop the emergency packets of a list that help no socket
 * @head: packets that enter the stack
 *
 * Context: Softirq, or process context with bottom halves disabled.
 */
void netvm_drop_list(struct list_head *head)
{
	struct sk_buff *skb, *next;
	enum netvm_counter verdict;

	list_for_each_entry_safe(skb, next, head, list) {
		if (likely(!skb_pfmemalloc(skb)))
			continue;
		verdict = netvm_judge_one(skb);
		if (verdict == NETVM_PASSED)
			continue;
		skb_list_del_init(skb);
		kfree_skb_reason(skb, netvm_counters[verdict].reason);
	}
}

/**
 * netvm_wanted - test whether a packet is sent by a memalloc socket, or helps one
 * @skb: a packet that is being sent, or that came in, its data at the network header
 *
 * Unlike netvm_drop() for any packet, whatever memory it is in, and without
 * counting it.
 *
 * Context: Softirq, or process context with bottom halves disabled.
 * Return: true if swapping may depend on it
 */
bool netvm_wanted(struct sk_buff *skb)
{
	bool wanted;

	if (!sk_memalloc_socks())
		return false;
	if (skb->sk || !skb->dev)
		return netvm_skb_tx(skb);
	rcu_read_lock();
	wanted = netvm_judge(skb) == NETVM_PASSED;
	rcu_read_unlock();
	return wanted;
}
EXPORT_SYMBOL_GPL(netvm_wanted);

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

/* What waits for an acknowledgement leaves half of the reserve to get one. */
static bool netvm_tx_half(void)
{
	return mem_reserve_used(&netvm_skb) <= READ_ONCE(netvm_skb.nr_pages) / 2;
}

/**
 * netvm_tx_allowed - test whether a stream may put one more packet into the reserve
 * @sk: a TCP socket, locked
 *
 * A packet of a stream is kept until it is acknowledged, and one that is split
 * is two from then on. While a packet is on its way, another one can wait.
 *
 * Context: Any but NMI.
 * Return: true if it is a memalloc socket, and if less than half of the reserve is
 *	in use or nothing that the socket sent is on its way
 */
bool netvm_tx_allowed(const struct sock *sk)
{
	return netvm_sk(sk) && (netvm_tx_half() || !tcp_packets_in_flight(tcp_sk(sk)));
}

/**
 * netvm_page_frag_refill - a page for what a memalloc socket sends
 * @sk: the socket, locked
 * @pfrag: where the page goes; empty
 *
 * Context: Any but NMI.
 * Return: true if there is a page; none if half of the reserve is in use and the
 *	socket has something else to send
 */
bool netvm_page_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	if (!sock_flag(sk, SOCK_MEMALLOC) || !READ_ONCE(netvm_skb.nr_pages))
		return false;
	if (sk->sk_wmem_queued >= PAGE_SIZE && !netvm_tx_half())
		return false;
	pfrag->page = mem_reserve_alloc(&netvm_skb, 0);
	pfrag->offset = 0;
	pfrag->size = PAGE_SIZE;
	return pfrag->page;
}

/**
 * netvm_drop_ofo - test whether a packet out of order must be dropped
 * @skb: a packet for a TCP socket that waits for another one first
 *
 * What waits for a packet that was lost must leave buffers to receive it.
 *
 * Context: Softirq, or process context.
 * Return: true if @skb is an emergency packet and half of the reserve is in use
 */
bool netvm_drop_ofo(const struct sk_buff *skb)
{
	if (!skb_pfmemalloc(skb) ||
	    mem_reserve_used(&netvm_rx) <= READ_ONCE(netvm_rx.nr_pages) / 2)
		return false;
	this_cpu_inc(netvm_count[NETVM_OFO]);
	return true;
}

/* What TCP sends is not marked, though it may be in reserved memory. */
static bool netvm_reserved(const struct sk_buff *skb)
{
	struct page *page;
	int i;

	if (skb_pfmemalloc(skb) || mem_reserve_object(skb->head))
		return true;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		page = skb_frag_page(&skb_shinfo(skb)->frags[i]);
		if (page && page_is_pfmemalloc(page))
			return true;
	}
	return false;
}

/**
 * netvm_drop_copy - test whether a packet may not be copied for somebody else
 * @skb: a packet that a tap or another device would get too
 *
 * Context: Any.
 * Return: true if @skb is an emergency packet, or in reserved memory
 */
bool netvm_drop_copy(struct sk_buff *skb)
{
	if (!sk_memalloc_socks() || !netvm_reserved(skb))
		return false;
	this_cpu_inc(netvm_count[NETVM_COPY]);
	return true;
}
EXPORT_SYMBOL_GPL(netvm_drop_copy);

/* -- what users see ------------------------------------------------------ */

static int netvm_show(struct seq_file *seq, void *v)
{
	unsigned long sum;
	int i, cpu;

	for (i = 0; i < NETVM_COUNTERS; i++) {
		sum = 0;
		for_each_possible_cpu(cpu)
			sum += per_cpu(netvm_count[i], cpu);
		seq_printf(seq, "%-13s %lu\n", netvm_counters[i].name, sum);
	}
	return 0;
}

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
	if (value && (value < NETVM_RX_PAGES_MIN || value > limit)) {
		pr_info("netvm_rx_pages=%d refused: 0 or %d to %d\n", value,
			NETVM_RX_PAGES_MIN, limit);
		ret = -EINVAL;
		goto out;
	}
	swap(value, netvm_rx_pages);
	sockets = atomic_read(&netvm_sockets);
	if (sockets)
		ret = netvm_size_all(sockets, true);
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
	ratelimit_set_flags(&netvm_neigh_limit, RATELIMIT_MSG_ON_RELEASE);
	register_net_sysctl(&init_net, "net/core", netvm_table);
	proc_create_single("netvm", 0444, init_net.proc_net, netvm_show);
	return register_netdevice_notifier(&netvm_notifier);
}
late_initcall(netvm_init);
