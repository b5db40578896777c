// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: unrelated traffic at a given rate, for storms.
 *
 *	flood --kind KIND --to ADDRESS [--mac MAC] [--interface eth0] [--rate N]
 *	      [--size BYTES] [--seconds N] [--packets N] [--port N] [--ports N] [--vlan ID]
 *	      [--known] [--other] [--drain SECONDS]
 *
 * All kinds but tcp and serve are frames written by hand to a packet socket, so that
 * nothing on this side (routes, neighbours, ICMP errors) slows them down:
 *
 *	udp	datagrams of --size bytes to --ports ports from --port on;
 *		--to and --mac choose unicast, multicast, or a host that is
 *		reached through the other guest
 *	udp6	the same over IPv6
 *	frag4	first fragments of IPv4 datagrams that are never completed
 *	frag6	the same for IPv6
 *	arp	broadcast requests for --to, each from another sender, or with --known
 *		from this machine
 *	ns	the same by neighbour solicitations to the group of --to, with an
 *		experimental option of --size bytes
 *	syn	TCP SYN from ever other addresses
 *	icmp	echo requests
 *	error	"fragmentation needed" about the last TCP segment that came, or
 *		with --other about one of a connection that there is not
 *	error6	the same over IPv6: "packet too big"
 *	proto	datagrams of an experimental protocol of IPv4
 *	raw	frames of an experimental ethertype, for packet taps
 *	tcp	--ports connections, one to each port, that send what they can
 *	serve	the same to whoever connects to one of --ports ports from --port on
 *
 * --vlan puts frames into a VLAN. With --drain SIGTERM is an end like others, and at the
 * end it waits until the card has sent all frames, and says how many bytes of memory
 * those have that were not sent in so many seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 9216
#define BATCH 32
#define MAX_PORTS 8192
#define SOURCE_PORT 7000
#define QUOTE_MAX (sizeof(struct ip6_hdr) + 8)
#define NARROW 1400		/* the MTU of which errors tell */
#define SOURCES 0x0a4e0000u	/* 10.78.0.0/16: addresses that nobody has */
#define SERVER6 "fd77::1"
#define ETH_P_LAB 0x88b5	/* local experimental ethertype */
#define ND_OPTION_LAB 253	/* RFC 4727: experimental */
#define IPPROTO_LAB 253		/* RFC 3692: experimentation and testing */

/**
 * struct options - the command line
 * @kind: what to send
 * @to: address in text
 * @to4: @to as IPv4, network order
 * @to6: @to as IPv6, mapped if it is IPv4
 * @mac: where frames go
 * @interface: by which they leave
 * @rate: packets per second, 0 for as many as possible
 * @size: bytes of payload
 * @seconds: how long
 * @packets: how many frames at most
 * @port: first destination port
 * @ports: number of them
 * @vlan: its number, 0 for none
 * @known: ask as this machine
 * @other: quote a connection that there is not
 * @drain: seconds to wait at most until the card has sent all, 0 not to
 */
struct options {
	const char *kind;
	const char *to;
	struct in_addr to4;
	struct in6_addr to6;
	uint8_t mac[ETH_ALEN];
	const char *interface;
	unsigned long rate;
	unsigned long size;
	unsigned long seconds;
	unsigned long packets;
	unsigned long port;
	unsigned long ports;
	unsigned long vlan;
	int known;
	int other;
	unsigned long drain;
};

/**
 * struct frame - a frame to be sent
 * @length: bytes of it
 * @data: Ethernet header and what follows
 */
struct frame {
	size_t length;
	uint8_t data[FRAME_MAX] __attribute__((aligned(4)));
};

typedef void (*build_fn)(struct frame *f, const struct options *opt,
			 uint32_t number);

static volatile sig_atomic_t ended;
static uint8_t own_mac[ETH_ALEN];
static struct in_addr own_address;

static void fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* It hears what comes of @protocol, 0 for nothing. */
static int open_packet_socket(const struct options *opt, uint16_t protocol)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { };

	if (fd < 0)
		fail("packet socket");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", opt->interface);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		fail(opt->interface);
	memcpy(own_mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	ll.sll_ifindex = if_nametoindex(opt->interface);
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		fail("bind");
	ifr.ifr_addr.sa_family = AF_INET;
	if (!ioctl(fd, SIOCGIFADDR, &ifr))
		own_address = ((struct sockaddr_in *)&ifr.ifr_addr)->sin_addr;
	return fd;
}

