// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: takes packets and keeps them: the memory that swap then lacks.
 *
 *	sink --kind KIND [--sockets N] [--port N] [--rcvbuf BYTES] ...
 *
 *	udp	--sockets sockets from --port on, of IPv6 and IPv4, in multicast group
 *		--group if given; nobody reads them, unless --drain
 *	tcp	listeners that accept, and never read what was sent
 *	packet	packet sockets that hear everything, or only Ethernet protocol --proto,
 *		and are never read
 *	raw	the same with raw sockets and IPv4's protocol --proto
 *	nfqueue	takes every packet of queue --port and never gives a verdict
 *	tun	interface --name, which transmits --rate packets a second
 *	tap	the same with Ethernet frames, for bridges
 *	flusher	connections of an I/O flusher (PR_SET_IO_FLUSHER) to --sockets ports
 *		of --to from --port on, made again until there is somebody, never read
 *
 * --rcvbuf is forced past the system's limit (SO_RCVBUFFORCE). All memory is
 * locked; once a second it prints what is held, with --drain each time it has read.
 * SIGTERM ends it.
 *
 * Nothing accounts for what waits in a netfilter queue or for a slow interface:
 * --length says how many packets may, or a flood would take all memory by
 * itself and say nothing about swap.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SOCKETS 16384

/**
 * struct options - the command line
 * @kind: what to be
 * @sockets: number of sockets or listeners
 * @port: first port, or number of the netfilter queue
 * @rcvbuf: receive buffer to force, 0 for the system's default
 * @group: multicast group to join, NULL for none
 * @name: of the tun or tap interface
 * @rate: packets per second that leave by it
 * @length: of the netfilter queue or the interface's queue, packets
 * @proto: protocol that packet and raw sockets hear
 * @to: address to connect to
 * @drain: read what comes, and count it
 */
struct options {
	const char *kind;
	unsigned long sockets;
	unsigned long port;
	unsigned long rcvbuf;
	const char *group;
	const char *name;
	unsigned long rate;
	unsigned long length;
	unsigned long proto;
	struct in_addr to;
	int drain;
};

static int fds[MAX_SOCKETS];
static unsigned int nr_fds;
static unsigned long packets;

static void fail(const char *what)
{
	fprintf(stderr, "sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void force_rcvbuf(int fd, const struct options *opt)
{
	/* The kernel doubles it, and what is more than INT_MAX / 2 is cut. */
	int size = opt->rcvbuf;

	if (size && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		fail("SO_RCVBUFFORCE");
}

static void keep(int fd)
{
	if (nr_fds == MAX_SOCKETS) {
		errno = EMFILE;
		fail("sockets");
	}
	fds[nr_fds++] = fd;
}

static void open_inet(const struct options *opt, int type)
{
	struct ip_mreqn group = { };

	for (unsigned long i = 0; i < opt->sockets; i++) {
		struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					    .sin6_port = htons(opt->port + i) };
		int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		int on = 1;

		if (fd < 0)
			fail("socket");
		force_rcvbuf(fd, opt);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
			fail("bind");
		if (type == SOCK_STREAM && listen(fd, 4096))
			fail("listen");
		if (opt->group) {
			inet_pton(AF_INET, opt->group, &group.imr_multiaddr);
			group.imr_ifindex = if_nametoindex("eth0");
			if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group,
				       sizeof(group)))
				fail("IP_ADD_MEMBERSHIP");
		}
		keep(fd);
	}
}

static void open_raw(const struct options *opt, int family, int protocol)
{
	for (unsigned long i = 0; i < opt->sockets; i++) {
		int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);

		if (fd < 0)
			fail("raw socket");
		force_rcvbuf(fd, opt);
		keep(fd);
	}
}

/* Sends the netfilter queue one attribute of configuration. */
static void configure_queue(int fd, const struct options *opt, uint16_t type,
			    const void *data, size_t len)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
		struct nlattr attr;
		uint8_t data[16];
	} req = {
		.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)) +
				 NLA_ALIGN(NLA_HDRLEN + len),
		.nlh.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nfg.nfgen_family = AF_UNSPEC,
		.nfg.version = NFNETLINK_V0,
		.nfg.res_id = htons(opt->port),
		.attr.nla_len = NLA_HDRLEN + len,
		.attr.nla_type = type,
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		uint8_t more[128];
	} reply;

	memcpy(req.data, data, len);
	if (send(fd, &req, req.nlh.nlmsg_len, 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0)
		fail("netfilter queue");
	if (reply.nlh.nlmsg_type == NLMSG_ERROR && reply.err.error) {
		errno = -reply.err.error;
		fail("netfilter queue");
	}
}

static void open_nfqueue(const struct options *opt)
{
	struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(128), .copy_mode = NFQNL_COPY_PACKET,
	};
	uint32_t length = htonl(opt->length);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		fail("netlink socket");
	configure_queue(fd, opt, NFQA_CFG_CMD, &bind, sizeof(bind));
	configure_queue(fd, opt, NFQA_CFG_PARAMS, &params, sizeof(params));
	configure_queue(fd, opt, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof(length));
	force_rcvbuf(fd, opt);
	keep(fd);
}

static void open_tun(const struct options *opt, int mode)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { };

	if (fd < 0 || sock < 0)
		fail("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", opt->name);
	ifr.ifr_flags = mode | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &ifr))
		fail("TUNSETIFF");
	ifr.ifr_qlen = opt->length;
	if (ioctl(sock, SIOCSIFTXQLEN, &ifr))
		fail("SIOCSIFTXQLEN");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		fail("bring the interface up");
	close(sock);
	keep(fd);
}

