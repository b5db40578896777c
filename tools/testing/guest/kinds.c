// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: kinds of memory, swapped out and found right again.
 *
 *	kinds --kind KIND --size MiB [--cgroup DIR] [--seed S] [--willneed]
 *	      [--corrupt PAGE]
 *
 * Fills memory of one kind with data that tells which page it is, pushes it out
 * by MADV_PAGEOUT and by memory.reclaim of the cgroup DIR that it runs in, and
 * compares what comes back. Kinds:
 *
 *	anon	private memory
 *	huge	the same, made of large folios
 *	file	a file on a tmpfs, mapped
 *	memfd	a memfd, written by its mapping and read by read()
 *	sysv	a System V segment
 *	fork	swapped out, then shared with a child; each writes one half
 *	ksm	pages of equal contents, merged; half of them written, the rest
 *		unmerged
 *	apart	private memory, the only that is not locked; first read where
 *		nothing was read ahead, and that is told
 *
 * Each time memory has been pushed out a line tells how many of its pages were
 * out; the last line says "kinds: KIND verified N pages, 0 bad".
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"

#define HUGE_PAGE (2u << 20)
#define KSM_GROUP 64u		/* pages of different contents */
#define KSM "/sys/kernel/mm/ksm/"
/* Pages of which "apart" first reads one or two, and where in them */
#define APART_GROUP 16u
#define APART_FIRST 7u
/* Faults after which a VMA's first window, of 8 pages, is down to 1 */
#define APART_ALONE 4u
#define DEADLINE_S 60

/* Who wrote a page: each writes other data. */
enum writer { FIRST, CHILD, PARENT };

/**
 * struct area - memory under test
 * @kind: its name
 * @mem: where it is mapped
 * @pages: how many
 * @seed: of the data
 * @repeat: pages by FIRST have equal contents if they are so many apart
 * @writer: of each page
 * @cgroup: directory of the cgroup this process is in, or NULL
 * @verified, @bad: pages found right and wrong
 */
struct area {
	const char *kind;
	uint64_t *mem;
	size_t pages;
	uint64_t seed;
	size_t repeat;
	uint8_t *writer;
	const char *cgroup;
	uint64_t verified;
	uint64_t bad;
};