/* One's complement sum of @len bytes at @data, added to @sum. */
static uint32_t add_sum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += p[len - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void *append(struct frame *f, size_t len)
{
	void *at = f->data + f->length;

	f->length += len;
	return memset(at, 0, len);
}

static void add_ethernet(struct frame *f, const struct options *opt, const uint8_t *to,
			 uint16_t protocol)
{
	struct ethhdr *eth;
	uint16_t *tag;

	f->length = 0;
	eth = append(f, sizeof(*eth));
	memcpy(eth->h_dest, to, ETH_ALEN);
	memcpy(eth->h_source, own_mac, ETH_ALEN);
	eth->h_proto = htons(protocol);
	if (!opt->vlan)
		return;
	eth->h_proto = htons(ETH_P_8021Q);
	tag = append(f, 4);
	tag[0] = htons(opt->vlan);
	tag[1] = htons(protocol);
}

static void add_ip(struct frame *f, const struct options *opt, uint8_t protocol,
		   uint32_t source, uint16_t id, uint16_t fragment, size_t payload)
{
	struct iphdr *ip;

	add_ethernet(f, opt, opt->mac, ETH_P_IP);
	ip = append(f, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons(sizeof(*ip) + payload);
	ip->id = htons(id);
	ip->frag_off = htons(fragment);
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->saddr = source;
	ip->daddr = opt->to4.s_addr;
	ip->check = fold(add_sum(ip, sizeof(*ip), 0));
}

static struct ip6_hdr *add_ip6(struct frame *f, const struct options *opt, uint8_t next,
			       size_t payload)
{
	struct ip6_hdr *ip;

	add_ethernet(f, opt, opt->mac, ETH_P_IPV6);
	ip = append(f, sizeof(*ip));
	ip->ip6_flow = htonl(6u << 28);
	ip->ip6_plen = htons(payload);
	ip->ip6_nxt = next;
	ip->ip6_hops = 255;	/* neighbour discovery wants as many */
	inet_pton(AF_INET6, SERVER6, &ip->ip6_src);
	ip->ip6_dst = opt->to6;
	return ip;
}

/* The checksum of all that follows @ip, and its pseudo header. */
static uint16_t sum6(const struct ip6_hdr *ip)
{
	size_t len = ntohs(ip->ip6_plen);
	uint32_t sum = add_sum(&ip->ip6_src, 32, ip->ip6_nxt + len);

	return fold(add_sum(ip + 1, len, sum));
}

/* A checksum of zero says that there is none. */
static uint16_t *add_udp(struct frame *f, const struct options *opt, uint32_t number)
{
	uint16_t *udp = append(f, 8 + opt->size);

	udp[0] = htons(SOURCE_PORT);
	udp[1] = htons(opt->port + number % opt->ports);
	udp[2] = htons(8 + opt->size);
	return udp;
}

static void build_udp(struct frame *f, const struct options *opt, uint32_t number)
{
	add_ip(f, opt, IPPROTO_UDP, own_address.s_addr, number, 0, 8 + opt->size);
	add_udp(f, opt, number);
}

static void build_udp6(struct frame *f, const struct options *opt, uint32_t number)
{
	struct ip6_hdr *ip = add_ip6(f, opt, IPPROTO_UDP, 8 + opt->size);

	add_udp(f, opt, number)[3] = sum6(ip);
}

/* Sender and id together never repeat, so no fragment joins another's queue. */
static void build_frag4(struct frame *f, const struct options *opt, uint32_t number)
{
	uint32_t source = htonl(SOURCES | (number >> 16 & 0xffff));

	add_ip(f, opt, IPPROTO_UDP, source, number, IP_MF, 8 + opt->size);
	add_udp(f, opt, number);
}

static void build_frag6(struct frame *f, const struct options *opt, uint32_t number)
{
	struct ip6_frag *frag;

	add_ip6(f, opt, IPPROTO_FRAGMENT, sizeof(*frag) + 8 + opt->size);
	frag = append(f, sizeof(*frag));
	frag->ip6f_nxt = IPPROTO_UDP;
	frag->ip6f_offlg = IP6F_MORE_FRAG;
	frag->ip6f_ident = htonl(number);
	add_udp(f, opt, number);
}

static void build_arp(struct frame *f, const struct options *opt, uint32_t number)
{
	static const uint8_t everybody[ETH_ALEN] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint32_t sender = opt->known ? own_address.s_addr : htonl(SOURCES | (number & 0xffff));
	uint8_t *arp;

	add_ethernet(f, opt, everybody, ETH_P_ARP);
	arp = append(f, 46);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, own_mac, ETH_ALEN);
	memcpy(arp + 14, &sender, 4);
	memcpy(arp + 24, &opt->to4, 4);
}

static void build_ns(struct frame *f, const struct options *opt, uint32_t number)
{
	size_t units = opt->size / 8 < 255 ? opt->size / 8 : 255;
	struct ip6_hdr *ip = add_ip6(f, opt, IPPROTO_ICMPV6, 32 + 8 * units);
	uint8_t *icmp = append(f, 32 + 8 * units);
	uint16_t sender = htons(number), check;

	if (!opt->known) {
		ip->ip6_src.s6_addr[13] = 0x4e;
		memcpy(ip->ip6_src.s6_addr + 14, &sender, 2);
	}
	inet_pton(AF_INET6, "ff02::1:ff00:0", &ip->ip6_dst);
	memcpy(ip->ip6_dst.s6_addr + 13, opt->to6.s6_addr + 13, 3);
	icmp[0] = 135;	/* neighbour solicitation */
	memcpy(icmp + 8, &opt->to6, sizeof(opt->to6));
	icmp[24] = 1;	/* option: the sender's hardware address */
	icmp[25] = 1;
	memcpy(icmp + 26, own_mac, ETH_ALEN);
	if (units) {
		icmp[32] = ND_OPTION_LAB;
		icmp[33] = units;
	}
	check = sum6(ip);
	memcpy(icmp + 2, &check, 2);
}

static void build_syn(struct frame *f, const struct options *opt, uint32_t number)
{
	uint32_t source = htonl(SOURCES | (number & 0xffff)), sum;
	struct tcphdr *tcp;

	add_ip(f, opt, IPPROTO_TCP, source, number, 0, sizeof(*tcp));
	tcp = append(f, sizeof(*tcp));
	tcp->source = htons(1024 + (number >> 16));
	tcp->dest = htons(opt->port + number % opt->ports);
	tcp->seq = htonl(number);
	tcp->doff = sizeof(*tcp) / 4;
	tcp->syn = 1;
	tcp->window = htons(65535);
	sum = add_sum(&source, 4, IPPROTO_TCP + sizeof(*tcp));
	sum = add_sum(&opt->to4, 4, sum);
	tcp->check = fold(add_sum(tcp, sizeof(*tcp), sum));
}

static void build_icmp(struct frame *f, const struct options *opt, uint32_t number)
{
	uint8_t *icmp;
	uint16_t check;

	add_ip(f, opt, IPPROTO_ICMP, own_address.s_addr, number, 0, 8 + opt->size);
	icmp = append(f, 8 + opt->size);
	icmp[0] = 8;	/* echo request */
	check = fold(add_sum(icmp, 8, 0));
	memcpy(icmp + 2, &check, 2);
}

/*
 * Appends what an error quotes of the TCP segment that came last: the IP header, @header
 * bytes with the protocol at @at, and 8 bytes more. Waits for a first one.
 */
static void add_quote(struct frame *f, const struct options *opt, uint16_t protocol,
		      size_t header, size_t at)
{
	static uint8_t data[ETH_HLEN + QUOTE_MAX], heard[QUOTE_MAX];
	static int fd = -1;
	uint8_t *quote = append(f, header + 8);

	if (fd < 0)
		fd = open_packet_socket(opt, protocol);
	while (recv(fd, data, sizeof(data), heard[at] ? MSG_DONTWAIT : 0) > 0)
		if (data[ETH_HLEN + at] == IPPROTO_TCP)
			memcpy(heard, data + ETH_HLEN, sizeof(heard));
	memcpy(quote, heard, header + 8);
	if (opt->other)
		quote[header] ^= 0xff;
}

static void build_error(struct frame *f, const struct options *opt, uint32_t number)
{
	uint16_t check, mtu = htons(NARROW);
	uint8_t *icmp;

	add_ip(f, opt, IPPROTO_ICMP, own_address.s_addr, number, 0, 8 + 28);
	icmp = append(f, 8);
	icmp[0] = 3;	/* destination unreachable */
	icmp[1] = 4;	/* fragmentation needed */
	memcpy(icmp + 6, &mtu, 2);
	add_quote(f, opt, ETH_P_IP, sizeof(struct iphdr), offsetof(struct iphdr, protocol));
	check = fold(add_sum(icmp, 8 + 28, 0));
	memcpy(icmp + 2, &check, 2);
}

static void build_error6(struct frame *f, const struct options *opt, uint32_t number)
{
	struct ip6_hdr *ip = add_ip6(f, opt, IPPROTO_ICMPV6, 8 + QUOTE_MAX);
	uint8_t *icmp = append(f, 8);
	uint16_t check, mtu = htons(NARROW);

	(void)number;
	icmp[0] = 2;	/* packet too big */
	memcpy(icmp + 6, &mtu, 2);
	add_quote(f, opt, ETH_P_IPV6, sizeof(*ip), offsetof(struct ip6_hdr, ip6_nxt));
	check = sum6(ip);
	memcpy(icmp + 2, &check, 2);
}

static void build_proto(struct frame *f, const struct options *opt, uint32_t number)
{
	add_ip(f, opt, IPPROTO_LAB, own_address.s_addr, number, 0, opt->size);
	append(f, opt->size);
}

static void build_raw(struct frame *f, const struct options *opt, uint32_t number)
{
	add_ethernet(f, opt, opt->mac, ETH_P_LAB);
	memcpy(append(f, opt->size), &number, sizeof(number));
}

static const struct {
	const char *name;
	build_fn build;
} kinds[] = {
	{ "udp", build_udp }, { "udp6", build_udp6 }, { "frag4", build_frag4 },
	{ "frag6", build_frag6 }, { "arp", build_arp }, { "ns", build_ns },
	{ "syn", build_syn }, { "icmp", build_icmp }, { "error", build_error },
	{ "error6", build_error6 }, { "proto", build_proto }, { "raw", build_raw },
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void say(const struct options *opt, unsigned long sent, const char *end)
{
	printf("flood: %s sent %lu%s\n", opt->kind, sent, end);
	fflush(stdout);
}

static build_fn builder(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, kind))
			return kinds[i].build;
	fprintf(stderr, "flood: no kind '%s'\n", kind);
	exit(2);
}

