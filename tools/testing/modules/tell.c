// SPDX-License-Identifier: GPL-2.0
/*
 * What is looked at when it stands still, before memory is given back.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/delay.h>
#include <linux/netdevice.h>
#include <linux/sched/debug.h>
#include <linux/sysrq.h>
#include <net/inet_hashtables.h>
#include <net/tcp.h>

#include "exhaust.h"

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

/* @task: who waits, or NULL */
void tell_state(struct task_struct *task)
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
