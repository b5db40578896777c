// SPDX-License-Identifier: GPL-2.0
/* The state of the server as one JSON document, on a Unix socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rswapd.h"

/* Does a server answer there?  One that was killed does not, after a moment */
static bool somebody_lives(const struct sockaddr_un *addr)
{
	for (int i = 0; i < 20; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)addr,
					       sizeof(*addr));

		if (fd >= 0)
			close(fd);
		if (dead)
			return false;
		usleep(50000);
	}
	return true;
}

/* Remove what a server that crashed left behind, but nobody's living socket */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (somebody_lives(addr))
		return -EADDRINUSE;
	return unlink(addr->sun_path) ? -errno : 0;
}

/**
 * control_open - listen on the control socket
 * @path: where; a stale socket there is replaced
 *
 * Return: the socket or -1, after an error message.
 */
int control_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd = -1, err;

	err = -ENAMETOOLONG;
	if (strlen(path) >= sizeof(addr.sun_path))
		goto failed;
	strcpy(addr.sun_path, path);
	err = remove_stale(&addr);
	if (err)
		goto failed;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err = -errno;
		goto failed;
	}
	/* Never, not even for a moment, open to others */
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	umask(mask);
	if (!err && !listen(fd, 16))
		return fd;
	if (!err)
		err = -errno;
failed:
	if (fd >= 0)
		close(fd);
	log_event(LOG_ERROR, "cannot open the control socket %s: %s%s", path,
		  strerror(-err),
		  err == -EADDRINUSE ? "; a running server answers there" :
		  err == -EEXIST ? "; it is not a socket, so it is left alone" :
		  err == -ENOENT ? "; create its directory" : "");
	return -1;
}

static void render_client(FILE *out, const struct registry *reg,
			  struct client *client)
{
	char name[2 * RSWAP_NAME_LEN + 1];
	uint64_t sum[6] = { 0 };

	for (unsigned int i = 0; i < reg->workers; i++) {
		struct client_stats *s = &client->stats[i];

		sum[0] += atomic_load(&s->reads);
		sum[1] += atomic_load(&s->writes);
		sum[2] += atomic_load(&s->trims);
		sum[3] += atomic_load(&s->bytes_in);
		sum[4] += atomic_load(&s->bytes_out);
		sum[5] += atomic_load(&s->errors);
	}
	json_escape(name, sizeof(name), client->hello.name);
	fprintf(out, "{\"name\": \"%s\", \"id\": \"", name);
	for (int i = 0; i < 4; i++)
		fprintf(out, "%02x", client->hello.id[i]);
	fprintf(out,
		"\", \"connections\": %u, \"orphan\": %s, \"slabs\": %u, \"reserved_bytes\": %llu, \"held_bytes\": %lld, ",
		client->conns, client->orphan ? "true" : "false", client->slabs,
		(unsigned long long)client->reserve * reg->slab_size,
		(long long)atomic_load(&client->held) * RSWAP_BLOCK);
	fprintf(out,
		"\"reads\": %llu, \"writes\": %llu, \"trims\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu, \"errors\": %llu}",
		(unsigned long long)sum[0], (unsigned long long)sum[1],
		(unsigned long long)sum[2], (unsigned long long)sum[3],
		(unsigned long long)sum[4], (unsigned long long)sum[5]);
}

/**
 * control_render - the state as JSON
 * @srv: the server
 * @len: set to bytes
 *
 * Context: takes registry.lock.
 * Return: text to free, or NULL when out of memory.
 */
char *control_render(struct server *srv, size_t *len)
{
	struct registry *reg = &srv->reg;
	const char *comma = "";
	int64_t held = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	bool failed;

	if (!out)
		return NULL;
	pthread_mutex_lock(&reg->lock);
	for (struct client *c = reg->clients; c; c = c->next)
		held += atomic_load(&c->held);
	fprintf(out,
		"{\"version\": \"%s\", \"protocol\": %d, \"pid\": %d, \"uptime\": %.3f, \"draining\": %s, \"threads\": %u, \"connections\": %u, ",
		RSWAPD_VERSION, RSWAP_VERSION, (int)getpid(),
		(double)(now_ms() - srv->start) / 1000,
		atomic_load(&srv->draining) ? "true" : "false", reg->workers,
		atomic_load(&srv->conns));
	fprintf(out,
		"\"slab_size\": %u, \"memory_limit\": %llu, \"memory_committed\": %llu, \"memory_held\": %lld, \"clients\": [",
		reg->slab_size, (unsigned long long)reg->limit * reg->slab_size,
		(unsigned long long)reg->used * reg->slab_size,
		(long long)held * RSWAP_BLOCK);
	for (struct client *c = reg->clients; c; c = c->next) {
		fputs(comma, out);
		render_client(out, reg, c);
		comma = ", ";
	}
	pthread_mutex_unlock(&reg->lock);
	fputs("]}\n", out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(text);
		return NULL;
	}
	return text;
}
