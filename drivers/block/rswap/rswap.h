/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rswap: a block device in the memory of another machine
 *
 * What each file holds:
 *
 *	main.c		module init and exit, attaching from the kernel command line
 *	dev.c		struct rswap_dev: the gendisk, bios to requests, attach, detach
 *	session.c	struct rswap_session: its states, loss of the server, watchdog
 *	swap.c		swap operations: batches to requests, freed slots to TRIMs
 *	request.c	struct rswap_request, struct rswap_conn: tags, lanes, completion
 *	slab.c		struct rswap_slab_map: which slabs exist on the server
 *	wire.c		building and checking what goes over the wire
 *	transport.c	URL to transport
 *	tcp.c		transport over kernel TCP sockets
 *	loop.c		transport to server memory inside this kernel
 *	netlink.c	the netlink family (netlink_gen.[ch] are generated)
 *	stats.c		counters and latency histograms
 *	trace.c		instantiates the tracepoints of trace.h
 *
 * The path of a folio that is swapped: mm hands a batch of them to rswap_swap_out()
 * or rswap_swap_in(), which make requests of it as described below for bios.
 *
 * The path of a bio: rswap_submit_bio() splits it at slab borders, takes a free
 * request of a connection of the right lane (sleeping until there is one), and
 * hands it to the transport from the caller's context.  The answer arrives in
 * softirq, is copied straight into the pages of the bio, and completes it there.
 * Nothing is allocated on the way: requests live as long as their device.
 *
 * Who owns a request (enum rswap_request_state):
 *
 *	FREE		the list of its connection
 *	TAKEN		whoever took it with rswap_request_get()
 *	INFLIGHT	the transport, from rswap_request_accept() on, until it calls
 *			rswap_request_done() exactly once
 *
 * Lock order (outer first):
 *
 *	1. rswap_devs_lock	mutex: the list of devices, their names
 *	2. disk->open_mutex	rswap_dev.detaching against openers
 *	3. rswap_tcp.tx_lock	mutex: the sender's position; one at a time sends
 *	4. the socket lock	the receiver's position
 *	5. sk_callback_lock	sk_user_data: whether callbacks may use the connection
 *	6. rswap_tcp.send_lock, rswap_session.lock, rswap_conn.lock,
 *	   rswap_trim.lock (all leaves)
 *
 * rswap_devs_lock is never held over I/O, connecting or disconnecting.
 */
#ifndef _RSWAP_H
#define _RSWAP_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rswap.h>
#include <linux/rswap_proto.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct rswap_conn;
struct rswap_dev;
struct rswap_session;
struct net;

extern struct workqueue_struct *rswap_wq;

/* What an administrator may leave unsaid */
#define RSWAP_DEFAULT_CONNECTIONS	2
#define RSWAP_DEFAULT_DEPTH		128
#define RSWAP_DEFAULT_TIMEOUT		30

/* Length of a message for the administrator; netlink's limit */
#define RSWAP_WHY_LEN			80

/**
 * struct rswap_config - what the administrator asked for
 * @url: the server
 * @name: the device's name; empty for "r" and the index
 * @size: bytes, a multiple of PAGE_SIZE
 * @connections: number of connections
 * @depth: requests outstanding on each connection
 * @timeout: seconds until an unanswered request means that the server is lost
 * @thin: reserve no memory on the server
 */
struct rswap_config {
	char	url[RSWAP_MAX_URL + 1];
	char	name[RSWAP_MAX_NAME + 1];
	u64	size;
	u32	connections;
	u32	depth;
	u32	timeout;
	bool	thin;
};

/**
 * struct rswap_limits - what a server granted in its answer to HELLO
 * @slab_size: bytes of a slab, a power of two
 * @max_io: most bytes of one READ or WRITE
 * @memory_limit: bytes the server lends in all
 * @memory_free: bytes of these that were free
 * @server_id: identity of this run of the server
 */
struct rswap_limits {
	u32	slab_size;
	u32	max_io;
	u64	memory_limit;
	u64	memory_free;
	u8	server_id[RSWAP_ID_LEN];
};

/* slab.c */

/**
 * enum rswap_slab_state - what is known about a slab
 * @RSWAP_SLAB_UNMAPPED: it does not exist on the server and reads as zeroes
 * @RSWAP_SLAB_MAPPING: one writer is asking the server for it
 * @RSWAP_SLAB_MAPPED: it exists
 */
enum rswap_slab_state {
	RSWAP_SLAB_UNMAPPED,
	RSWAP_SLAB_MAPPING,
	RSWAP_SLAB_MAPPED,
};

/**
 * struct rswap_slab_map - the slabs of one device
 * @nr: number of slabs
 * @shift: log2 of the slab size in bytes
 * @mapped: number of slabs in state MAPPED
 * @wait: for those who wait for somebody else's MAPPING to end
 * @state: enum rswap_slab_state of each, changed by cmpxchg only
 */