/* How many packets are due @elapsed seconds after the start. */
static unsigned long due(const struct options *opt, double elapsed,
			 unsigned long sent)
{
	unsigned long all = opt->rate ? opt->rate * elapsed : sent + BATCH;

	if (all > opt->packets)
		all = opt->packets;
	if (all < sent)
		return sent;
	/* After a pause the packets missed are not made up for in a burst. */
	return all > sent + BATCH ? sent + BATCH : all;
}

static void on_term(int unused)
{
	(void)unused;
	ended = 1;
}

/* What the card has not sent, or not given back. */
static int unsent(int fd, double seconds)
{
	struct timespec ms10 = { .tv_nsec = 10 * 1000 * 1000 };
	double start = now();
	int bytes;

	do {
		if (ioctl(fd, SIOCOUTQ, &bytes))
			fail("SIOCOUTQ");
		nanosleep(&ms10, NULL);
	} while (bytes && now() - start < seconds);
	return bytes;
}

static void flood_frames(const struct options *opt)
{
	static struct frame frames[BATCH];
	static struct mmsghdr messages[BATCH];
	static struct iovec pieces[BATCH];
	build_fn build = builder(opt->kind);
	int all = 64 << 20;
	int fd = open_packet_socket(opt, 0);
	double start = now(), t = start, told = start, paced = start;
	unsigned long sent = 0;

	if (opt->drain) {
		signal(SIGTERM, on_term);
		/* What waits for a card must not stop it */
		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &all, sizeof(all)))
			fail("SO_SNDBUFFORCE");
	}
	while (t - start < opt->seconds && sent < opt->packets && !ended) {
		unsigned long n = due(opt, t - paced, sent) - sent;
		struct timespec ms = { .tv_nsec = 1000 * 1000 };
		int done;

		for (unsigned long i = 0; i < n; i++) {
			build(&frames[i], opt, sent + i);
			pieces[i].iov_base = frames[i].data;
			pieces[i].iov_len = frames[i].length;
			messages[i].msg_hdr.msg_iov = &pieces[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		done = n ? sendmmsg(fd, messages, n, 0) : 0;
		if (done > 0)
			sent += done;
		else if (done < 0 && errno != ENOBUFS && errno != EAGAIN)
			fail("send");
		/* More than 0.1 s late: count anew from here. */
		if (opt->rate && t - paced > (double)sent / opt->rate + 0.1)
			paced = t - (double)sent / opt->rate;
		if (done <= 0 || opt->rate)
			nanosleep(&ms, NULL);
		t = now();
		if (t - told >= 1) {
			say(opt, sent, "");
			told = t;
		}
	}
	if (opt->drain)
		printf("flood: %d bytes not sent\n", unsent(fd, opt->drain));
	say(opt, sent, ", done");
}

static int open_connection(const struct options *opt, unsigned int i)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = opt->to6,
				   .sin6_port = htons(opt->port + i) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		fail("connect");
	return fd;
}