static void die(const char *what)
{
	printf("kinds: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Return: 0, or -1 with errno. */
static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return ret;
}

static unsigned long read_number(const char *path)
{
	unsigned long value = 0;
	FILE *f = fopen(path, "re");

	if (!f || fscanf(f, "%lu", &value) != 1)
		die(path);
	fclose(f);
	return value;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
}

/* -- data --------------------------------------------------------------- */

static uint64_t *page_address(const struct area *a, size_t page)
{
	return a->mem + page * PATTERN_WORDS;
}

static uint64_t page_key(const struct area *a, size_t page)
{
	size_t which = a->writer[page] == FIRST ? page % a->repeat : page;

	return mix(mix(a->seed + a->writer[page]) + which);
}

static void write_page(struct area *a, size_t page, enum writer writer)
{
	uint64_t *p = page_address(a, page);
	uint64_t key;

	a->writer[page] = writer;
	key = page_key(a, page);
	for (unsigned int i = 0; i < PATTERN_WORDS; i++)
		p[i] = pattern_word(key, i);
}

static void verify_page(struct area *a, size_t page, const uint64_t *p)
{
	uint64_t key = page_key(a, page);

	for (unsigned int i = 0; i < PATTERN_WORDS; i++) {
		if (p[i] == pattern_word(key, i))
			continue;
		if (a->bad++ < 8)
			printf("kinds: %s MISMATCH page %zu word %u writer %u: found %016llx, expected %016llx\n",
			       a->kind, page, i, a->writer[page],
			       (unsigned long long)p[i],
			       (unsigned long long)pattern_word(key, i));
		return;
	}
	a->verified++;
}

static void fill(struct area *a)
{
	for (size_t page = 0; page < a->pages; page++)
		write_page(a, page, FIRST);
}

/* First every third page, and so on: read-ahead is partly right. */
static void verify(struct area *a)
{
	for (size_t first = 0; first < 3; first++)
		for (size_t page = first; page < a->pages; page += 3)
			verify_page(a, page, page_address(a, page));
}

/* -- pushing out and asking back ---------------------------------------- */

static size_t count_out(const struct area *a)
{
	static unsigned char *in;
	size_t out = 0;

	if (!in)
		in = malloc(a->pages);
	if (!in || mincore(a->mem, a->pages * PATTERN_PAGE, in))
		die("mincore");
	for (size_t page = 0; page < a->pages; page++)
		out += !(in[page] & 1);
	return out;
}

/*
 * MADV_PAGEOUT starts writes and does not wait for them: the folios stay in the
 * swap cache until they are reclaimed, and would be found there.
 */
static void push_out(struct area *a, const char *when)
{
	time_t deadline = time(NULL) + DEADLINE_S;
	char path[256], text[32];
	size_t out;

	if (madvise(a->mem, a->pages * PATTERN_PAGE, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
	while ((out = count_out(a)) < a->pages - a->pages / 16 && a->cgroup &&
	       time(NULL) < deadline) {
		snprintf(path, sizeof(path), "%s/memory.reclaim", a->cgroup);
		snprintf(text, sizeof(text), "%zu",
			 (a->pages - out) * PATTERN_PAGE);
		/* It found less than that: the rest is being written. */
		if (write_text(path, text) && errno != EAGAIN)
			die(path);
		nap();
	}
	printf("kinds: %s %s out %zu of %zu\n", a->kind, when, out, a->pages);
	fflush(stdout);
}

static void will_need(struct area *a)
{
	time_t deadline = time(NULL) + DEADLINE_S;
	size_t before = count_out(a), after;

	if (madvise(a->mem, a->pages * PATTERN_PAGE, MADV_WILLNEED))
		die("MADV_WILLNEED");
	while ((after = count_out(a)) > a->pages / 16 && time(NULL) < deadline)
		nap();
	printf("kinds: %s willneed brought %zd of %zu\n", a->kind,
	       (ssize_t)(before - after), before);
	fflush(stdout);
}

/* -- kinds -------------------------------------------------------------- */

static void *map(size_t size, int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (mem == MAP_FAILED)
		die("mmap");
	return mem;
}

/* Whole huge pages, which the area's address must be aligned for. */
static void *map_huge(size_t size)
{
	uintptr_t start = (uintptr_t)map(size + HUGE_PAGE, -1);
	void *mem = (void *)((start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));

	if (madvise(mem, size, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE");
	return mem;
}

static void *map_sysv(size_t size)
{
	int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	void *mem = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

	if (mem == (void *)-1 || shmctl(id, IPC_RMID, NULL))
		die("System V shared memory");
	return mem;
}

static int sized_file(int fd, size_t size)
{
	if (fd < 0 || ftruncate(fd, size))
		die("file");
	return fd;
}

static void verify_by_read(struct area *a, int fd)
{
	uint64_t words[PATTERN_WORDS];

	for (size_t page = 0; page < a->pages; page++) {
		if (pread(fd, words, sizeof(words), page * PATTERN_PAGE) !=
		    (ssize_t)sizeof(words))
			die("pread");
		verify_page(a, page, words);
	}
}

/* The halves are interleaved: neighbours in one batch have different owners. */
static void write_half(struct area *a, enum writer writer)
{
	for (size_t page = writer == CHILD; page < a->pages; page += 2)
		write_page(a, page, writer);
}

static void half_and_verify(struct area *a, enum writer writer, const char *when)
{
	write_half(a, writer);
	push_out(a, when);
	verify(a);
}

static void test_fork(struct area *a)
{
	int status;
	pid_t pid;

	push_out(a, "before");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		half_and_verify(a, CHILD, "child");
		exit(a->bad != 0);
	}
	half_and_verify(a, PARENT, "parent");
	if (waitpid(pid, &status, 0) != pid || status)
		a->bad++;
	/* What the child did not write is the parent's alone now. */
	push_out(a, "after");
	verify(a);
}

/* Pages that share another one, of the last scan. */
static unsigned long ksm_sharing(void)
{
	return read_number(KSM "pages_sharing");
}

static void ksm_merge(struct area *a, const char *when)
{
	size_t most = a->pages - a->repeat;
	time_t deadline = time(NULL) + DEADLINE_S;

	while (ksm_sharing() < most - most / 16 && time(NULL) < deadline)
		nap();
	printf("kinds: ksm %s shares %lu of %zu\n", when, ksm_sharing(), most);
	fflush(stdout);
}

/* Merged, pushed out and back; merged again, half written, and the rest unmerged. */
static void test_ksm(struct area *a)
{
	size_t size = a->pages * PATTERN_PAGE;

	if (madvise(a->mem, size, MADV_MERGEABLE) ||
	    write_text(KSM "pages_to_scan", "20000") ||
	    write_text(KSM "sleep_millisecs", "20") || write_text(KSM "run", "1"))
		die("KSM");
	ksm_merge(a, "merged");
	push_out(a, "merged");
	verify(a);
	ksm_merge(a, "again");
	push_out(a, "again");
	write_half(a, CHILD);
	push_out(a, "half");
	verify(a);
	/* 2: forget all that was merged. */
	if (madvise(a->mem, size, MADV_UNMERGEABLE) || write_text(KSM "run", "2"))
		die("MADV_UNMERGEABLE");
	printf("kinds: ksm unmerged shares %lu\n", ksm_sharing());
	verify(a);
}

/*
 * Of each group of pages two neighbours: the first fault, far from the one
 * before, reads nothing ahead, and the second a single page behind its own.
 * But a VMA starts with a window of 8 pages, which halves with each fault that
 * is far from the last: in the first groups only one page, in the middle, for
 * its neighbour is being read ahead.
 */
static void verify_apart(struct area *a)
{
	for (size_t page = APART_FIRST; page + 1 < a->pages; page += APART_GROUP) {
		verify_page(a, page, page_address(a, page));
		if (page / APART_GROUP >= APART_ALONE)
			verify_page(a, page + 1, page_address(a, page + 1));
	}
}

static void test_apart(struct area *a)
{
	push_out(a, "filled");
	verify_apart(a);
	printf("kinds: apart read %llu\n", (unsigned long long)a->verified);
	fflush(stdout);
	verify(a);
}

static void test(struct area *a, int willneed, int fd)
{
	push_out(a, "filled");
	if (willneed)
		will_need(a);
	if (fd >= 0 && !strcmp(a->kind, "memfd"))
		verify_by_read(a, fd);
	else
		verify(a);
	/* And what has been read is written again. */
	for (size_t page = 0; page < a->pages; page += 2)
		write_page(a, page, PARENT);
	push_out(a, "rewritten");
	verify(a);
}

static void run(struct area *a, int willneed, uint64_t corrupt)
{
	size_t size = a->pages * PATTERN_PAGE;
	int fd = -1;

	/* Its stack and data must wait for nothing */
	if (!strcmp(a->kind, "apart") && mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
	if (!strcmp(a->kind, "memfd"))
		fd = sized_file(memfd_create("kinds", MFD_CLOEXEC), size);
	else if (!strcmp(a->kind, "file"))
		fd = sized_file(open("/tmp", O_TMPFILE | O_RDWR, 0600), size);
	if (!strcmp(a->kind, "huge"))
		a->mem = map_huge(size);
	else if (!strcmp(a->kind, "sysv"))
		a->mem = map_sysv(size);
	else
		a->mem = map(size, fd);
	if (!strcmp(a->kind, "apart") && munlock(a->mem, size))
		die("munlock");
	if (!strcmp(a->kind, "ksm"))
		a->repeat = KSM_GROUP;
	fill(a);
	/* Damage that must be found, to see that it is looked for. */
	if (corrupt < a->pages)
		page_address(a, corrupt)[PATTERN_WORDS / 2] ^= 0x100;
	if (!strcmp(a->kind, "fork"))
		test_fork(a);
	else if (!strcmp(a->kind, "ksm"))
		test_ksm(a);
	else if (!strcmp(a->kind, "apart"))
		test_apart(a);
	else
		test(a, willneed, fd);
}

static void usage(void)
{
	fprintf(stderr, "usage: kinds --kind anon|huge|file|memfd|sysv|fork|ksm|apart\n"
		"             --size MiB [--cgroup DIR] [--seed S] [--willneed] [--corrupt PAGE]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "size", required_argument, NULL, 's' },
		{ "cgroup", required_argument, NULL, 'g' },
		{ "seed", required_argument, NULL, 'S' },
		{ "willneed", no_argument, NULL, 'w' },
		{ "corrupt", required_argument, NULL, 'c' },
		{ }
	};
	static const char known[] = " anon huge file memfd sysv fork ksm apart ";
	struct area a = { .seed = (uint64_t)time(NULL) ^ getpid() };
	uint64_t corrupt = UINT64_MAX;
	int willneed = 0, c;
	char word[16];

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'k')
			a.kind = optarg;
		else if (c == 's')
			a.pages = strtoull(optarg, NULL, 0) * ((1 << 20) / PATTERN_PAGE);
		else if (c == 'g')
			a.cgroup = optarg;
		else if (c == 'S')
			a.seed = strtoull(optarg, NULL, 0);
		else if (c == 'w')
			willneed = 1;
		else if (c == 'c')
			corrupt = strtoull(optarg, NULL, 0);
		else
			usage();
	}
	snprintf(word, sizeof(word), " %s ", a.kind ? a.kind : "?");
	if (!a.pages || optind != argc || !strstr(known, word))
		usage();
	printf("kinds: %s, %zu pages, seed %llu\n", a.kind, a.pages,
	       (unsigned long long)a.seed);
	a.repeat = a.pages;
	a.writer = calloc(a.pages, 1);
	if (!a.writer)
		die("memory");
	run(&a, willneed, corrupt);
	printf("kinds: %s verified %llu pages, %llu bad\n", a.kind,
	       (unsigned long long)a.verified, (unsigned long long)a.bad);
	return a.bad != 0;
}