struct rswap_slab_map {
	u32			nr;
	u32			shift;
	atomic_t		mapped;
	wait_queue_head_t	wait;
	u8			state[] __counted_by(nr);
};

/**
 * struct rswap_extent - part of a device that lies in one slab
 * @slab: number of the slab
 * @offset: bytes from the start of the slab
 * @length: bytes
 */
struct rswap_extent {
	u32	slab;
	u32	offset;
	u32	length;
};

struct rswap_slab_map *rswap_slab_map_create(u64 size, u32 slab_size);
void rswap_slab_map_destroy(struct rswap_slab_map *map);
struct rswap_extent rswap_slab_extent(const struct rswap_slab_map *map,
				      u64 pos, u64 bytes);
u64 rswap_slab_pos(const struct rswap_slab_map *map,
		   const struct rswap_extent *ext);
bool rswap_slab_mapped(const struct rswap_slab_map *map, u32 slab);
bool rswap_slab_begin(struct rswap_slab_map *map, u32 slab);
void rswap_slab_end(struct rswap_slab_map *map, u32 slab, bool mapped);

/* wire.c */

void rswap_wire_init(struct rswap_hdr *hdr, u8 op,
		     const struct rswap_extent *ext);
const char *rswap_wire_check(const struct rswap_hdr *hdr,
			     const struct rswap_limits *limits);
const char *rswap_wire_check_echo(const struct rswap_hdr *hdr,
				  const struct rswap_hdr *request);
void rswap_wire_init_hello(struct rswap_hello *hello,
			   const struct rswap_session *session,
			   enum rswap_lane_kind lane);
int rswap_wire_check_hello(const struct rswap_hdr *hdr,
			   const struct rswap_hello_reply *reply,
			   const struct rswap_hello *asked, char *why);
int rswap_status_to_errno(u8 status);

/* request.c */

/**
 * enum rswap_request_state - who owns a request; see the top of this file
 * @RSWAP_REQ_FREE: its connection
 * @RSWAP_REQ_TAKEN: the taker
 * @RSWAP_REQ_INFLIGHT: the transport
 */
enum rswap_request_state {
	RSWAP_REQ_FREE,
	RSWAP_REQ_TAKEN,
	RSWAP_REQ_INFLIGHT,
};

/**
 * struct rswap_request - one request to the server, and its tag
 * @hdr: the header as it is sent; hdr.tag is this request's tag for this use
 * @conn: the connection it belongs to, for good
 * @state: enum rswap_request_state
 * @deadline: jiffies at which the server counts as lost; valid while INFLIGHT
 * @start: when it was submitted, in ns
 * @kind: for statistics; RSWAP_IO_KIND_NONE for control messages
 * @data: bytes to send (WRITE) or to receive (READ); a count of 0 otherwise
 * @end: called once when the request has ended, in any context, with 0 or a
 *	negative errno; it must not sleep, and must not touch the request after
 *	rswap_request_put()
 * @private: for @end
 * @start_jiffies: for disk statistics
 * @node: on the free list (state FREE) or on a list of the transport (INFLIGHT)
 * @pending: for the transport: events still missing until done
 * @replied: for the transport: the answer has begun to arrive
 * @error: for the transport: outcome, once @replied
 */
struct rswap_request {
	struct rswap_hdr	hdr;
	struct rswap_conn	*conn;
	u8			state;
	unsigned long		deadline;
	u64			start;
	u32			kind;
	struct iov_iter		data;
	void			(*end)(struct rswap_request *req, int error);
	void			*private;
	unsigned long		start_jiffies;
	struct list_head	node;
	atomic_t		pending;
	bool			replied;
	int			error;
};

/* A tag is an index into conn->reqs (low half) and a use count (high half) */
#define RSWAP_TAG_INDEX(tag)	((tag) & 0xffffu)
#define RSWAP_TAG_USE		0x10000u

/**
 * struct rswap_conn - one connection: a set of requests and a way to the server
 * @session: the session it belongs to
 * @index: its number within the session
 * @lane: what it is used for
 * @depth: requests that may be outstanding, at most config.depth
 * @reqs: the requests, config.depth of them
 * @lock: protects @free
 * @free: requests in state FREE
 * @wait: exclusive waiters for a free request
 * @priv: the transport's
 */
struct rswap_conn {
	struct rswap_session	*session;
	u32			index;
	enum rswap_lane_kind	lane;
	u32			depth;
	struct rswap_request	*reqs;
	spinlock_t		lock; /* see above */
	struct list_head	free;
	wait_queue_head_t	wait;
	void			*priv;
};

#define RSWAP_IO_KIND_COUNT	(RSWAP_IO_KIND_TRIM + 1)
#define RSWAP_IO_KIND_NONE	RSWAP_IO_KIND_COUNT

