// SPDX-License-Identifier: GPL-2.0
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rswapd.h"

enum {
	OPT_LISTEN = 'l', OPT_MEMORY = 'm', OPT_HELP = 'h', OPT_VERSION = 'V',
	OPT_SLAB_SIZE = 256, OPT_THREADS, OPT_MAX_CLIENTS, OPT_MAX_CONNS,
	OPT_ORPHAN, OPT_DRAIN, OPT_HELLO, OPT_STALL, OPT_CONTROL, OPT_JSON,
};

static const struct option longopts[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "slab-size", required_argument, NULL, OPT_SLAB_SIZE },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "max-clients", required_argument, NULL, OPT_MAX_CLIENTS },
	{ "max-conns", required_argument, NULL, OPT_MAX_CONNS },
	{ "orphan-timeout", required_argument, NULL, OPT_ORPHAN },
	{ "drain-timeout", required_argument, NULL, OPT_DRAIN },
	{ "hello-timeout", required_argument, NULL, OPT_HELLO },
	{ "stall-timeout", required_argument, NULL, OPT_STALL },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"usage: rswapd --listen tcp://ADDR:PORT --memory SIZE [OPTION...]\n"
"Lend memory of this machine to rswap clients.\n"
"\n"
"  -l, --listen URL          tcp://ADDR[:PORT], IPv6 in brackets, port 9400 if\n"
"                            none is given, 0 for any; may be repeated\n"
"  -m, --memory SIZE         lend that much, never more\n"
"      --slab-size SIZE      unit in which it is lent: 1M to 1G, a power of two\n"
"                            (64M)\n"
"      --threads N           threads that serve connections (one per CPU)\n"
"      --max-clients N       clients at the same time (1024)\n"
"      --max-conns N         connections of one client, 1 to 64 (64)\n"
"      --orphan-timeout SECONDS\n"
"                            keep the slabs of a client that lost all its\n"
"                            connections that long (600)\n"
"      --drain-timeout SECONDS\n"
"                            after SIGTERM, wait that long for clients to take\n"
"                            their pages home (90)\n"
"      --hello-timeout SECONDS\n"
"                            close a connection that did not introduce itself\n"
"                            by then (10)\n"
"      --stall-timeout SECONDS\n"
"                            close a connection that stops for that long in the\n"
"                            middle of a message (60)\n"
"      --control PATH        Unix socket that answers with the state as JSON\n"
"      --json                log JSON objects instead of text\n"
"  -h, --help                print this and exit\n"
"  -V, --version             print the version and exit\n"
"\n"
"Sizes are bytes, or have a suffix K, M, G or T (powers of 1024).\n";

/**
 * options_size - parse a size
 * @text: digits and perhaps one of K, M, G, T
 * @out: set to bytes
 *
 * Return: 0 or -1 when @text is no size or does not fit 63 bits.
 */
int options_size(const char *text, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	unsigned int shift = 0;
	uint64_t value = 0;
	const char *s;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return -1;
	}
	if (*text) {
		s = strchr(suffixes, *text & ~0x20);
		if (!s || !*s || text[1])
			return -1;
		shift = 10 * (unsigned int)(s - suffixes + 1);
	}
	if (value > (uint64_t)INT64_MAX >> shift)
		return -1;
	*out = value << shift;
	return 0;
}

/**
 * size_text - bytes for people
 * @bytes: how many
 * @out: filled, in the largest unit that is exact
 * @size: of @out
 */
void size_text(uint64_t bytes, char *out, size_t size)
{
	static const char suffixes[] = " KMGT";
	unsigned int i = 0;

	while (bytes && !(bytes % 1024) && i < 4) {
		bytes /= 1024;
		i++;
	}
	snprintf(out, size, "%llu%.*s", (unsigned long long)bytes, i ? 1 : 0,
		 suffixes + i);
}

static int bad(const char *name, const char *arg, const char *why)
{
	fprintf(stderr, "rswapd: --%s %s: %s\n", name, arg, why);
	return EXIT_USAGE;
}

static int parse_number(const char *name, const char *arg, unsigned int min,
			unsigned int max, unsigned int *out)
{
	char range[64], *end;
	unsigned long value;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || value < min || value > max) {
		snprintf(range, sizeof(range), "give a number from %u to %u", min, max);
		return bad(name, arg, range);
	}
	*out = (unsigned int)value;
	return -1;
}

