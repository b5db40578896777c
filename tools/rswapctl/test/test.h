/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the unit tests share: a check that counts, and KTAP output.
 *
 * A test file lists its cases in a table and ends with TEST_MAIN(table).
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rswapctl.h"

/**
 * struct test_case - a case
 * @name: as reported
 * @run: uses CHECK() and CHECK_STR()
 */
struct test_case {
	const char *name;
	void (*run)(void);
};

static unsigned int test_failures;

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		test_failures++;					\
	}								\
} while (0)

#define CHECK_STR(have, want) do {					\
	const char *have_ = (have), *want_ = (want);			\
	if (strcmp(have_, want_)) {					\
		printf("# %s:%d: have \"%s\", want \"%s\"\n", __FILE__,	\
		       __LINE__, have_, want_);				\
		test_failures++;					\
	}								\
} while (0)

static inline int test_main(const struct test_case *cases, size_t count)
{
	unsigned int bad = 0, before;
	size_t i;

	printf("KTAP version 1\n1..%zu\n", count);
	for (i = 0; i < count; i++) {
		before = test_failures;
		cases[i].run();
		if (test_failures != before)
			bad++;
		printf("%sok %zu %s\n", test_failures == before ? "" : "not ", i + 1,
		       cases[i].name);
	}
	return bad ? 1 : 0;
}

#define TEST_MAIN(cases)						\
int main(void)								\
{									\
	return test_main(cases, sizeof(cases) / sizeof((cases)[0]));	\
}

#endif /* TEST_H */
