/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rswapd: lend memory to rswap clients over TCP
 *
 * Files, from the outside in:
 *   main.c      start, the main loop (accept, signals, control socket), drain
 *   options.c   command line
 *   log.c       events, rate-limited per peer
 *   listen.c    URLs and listening sockets
 *   control.c   the state as one JSON document
 *   worker.c    a thread, its io_uring, its connections, its clock
 *   conn.c      one connection: bytes in, replies out, closing
 *   request.c   what each operation does
 *   reaper.c    the thread that does what takes milliseconds
 *   client.c    who has which slabs, and what memory is promised to whom
 *   slab.c      one slab: references and the blocks held
 *   store.c     where the bytes of a slab live (vtable; memory)
 *   wire.c      validation of everything a peer sent; pure functions
 *
 * Threads and what they own:
 *   main      the listeners, the control socket, the decision to exit.
 *   worker    (--threads of them) its ring and every connection handed to it:
 *             struct conn and its ops are touched by no other thread, except
 *             an op that was given to the reaper, until it comes back.  New
 *             connections go to the worker that has the fewest.
 *   reaper    freeing slabs, big trims, BYE, expiry of orphans: munmap() of a
 *             populated slab takes milliseconds, which no READ of another
 *             client should wait for.
 *
 * Locks, in this order:
 *   1. registry.lock   the list of clients, reservations, counts of slabs and
 *                      connections, orphan deadlines, used, draining
 *   2. client.lock     the client's table of slabs; getting a reference there
 *   3. worker.lock, reaper.lock, the log's lock: leaves, held for a list
 *                      operation or one line
 * No lock is held while memory is mapped, given back or sent.
 *
 * Life of a slab: the table of its client holds one reference, each operation
 * that receives into or sends from its memory holds one.  FREE and BYE take it
 * out of the table; the last reference unmaps it and only then is its memory
 * lent to anybody else.  So the kernel can never write into memory that has
 * got a new owner, and the limit holds at every moment.
 *
 * Life of a client: the list holds one reference, each connection and each
 * slab one.  BYE and expiry take it off the list and mark it gone; the workers
 * close what connections it has left.
 */
#ifndef RSWAPD_H
#define RSWAPD_H

#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <linux/rswap_proto.h>

#define RSWAPD_VERSION	"1.0"

/* Exit status, documented in rswapd.8 */
enum {
	EXIT_CLEAN	= 0,	/* drained: no client held anything */
	EXIT_FAIL	= 1,	/* the system refused something */
	EXIT_USAGE	= 2,	/* the command line is wrong */
	EXIT_ABANDONED	= 3,	/* stopped while clients still had memory here */
	EXIT_LISTEN	= 4,	/* an address cannot be listened on */
	EXIT_NO_URING	= 5,	/* the kernel offers no io_uring */
};

struct client;
struct conn;
struct registry;
struct server;
struct worker;

/* wire.c ------------------------------------------------------------------ */

/* What a connection negotiated */
struct wire_limits {
	uint32_t slabs;		/* numbers 0 to slabs - 1 may be used */
	uint32_t slab_size;	/* bytes */
	uint32_t max_io;	/* bytes of one READ or WRITE */
	uint32_t depth;		/* requests outstanding */
};

/* struct rswap_hdr of a request in host byte order */
struct wire_req {
	uint8_t op;
	uint32_t tag, slab, length, body;
	uint64_t offset;
};

/* struct rswap_hello in host byte order; name ends with a NUL */
struct wire_hello {
	uint8_t lane;
	uint8_t id[RSWAP_ID_LEN];
	uint8_t key[RSWAP_KEY_LEN];
	char name[RSWAP_NAME_LEN + 1];
	uint64_t size, reserve;
	uint32_t max_io, depth;
};

#define WIRE_FOREIGN	(-1)	/* not our protocol: close without a word */

int wire_check(const struct wire_limits *lim, const struct rswap_hdr *hdr,
	       struct wire_req *req);
int wire_check_hello(const struct rswap_hello *body, struct wire_hello *hello);
const char *wire_status_name(unsigned int status);
const char *wire_op_name(unsigned int op);

/* store.c ----------------------------------------------------------------- */

/**
 * struct store_ops - where the bytes of slabs live
 * @name: of the kind of store, for messages
 * @create: address of @size bytes that read as zeroes, or NULL with errno set
 * @destroy: give them back; nobody uses them any more
 * @trim: bytes @offset to @offset + @length read as zeroes from now on and
 *	their memory is given back; both are multiples of RSWAP_BLOCK.
 *	Return: 0 or a negative errno
 */
struct store_ops {
	const char *name;
	void *(*create)(size_t size);
	void (*destroy)(void *mem, size_t size);
	int (*trim)(void *mem, size_t offset, size_t length);
};

extern const struct store_ops store_memory;

/* slab.c ------------------------------------------------------------------ */

