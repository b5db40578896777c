// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of rswapctl: one table, from which it is taken apart and
 * explained
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "rswapctl.h"

#define MAX_OPTIONS	10

/**
 * struct option_def - an option of a command
 * @name: without the dashes
 * @arg: what its argument is called, or NULL if it has none
 * @offset: where its value goes in struct args: a const char *, or a bool
 * @help: one line, or several
 */
struct option_def {
	const char *name;
	const char *arg;
	size_t offset;
	const char *help;
};

/**
 * struct command - a command
 * @name: as typed
 * @operand: its positional argument, or NULL
 * @optional: the operand may be left out
 * @synopsis: what follows the name
 * @summary: one line
 * @details: further lines of its help
 * @options: ends with a NULL name
 * @run: does it; returns 0 or an exit code with the error filled in
 */
struct command {
	const char *name;
	const char *operand;
	bool optional;
	const char *synopsis;
	const char *summary;
	const char *details;
	const struct option_def *options;
	int (*run)(const struct args *args, struct err *e);
};

#define OPTION(field)	offsetof(struct args, field)
#define JSON_OPTION	{ "json", NULL, OPTION(json), "print JSON" }

static const struct option_def attach_options[] = {
	{ "size", "SIZE", OPTION(size),
	  "size of the device: a number with K, M, G or T\n(powers of 1024), a multiple of the page size" },
	{ "name", "NAME", OPTION(name), "name of the device (default: r and its number)" },
	{ "connections", "N", OPTION(connections),
	  "connections to the server, 2 to 16 (default 2)" },
	{ "queue-depth", "N", OPTION(queue_depth),
	  "requests outstanding on a connection, 1 to 1024\n(default 128)" },
	{ "timeout", "SECONDS", OPTION(timeout),
	  "1 to 3600: a server that leaves a request unanswered\nfor so long is lost (default 30)" },
	{ "thin", NULL, OPTION(thin), "reserve no memory on the server" },
	JSON_OPTION,
	{ 0 },
};

static const struct option_def detach_options[] = {
	{ "force", NULL, OPTION(force),
	  "also when it is in use: what is on it is lost,\nand every access fails" },
	JSON_OPTION,
	{ 0 },
};

static const struct option_def query_options[] = { JSON_OPTION, { 0 } };

static const struct option_def stats_options[] = {
	{ "watch", "SECONDS", OPTION(watch),
	  "report what happened in each interval, until\ninterrupted; fractions are allowed" },
	JSON_OPTION,
	{ 0 },
};

static const struct command commands[] = {
	{ "attach", "URL", false, "URL --size SIZE [OPTION]...",
	  "make a block device of a server's memory and print its path",
	  "URL is tcp://HOST[:PORT], the port being 9400 unless given and an IPv6 address\n"
	  "in brackets, or loop:// for memory of this kernel.\n",
	  attach_options, run_attach },
	{ "detach", "DEVICE", false, "DEVICE [OPTION]...",
	  "remove a block device and give its memory back",
	  "DEVICE is a name, a number N, rswapN, or a path such as /dev/rswapN.\n",
	  detach_options, run_detach },
	{ "list", NULL, false, "[OPTION]...", "list the devices", NULL, query_options,
	  run_list },
	{ "show", "DEVICE", false, "DEVICE [OPTION]...",
	  "show everything about a device",
	  "DEVICE is a name, a number N, rswapN, or a path such as /dev/rswapN.\n",
	  query_options, run_show },
	{ "stats", "DEVICE", true, "[DEVICE] [OPTION]...",
	  "show counters and latencies of a device, or of all",
	  "DEVICE is a name, a number N, rswapN, or a path such as /dev/rswapN.\n",
	  stats_options, run_stats },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void help_tool(void)
{
	size_t i;

	puts("Usage: rswapctl COMMAND [ARGUMENT]...\n\n"
	     "Control block devices in the memory of other machines.\n\nCommands:");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\nOptions:\n"
	     "  --help     this text, or after a command all about it\n"
	     "  --version  the version of this program\n\n"
	     "See rswapctl(8) for exit codes, JSON output and examples.");
}