int rswap_conn_init(struct rswap_conn *conn, struct rswap_session *session,
		    u32 index);
void rswap_conn_set_depth(struct rswap_conn *conn, u32 depth);
void rswap_conn_destroy(struct rswap_conn *conn);
struct rswap_request *rswap_request_find(struct rswap_conn *conn, u32 tag);
void rswap_conn_fail_inflight(struct rswap_conn *conn, int error);
bool rswap_conn_timed_out(struct rswap_conn *conn);
struct rswap_conn *rswap_conn_pick(struct rswap_session *session,
				   enum rswap_lane_kind lane);
struct rswap_request *rswap_request_try_get(struct rswap_conn *conn);
struct rswap_request *rswap_request_get(struct rswap_conn *conn);
void rswap_request_put(struct rswap_request *req);
void rswap_request_accept(struct rswap_request *req);
void rswap_request_submit(struct rswap_request *req);
void rswap_request_done(struct rswap_request *req, int error);
int rswap_io_submit(struct rswap_session *session, u32 kind,
		    const struct rswap_extent *ext, struct iov_iter *data,
		    void (*end)(struct rswap_request *req, int error),
		    void *private, unsigned long start_jiffies, bool nowait);
int rswap_request_control(struct rswap_conn *conn, u8 op, u32 slab,
			  unsigned long timeout);

/* transport.c, tcp.c, loop.c */

/**
 * struct rswap_transport_ops - a way to reach a server
 * @name: what stands before "://" in a URL
 * @parse: check the rest of session->config.url, and keep what is needed in
 *	session->transport_data.  Returns 0 or a negative errno with
 *	session->why set.  May sleep.
 * @connect: connect, say HELLO, fill in @limits, call rswap_conn_set_depth().
 *	Returns 0 or a negative errno with session->why set, and then nothing is
 *	left to disconnect.  May sleep, interruptibly, for the session's timeout
 *	at most.
 * @submit: take over @req.  0 means that the transport called
 *	rswap_request_accept() and will call rswap_request_done() exactly once,
 *	maybe before this returns; a negative errno means that it will not, and
 *	that the request is still the caller's.  Process context, may sleep, but
 *	never for memory that reclaim would have to free.
 * @disconnect: stop sending and receiving, make sure that nothing of a request
 *	can be sent or received any more, then end every request still in flight
 *	with @error.  Does nothing if not connected.  May sleep.
 * @destroy: free session->transport_data.  May sleep.
 */
struct rswap_transport_ops {
	const char	*name;
	int		(*parse)(struct rswap_session *session, const char *rest);
	int		(*connect)(struct rswap_conn *conn,
				   struct rswap_limits *limits);
	int		(*submit)(struct rswap_conn *conn,
				  struct rswap_request *req);
	void		(*disconnect)(struct rswap_conn *conn, int error);
	void		(*destroy)(struct rswap_session *session);
};

extern const struct rswap_transport_ops rswap_tcp_ops;
extern const struct rswap_transport_ops rswap_loop_ops;

int rswap_transport_parse(struct rswap_session *session);

/* stats.c */

/**
 * struct rswap_stats_cpu - one CPU's share of a device's statistics
 * @sync: makes 64-bit counters readable on 32-bit machines
 * @ios: requests ended, by kind
 * @bytes: bytes of those that succeeded
 * @errors: those that failed
 * @latency: how long they took
 */
struct rswap_stats_cpu {
	struct u64_stats_sync	sync;
	u64_stats_t		ios[RSWAP_IO_KIND_COUNT];
	u64_stats_t		bytes[RSWAP_IO_KIND_COUNT];
	u64_stats_t		errors[RSWAP_IO_KIND_COUNT];
	u64_stats_t		latency[RSWAP_IO_KIND_COUNT][RSWAP_LATENCY_BUCKETS];
};

/**
 * struct rswap_stats - sum over all CPUs, of one kind
 * @ios: requests ended
 * @bytes: bytes of those that succeeded
 * @errors: those that failed
 * @latency: histogram, see rswap_stats_bucket()
 */
struct rswap_stats {
	u64	ios;
	u64	bytes;
	u64	errors;
	u64	latency[RSWAP_LATENCY_BUCKETS];
};

struct rswap_stats_cpu __percpu *rswap_stats_create(void);
u32 rswap_stats_bucket(u64 ns);
void rswap_stats_add(struct rswap_stats_cpu __percpu *stats, u32 kind,
		     u32 bytes, u64 ns, int error);
void rswap_stats_read(struct rswap_stats_cpu __percpu *stats, u32 kind,
		      struct rswap_stats *sum);

/* swap.c */

