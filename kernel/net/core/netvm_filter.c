// SPDX-License-Identifier: GPL-2.0
/*
 * Swapping over the network: the packets that may not use its memory
 *
 * When an emergency packet enters the stack, before taps, filters, bridges and
 * reassembly, it is looked at once: if it is not for a memalloc socket and does
 * not help one (ARP and neighbour discovery, ICMP errors about its packets), it is
 * dropped, and its buffer can be posted again. So foreign traffic holds a buffer
 * for as long as it takes to look at a packet, whatever the rate.
 */

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
#include <linux/seq_file.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/ipv6_stubs.h>
#include <net/tcp.h>

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

/* In bytes, what it has received and nobody has read. */
static unsigned int netvm_sock_holds(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) + READ_ONCE(sk->sk_backlog.len);
}

/*
 * The kernel reads at once, when sk_data_ready() says so or by a thread that waits, as
 * NBD does, which does not enter file systems. A program that connects a device may not.
 */
static bool netvm_sock_of_program(const struct sock *sk)
{
	return READ_ONCE(sk->sk_data_ready) == sock_def_readable &&
	       READ_ONCE(sk->sk_allocation) & __GFP_FS;
}

static bool netvm_sock_wanted(struct sock *sk)
{
	bool wanted;

	if (!sk)
		return false;
	wanted = sk_fullsock(sk) && sock_flag(sk, SOCK_MEMALLOC) &&
		 !(netvm_sock_holds(sk) >= netvm_rx_share() && netvm_sock_of_program(sk));
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

static bool netvm_address4_here(struct net_device *dev, const void *address)
{
	return inet_lookup_ifaddr_rcu(dev_net(dev), *(const __be32 *)address);
}

/* An error about a packet that we sent is wanted if its sender is. */
static enum netvm_counter netvm_icmp4(const struct sk_buff *skb, int offset)
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

/* Not for a memalloc socket: for another one, or for another machine. */
static enum netvm_counter netvm_unwanted4(const struct sk_buff *skb, __be32 daddr)
{
	return ipv4_is_multicast(daddr) || skb->pkt_type != PACKET_HOST ||
	       netvm_ask(skb->dev, netvm_address4_here, &daddr) ? NETVM_SOCKET : NETVM_FORWARD;
}

static enum netvm_counter netvm_ip4(const struct sk_buff *skb, int offset)
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
	if (ip->protocol == IPPROTO_UDP)
		return netvm_unwanted4(skb, ip->daddr);
	if (ip->protocol != IPPROTO_TCP)
		return NETVM_PROTO;
	ports = skb_header_pointer(skb, offset + ip->ihl * 4, sizeof(_ports), _ports);
	if (!ports)
		return NETVM_PROTO;
	flow = (struct netvm_flow4) { ip->saddr, ip->daddr, ports[0], ports[1] };
	return netvm_ask(skb->dev, netvm_tcp4_here, &flow) ? NETVM_PASSED :
						     netvm_unwanted4(skb, ip->daddr);
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

static bool netvm_address6_here(struct net_device *dev, const void *address)
{
	return !IS_ERR_OR_NULL(ipv6_stub->ipv6_dev_find(dev_net(dev), address, dev));
}

static enum netvm_counter netvm_icmp6(const struct sk_buff *skb, int offset)
{
	struct in6_addr _target, *target;
	struct icmp6hdr _icmp, *icmp;
	struct netvm_flow6 flow;
	struct ipv6hdr _ip, *ip;
	__be16 _ports[2], *ports;

	icmp = skb_header_pointer(skb, offset, sizeof(_icmp), &_icmp);
	if (!icmp)
		return NETVM_ICMP;
	switch (icmp->icmp6_type) {
	case NDISC_NEIGHBOUR_ADVERTISEMENT:
		return NETVM_PASSED;
	case NDISC_NEIGHBOUR_SOLICITATION:
		target = skb_header_pointer(skb, offset + sizeof(*icmp), sizeof(_target), &_target);
		return target && netvm_ask(skb->dev, netvm_address6_here, target) ?
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

static enum netvm_counter netvm_unwanted6(const struct sk_buff *skb, const struct in6_addr *daddr)
{
	return ipv6_addr_is_multicast(daddr) || skb->pkt_type != PACKET_HOST ||
	       netvm_ask(skb->dev, netvm_address6_here, daddr) ? NETVM_SOCKET : NETVM_FORWARD;
}

static enum netvm_counter netvm_ip6(const struct sk_buff *skb, int offset)
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
		return netvm_icmp6(skb, offset);
	if (proto == IPPROTO_UDP)
		return netvm_unwanted6(skb, &ip->daddr);
	if (proto != IPPROTO_TCP)
		return NETVM_PROTO;
	ports = skb_header_pointer(skb, offset, sizeof(_ports), _ports);
	if (!ports)
		return NETVM_PROTO;
	flow = (struct netvm_flow6) { &ip->saddr, &ip->daddr, ports[0], ports[1] };
	return netvm_ask(skb->dev, netvm_tcp6_here, &flow) ? NETVM_PASSED :
						     netvm_unwanted6(skb, &ip->daddr);
}
#else
static enum netvm_counter netvm_ip6(const struct sk_buff *skb, int offset)
{
	return NETVM_PROTO;
}
#endif

/* Requests and replies for an address of ours. */
static enum netvm_counter netvm_arp(const struct sk_buff *skb, int offset)
{
	struct {
		struct arphdr head;
		u8 sender_mac[ETH_ALEN];
		__be32 sender;
		u8 target_mac[ETH_ALEN];
		__be32 target;
	} __packed _arp, *arp;
	__be32 target;

	arp = skb_header_pointer(skb, offset, sizeof(_arp), &_arp);
	if (!arp || arp->head.ar_hln != ETH_ALEN || arp->head.ar_pln != sizeof(__be32))
		return NETVM_NEIGH;
	target = arp->target;
	return netvm_ask(skb->dev, netvm_address4_here, &target) ? NETVM_PASSED : NETVM_NEIGH;
}

static enum netvm_counter netvm_judge(const struct sk_buff *skb)
{
	__be16 proto = skb->protocol;
	struct vlan_hdr _vlan, *vlan;
	int offset = 0;

	/* What is above the card, a bridge or a VLAN for example, may have another address */
	if (skb->pkt_type == PACKET_OTHERHOST && !rcu_access_pointer(skb->dev->rx_handler) &&
	    !skb_vlan_tag_present(skb) && !eth_type_vlan(proto))
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
	/* Of a bridge or a VLAN, say: nobody on this machine wants it */
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
bool netvm_wanted(const struct sk_buff *skb)
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
 * netvm_drop_ofo - test whether a packet out of order must be dropped
 * @sk: a TCP socket, locked
 * @skb: a packet for it that waits for another one first
 *
 * What waits for a packet that was lost must leave buffers to receive it. Rings may hold
 * more than half of the reserve by themselves (e1000): TCP gets hardly anywhere where it
 * keeps nothing that is out of order.
 *
 * Context: Softirq, or process context.
 * Return: true if @skb is an emergency packet, and the socket holds as much as there is
 *	for it, or half of that while half of the reserve is in use
 */
bool netvm_drop_ofo(const struct sock *sk, const struct sk_buff *skb)
{
	if (!skb_pfmemalloc(skb) ||
	    netvm_sock_holds(sk) < netvm_rx_share() / (netvm_rx_half() ? 2 : 1))
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

static int __init netvm_filter_init(void)
{
	return proc_create_single("netvm", 0444, init_net.proc_net, netvm_show) ? 0 : -ENOMEM;
}
late_initcall(netvm_filter_init);