/* @held and @bitmap say which blocks have memory; both are lock-free */
struct slab {
	struct client *client;		/* holds a reference on it */
	const struct store_ops *store;
	char *mem;
	uint32_t size;			/* bytes */
	atomic_uint refs;
	_Atomic uint64_t bitmap[];	/* one bit a block */
};

struct slab *slab_new(struct client *client, const struct store_ops *store,
		      uint32_t size);
void slab_put(struct slab *slab);
void slab_mark(struct slab *slab, uint32_t offset, uint32_t length);
const char *slab_read(const struct slab *slab, uint32_t offset, uint32_t length,
		      uint32_t *run);
int slab_trim(struct slab *slab, uint32_t offset, uint32_t length);

/* client.c ---------------------------------------------------------------- */

/* Counters of one client, one set for each worker, which alone writes it */
struct client_stats {
	alignas(64) _Atomic uint64_t reads;
	_Atomic uint64_t writes, trims, bytes_in, bytes_out, errors;
};

struct client {
	struct client *next;		/* registry.lock; and the next 7 fields */
	unsigned int refs;
	unsigned int conns;
	uint32_t reserve;		/* slabs promised */
	uint32_t slabs;			/* slabs whose memory is not yet back */
	bool orphan;
	uint64_t deadline;		/* of an orphan, ms */
	pthread_mutex_t lock;		/* protects the next 2 fields */
	struct slab **table;		/* max_slabs of them; NULL once gone */
	uint64_t *present;		/* a bit for each that is not NULL */
	atomic_bool gone;		/* BYE or expiry; never unset */
	_Atomic int64_t held;		/* blocks that have memory */
	struct wire_hello hello;	/* what it said first; constant */
	uint32_t max_slabs;		/* constant */
	struct registry *reg;
	struct client_stats stats[];	/* by worker */
};

struct registry {
	pthread_mutex_t lock;		/* protects the next 4 fields */
	struct client *clients;
	unsigned int count;
	uint64_t used;			/* slabs in use or promised */
	bool draining;
	atomic_uint byes;		/* clients gone so far */
	int wake;			/* eventfd: used fell to 0 while draining */
	/* constant: */
	uint64_t limit;			/* slabs lent in all */
	uint32_t slab_size;
	unsigned int max_clients, max_conns, workers, orphan_timeout;
	const struct store_ops *store;
	uint8_t server_id[RSWAP_ID_LEN];
};

int registry_init(struct registry *reg);
int registry_hello(struct registry *reg, const struct wire_hello *hello,
		   struct client **out, struct rswap_hello_reply *reply,
		   const char **why);
uint64_t registry_expire(struct registry *reg, uint64_t now);
bool registry_drain(struct registry *reg);
void registry_destroy(struct registry *reg);
void client_leave(struct client *client, uint64_t now);
void client_bye(struct client *client);
int client_slab_alloc(struct client *client, uint32_t number);
void client_slab_free(struct client *client, uint32_t number);
struct slab *client_slab_get(struct client *client, uint32_t number);
uint32_t client_slab_list(struct client *client, uint32_t from, __le32 *out,
			  uint32_t max);
void client_slab_gone(struct client *client);

/* Add to one of this worker's own counters: no locked instruction needed */
static inline void stat_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, n + atomic_load_explicit(counter,
			      memory_order_relaxed), memory_order_relaxed);
}

/* conn.c ------------------------------------------------------------------ */

/* A peer's address as text */
#define PEER_LEN	64

/* Bytes received at a time when no WRITE is under way: 256 READs */
#define CONN_BUF	8192

/* Replies sent in one system call, and pieces of memory that they come from */
#define CONN_BATCH	64
#define CONN_PIECES	(2 * CONN_BATCH)

/*
 * One request, from its header until the last byte of its reply was taken by
 * the kernel.  Owned by its connection; by the reaper between worker_heavy()
 * and worker_done().
 */
struct op {
	struct op *next;
	struct conn *conn;
	struct rswap_hdr hdr;		/* of the reply */
	struct wire_req req;
	struct slab *slab;		/* reference while its memory is used */
	const void *data;		/* body of the reply, NULL if of the slab */
	void *owned;			/* freed with the op, or NULL */
	size_t sent;			/* bytes of the reply already sent */
	bool pooled;			/* goes back to conn.free when done */
};

/*
 * OPEN -> FLUSH (no more is read; the replies go out) -> LINGER (our side is
 * shut; wait for the peer's end, so that a reset cannot eat our last reply) ->
 * DEAD (waiting for the kernel to hand back what it holds), then freed.
 */
enum conn_state { CONN_OPEN, CONN_FLUSH, CONN_LINGER, CONN_DEAD };

struct conn {
	struct conn *next, **prev;	/* of the worker's list */
	struct worker *worker;
	struct client *client;		/* NULL before HELLO */
	int fd;
	char peer[PEER_LEN];
	enum conn_state state;
	bool linger, parked, rx_armed, tx_armed, announced;
	const char *why;		/* it ended */
	unsigned int async;		/* ops at the reaper */
	uint64_t born, rx_time, tx_time, shut_time;	/* ms */
	struct wire_limits lim;