static void open_flusher(const struct options *opt)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		fail("PR_SET_IO_FLUSHER");
	for (unsigned long i = 0; i < opt->sockets; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			fail("socket");
		force_rcvbuf(fd, opt);
		keep(fd);
	}
}

/* What was refused is tried again, what is connected says so. */
static void connect_all(const struct options *opt)
{
	for (unsigned long i = 0; i < opt->sockets; i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = opt->to,
					  .sin_port = htons(opt->port + i) };

		connect(fds[i], (struct sockaddr *)&to, sizeof(to));
	}
}

static void accept_all(const struct options *opt)
{
	for (unsigned long i = 0; i < opt->sockets; i++) {
		int fd;

		while ((fd = accept4(fds[i], NULL, NULL, SOCK_CLOEXEC)) >= 0)
			keep(fd);
	}
}

static void read_some(unsigned long most)
{
	static uint8_t data[65536];

	for (unsigned int i = 0; i < nr_fds; i++)
		for (; most && read(fds[i], data, sizeof(data)) > 0; most--)
			packets++;
}

static unsigned long held(void)
{
	unsigned long bytes = 0;

	for (unsigned int i = 0; i < nr_fds; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { };
		socklen_t len = sizeof(info);

		if (!getsockopt(fds[i], SOL_SOCKET, SO_MEMINFO, info, &len))
			bytes += info[SK_MEMINFO_RMEM_ALLOC];
	}
	return bytes;
}

static void be(const struct options *opt)
{
	struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };
	int tun = !strcmp(opt->kind, "tun") || !strcmp(opt->kind, "tap");
	int flusher = !strcmp(opt->kind, "flusher");
	int tcp = !strcmp(opt->kind, "tcp");

	for (unsigned long tick = 0;; tick++) {
		if (tcp)
			accept_all(opt);
		if (flusher)
			connect_all(opt);
		if (tun)
			read_some(opt->rate / 10);
		else if (opt->drain)
			read_some(~0ul);
		if (opt->drain || tick % 10 == 0) {
			printf("sink: %s %u sockets, held %lu bytes, read %lu packets\n",
			       opt->kind, nr_fds, held(), packets);
			fflush(stdout);
		}
		nanosleep(&tenth, NULL);
	}
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text || value > max) {
		fprintf(stderr, "sink: %s is not a number up to %lu\n", text, max);
		exit(2);
	}
	return value;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: sink --kind udp|tcp|packet|raw|nfqueue|tun|tap|flusher [--sockets N]\n"
		"            [--port N] [--to ADDRESS] [--rcvbuf BYTES] [--group ADDRESS] [--name IF]\n"
		"            [--rate N] [--length N] [--proto N] [--drain]\n");
	exit(2);
}

static void open_all(const struct options *opt)
{
	if (!strcmp(opt->kind, "udp"))
		open_inet(opt, SOCK_DGRAM);
	else if (!strcmp(opt->kind, "tcp"))
		open_inet(opt, SOCK_STREAM);
	else if (!strcmp(opt->kind, "packet"))
		open_raw(opt, AF_PACKET, htons(opt->proto));
	else if (!strcmp(opt->kind, "raw"))
		open_raw(opt, AF_INET, opt->proto);
	else if (!strcmp(opt->kind, "nfqueue"))
		open_nfqueue(opt);
	else if (!strcmp(opt->kind, "tun"))
		open_tun(opt, IFF_TUN);
	else if (!strcmp(opt->kind, "tap"))
		open_tun(opt, IFF_TAP);
	else if (!strcmp(opt->kind, "flusher"))
		open_flusher(opt);
	else
		usage();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "sockets", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' },
		{ "rcvbuf", required_argument, NULL, 'b' },
		{ "group", required_argument, NULL, 'g' },
		{ "name", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'r' },
		{ "length", required_argument, NULL, 'l' },
		{ "proto", required_argument, NULL, 'P' },
		{ "to", required_argument, NULL, 't' },
		{ "drain", no_argument, NULL, 'd' },
		{ }
	};
	struct options opt = { .sockets = 1, .port = 20000, .name = "slow0",
			       .length = 1000, .proto = ETH_P_ALL };
	struct rlimit files = { MAX_SOCKETS + 64, MAX_SOCKETS + 64 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'k': opt.kind = optarg; break;
		case 's': opt.sockets = number(optarg, MAX_SOCKETS / 2); break;
		case 'p': opt.port = number(optarg, 65535); break;
		case 'b': opt.rcvbuf = number(optarg, 1u << 30); break;
		case 'g': opt.group = optarg; break;
		case 'n': opt.name = optarg; break;
		case 'r': opt.rate = number(optarg, 1000000); break;
		case 'l': opt.length = number(optarg, 1000000); break;
		case 'P': opt.proto = number(optarg, 65535); break;
		case 't':
			if (inet_pton(AF_INET, optarg, &opt.to) != 1)
				usage();
			break;
		case 'd': opt.drain = 1; break;
		default: usage();
		}
	}
	if (!opt.kind || !opt.sockets || optind != argc)
		usage();
	if (mlockall(MCL_CURRENT | MCL_FUTURE) || setrlimit(RLIMIT_NOFILE, &files))
		fail("mlockall");
	open_all(&opt);
	be(&opt);
}
