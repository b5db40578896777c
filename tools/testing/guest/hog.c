// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: a memory hog that knows every byte it wrote.
 *
 * Each worker owns anonymous memory and walks over it --passes times; every
 * page holds random (incompressible) data derived from seed, worker, page
 * number and pass, and each pass verifies what the pass before it left. A last
 * walk verifies everything once more. A monitor, locked into memory, reports
 * progress once per second and the verdict at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "pattern.h"

#define MAX_PROCS 256
#define NO_PAGE UINT64_MAX

/**
 * struct options - the command line
 * @size_mib: memory of all workers together, MiB
 * @procs: number of workers
 * @passes: number of times each page is written
 * @seed: of the data and of the order
 * @random: visit the pages in random order instead of ascending
 * @hold: when done, wait for SIGUSR1 and verify once more
 * @corrupt: page of worker 0 to damage before the last walk, or NO_PAGE
 * @distinct: words of a page before they repeat, a power of two; 1 is what zram
 *	stores for free
 * @loop: after the last pass go on with more of them until SIGUSR1
 */
struct options {
	uint64_t size_mib;
	unsigned int procs;
	unsigned int passes;
	uint64_t seed;
	int random;
	int hold;
	uint64_t corrupt;
	unsigned int distinct;
	int loop;
};

/**
 * struct tally - what one worker has done, in memory shared with the monitor
 * @touched: pages written
 * @verified: pages compared and found right
 * @bad: pages found wrong
 * @holding: the worker waits for SIGUSR1
 */
struct tally {
	volatile uint64_t touched;
	volatile uint64_t verified;
	volatile uint64_t bad;
	volatile uint64_t holding;
};

/**
 * struct worker - one process and its memory
 * @opt: the command line
 * @tally: its counters
 * @mem: its pages
 * @index: 0 to procs - 1
 * @pages: number of pages
 * @half_bits: half the width of the numbers page_at() permutes
 * @last: the pass that wrote last
 */
struct worker {
	const struct options *opt;
	struct tally *tally;
	uint64_t *mem;
	unsigned int index;
	uint64_t pages;
	unsigned int half_bits;
	unsigned int last;
};

static uint64_t page_key(const struct worker *w, uint64_t page,
			 unsigned int pass)
{
	return mix(mix(mix(w->opt->seed + w->index) + page) + pass);
}

static uint64_t word_at(const struct worker *w, uint64_t key, unsigned int i)
{
	return pattern_word(key, i & (w->opt->distinct - 1));
}

/*
 * The page visited at step @i of pass @pass: a Feistel network over the next
 * power of four, walked until it falls inside, visits every page exactly once
 * and needs no table.
 */
static uint64_t page_at(const struct worker *w, uint64_t i, unsigned int pass)
{
	uint64_t mask = (1ull << w->half_bits) - 1;

	if (!w->opt->random)
		return i;
	do {
		uint64_t left = i >> w->half_bits, right = i & mask;

		for (unsigned int round = 0; round < 4; round++) {
			uint64_t f = mix(right + page_key(w, round, pass));
			uint64_t next = left ^ (f & mask);

			left = right;
			right = next;
		}
		i = left << w->half_bits | right;
	} while (i >= w->pages);
	return i;
}

static uint64_t *page_address(const struct worker *w, uint64_t page)
{
	return w->mem + page * PATTERN_WORDS;
}

static void write_page(struct worker *w, uint64_t page, unsigned int pass)
{
	uint64_t key = page_key(w, page, pass);
	uint64_t *p = page_address(w, page);

	for (unsigned int i = 0; i < PATTERN_WORDS; i++)
		p[i] = word_at(w, key, i);
	w->tally->touched++;
}

/* What a wrong page looks like tells where it came from. */
static const char *describe(const struct worker *w, const uint64_t *p,
			    uint64_t page, unsigned int pass)
{
	unsigned int zeros = 0;

	for (unsigned int i = 0; i < PATTERN_WORDS; i++)
		zeros += p[i] == 0;
	if (zeros == PATTERN_WORDS)
		return "page is all zero";
	while (pass--)
		if (p[0] == word_at(w, page_key(w, page, pass), 0))
			return "page holds data of an earlier pass";
	for (uint64_t other = 0; other < w->pages; other++)
		if (p[0] == word_at(w, page_key(w, other, w->last), 0))
			return other == page ? "page is partly right" :
					       "page holds data of another page";
	return "contents unknown";
}

