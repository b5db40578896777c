// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: what small things cost, in time that the processors worked.
 *
 *	rate KIND [--count N] [--to ADDRESS] [--netns PID] [--size BYTES]
 *	     [--burst N]
 *	rate exec COMMAND [ARGUMENT]...
 *
 *	udp	--count datagrams of --size bytes to --to: --burst are sent,
 *		then received, so that none is lost
 *	tcp	--count bytes in pieces of --size bytes, each sent, then received
 *	rr	--count round trips of --size bytes each way by TCP
 *	pages	--count pages from the page allocator, unwritten: those in which
 *		a pipe keeps what was written, a byte in each
 *	faults	--count pages of anonymous memory, mapped, cleared and unmapped
 *	exec	the command, which may take its time
 *
 * One process holds both ends of udp, tcp and rr; the end at --to is in the network
 * namespace of --netns, if given. A tenth of --count is done before the clock
 * starts. The last line of the output is
 *
 *	rate: KIND count N elapsed_ns N busy_ns N
 *
 * where busy_ns is what was elapsed while no processor was idle, times their
 * number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT 7100
#define SIZE_MAX_BYTES 65000
#define PAGE 4096u
#define FAULT_PAGES 4096u	/* of one mapping */
#define PIPE_BYTES (1 << 20)
#define PATIENCE 10		/* seconds that a datagram may take */

/**
 * struct options - the command line
 * @count: how many to do
 * @to: where packets go
 * @netns: process in whose network namespace @to is, 0 for our own
 * @size: bytes of payload
 * @burst: datagrams that are under way at the same time
 */
struct options {
	uint64_t count;
	struct sockaddr_in to;
	unsigned long netns;
	unsigned long size;
	unsigned long burst;
};

/**
 * struct moment - a reading of the clocks
 * @now: nanoseconds since whenever
 * @idle: nanoseconds that processors have been idle, all together
 */
struct moment {
	uint64_t now;
	uint64_t idle;
};

static int near, far;
static char data[SIZE_MAX_BYTES];

static void fail(const char *what)
{
	fprintf(stderr, "rate: %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * The only place where the kernel tells idle time exactly, and not in ticks. A
 * processor is idle too when somebody waits for I/O.
 */
static uint64_t idle_ns(void)
{
	FILE *f = fopen("/proc/timer_list", "re");
	uint64_t sum = 0, value;
	unsigned int found = 0;
	char line[256];

	if (!f)
		fail("/proc/timer_list");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " .idle_sleeptime : %" SCNu64, &value) != 1 &&
		    sscanf(line, " .iowait_sleeptime : %" SCNu64, &value) != 1)
			continue;
		sum += value;
		found++;
	}
	fclose(f);
	if (!found) {
		errno = ENODATA;
		fail("idle time in /proc/timer_list");
	}
	return sum;
}

static struct moment moment(void)
{
	struct moment m = { .idle = idle_ns() };
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	m.now = ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
	return m;
}

static void report(const char *kind, uint64_t count, const struct moment *from)
{
	struct moment to = moment();
	uint64_t elapsed = to.now - from->now;

	printf("rate: %s count %" PRIu64 " elapsed_ns %" PRIu64 " busy_ns %" PRIu64 "\n",
	       kind, count, elapsed,
	       elapsed * sysconf(_SC_NPROCESSORS_ONLN) - (to.idle - from->idle));
}

/* -- packets ------------------------------------------------------------ */

/* A socket at the other end, wherever that is. */
static int far_socket(const struct options *opt, int type)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int on = 1, there, fd;
	char path[64];

	if (opt->netns) {
		snprintf(path, sizeof(path), "/proc/%lu/ns/net", opt->netns);
		there = open(path, O_RDONLY | O_CLOEXEC);
		if (there < 0 || setns(there, CLONE_NEWNET))
			fail(path);
		close(there);
	}
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	/* The connection of the run before may be in TIME_WAIT. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&opt->to, sizeof(opt->to)))
		fail("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		fail("SO_RCVTIMEO");
	if (opt->netns && setns(own, CLONE_NEWNET))
		fail("return from the namespace");
	close(own);
	return fd;
}

static void connect_near(const struct options *opt, int type)
{
	struct timeval patience = { .tv_sec = PATIENCE };

	near = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (near < 0 || connect(near, (const struct sockaddr *)&opt->to, sizeof(opt->to)))
		fail("connect");
	if (setsockopt(near, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		fail("SO_RCVTIMEO");
}

static void udp_setup(const struct options *opt)
{
	far = far_socket(opt, SOCK_DGRAM);
	connect_near(opt, SOCK_DGRAM);
}

static uint64_t udp_step(const struct options *opt)
{
	for (unsigned long i = 0; i < opt->burst; i++)
		if (send(near, data, opt->size, 0) != (ssize_t)opt->size)
			fail("send");
	for (unsigned long i = 0; i < opt->burst; i++)
		if (recv(far, data, sizeof(data), 0) != (ssize_t)opt->size)
			fail("a datagram was lost");
	return opt->burst;
}

static void tcp_setup(const struct options *opt)
{
	int listener = far_socket(opt, SOCK_STREAM);
	int on = 1;

	if (listen(listener, 1))
		fail("listen");
	connect_near(opt, SOCK_STREAM);
	far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (far < 0 || setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		fail("accept");
	close(listener);
}

static void pass_on(const struct options *opt, int from, int to)
{
	if (send(from, data, opt->size, 0) != (ssize_t)opt->size)
		fail("send");
	if (recv(to, data, opt->size, MSG_WAITALL) != (ssize_t)opt->size)
		fail("recv");
}

static uint64_t tcp_step(const struct options *opt)
{
	pass_on(opt, near, far);
	return opt->size;
}

static uint64_t rr_step(const struct options *opt)
{
	pass_on(opt, near, far);
	pass_on(opt, far, near);
	return 1;
}

/* -- memory ------------------------------------------------------------- */

