/* SPDX-License-Identifier: GPL-2.0 */
/* Just enough of a test harness: a check that says where it failed. */
#ifndef RSWAPD_TEST_H
#define RSWAPD_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rswapd.h"

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: failed: %s\n",		\
				__FILE__, __LINE__, #cond);		\
			exit(1);					\
		}							\
	} while (0)

#define RUN(test)							\
	do {								\
		test();							\
		printf("ok %s\n", #test);				\
	} while (0)

#endif
