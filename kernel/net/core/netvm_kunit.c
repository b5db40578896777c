// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the network stack does with the mark of emergency packets.
 *
 * A packet that takes over pages of the receive reserve and is not marked passes the
 * filter, and holds them for as long as whoever gets it likes.
 */

#include <kunit/test.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/tcp.h>

/* More than a head has room for */
#define PAYLOAD		1400

static void netvm_test_add_page(struct kunit *test, struct sk_buff *skb)
{
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, PAYLOAD, PAGE_SIZE);
}

static struct sk_buff *netvm_test_fragment(struct kunit *test, bool emergency)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	netvm_test_add_page(test, skb);
	skb->pfmemalloc = emergency;
	return skb;
}

static void netvm_test_coalesce(struct kunit *test)
{
	int i;

	for (i = 0; i < 4; i++) {
		struct sk_buff *to = netvm_test_fragment(test, i & 1);
		struct sk_buff *from = netvm_test_fragment(test, i & 2);
		bool stolen;
		int delta;

		KUNIT_EXPECT_TRUE(test, skb_try_coalesce(to, from, &stolen, &delta));
		KUNIT_EXPECT_EQ(test, to->len, 2 * PAYLOAD);
		KUNIT_EXPECT_EQ_MSG(test, (bool)to->pfmemalloc, i > 0, "case %d", i);
		kfree_skb(from);
		kfree_skb(to);
	}
}

/* Segment @number of a connection that nobody here has. */
static struct sk_buff *netvm_test_segment(struct kunit *test, struct net_device *dev,
					  int number, bool emergency)
{
	struct sk_buff *skb = netdev_alloc_skb_ip_align(dev, 128);
	struct tcphdr *th;
	struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_mac_header(skb);
	skb->protocol = htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = 64;
	iph->protocol = IPPROTO_TCP;
	iph->frag_off = htons(IP_DF);
	iph->saddr = htonl(0xc0000201);	/* 192.0.2.1, RFC 5737 */
	iph->daddr = htonl(0xc0000202);
	iph->tot_len = htons(sizeof(*iph) + sizeof(*th) + PAYLOAD);
	ip_send_check(iph);
	th = skb_put_zero(skb, sizeof(*th));
	th->source = htons(7700);
	th->dest = htons(40000);
	th->doff = sizeof(*th) / 4;
	th->ack = 1;
	th->seq = htonl(number * PAYLOAD);
	netvm_test_add_page(test, skb);
	skb->pfmemalloc = emergency;
	return skb;
}

static int netvm_test_poll(struct napi_struct *napi, int budget)
{
	return 0;
}

/* Whether GRO makes one packet of two, of which each may be an emergency packet. */
static bool netvm_test_merged(struct kunit *test, netdev_features_t features,
			      bool first, bool second)
{
	struct net_device *dev = alloc_netdev_dummy(sizeof(struct napi_struct));
	struct sk_buff *skbs[2];
	gro_result_t result[2];
	struct napi_struct *napi;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->features = NETIF_F_GRO | features;
	napi = netdev_priv(dev);
	netif_napi_add(dev, napi, netvm_test_poll);
	napi_enable(napi);
	skbs[0] = netvm_test_segment(test, dev, 0, first);
	skbs[1] = netvm_test_segment(test, dev, 1, second);
	local_bh_disable();
	KUNIT_EXPECT_TRUE(test, napi_schedule_prep(napi));
	for (i = 0; i < 2; i++)
		result[i] = napi_gro_receive(napi, skbs[i]);
	/* Up the stack, which knows neither the device nor the address */
	napi_complete_done(napi, 1);
	local_bh_enable();
	napi_disable(napi);
	netif_napi_del(napi);
	free_netdev(dev);
	KUNIT_EXPECT_EQ(test, result[0], GRO_HELD);
	return result[1] == GRO_MERGED || result[1] == GRO_MERGED_FREE;
}

static void netvm_test_gro_of(struct kunit *test, netdev_features_t features)
{
	KUNIT_EXPECT_TRUE(test, netvm_test_merged(test, features, false, false));
	KUNIT_EXPECT_TRUE(test, netvm_test_merged(test, features, true, true));
	KUNIT_EXPECT_FALSE(test, netvm_test_merged(test, features, false, true));
	KUNIT_EXPECT_FALSE(test, netvm_test_merged(test, features, true, false));
}

static void netvm_test_gro(struct kunit *test)
{
	netvm_test_gro_of(test, 0);
}

static void netvm_test_gro_list(struct kunit *test)
{
	netvm_test_gro_of(test, NETIF_F_GRO_FRAGLIST);
}

static struct kunit_case netvm_cases[] = {
	KUNIT_CASE(netvm_test_coalesce),
	KUNIT_CASE(netvm_test_gro),
	KUNIT_CASE(netvm_test_gro_list),
	{}
};

static struct kunit_suite netvm_suite = {
	.name = "netvm",
	.test_cases = netvm_cases,
};

kunit_test_suite(netvm_suite);

MODULE_DESCRIPTION("KUnit tests of emergency packets");
MODULE_LICENSE("GPL");