/**
 * struct rswap_trim - freed slots that the server does not know of yet
 * @session: the session
 * @work: sends the next TRIM
 * @wait: for those who write to what is being trimmed
 * @nr: pages of the device
 * @lock: protects what follows; irq-safe
 * @next: where to look for freed pages next
 * @busy_first: first page of the TRIM that is on its way
 * @busy_end: the page after its last; 0 if there is none
 * @freed: a bit for each page
 */
struct rswap_trim {
	struct rswap_session	*session;
	struct delayed_work	work;
	wait_queue_head_t	wait;
	unsigned long		nr;
	spinlock_t		lock; /* see above */
	unsigned long		next;
	unsigned long		busy_first;
	unsigned long		busy_end;
	unsigned long		freed[];
};

struct swap_io;

int rswap_swap_out(struct block_device *bdev, struct swap_io *sio);
int rswap_swap_in(struct block_device *bdev, struct swap_io *sio);
void rswap_slot_free(struct block_device *bdev, unsigned long slot);
void rswap_trim_forget(struct rswap_session *session, u64 pos, u64 len);
struct rswap_trim *rswap_trim_create(struct rswap_session *session);
void rswap_trim_stop(struct rswap_session *session);
void rswap_trim_destroy(struct rswap_trim *trim);

/* session.c */

/**
 * struct rswap_session - a device's relation to its server
 * @config: what was asked for
 * @ops: the transport
 * @transport_data: the transport's
 * @net: network namespace of the connections
 * @id: the client id the server knows this device by
 * @key: proves @id
 * @limits: what the server granted
 * @lock: protects @state, @error and @bye_deadline; irq-safe
 * @state: enum rswap_state
 * @error: negative errno that lost the session, or 0
 * @bye_deadline: jiffies at which taking leave is given up; in state CLOSING
 * @why: what to tell the administrator; written only while connecting
 * @lost_work: runs after a loss
 * @watchdog: looks for requests past their deadline
 * @slabs: the slab map
 * @trim: freed slots
 * @stats: counters
 * @inflight: requests outstanding, by kind, control messages last
 * @idle: woken when the last request of a kind has ended
 * @nr_conns: number of @conns
 * @next_conn: spreads requests over the connections of a lane
 * @conns: the connections; the first half (rounded down) is the demand lane
 */
struct rswap_session {
	struct rswap_config		config;
	const struct rswap_transport_ops *ops;
	void				*transport_data;
	struct net			*net;
	u8				id[RSWAP_ID_LEN];
	u8				key[RSWAP_KEY_LEN];
	struct rswap_limits		limits;
	spinlock_t			lock; /* see above */
	enum rswap_state		state;
	int				error;
	unsigned long			bye_deadline;
	char				why[RSWAP_WHY_LEN];
	struct work_struct		lost_work;
	struct delayed_work		watchdog;
	struct rswap_slab_map		*slabs;
	struct rswap_trim		*trim;
	struct rswap_stats_cpu __percpu	*stats;
	atomic_t			inflight[RSWAP_IO_KIND_COUNT + 1];
	wait_queue_head_t		idle;
	u32				nr_conns;
	atomic_t			next_conn;
	struct rswap_conn		*conns;
};

bool rswap_state_allowed(enum rswap_state from, enum rswap_state to);
const char *rswap_state_name(enum rswap_state state);
struct rswap_session *rswap_session_create(const struct rswap_config *config,
					   struct net *net, char *why);
int rswap_session_connect(struct rswap_session *session);
bool rswap_session_live(const struct rswap_session *session);
void rswap_session_lost(struct rswap_session *session, int error);
void rswap_session_drain(struct rswap_session *session);
void rswap_session_close(struct rswap_session *session);
void rswap_session_destroy(struct rswap_session *session);
u64 rswap_session_memory(const struct rswap_session *session);
__printf(3, 4)
int rswap_session_why(struct rswap_session *session, int error,
		      const char *fmt, ...);

/* dev.c */

/**
 * struct rswap_dev - a block device
 * @node: on rswap_devs
 * @index: the N of rswapN
 * @name: the name chosen by the administrator
 * @session: the way to the server; freed with the disk
 * @disk: the disk; NULL while attaching
 * @detaching: no new opener is let in; protected by disk->open_mutex
 */
struct rswap_dev {
	struct list_head	node;
	int			index;
	char			name[RSWAP_MAX_NAME + 1];
	struct rswap_session	*session;
	struct gendisk		*disk;
	bool			detaching;
};

extern struct mutex rswap_devs_lock;
extern struct list_head rswap_devs;

int rswap_config_check(const struct rswap_config *config, char *why);
int rswap_dev_attach(const struct rswap_config *config, struct net *net,
		     int *index, char *why);
int rswap_dev_detach(int index, const char *name, bool force, char *why);
struct rswap_dev *rswap_dev_find(int index, const char *name);
int rswap_dev_init(void);
void rswap_dev_exit(void);

#endif /* _RSWAP_H */