static void report_mismatch(struct worker *w, uint64_t page,
			    unsigned int pass, unsigned int i)
{
	const uint64_t *p = page_address(w, page);
	uint64_t want = word_at(w, page_key(w, page, pass), i);
	unsigned int byte = 0;

	while ((uint8_t)(p[i] >> 8 * byte) == (uint8_t)(want >> 8 * byte))
		byte++;
	printf("hog: MISMATCH worker %u page %llu offset %u pass %u: found %016llx, expected %016llx: %s\n",
	       w->index, (unsigned long long)page,
	       (unsigned int)(i * sizeof(uint64_t) + byte), pass,
	       (unsigned long long)p[i], (unsigned long long)want,
	       describe(w, p, page, pass));
	fflush(stdout);
}

static void verify_page(struct worker *w, uint64_t page, unsigned int pass)
{
	uint64_t key = page_key(w, page, pass);
	const uint64_t *p = page_address(w, page);

	for (unsigned int i = 0; i < PATTERN_WORDS; i++) {
		if (p[i] == word_at(w, key, i))
			continue;
		if (w->tally->bad++ < 8)
			report_mismatch(w, page, pass, i);
		return;
	}
	w->tally->verified++;
}

static void verify_all(struct worker *w)
{
	for (uint64_t i = 0; i < w->pages; i++)
		verify_page(w, page_at(w, i, w->last), w->last);
}

static void hold(struct worker *w)
{
	sigset_t usr1;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	w->tally->holding = 1;
	sigwait(&usr1, &sig);
	w->tally->holding = 0;
}

/* SIGUSR1 is blocked. */
static int told_to_end(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGUSR1);
}

static void write_all(struct worker *w, unsigned int pass)
{
	for (uint64_t i = 0; i < w->pages; i++) {
		uint64_t page = page_at(w, i, pass);

		if (pass)
			verify_page(w, page, pass - 1);
		write_page(w, page, pass);
	}
	w->last = pass;
}

static int work(struct worker *w)
{
	const struct options *opt = w->opt;

	w->mem = mmap(NULL, w->pages * PATTERN_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->mem == MAP_FAILED) {
		printf("hog: worker %u: mmap: %s\n", w->index, strerror(errno));
		return 1;
	}
	while (1ull << 2 * w->half_bits < w->pages)
		w->half_bits++;
	for (unsigned int pass = 0;
	     pass < opt->passes || (opt->loop && !told_to_end()); pass++)
		write_all(w, pass);
	if (w->index == 0 && opt->corrupt != NO_PAGE)
		page_address(w, opt->corrupt % w->pages)[PATTERN_WORDS / 2] ^= 0x100;
	verify_all(w);
	if (opt->hold) {
		hold(w);
		verify_all(w);
	}
	return w->tally->bad != 0;
}

static struct tally sum(const struct tally *tallies, unsigned int procs)
{
	struct tally all = { };

	for (unsigned int i = 0; i < procs; i++) {
		all.touched += tallies[i].touched;
		all.verified += tallies[i].verified;
		all.bad += tallies[i].bad;
		all.holding += tallies[i].holding;
	}
	return all;
}

static void report_progress(const struct tally *all, const char *state)
{
	dprintf(PROGRESS_FD, "hog pid=%d touched=%llu verified=%llu bad=%llu state=%s\n",
		getpid(), (unsigned long long)all->touched,
		(unsigned long long)all->verified,
		(unsigned long long)all->bad, state);
}

/* Reaps workers that ended. Return: how many of them failed. */
static unsigned int reap(pid_t *pids, unsigned int procs, unsigned int *left)
{
	unsigned int failed = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned int i = 0; i < procs; i++)
			if (pids[i] == pid && WIFSIGNALED(status))
				printf("hog: worker %u killed by signal %d\n",
				       i, WTERMSIG(status));
		failed += !WIFEXITED(status) || WEXITSTATUS(status);
		(*left)--;
	}
	return failed;
}