	unsigned int head, tail;	/* unparsed bytes of buf */
	struct op *cur;			/* WRITE whose body is coming */
	uint32_t body_left;		/* bytes of it still to come */
	uint32_t rx_direct;		/* of these, asked for straight into mem */
	bool rx_drained;		/* the last receive left nothing behind */
	struct iovec rx_iov[2];
	struct msghdr rx_msg;

	struct op *queue, **queue_end;	/* replies in the order of sending */
	unsigned int tx_ops;		/* of these, in the send under way */
	struct iovec tx_iov[CONN_PIECES];
	struct msghdr tx_msg;

	struct op *ops, *free;		/* depth of them */
	struct op op_hello, op_final, op_notice;
	struct rswap_hello_reply hello_reply;
	char buf[CONN_BUF];
};

struct conn *conn_new(int fd, const struct sockaddr_storage *addr);
void conn_start(struct conn *conn, struct worker *worker);
void conn_received(struct conn *conn, int res);
void conn_sent(struct conn *conn, int res);
void conn_reply(struct conn *conn, struct op *op);
void conn_done(struct op *op);
void conn_announce(struct conn *conn);
void conn_stop(struct conn *conn, bool linger, const char *why);
void conn_finish(struct conn *conn, bool linger, const char *why);
void conn_tick(struct conn *conn);
void conn_op_put(struct op *op);

/* request.c --------------------------------------------------------------- */

void request_start(struct conn *conn, struct op *op, int status);
void request_written(struct conn *conn, struct op *op);
void request_heavy(struct op *op);
void request_reply_init(struct op *op, const struct rswap_hdr *hdr);

/* reaper.c ---------------------------------------------------------------- */

struct reaper {
	struct server *srv;
	pthread_t thread;
	pthread_mutex_t lock;		/* protects the next 4 fields */
	pthread_cond_t cond;
	struct op *ops, **ops_end;
	bool poked, stop;
};

int reaper_start(struct reaper *reaper, struct server *srv);
void reaper_submit(struct reaper *reaper, struct op *op);
void reaper_poke(struct reaper *reaper);
void reaper_stop(struct reaper *reaper);

/* worker.c ---------------------------------------------------------------- */

/* What a completion is about: the low bits of its user data */
enum { EV_RX = 1, EV_TX, EV_KICK, EV_TICK, EV_MASK = 7 };

struct worker {
	struct server *srv;
	unsigned int index;
	pthread_t thread;
	struct io_uring ring;
	int kick;			/* eventfd */
	uint64_t kicked;		/* its value, read by the ring */
	struct __kernel_timespec tick;
	uint64_t now;			/* ms, taken once a round */
	struct conn *conns;
	unsigned int byes;		/* registry.byes that was acted upon */
	bool announced, stopping;
	uint64_t stop_by;		/* ms */
	atomic_uint nconns;
	pthread_mutex_t lock;		/* protects the next 2 fields */
	struct conn *fresh;
	struct op *done;
};

int worker_start(struct worker *worker, struct server *srv, unsigned int index);
void worker_adopt(struct worker *worker, struct conn *conn);
void worker_kick(struct worker *worker);
void worker_heavy(struct worker *worker, struct op *op);
void worker_done(struct op *op);
struct io_uring_sqe *ring_sqe(struct io_uring *ring);
int ring_init(struct io_uring *ring, unsigned int entries);
uint64_t now_ms(void);

/* listen.c ---------------------------------------------------------------- */

struct listener {
	const char *url;
	int fd;
	bool armed;
};

int listen_parse(const char *url, struct sockaddr_storage *addr,
		 const char **why);
int listen_open(struct listener *listener);
void listen_name(const struct sockaddr_storage *addr, char *out, size_t size);

/* options.c --------------------------------------------------------------- */

#define MAX_LISTEN	16

struct options {
	struct listener listen[MAX_LISTEN];
	unsigned int listens;
	uint64_t memory;
	uint32_t slab_size;
	unsigned int threads, max_clients, max_conns;
	unsigned int orphan_timeout, drain_timeout, hello_timeout, stall_timeout;
	const char *control;
	bool json;
};

int options_parse(struct options *opt, int argc, char **argv);
int options_size(const char *text, uint64_t *out);
void size_text(uint64_t bytes, char *out, size_t size);

/* log.c ------------------------------------------------------------------- */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

void log_init(bool json);
void log_event(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_peer(enum log_level level, const char *peer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t json_escape(char *out, size_t size, const char *text);

/* control.c --------------------------------------------------------------- */

int control_open(const char *path);
char *control_render(struct server *srv, size_t *len);

/* main.c ------------------------------------------------------------------ */

struct server {
	struct options opt;
	struct registry reg;
	struct reaper reaper;
	struct worker *workers;
	uint64_t start;			/* ms */
	atomic_bool draining, stopping;
	atomic_uint conns;		/* open now, HELLO said or not */
	unsigned int max_conns;		/* of all clients, from RLIMIT_NOFILE */
};

#endif /* RSWAPD_H */