static void help_option(const char *name, const char *arg, const char *help)
{
	char left[40];
	size_t len;

	snprintf(left, sizeof(left), "--%s%s%s", name, arg ? " " : "", arg ? arg : "");
	for (;;) {
		len = strcspn(help, "\n");
		printf("  %-18s %.*s\n", left, (int)len, help);
		if (!help[len])
			return;
		help += len + 1;
		left[0] = '\0';
	}
}

static void help_command(const struct command *command)
{
	const struct option_def *o;

	printf("Usage: rswapctl %s %s\n\n%c%s.\n", command->name, command->synopsis,
	       command->summary[0] - 'a' + 'A', command->summary + 1);
	if (command->details)
		printf("%s", command->details);
	puts("\nOptions:");
	for (o = command->options; o->name; o++)
		help_option(o->name, o->arg, o->help);
	help_option("help", NULL, "this text");
}

static int usage(struct err *e, const struct command *command)
{
	err_hint(e, "rswapctl%s%s --help explains the %s", command ? " " : "",
		 command ? command->name : "", command ? "options" : "commands");
	return e->code;
}

static void store(struct args *args, const struct option_def *o, const char *value)
{
	if (o->arg)
		*(const char **)((char *)args + o->offset) = value;
	else
		*(bool *)((char *)args + o->offset) = true;
}

static int take_operand(const struct command *command, int argc, char **argv,
			struct args *args, struct err *e)
{
	int left = argc - optind;

	if (command->operand && left > 0) {
		args->which = argv[optind];
		left--;
	} else if (command->operand && !command->optional) {
		err_set(e, RC_USAGE, 0, "%s is missing", command->operand);
		return usage(e, command);
	}
	if (left > 0) {
		err_set(e, RC_USAGE, 0, "\"%s\" is one argument too many",
			argv[argc - left]);
		return usage(e, command);
	}
	return 0;
}

/* Options may stand before and after the operand.  @help: it was asked for */
static int parse_args(const struct command *command, int argc, char **argv,
		      struct args *args, bool *help, struct err *e)
{
	struct option longopts[MAX_OPTIONS + 1] = { 0 };
	int n, c, index = 0;

	for (n = 0; command->options[n].name; n++) {
		longopts[n].name = command->options[n].name;
		longopts[n].has_arg = command->options[n].arg ? required_argument :
								no_argument;
	}
	longopts[n] = (struct option) { .name = "help", .val = 'h' };

	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":h", longopts, &index)) != -1) {
		switch (c) {
		case 0:
			store(args, &command->options[index], optarg);
			break;
		case 'h':
			*help = true;
			return 0;
		case ':':
			err_set(e, RC_USAGE, 0, "%s needs an argument",
				argv[optind - 1]);
			return usage(e, command);
		default:
			err_set(e, RC_USAGE, 0, "\"%s\" is not an option of this command",
				argv[optind - 1]);
			return usage(e, command);
		}
	}
	return take_operand(command, argc, argv, args, e);
}

static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct args args = { 0 };
	struct err e = { 0 };
	bool help = false;
	int rc;

	rc = parse_args(command, argc, argv, &args, &help, &e);
	if (!rc && help) {
		help_command(command);
		rc = flush_output(&e);
	} else if (!rc) {
		rc = command->run(&args, &e);
	}
	if (rc)
		err_print(&e, command->name, wants_json(argc, argv));
	return rc;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command = word ? find_command(word) : NULL;
	struct err e = { 0 };
	int rc = 0;

	/* A reader that went away is an error like any other */
	signal(SIGPIPE, SIG_IGN);
	if (command)
		return run_command(command, argc - 1, argv + 1);
	if (word && (!strcmp(word, "--help") || !strcmp(word, "-h")))
		help_tool();
	else if (word && !strcmp(word, "--version"))
		puts("rswapctl " RSWAPCTL_VERSION);
	else if (word)
		rc = err_set(&e, RC_USAGE, 0, "\"%s\" is no command", word);
	else
		rc = err_set(&e, RC_USAGE, 0, "the command is missing");
	if (rc)
		usage(&e, NULL);
	else
		rc = flush_output(&e);
	if (rc)
		err_print(&e, NULL, wants_json(argc, argv));
	return rc;
}
