// SPDX-License-Identifier: GPL-2.0
/*
 * Events on standard error, one line each, as text or JSON.
 *
 * What a peer can cause is limited per address: a burst, then a trickle, then
 * a line that says how many were left out.  A bucket is kept for each of the
 * last LOG_PEERS addresses; all of them together are limited the same way, so
 * that many addresses gain nothing.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rswapd.h"

#define LOG_PEERS	256
#define LOG_BURST	60		/* lines of one address at once */
#define LOG_REFILL_MS	6000		/* one more after that long */
#define LOG_ALL		20		/* all addresses: that many times more */
#define LOG_LINE	512

struct bucket {
	char key[PEER_LEN];
	uint64_t time;			/* ms, of the last refill */
	unsigned int tokens, dropped;
};

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static struct bucket buckets[LOG_PEERS];	/* log_lock */
static struct bucket everyone = { .tokens = LOG_BURST * LOG_ALL }; /* log_lock */
static unsigned int lost;	/* lines that could not be written; log_lock */
static bool as_json;

static const char *const levels[] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warning", [LOG_INFO] = "info",
};

/**
 * log_init - choose the form of the log
 * @json: one JSON object a line instead of text
 */
void log_init(bool json)
{
	as_json = json;
}

/**
 * json_escape - make text fit between the quotes of a JSON string
 * @out: where to put it, always terminated
 * @size: of @out, more than 0
 * @text: any bytes; what is not printable ASCII becomes '?'
 *
 * Return: bytes stored, without the NUL.
 */
size_t json_escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 2 < size; text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
	}
	out[n] = '\0';
	return n;
}

/* Write one line; log_lock held */
static void emit_locked(enum log_level level, const char *peer, const char *text)
{
	char line[2 * LOG_LINE + 256], msg[2 * LOG_LINE];
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct timespec now;
	int n;

	if (as_json) {
		clock_gettime(CLOCK_REALTIME, &now);
		json_escape(msg, sizeof(msg), text);
		n = snprintf(line, sizeof(line),
			     "{\"time\": %lld.%03ld, \"level\": \"%s\", \"peer\": \"%s\", \"message\": \"%s\"}\n",
			     (long long)now.tv_sec, now.tv_nsec / 1000000,
			     levels[level], peer ? peer : "", msg);
	} else {
		n = snprintf(line, sizeof(line), "rswapd: %s%s%s%s\n",
			     level == LOG_INFO ? "" :
			     level == LOG_WARN ? "warning: " : "error: ",
			     peer ? peer : "", peer ? ": " : "", text);
	}
	/* A log that nobody takes must not stop the server */
	if (poll(&out, 1, 0) != 1 || write(STDERR_FILENO, line, (size_t)n) != n)
		lost++;
}

/* The same, after what had to be left out */
static void say_locked(enum log_level level, const char *peer, const char *text)
{
	char more[64];

	if (lost) {
		snprintf(more, sizeof(more), "%u lines of the log were lost", lost);
		lost = 0;
		emit_locked(LOG_WARN, NULL, more);
	}
	emit_locked(level, peer, text);
}

/**
 * log_event - say something about the server itself
 * @level: how bad it is
 * @fmt: text without newline
 */
void log_event(enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&log_lock);
	say_locked(level, NULL, text);
	pthread_mutex_unlock(&log_lock);
}

/* The bucket of an address without its port, the oldest one if it is new */
static struct bucket *bucket_find_locked(const char *peer, uint64_t now)
{
	struct bucket *oldest = &buckets[0];
	const char *colon = strrchr(peer, ':');
	size_t len = colon ? (size_t)(colon - peer) : strlen(peer);

	if (len >= PEER_LEN)
		len = PEER_LEN - 1;
	for (struct bucket *b = buckets; b < buckets + LOG_PEERS; b++) {
		if (!strncmp(b->key, peer, len) && !b->key[len])
			return b;
		if (b->time < oldest->time)
			oldest = b;
	}
	*oldest = (struct bucket){ .time = now, .tokens = LOG_BURST };
	memcpy(oldest->key, peer, len);
	return oldest;
}

static bool bucket_take_locked(struct bucket *b, uint64_t now,
			       unsigned int scale)
{
	uint64_t more = (now - b->time) * scale / LOG_REFILL_MS;

	if (more) {
		b->time = now;
		b->tokens = b->tokens + more > LOG_BURST * scale ?
			    LOG_BURST * scale : b->tokens + (unsigned int)more;
	}
	if (!b->tokens) {
		b->dropped++;
		return false;
	}
	b->tokens--;
	return true;
}

/**
 * log_peer - say something that a peer caused
 * @level: how bad it is
 * @peer: its address, by which lines are limited
 * @fmt: text without newline
 */
void log_peer(enum log_level level, const char *peer, const char *fmt, ...)
{
	char text[LOG_LINE];
	uint64_t now = now_ms();
	struct bucket *b;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&log_lock);
	b = bucket_find_locked(peer, now);
	if (bucket_take_locked(b, now, 1) &&
	    bucket_take_locked(&everyone, now, LOG_ALL)) {
		if (b->dropped) {
			char more[64];

			snprintf(more, sizeof(more), "%u events were not logged",
				 b->dropped);
			b->dropped = 0;
			emit_locked(LOG_WARN, b->key, more);
		}
		say_locked(level, peer, text);
	}
	pthread_mutex_unlock(&log_lock);
}
