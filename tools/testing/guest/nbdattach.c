// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: attach an NBD export to a block device, and stay for as long as
 * it is attached. nbd-client does the same, but with ten megabytes of libraries
 * that a guest of 96 MB does not have to spare.
 *
 *	nbdattach DEVICE ADDRESS PORT [persist]
 *
 * Prints the size; the device is ready when it has that size.
 *
 * persist: attach it by netlink, and connect again when the connection is lost, as a
 * program must on which swap depends: an I/O flusher whose memory is locked, and which
 * allocates nothing and prints nothing meanwhile. SIGTERM detaches the device.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define NBD_OPTION 0x49484156454f5054ull	/* "IHAVEOPT" */
#define NBD_OPT_EXPORT_NAME 1
#define NBD_FIXED_NEWSTYLE 1			/* both directions */
#define NBD_NO_ZEROES 2
#define TIMEOUT_SECONDS 0			/* wait for the server for ever */
#define BLOCK_SIZE 4096
#define PERSIST_TIMEOUT 5			/* seconds, then a request is sent again */
#define PERSIST_DEAD 600			/* seconds without a connection */
#define PERSIST_RETRY_MS 200
#define CONNECT_SECONDS 5

struct greeting {
	uint64_t magic;
	uint64_t option;
	uint16_t flags;
} __attribute__((packed));

struct choice {
	uint32_t flags;
	uint64_t option;
	uint32_t number;
	uint32_t length;
} __attribute__((packed));

struct export {
	uint64_t size;
	uint16_t flags;
} __attribute__((packed));

