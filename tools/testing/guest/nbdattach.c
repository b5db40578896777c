// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: attach an NBD export to a block device, and stay for as long as
 * it is attached. nbd-client does the same, but with ten megabytes of libraries
 * that a guest of 96 MB does not have to spare.
 *
 *	nbdattach DEVICE ADDRESS PORT
 *
 * Prints the size; the device is ready when it has that size.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nbd.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define NBD_OPTION 0x49484156454f5054ull	/* "IHAVEOPT" */
#define NBD_OPT_EXPORT_NAME 1
#define NBD_FIXED_NEWSTYLE 1			/* both directions */
#define NBD_NO_ZEROES 2
#define TIMEOUT_SECONDS 0			/* wait for the server for ever */

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

static void receive(int sock, void *data, size_t len)
{
	ssize_t n = recv(sock, data, len, MSG_WAITALL);

	if (n != (ssize_t)len) {
		if (n >= 0)
			errno = ECONNRESET;
		fail("negotiation");
	}
}

static int open_connection(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)))
		fail("connect");
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return sock;
}

/* Asks for the default export. */
static struct export negotiate(int sock)
{
	struct choice choice = { .option = htobe64(NBD_OPTION),
				 .number = htonl(NBD_OPT_EXPORT_NAME) };
	struct greeting greeting;
	struct export export;

	receive(sock, &greeting, sizeof(greeting));
	if (be64toh(greeting.option) != NBD_OPTION) {
		errno = EPROTO;
		fail("greeting");
	}
	choice.flags = htonl(ntohs(greeting.flags) & (NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES));
	if (send(sock, &choice, sizeof(choice), MSG_NOSIGNAL) != sizeof(choice))
		fail("negotiation");
	receive(sock, &export, sizeof(export));
	if (!(ntohs(greeting.flags) & NBD_NO_ZEROES)) {
		uint8_t zeroes[124];

		receive(sock, zeroes, sizeof(zeroes));
	}
	return export;
}

int main(int argc, char **argv)
{
	struct export export;
	int dev, sock;

	if (argc != 4) {
		fprintf(stderr, "usage: nbdattach DEVICE ADDRESS PORT\n");
		return 2;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("mlockall");
	dev = open(argv[1], O_RDWR | O_CLOEXEC);
	if (dev < 0)
		fail(argv[1]);
	sock = open_connection(argv[2], argv[3]);
	export = negotiate(sock);
	if (ioctl(dev, NBD_SET_BLKSIZE, 4096ul) ||
	    ioctl(dev, NBD_SET_SIZE_BLOCKS, (unsigned long)(be64toh(export.size) / 4096)) ||
	    ioctl(dev, NBD_SET_FLAGS, (unsigned long)ntohs(export.flags)) ||
	    ioctl(dev, NBD_SET_TIMEOUT, (unsigned long)TIMEOUT_SECONDS) ||
	    ioctl(dev, NBD_SET_SOCK, (unsigned long)sock))
		fail(argv[1]);
	printf("nbdattach: %s has %llu bytes\n", argv[1],
	       (unsigned long long)be64toh(export.size));
	fflush(stdout);
	/* Returns when the device is detached or the connection lost. */
	if (ioctl(dev, NBD_DO_IT) && errno != EBADR)
		fail("NBD_DO_IT");
	return 0;
}
