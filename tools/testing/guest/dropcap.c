// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: run a command with less power.
 *
 *	dropcap [-u UID] [CAPABILITY...] -- COMMAND [ARGUMENT...]
 *
 * CAPABILITY is net_admin or sys_admin: taken out of the bounding set, so that
 * not even root's programs have it. -u makes an ordinary user, who has none.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct {
	const char *name;
	int number;
} caps[] = {
	{ "net_admin", CAP_NET_ADMIN },
	{ "sys_admin", CAP_SYS_ADMIN },
};

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "dropcap: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void drop(const char *name)
{
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (strcmp(caps[i].name, name))
			continue;
		check(prctl(PR_CAPBSET_DROP, caps[i].number, 0, 0, 0), name);
		return;
	}
	errno = EINVAL;
	check(1, name);
}

int main(int argc, char **argv)
{
	uid_t uid = 0;
	int i = 1;

	if (i + 1 < argc && !strcmp(argv[i], "-u")) {
		uid = strtoul(argv[i + 1], NULL, 10);
		i += 2;
	}
	for (; i < argc && strcmp(argv[i], "--"); i++)
		drop(argv[i]);
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: dropcap [-u UID] [CAPABILITY...] -- COMMAND...\n");
		return 125;
	}
	if (uid) {
		check(setgroups(0, NULL), "setgroups");
		check(setgid(uid), "setgid");
		check(setuid(uid), "setuid");
	}
	execvp(argv[i + 1], argv + i + 1);
	check(1, argv[i + 1]);
}