static int open_listener(const struct options *opt, unsigned int i)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(opt->port + i) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1))
		fail("listen");
	return fd;
}

/* Puts the connections that came in the place of their listeners. */
static void accept_all(int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		int fd = accept4(fds[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		close(fds[i]);
		fds[i] = fd;
	}
}

static void flood_tcp(const struct options *opt)
{
	static uint8_t data[FRAME_MAX];
	static int fds[MAX_PORTS];
	struct timespec ms10 = { .tv_nsec = 10 * 1000 * 1000 };
	struct rlimit files = { MAX_PORTS + 64, MAX_PORTS + 64 };
	double start = now(), t = start, told = start;
	int serve = !strcmp(opt->kind, "serve");
	unsigned long sent = 0;

	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("setrlimit");
	for (unsigned int i = 0; i < opt->ports; i++)
		fds[i] = serve ? open_listener(opt, i) : open_connection(opt, i);
	for (unsigned int i = 0; t - start < opt->seconds; t = now()) {
		unsigned int tried = 0;

		if (serve)
			accept_all(fds, opt->ports);
		for (; tried < opt->ports; tried++) {
			if (opt->rate && sent >= opt->rate * (now() - start))
				break;
			i = (i + 1) % opt->ports;
			if (send(fds[i], data, opt->size, MSG_NOSIGNAL) > 0)
				sent++;
		}
		nanosleep(&ms10, NULL);
		if (t - told >= 1) {
			say(opt, sent, "");
			told = t;
		}
	}
	say(opt, sent, ", done");
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text || value > max) {
		fprintf(stderr, "flood: %s is not a number up to %lu\n", text, max);
		exit(2);
	}
	return value;
}