static void fail(const char *what)
{
	fprintf(stderr, "nbdattach: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- the server ---------------------------------------------------------- */

static int receive(int sock, void *data, size_t len)
{
	ssize_t n = recv(sock, data, len, MSG_WAITALL);

	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		errno = ECONNRESET;
	return -1;
}

/* Asks for the default export. */
static int negotiate(int sock, struct export *export)
{
	struct choice choice = { .option = htobe64(NBD_OPTION),
				 .number = htonl(NBD_OPT_EXPORT_NAME) };
	struct greeting greeting;
	uint8_t zeroes[124];

	if (receive(sock, &greeting, sizeof(greeting)))
		return -1;
	if (be64toh(greeting.option) != NBD_OPTION) {
		errno = EPROTO;
		return -1;
	}
	choice.flags = htonl(ntohs(greeting.flags) & (NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES));
	if (send(sock, &choice, sizeof(choice), MSG_NOSIGNAL) != sizeof(choice) ||
	    receive(sock, export, sizeof(*export)))
		return -1;
	return ntohs(greeting.flags) & NBD_NO_ZEROES ? 0 : receive(sock, zeroes, sizeof(zeroes));
}

static void set_patience(int sock, int seconds)
{
	struct timeval time = { .tv_sec = seconds };

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

/* Returns a connection that the kernel can have, or -1. */
static int open_connection(const struct sockaddr_in *to, struct export *export)
{
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (sock < 0)
		return -1;
	set_patience(sock, CONNECT_SECONDS);
	if (connect(sock, (const struct sockaddr *)to, sizeof(*to)) ||
	    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    negotiate(sock, export)) {
		int error = errno;

		close(sock);
		errno = error;
		return -1;
	}
	set_patience(sock, 0);
	return sock;
}

/* -- netlink --------------------------------------------------------------- */

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	uint8_t data[256];
};

static void begin(struct request *req, int type, int command)
{
	memset(req, 0, sizeof(*req));
	req->nlh = (struct nlmsghdr) { .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = type,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
	req->genl = (struct genlmsghdr) { .cmd = command, .version = 1 };
}

/* Returns where the attribute is: what is put next may be nested in it. */
static struct nlattr *put(struct request *req, int type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)req + NLMSG_ALIGN(req->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((void *)attr + NLA_HDRLEN, data, len);
	req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) + NLA_ALIGN(attr->nla_len);
	return attr;
}

static void put_u64(struct request *req, int type, uint64_t value)
{
	put(req, type, &value, sizeof(value));
}

static void put_socket(struct request *req, int sock)
{
	struct nlattr *list = put(req, NBD_ATTR_SOCKETS | NLA_F_NESTED, NULL, 0);
	struct nlattr *item = put(req, NBD_SOCK_ITEM | NLA_F_NESTED, NULL, 0);
	struct nlattr *fd = put(req, NBD_SOCK_FD, &sock, sizeof(sock));

	item->nla_len += NLA_ALIGN(fd->nla_len);
	list->nla_len += NLA_ALIGN(item->nla_len);
}

/* Sends @req and receives what it is answered, in @reply, until the acknowledgment. */
static int ask(int nl, struct request *req, void *reply, size_t size)
{
	union {
		struct nlmsghdr nlh;
		uint8_t data[4096];
	} in;

	if (send(nl, req, req->nlh.nlmsg_len, 0) < 0)
		return -1;
	for (;;) {
		ssize_t n = recv(nl, &in, sizeof(in), 0);
		const struct nlmsgerr *error = NLMSG_DATA(&in.nlh);

		if (n < (ssize_t)NLMSG_HDRLEN)
			return -1;
		if (in.nlh.nlmsg_type == NLMSG_ERROR) {
			errno = -error->error;
			return errno ? -1 : 0;
		}
		if (reply)
			memcpy(reply, &in, (size_t)n < size ? (size_t)n : size);
	}
}

static int nbd_family(int nl)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		uint8_t data[1024];
	} reply = { };
	struct request req;
	const struct nlattr *attr = (void *)reply.data;

	begin(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(&req, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof(NBD_GENL_FAMILY_NAME));
	if (ask(nl, &req, &reply, sizeof(reply)))
		fail("netlink family nbd");
	for (; attr->nla_len; attr = (const void *)attr + NLA_ALIGN(attr->nla_len))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(const uint16_t *)((const void *)attr + NLA_HDRLEN);
	errno = ENOENT;
	fail("netlink family nbd");
	return -1;
}

/* -- the device ------------------------------------------------------------ */

static void ready(const char *device, uint64_t size)
{
	printf("nbdattach: %s has %llu bytes\n", device, (unsigned long long)size);
	fflush(stdout);
}

/* Returns when the device is detached or the connection lost. */
static void attach(const char *device, int sock, const struct export *export)
{
	uint64_t size = be64toh(export->size);
	int dev = open(device, O_RDWR | O_CLOEXEC);

	if (dev < 0 || ioctl(dev, NBD_SET_BLKSIZE, (unsigned long)BLOCK_SIZE) ||
	    ioctl(dev, NBD_SET_SIZE_BLOCKS, (unsigned long)(size / BLOCK_SIZE)) ||
	    ioctl(dev, NBD_SET_FLAGS, (unsigned long)ntohs(export->flags)) ||
	    ioctl(dev, NBD_SET_TIMEOUT, (unsigned long)TIMEOUT_SECONDS) ||
	    ioctl(dev, NBD_SET_SOCK, (unsigned long)sock))
		fail(device);
	ready(device, size);
	if (ioctl(dev, NBD_DO_IT) && errno != EBADR)
		fail("NBD_DO_IT");
}

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

/* Returns with a new *@sock, or when a signal of those that are not in @waiting came. */
static void connect_again(const struct sockaddr_in *to, int nl, int family, uint32_t index,
			  const sigset_t *waiting, int *sock)
{
	const struct timespec pause = { .tv_nsec = PERSIST_RETRY_MS * 1000 * 1000 };
	struct export export;
	struct request req;

	close(*sock);
	while (!ended) {
		*sock = open_connection(to, &export);
		if (*sock >= 0) {
			begin(&req, family, NBD_CMD_RECONFIGURE);
			put(&req, NBD_ATTR_INDEX, &index, sizeof(index));
			put_socket(&req, *sock);
			if (!ask(nl, &req, NULL, 0))
				return;
			close(*sock);
		}
		ppoll(NULL, 0, &pause, waiting);
	}
}

static void attach_persistently(const char *device, const struct sockaddr_in *to, int sock,
				const struct export *export)
{
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int family = nbd_family(nl);
	struct sigaction action = { .sa_handler = end };
	uint32_t index = strtoul(strpbrk(device, "0123456789") ?: "", NULL, 10);
	struct request req;
	sigset_t block, waiting;

	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		fail("PR_SET_IO_FLUSHER");
	begin(&req, family, NBD_CMD_CONNECT);
	put(&req, NBD_ATTR_INDEX, &index, sizeof(index));
	put_u64(&req, NBD_ATTR_SIZE_BYTES, be64toh(export->size));
	put_u64(&req, NBD_ATTR_BLOCK_SIZE_BYTES, BLOCK_SIZE);
	put_u64(&req, NBD_ATTR_TIMEOUT, PERSIST_TIMEOUT);
	put_u64(&req, NBD_ATTR_DEAD_CONN_TIMEOUT, PERSIST_DEAD);
	put_u64(&req, NBD_ATTR_SERVER_FLAGS, ntohs(export->flags));
	put_socket(&req, sock);
	if (ask(nl, &req, NULL, 0))
		fail(device);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &waiting);
	sigaction(SIGTERM, &action, NULL);
	ready(device, be64toh(export->size));
	while (!ended) {
		struct pollfd fd = { .fd = sock, .events = POLLRDHUP };

		if (ppoll(&fd, 1, NULL, &waiting) > 0)
			connect_again(to, nl, family, index, &waiting, &sock);
	}
	begin(&req, family, NBD_CMD_DISCONNECT);
	put(&req, NBD_ATTR_INDEX, &index, sizeof(index));
	if (ask(nl, &req, NULL, 0))
		fail("detach");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct export export;
	int sock;

	if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "persist"))) {
		fprintf(stderr, "usage: nbdattach DEVICE ADDRESS PORT [persist]\n");
		return 2;
	}
	to.sin_port = htons(atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		errno = EINVAL;
		fail(argv[2]);
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("mlockall");
	sock = open_connection(&to, &export);
	if (sock < 0)
		fail("connection");
	if (argc == 5)
		attach_persistently(argv[1], &to, sock, &export);
	else
		attach(argv[1], sock, &export);
	return 0;
}
