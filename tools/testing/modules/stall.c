// SPDX-License-Identifier: GPL-2.0
/*
 * A memalloc socket whose peer does not read, as that of a second swap device whose server
 * hangs: once memory is out, it queues what it gets memory for.
 */

#define pr_fmt(fmt) "exhaust: " fmt

#include <linux/delay.h>
#include <linux/in.h>
#include <linux/inet.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <net/sock.h>

#include "exhaust.h"

#define MESSAGES_MAX	16384
#define WAIT_MS		50
#define WAITS		10

static char *stall = "";
module_param(stall, charp, 0444);
MODULE_PARM_DESC(stall, "IPv4 address of who does not read what a memalloc socket sends");
static unsigned short stall_port;
module_param(stall_port, ushort, 0444);
MODULE_PARM_DESC(stall_port, "the port there");

static struct socket *sock;

/* Returns how many messages of @len bytes the socket took. */
static unsigned int send_messages(unsigned int len, unsigned int flags)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | flags };
	struct kvec vec = { page_address(ZERO_PAGE(0)), len };
	unsigned int n;

	for (n = 0; n < MESSAGES_MAX; n++)
		if (kernel_sendmsg(sock, &msg, &vec, 1, len) <= 0)
			break;
	return n;
}

/* While there is memory: until the peer's window is closed, and all buffers are full. */
static void fill(void)
{
	unsigned int waits;

	for (waits = 0; waits < WAITS; waits++) {
		if (send_messages(PAGE_SIZE, 0))
			waits = 0;
		msleep(WAIT_MS);
	}
}

void stall_free(void)
{
	if (!sock)
		return;
	/* What is queued goes at once */
	sock_no_linger(sock->sk);
	sock_release(sock);
	sock = NULL;
}

int stall_create(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(stall_port) };
	int ret;

	if (!*stall)
		return 0;
	if (!in4_pton(stall, -1, (u8 *)&to.sin_addr, -1, NULL))
		return -EINVAL;
	ret = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &sock);
	if (ret)
		return ret;
	sock->sk->sk_allocation = GFP_NOIO;
	sk_set_memalloc(sock->sk);
	ret = kernel_connect(sock, (struct sockaddr *)&to, sizeof(to), 0);
	if (ret) {
		stall_free();
		return ret;
	}
	fill();
	/* Nothing but memory bounds it from now on */
	lock_sock(sock->sk);
	sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sock->sk->sk_sndbuf, INT_MAX / 2);
	release_sock(sock->sk);
	return 0;
}

/* Messages that are packets of their own: that takes most memory. */
void stall_send(void)
{
	unsigned int noreclaim;

	if (!sock)
		return;
	noreclaim = memalloc_noreclaim_save();
	pr_info("%u messages to who does not read\n", send_messages(1, MSG_EOR));
	memalloc_noreclaim_restore(noreclaim);
}
