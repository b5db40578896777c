// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's memory reserves, which belong to no device
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rswapctl.h"

#define RESERVES	"/sys/kernel/mm/mem_reserve"

static const char *const fields[] = { "pages", "used", "high_water", "failures" };

static uint64_t reserve_field(const char *name, const char *field)
{
	char path[sizeof(RESERVES) + 300];
	uint64_t value = 0;
	FILE *f;

	snprintf(path, sizeof(path), RESERVES "/%s/%s", name, field);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Names in order; 0 if the kernel has no reserves */
static int reserve_names(struct dirent ***names)
{
	int n = scandir(RESERVES, names, visible, alphasort);

	return n < 0 ? 0 : n;
}

/**
 * reserves_json - write the reserves as member "reserves", an array
 * @j: the document, inside an object
 */
void reserves_json(struct json *j)
{
	struct dirent **names = NULL;
	int i, n = reserve_names(&names);
	size_t f;

	json_open(j, "reserves", '[');
	for (i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_string(j, "name", names[i]->d_name);
		for (f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
			json_u64(j, fields[f], reserve_field(names[i]->d_name, fields[f]));
		json_close(j, '}');
		free(names[i]);
	}
	json_close(j, ']');
	free(names);
}

/**
 * reserves_text - print a line for each reserve
 */
void reserves_text(void)
{
	struct dirent **names = NULL;
	int i, n = reserve_names(&names);

	for (i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		printf("reserve:       %s, %" PRIu64 " pages, %" PRIu64 " in use, %" PRIu64
		       " at most so far\n", name, reserve_field(name, "pages"),
		       reserve_field(name, "used"), reserve_field(name, "high_water"));
		free(names[i]);
	}
	free(names);
}