/* With O_DIRECT every write has a page of its own. */
static void pages_setup(const struct options *opt)
{
	int ends[2];

	(void)opt;
	if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) ||
	    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		fail("pipe");
	far = ends[0];
	near = ends[1];
}

static uint64_t pages_step(const struct options *opt)
{
	uint64_t pages = 0;

	(void)opt;
	while (write(near, data, 1) == 1)
		pages++;
	if (errno != EAGAIN || pages != PIPE_BYTES / PAGE)
		fail("write to the pipe");
	for (uint64_t i = 0; i < pages; i++)
		if (read(far, data, 1) != 1)
			fail("read from the pipe");
	return pages;
}

static void faults_setup(const struct options *opt)
{
	(void)opt;
}

static uint64_t faults_step(const struct options *opt)
{
	size_t size = FAULT_PAGES * PAGE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)opt;
	if (p == MAP_FAILED || madvise(p, size, MADV_POPULATE_WRITE) || munmap(p, size))
		fail("anonymous memory");
	return FAULT_PAGES;
}

static const struct {
	const char *name;
	void (*setup)(const struct options *opt);
	uint64_t (*step)(const struct options *opt);
} kinds[] = {
	{ "udp", udp_setup, udp_step },
	{ "tcp", tcp_setup, tcp_step },
	{ "rr", tcp_setup, rr_step },
	{ "pages", pages_setup, pages_step },
	{ "faults", faults_setup, faults_step },
};

/* -- the program -------------------------------------------------------- */

static uint64_t repeat(const struct options *opt, uint64_t (*step)(const struct options *),
		       uint64_t count)
{
	uint64_t done = 0;

	while (done < count)
		done += step(opt);
	return done;
}

static int run_command(char **argv)
{
	struct moment start = moment();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], argv);
		fail(argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	report("exec", 0, &start);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: rate udp|tcp|rr|pages|faults [--count N] [--to ADDRESS] [--netns PID]\n"
		"            [--size BYTES] [--burst N]\n"
		"       rate exec COMMAND [ARGUMENT]...\n");
	exit(2);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text || !value || value > max) {
		fprintf(stderr, "rate: %s is not a number from 1 to %lu\n", text, max);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv, struct options *opt)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "to", required_argument, NULL, 't' },
		{ "netns", required_argument, NULL, 'n' },
		{ "size", required_argument, NULL, 's' },
		{ "burst", required_argument, NULL, 'b' },
		{ },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->count = number(optarg, UINT32_MAX);
			break;
		case 't':
			if (inet_pton(AF_INET, optarg, &opt->to.sin_addr) != 1)
				usage();
			break;
		case 'n':
			opt->netns = number(optarg, INT32_MAX);
			break;
		case 's':
			opt->size = number(optarg, SIZE_MAX_BYTES);
			break;
		case 'b':
			opt->burst = number(optarg, 1024);
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	struct options opt = {
		.count = 100000, .size = 1, .burst = 32,
		.to = { .sin_family = AF_INET, .sin_port = htons(PORT),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
	};
	struct moment start;
	uint64_t done;
	size_t i;

	if (argc < 2)
		usage();
	if (!strcmp(argv[1], "exec") && argc > 2)
		return run_command(argv + 2);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		usage();
	parse(argc - 1, argv + 1, &opt);
	kinds[i].setup(&opt);
	repeat(&opt, kinds[i].step, opt.count / 10 + 1);
	start = moment();
	done = repeat(&opt, kinds[i].step, opt.count);
	report(kinds[i].name, done, &start);
	return 0;
}
