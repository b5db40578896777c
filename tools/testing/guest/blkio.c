// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: random direct I/O on a block device whose server may misbehave.
 *
 *	blkio DEVICE SIZE PROCS OPS SEED
 *
 * Each of PROCS processes works on its own part of the first SIZE bytes: OPS
 * writes, reads and trims (0: until one fails), every block it can know the
 * contents of verified. A failed operation ends a process, in order: after a
 * failed write or trim nobody can know what a block holds. Prints
 *
 *	blkio: errors ERRNO ...
 *	blkio: reads R writes W failed PROCESSES bad B
 *
 * and ends with 0 if every read that succeeded had the right bytes, 1 if not.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK	4096u
#define MOST	32u	/* blocks in one operation */
#define PROCS	64

/**
 * struct tally - what one process has seen
 * @reads: that succeeded
 * @writes: that succeeded, trims included
 * @error: errno of the operation that ended it, or 0
 * @bad: blocks read with other bytes than were written
 * @stamp: the last version given to a block
 */
struct tally {
	unsigned long reads, writes, bad;
	int error;
	uint32_t stamp;
};

static uint64_t next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* Contents of block @number in its @version; version 0 is zeroes */
static void fill(uint64_t *block, uint64_t number, uint64_t version)
{
	uint64_t state = (number + 1) * 0x9e3779b97f4a7c15u ^ version << 40;

	for (unsigned int i = 0; i < BLOCK / 8; i++)
		block[i] = version ? next(&state) ^ version : 0;
}

static unsigned long verify(const char *buf, uint64_t first, unsigned int count,
			    const uint32_t *version)
{
	uint64_t want[BLOCK / 8];
	unsigned long bad = 0;

	for (unsigned int i = 0; i < count; i++) {
		fill(want, first + i, version[i]);
		if (!memcmp(want, buf + i * BLOCK, BLOCK))
			continue;
		if (bad++ < 3)
			fprintf(stderr, "blkio: block %llu is not version %u: %016llx...\n",
				(unsigned long long)(first + i), version[i],
				*(unsigned long long *)(buf + i * BLOCK));
	}
	return bad;
}

/* One random operation on blocks @first to @first + @blocks - 1; Return: errno */
static int operate(int fd, uint64_t first, uint64_t blocks, uint32_t *version,
		   uint64_t *seed, char *buf, struct tally *t)
{
	unsigned int count = 1 + next(seed) % (blocks < MOST ? blocks : MOST);
	uint64_t at = next(seed) % (blocks - count + 1);
	unsigned int what = next(seed) % 16;
	uint64_t range[2] = { (first + at) * BLOCK, (uint64_t)count * BLOCK };
	ssize_t n;

	if (what < 8) {
		memset(buf, 0x5a, range[1]);
		n = pread(fd, buf, range[1], range[0]);
		if (n != (ssize_t)range[1])
			return n < 0 ? errno : EIO;
		t->bad += verify(buf, first + at, count, version + at);
		t->reads++;
		return 0;
	}
	for (unsigned int i = 0; i < count; i++) {
		/* Never the same twice: what was there before must not pass */
		version[at + i] = what == 15 ? 0 : ++t->stamp;
		fill((uint64_t *)(buf + i * BLOCK), first + at + i, version[at + i]);
	}
	if (what == 15) {
		if (ioctl(fd, BLKDISCARD, range))
			return errno;
	} else {
		n = pwrite(fd, buf, range[1], range[0]);
		if (n != (ssize_t)range[1])
			return n < 0 ? errno : EIO;
	}
	t->writes++;
	return 0;
}

static void work(const char *path, uint64_t first, uint64_t blocks,
		 unsigned long ops, uint64_t seed, struct tally *t)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	uint32_t *version = calloc(blocks, sizeof(*version));
	char *buf = aligned_alloc(BLOCK, MOST * BLOCK);

	if (fd < 0 || !version || !buf) {
		t->error = errno;
		return;
	}
	for (unsigned long i = 0; (!ops || i < ops) && !t->error; i++)
		t->error = operate(fd, first, blocks, version, &seed, buf, t);
	close(fd);
}

int main(int argc, char **argv)
{
	struct tally sum = { 0 }, *tallies;
	unsigned long long size, procs, ops, seed;
	unsigned int failed = 0;

	if (argc != 6) {
		fprintf(stderr, "usage: blkio DEVICE SIZE PROCS OPS SEED\n");
		return 2;
	}
	size = strtoull(argv[2], NULL, 10) / BLOCK;
	procs = strtoull(argv[3], NULL, 10);
	ops = strtoull(argv[4], NULL, 10);
	seed = strtoull(argv[5], NULL, 10);
	if (!procs || procs > PROCS || size < procs) {
		fprintf(stderr, "blkio: 1 to %d processes, each at least a block\n", PROCS);
		return 2;
	}
	tallies = mmap(NULL, PROCS * sizeof(*tallies), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 2;
	for (unsigned int i = 0; i < procs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 2;
		if (pid)
			continue;
		work(argv[1], i * (size / procs), size / procs, ops,
		     (seed + 1) * 0x2545f4914f6cdd1du + i, &tallies[i]);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	printf("blkio: errors");
	for (unsigned int i = 0; i < procs; i++) {
		sum.reads += tallies[i].reads;
		sum.writes += tallies[i].writes;
		sum.bad += tallies[i].bad;
		failed += !!tallies[i].error;
		if (tallies[i].error)
			printf(" %s", strerrorname_np(tallies[i].error));
	}
	printf("\nblkio: reads %lu writes %lu failed %u bad %lu\n", sum.reads,
	       sum.writes, failed, sum.bad);
	return sum.bad ? 1 : 0;
}
