// SPDX-License-Identifier: GPL-2.0
/* Where the bytes of slabs live: anonymous memory. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rswapd.h"

/*
 * Mappings that munmap() could not split off their neighbours, because the
 * process has as many as it may (vm.max_map_count).  Their memory was given
 * back and they read as zeroes, so they serve again.
 */
struct spare {
	struct spare *next;
	void *mem;
	size_t size;
};

static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
static struct spare *spares;

static void *spare_take(size_t size)
{
	struct spare *spare = NULL;
	void *mem = NULL;

	pthread_mutex_lock(&spare_lock);
	for (struct spare **p = &spares; *p; p = &(*p)->next) {
		if ((*p)->size != size)
			continue;
		spare = *p;
		*p = spare->next;
		mem = spare->mem;
		break;
	}
	pthread_mutex_unlock(&spare_lock);
	free(spare);
	return mem;
}

static void spare_keep(void *mem, size_t size)
{
	struct spare *spare = malloc(sizeof(*spare));

	if (!spare) {
		log_event(LOG_ERROR, "out of memory: %zu bytes of address space are lost", size);
		return;
	}
	spare->mem = mem;
	spare->size = size;
	pthread_mutex_lock(&spare_lock);
	spare->next = spares;
	spares = spare;
	pthread_mutex_unlock(&spare_lock);
}

static void *memory_create(size_t size)
{
	void *mem = spare_take(size);

	if (mem)
		return mem;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	/*
	 * Huge pages would make one written block cost 2 MiB and a trimmed one
	 * give back nothing, and clients' pages have no business in a core dump.
	 * Both are refinements: a kernel without them serves as well.
	 */
	(void)madvise(mem, size, MADV_NOHUGEPAGE);
	(void)madvise(mem, size, MADV_DONTDUMP);
	return mem;
}

static void memory_destroy(void *mem, size_t size)
{
	if (!munmap(mem, size))
		return;
	if (!madvise(mem, size, MADV_DONTNEED)) {
		spare_keep(mem, size);
		return;
	}
	log_event(LOG_ERROR, "cannot give back %zu bytes of a slab: %s", size,
		  strerror(errno));
}

/* Pages wholly inside are dropped; where pages exceed blocks, edges are wiped */
static int memory_trim(void *mem, size_t offset, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = (char *)mem + offset, *end = start + length;
	char *first = start + (-(uintptr_t)start & (page - 1));
	char *last = end - ((uintptr_t)end & (page - 1));

	if (first >= last) {
		memset(start, 0, length);
		return 0;
	}
	memset(start, 0, (size_t)(first - start));
	memset(last, 0, (size_t)(end - last));
	return madvise(first, (size_t)(last - first), MADV_DONTNEED) ? -errno : 0;
}

/** store_memory - slabs in anonymous memory of this process */
const struct store_ops store_memory = {
	.name = "memory",
	.create = memory_create,
	.destroy = memory_destroy,
	.trim = memory_trim,
};