static int monitor(const struct options *opt, const struct tally *tallies,
		   pid_t *pids)
{
	struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };
	unsigned int left = opt->procs, failed = 0, ticks = 0;
	int said_holding = 0;
	struct tally all;
	char verdict[128];

	while (left) {
		failed += reap(pids, opt->procs, &left);
		all = sum(tallies, opt->procs);
		if (left && all.holding == left && !said_holding) {
			printf("hog: holding\n");
			fflush(stdout);
			report_progress(&all, "holding");
			said_holding = 1;
		}
		if (ticks++ % 10 == 0)
			report_progress(&all, all.holding ? "holding" : "busy");
		if (left)
			nanosleep(&tenth, NULL);
	}
	all = sum(tallies, opt->procs);
	report_progress(&all, "done");
	snprintf(verdict, sizeof(verdict), "hog: %s %llu pages, %llu bad%s\n",
		 failed ? "FAILED after" : "verified",
		 (unsigned long long)all.verified, (unsigned long long)all.bad,
		 failed && !all.bad ? " (a worker died)" : "");
	fputs(verdict, stdout);
	fflush(stdout);
	/* Outside the lab nothing listens there. */
	if (fcntl(VERDICT_FD, F_GETFD) >= 0)
		dprintf(VERDICT_FD, "%s", verdict);
	return failed || all.bad;
}

static int run(const struct options *opt)
{
	uint64_t pages = (opt->size_mib << 20) / PATTERN_PAGE / opt->procs;
	struct tally *tallies;
	pid_t pids[MAX_PROCS];
	sigset_t usr1;

	tallies = mmap(NULL, sizeof(*tallies) * opt->procs,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (tallies == MAP_FAILED || !pages) {
		fprintf(stderr, "hog: no memory, or less than a page each\n");
		return 2;
	}
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	for (unsigned int i = 0; i < opt->procs; i++) {
		struct worker w = { .opt = opt, .tally = &tallies[i],
				    .index = i, .pages = pages };

		pids[i] = fork();
		if (pids[i] == 0)
			_exit(work(&w));
		if (pids[i] < 0) {
			fprintf(stderr, "hog: fork: %s\n", strerror(errno));
			kill(0, SIGKILL);
		}
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		fprintf(stderr, "hog: mlockall: %s\n", strerror(errno));
		kill(0, SIGKILL);
	}
	return monitor(opt, tallies, pids);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text || value < min || value > max) {
		fprintf(stderr, "hog: %s is not a number from %llu to %llu\n",
			text, (unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

static void usage(void)
{
	fprintf(stderr,
		"usage: hog --size MiB [--procs N] [--pattern random|sequential]\n"
		"           [--passes N] [--seed S] [--hold] [--corrupt PAGE]\n"
		"           [--same | --distinct WORDS] [--loop]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "procs", required_argument, NULL, 'n' },
		{ "pattern", required_argument, NULL, 'a' },
		{ "passes", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 'S' },
		{ "hold", no_argument, NULL, 'h' },
		{ "corrupt", required_argument, NULL, 'c' },
		{ "same", no_argument, NULL, 'm' },
		{ "distinct", required_argument, NULL, 'd' },
		{ "loop", no_argument, NULL, 'l' },
		{ }
	};
	struct options opt = { .procs = 1, .passes = 2, .random = 1,
			       .seed = (uint64_t)time(NULL) ^ getpid(),
			       .corrupt = NO_PAGE,
			       .distinct = PATTERN_WORDS };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			opt.size_mib = number(optarg, 1, 1u << 20);
		else if (c == 'n')
			opt.procs = number(optarg, 1, MAX_PROCS);
		else if (c == 'p')
			opt.passes = number(optarg, 1, 1u << 20);
		else if (c == 'S')
			opt.seed = number(optarg, 0, UINT64_MAX);
		else if (c == 'c')
			opt.corrupt = number(optarg, 0, UINT64_MAX - 1);
		else if (c == 'h')
			opt.hold = 1;
		else if (c == 'm')
			opt.distinct = 1;
		else if (c == 'd')
			opt.distinct = number(optarg, 1, PATTERN_WORDS);
		else if (c == 'l')
			opt.loop = 1;
		else if (c == 'a' && !strcmp(optarg, "sequential"))
			opt.random = 0;
		else if (c != 'a' || strcmp(optarg, "random"))
			usage();
	}
	if (!opt.size_mib || optind != argc || opt.distinct & (opt.distinct - 1))
		usage();
	printf("hog: %llu MiB in %u processes, %s, %u passes, seed %llu\n",
	       (unsigned long long)opt.size_mib, opt.procs,
	       opt.random ? "random" : "sequential", opt.passes,
	       (unsigned long long)opt.seed);
	fflush(stdout);
	return run(&opt);
}
