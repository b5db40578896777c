// SPDX-License-Identifier: GPL-2.0
/*
 * bench ADDR PORT: what a server does for one connection, as numbers.
 *
 * One thread, blocking socket, a window of requests of one size.  It measures
 * itself as much as the server: read the numbers against each other, and as a
 * lower bound.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define MAX_SAMPLES	2000000
#define AREA		(64u << 20)

static double samples[MAX_SAMPLES];	/* us */
static double sent_at[RSWAP_MAX_DEPTH];
static char data[RSWAP_MAX_IO + sizeof(struct rswap_hdr)];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		CHECK(n > 0);
		buf = (const char *)buf + n;
		len -= (size_t)n;
	}
}

static void get(int fd, void *buf, size_t len)
{
	CHECK(!len || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len);
}

static void request(int fd, uint8_t op, uint32_t tag, uint64_t offset, uint32_t length)
{
	struct rswap_hdr hdr = {
		.magic = htole32(RSWAP_MAGIC), .version = RSWAP_VERSION, .op = op,
		.tag = htole32(tag), .offset = htole64(offset),
		.length = htole32(length),
		.body = htole32(op == RSWAP_OP_WRITE ? length : 0),
	};

	sent_at[tag] = now_us();
	memcpy(data, &hdr, sizeof(hdr));
	put(fd, data, sizeof(hdr) + le32toh(hdr.body));
}

static uint32_t answer(int fd)
{
	static char body[RSWAP_MAX_IO];
	struct rswap_hdr hdr;

	get(fd, &hdr, sizeof(hdr));
	get(fd, body, le32toh(hdr.body));
	CHECK(hdr.status == RSWAP_ST_OK);
	return le32toh(hdr.tag);
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

/* @depth requests of @length bytes under way, at random offsets, for @seconds */
static void measure(int fd, const char *name, uint8_t op, uint32_t length,
		    uint32_t depth, double seconds)
{
	double start = now_us(), end = start + seconds * 1e6, took;
	uint32_t blocks = AREA / length, under_way = 0, tag;
	size_t n = 0;

	for (tag = 0; tag < depth; tag++, under_way++)
		request(fd, op, tag, (uint64_t)((uint32_t)rand() % blocks) * length, length);
	while (under_way) {
		tag = answer(fd);
		under_way--;
		CHECK(n < MAX_SAMPLES);
		samples[n++] = now_us() - sent_at[tag];
		if (now_us() < end) {
			request(fd, op, tag, (uint64_t)((uint32_t)rand() % blocks) * length, length);
			under_way++;
		}
	}
	took = (now_us() - start) / 1e6;
	qsort(samples, n, sizeof(*samples), by_size);
	printf("%-5s %7u x %-3u %9.0f/s %8.0f MB/s   p50 %7.1f us   p99 %7.1f us   p99.9 %8.1f us\n",
	       name, length, depth, (double)n / took,
	       (double)n * length / took / 1e6, samples[n / 2],
	       samples[n * 99 / 100], samples[n * 999 / 1000]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct rswap_hdr hdr = {
		.magic = htole32(RSWAP_MAGIC), .version = RSWAP_VERSION,
		.op = RSWAP_OP_HELLO, .body = htole32(120),
	};
	struct rswap_hello hello = {
		.version_min = htole16(1), .version_max = htole16(1),
		.name = "bench", .size = htole64(AREA), .reserve = htole64(AREA),
		.max_io = htole32(RSWAP_MAX_IO), .depth = htole32(256),
	};
	struct rswap_hello_reply reply;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	static const uint32_t sizes[] = { 4096, 32768, 131072, RSWAP_MAX_IO };

	CHECK(argc == 3 && inet_pton(AF_INET, argv[1], &addr.sin_addr) == 1);
	addr.sin_port = htons((uint16_t)atoi(argv[2]));
	CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	CHECK(getrandom(hello.id, sizeof(hello.id), 0) == sizeof(hello.id));
	put(fd, &hdr, sizeof(hdr));
	put(fd, &hello, sizeof(hello));
	get(fd, &hdr, sizeof(hdr));
	get(fd, &reply, sizeof(reply));
	CHECK(hdr.status == RSWAP_ST_OK && le32toh(reply.slab_size) >= AREA);
	request(fd, RSWAP_OP_SLAB_ALLOC, 0, 0, 0);
	answer(fd);
	for (uint32_t o = 0; o < AREA; o += RSWAP_MAX_IO) {
		request(fd, RSWAP_OP_WRITE, 0, o, RSWAP_MAX_IO);
		answer(fd);
	}
	measure(fd, "READ", RSWAP_OP_READ, 4096, 1, 3);
	measure(fd, "READ", RSWAP_OP_READ, 4096, 32, 3);
	measure(fd, "WRITE", RSWAP_OP_WRITE, 4096, 1, 2);
	measure(fd, "WRITE", RSWAP_OP_WRITE, 4096, 32, 2);
	for (size_t i = 1; i < sizeof(sizes) / sizeof(*sizes); i++) {
		measure(fd, "READ", RSWAP_OP_READ, sizes[i], 8, 2);
		measure(fd, "WRITE", RSWAP_OP_WRITE, sizes[i], 8, 2);
	}
	request(fd, RSWAP_OP_BYE, 0, 0, 0);
	answer(fd);
	return 0;
}