static int parse_listen(struct options *opt, const char *arg)
{
	struct sockaddr_storage addr;
	const char *why;

	if (opt->listens == MAX_LISTEN)
		return bad("listen", arg, "there are 16 already, which is the most");
	if (listen_parse(arg, &addr, &why))
		return bad("listen", arg, why);
	opt->listen[opt->listens++] = (struct listener){ .url = arg, .fd = -1 };
	return -1;
}

static int parse_slab_size(struct options *opt, const char *arg)
{
	uint64_t size;

	if (options_size(arg, &size) || size < RSWAP_SLAB_MIN ||
	    size > RSWAP_SLAB_MAX || size & (size - 1))
		return bad("slab-size", arg, "give a power of two from 1M to 1G");
	opt->slab_size = (uint32_t)size;
	return -1;
}

/* Return: exit status, or -1 to go on */
static int parse_one(struct options *opt, int c, const char *arg)
{
	switch (c) {
	case OPT_LISTEN:
		return parse_listen(opt, arg);
	case OPT_MEMORY:
		if (options_size(arg, &opt->memory) || !opt->memory)
			return bad("memory", arg, "give a size like 8G");
		return -1;
	case OPT_SLAB_SIZE:
		return parse_slab_size(opt, arg);
	case OPT_THREADS:
		return parse_number("threads", arg, 1, 256, &opt->threads);
	case OPT_MAX_CLIENTS:
		return parse_number("max-clients", arg, 1, 100000, &opt->max_clients);
	case OPT_MAX_CONNS:
		return parse_number("max-conns", arg, 1, RSWAP_MAX_CONNS, &opt->max_conns);
	case OPT_ORPHAN:
		return parse_number("orphan-timeout", arg, 0, 10000000, &opt->orphan_timeout);
	case OPT_DRAIN:
		return parse_number("drain-timeout", arg, 0, 10000000, &opt->drain_timeout);
	case OPT_HELLO:
		return parse_number("hello-timeout", arg, 1, 10000, &opt->hello_timeout);
	case OPT_STALL:
		return parse_number("stall-timeout", arg, 1, 10000, &opt->stall_timeout);
	case OPT_CONTROL:
		opt->control = arg;
		return -1;
	case OPT_JSON:
		opt->json = true;
		return -1;
	case OPT_HELP:
		fputs(help, stdout);
		return EXIT_CLEAN;
	case OPT_VERSION:
		printf("rswapd %s (protocol %d)\n", RSWAPD_VERSION, RSWAP_VERSION);
		return EXIT_CLEAN;
	default:
		fputs("Try 'rswapd --help'.\n", stderr);
		return EXIT_USAGE;
	}
}

/* What must be there, and must fit together */
static int complete(const struct options *opt)
{
	char slab[32];

	if (!opt->listens) {
		fputs("rswapd: no address: give at least one --listen tcp://ADDR:PORT\n", stderr);
		return EXIT_USAGE;
	}
	if (!opt->memory) {
		fputs("rswapd: nothing to lend: give --memory SIZE, for example --memory 8G\n", stderr);
		return EXIT_USAGE;
	}
	if (opt->memory < opt->slab_size) {
		size_text(opt->slab_size, slab, sizeof(slab));
		fprintf(stderr,
			"rswapd: --memory is less than one slab of %s: give more memory, or a smaller --slab-size\n",
			slab);
		return EXIT_USAGE;
	}
	return -1;
}

/**
 * options_parse - parse the command line
 * @opt: filled, with defaults where nothing was said
 * @argc: of main()
 * @argv: of main(); @opt points into it
 *
 * Return: -1 to go on, else the status to exit with, after a message.
 */
int options_parse(struct options *opt, int argc, char **argv)
{
	cpu_set_t cpus;
	int c, ret;

	*opt = (struct options){
		.slab_size = 64u << 20, .threads = 1, .max_clients = 1024,
		.max_conns = RSWAP_MAX_CONNS, .orphan_timeout = 600,
		.drain_timeout = 90, .hello_timeout = 10, .stall_timeout = 60,
	};
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		opt->threads = (unsigned int)CPU_COUNT(&cpus);

	while ((c = getopt_long(argc, argv, "l:m:hV", longopts, NULL)) != -1) {
		ret = parse_one(opt, c, optarg);
		if (ret >= 0)
			return ret;
	}
	if (optind < argc) {
		fprintf(stderr, "rswapd: %s: unexpected; all arguments are options, see --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return complete(opt);
}
