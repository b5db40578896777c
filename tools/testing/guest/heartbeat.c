// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: one line per second on the progress port, from locked memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "agent.h"

int main(void)
{
	struct timespec second = { .tv_sec = 1 };

	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		fprintf(stderr, "heartbeat: mlockall: %s\n", strerror(errno));
		return 1;
	}
	for (unsigned long tick = 0;; tick++) {
		dprintf(PROGRESS_FD, "heartbeat tick=%lu\n", tick);
		nanosleep(&second, NULL);
	}
}