static void parse_mac(const char *text, uint8_t *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2,
		   mac + 3, mac + 4, mac + 5) != ETH_ALEN) {
		fprintf(stderr, "flood: %s is no hardware address\n", text);
		exit(2);
	}
}

static void usage(void)
{
	fprintf(stderr,
		"usage: flood --kind udp|udp6|frag4|frag6|arp|ns|syn|icmp|error|error6|proto|raw|tcp\n"
		"                   |serve\n"
		"             --to ADDRESS [--mac MAC] [--interface NAME] [--rate PACKETS/S]\n"
		"             [--size BYTES] [--seconds N] [--packets N] [--port N] [--ports N]\n"
		"             [--vlan ID] [--known] [--other] [--drain SECONDS]\n");
	exit(2);
}

static void parse_address(struct options *opt)
{
	if (inet_pton(AF_INET6, opt->to, &opt->to6) == 1)
		return;
	if (inet_pton(AF_INET, opt->to, &opt->to4) != 1)
		usage();
	memset(opt->to6.s6_addr + 10, 0xff, 2);
	memcpy(opt->to6.s6_addr + 12, &opt->to4, 4);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "to", required_argument, NULL, 't' },
		{ "mac", required_argument, NULL, 'm' },
		{ "interface", required_argument, NULL, 'i' },
		{ "rate", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 'd' },
		{ "packets", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "ports", required_argument, NULL, 'n' },
		{ "vlan", required_argument, NULL, 'v' },
		{ "known", no_argument, NULL, 'K' },
		{ "other", no_argument, NULL, 'o' },
		{ "drain", required_argument, NULL, 'D' },
		{ }
	};
	struct options opt = { .interface = "eth0", .rate = 1000, .size = 1400,
			       .seconds = 10, .packets = ULONG_MAX, .port = 20000, .ports = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'k': opt.kind = optarg; break;
		case 't': opt.to = optarg; break;
		case 'm': parse_mac(optarg, opt.mac); break;
		case 'i': opt.interface = optarg; break;
		case 'r': opt.rate = number(optarg, 100000000); break;
		case 's': opt.size = number(optarg, FRAME_MAX - 128); break;
		case 'd': opt.seconds = number(optarg, 86400); break;
		case 'c': opt.packets = number(optarg, ULONG_MAX); break;
		case 'p': opt.port = number(optarg, 65535); break;
		case 'n': opt.ports = number(optarg, MAX_PORTS); break;
		case 'v': opt.vlan = number(optarg, 4094); break;
		case 'K': opt.known = 1; break;
		case 'o': opt.other = 1; break;
		case 'D': opt.drain = number(optarg, 3600); break;
		default: usage();
		}
	}
	if (!opt.kind || !opt.to || !opt.ports || optind != argc)
		usage();
	parse_address(&opt);
	if (!strcmp(opt.kind, "tcp") || !strcmp(opt.kind, "serve"))
		flood_tcp(&opt);
	else
		flood_frames(&opt);
	return 0;
}
