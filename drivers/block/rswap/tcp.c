// SPDX-License-Identifier: GPL-2.0
/*
 * rswap over TCP
 *
 * Sending happens in the submitter's context: whoever gets rswap_tcp.tx_lock
 * sends what is queued, its own and that of others who came meanwhile.  When
 * the socket is full the rest is sent by a work item, woken by the socket.
 * Pages are spliced, not copied.  Receiving happens in sk_data_ready, mostly in
 * softirq, straight into the pages of the request.
 *
 * A request ends when both its last byte was handed to the socket and its
 * answer is complete, in whichever order the two are noticed.
 */
#include <linux/inet.h>
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "rswap.h"
#include "trace.h"

/* How long connecting and HELLO may take, each, if the session allows more */
#define RSWAP_TCP_HELLO_TIMEOUT	5

/**
 * struct rswap_tcp - one TCP connection
 * @conn: the connection it carries
 * @sock: the socket
 * @tx_lock: held while sending; protects the next 3 fields
 * @tx_req: request being sent, or NULL
 * @tx_hdr_sent: bytes of its header that are out
 * @tx_data: what is left of its data
 * @send_lock: protects the next 2 fields
 * @send_list: requests to be sent
 * @dead: accept no request
 * @tx_work: sends when the socket has room again
 * @rx_hdr: header being received; the socket lock protects this and all below
 * @rx_hdr_len: bytes of it that have arrived
 * @rx_req: request whose data is being received, or NULL
 * @rx_left: bytes of data still to come
 * @rx_data: where they go
 * @rx_dead: the peer broke the protocol: read no more
 * @data_ready: the socket's own callback
 * @state_change: the same
 * @write_space: the same
 */
struct rswap_tcp {
	struct rswap_conn	*conn;
	struct socket		*sock;

	struct mutex		tx_lock; /* see above */
	struct rswap_request	*tx_req;
	u32			tx_hdr_sent;
	struct iov_iter		tx_data;

	spinlock_t		send_lock; /* see above */
	struct list_head	send_list;
	bool			dead;

	struct work_struct	tx_work;

	struct rswap_hdr	rx_hdr;
	u32			rx_hdr_len;
	struct rswap_request	*rx_req;
	u32			rx_left;
	struct iov_iter		rx_data;
	bool			rx_dead;

	void			(*data_ready)(struct sock *sk);
	void			(*state_change)(struct sock *sk);
	void			(*write_space)(struct sock *sk);
};

#ifdef CONFIG_DEBUG_LOCK_ALLOC
/*
 * Reclaim takes the lock of this socket; user space never does.  Classes of our
 * own keep lockdep from mixing it up with sockets on which user space faults.
 */
static struct lock_class_key rswap_sk_key[2];
static struct lock_class_key rswap_slock_key[2];

static void rswap_tcp_reclassify(struct sock *sk)
{
	if (WARN_ON_ONCE(!sock_allow_reclassification(sk)))
		return;
	if (sk->sk_family == AF_INET)
		sock_lock_init_class_and_name(sk, "slock-AF_INET-RSWAP",
					      &rswap_slock_key[0],
					      "sk_lock-AF_INET-RSWAP",
					      &rswap_sk_key[0]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-RSWAP",
					      &rswap_slock_key[1],
					      "sk_lock-AF_INET6-RSWAP",
					      &rswap_sk_key[1]);
}
#else
static void rswap_tcp_reclassify(struct sock *sk)
{
}
#endif

/* One of the two events that end a request has happened */
static void rswap_tcp_event(struct rswap_request *req)
{
	if (atomic_dec_and_test(&req->pending))
		rswap_request_done(req, req->error);
}

/*
 * Sending
 */

static struct rswap_request *rswap_tcp_next(struct rswap_tcp *tcp)
{
	struct rswap_request *req;

	spin_lock_bh(&tcp->send_lock);
	req = list_first_entry_or_null(&tcp->send_list, struct rswap_request,
				       node);
	if (req)
		list_del_init(&req->node);
	spin_unlock_bh(&tcp->send_lock);
	return req;
}

/* Slab pages must not be spliced: their owner may free them by kfree() */
static bool rswap_tcp_can_splice(const struct iov_iter *data)
{
	size_t left = data->count;
	size_t skip = data->iov_offset;
	const struct bio_vec *bv;

	for (bv = data->bvec; left; bv++) {
		size_t n = min(left, bv->bv_len - skip);

		if (!sendpages_ok(bv->bv_page, n, bv->bv_offset + skip))
			return false;
		left -= n;
		skip = 0;
	}
	return true;
}

/* Return: 0 when all of tx_req is out, -EAGAIN when the socket is full, ... */
static int rswap_tcp_send_one(struct rswap_tcp *tcp)
{
	struct rswap_request *req = tcp->tx_req;
	bool more = !list_empty_careful(&tcp->send_list);
	int ret;

	lockdep_assert_held(&tcp->tx_lock);

	while (tcp->tx_hdr_sent < sizeof(req->hdr)) {
		struct kvec vec = {
			.iov_base = (u8 *)&req->hdr + tcp->tx_hdr_sent,
			.iov_len = sizeof(req->hdr) - tcp->tx_hdr_sent,
		};
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

		if (more || iov_iter_count(&tcp->tx_data))
			msg.msg_flags |= MSG_MORE;
		ret = kernel_sendmsg(tcp->sock, &msg, &vec, 1, vec.iov_len);
		if (ret <= 0)
			return ret ?: -EPIPE;
		tcp->tx_hdr_sent += ret;
	}
	while (iov_iter_count(&tcp->tx_data)) {
		struct msghdr msg = {
			.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
			.msg_iter = tcp->tx_data,
		};

		if (more)
			msg.msg_flags |= MSG_MORE;
		if (rswap_tcp_can_splice(&tcp->tx_data))
			msg.msg_flags |= MSG_SPLICE_PAGES;
		ret = sock_sendmsg(tcp->sock, &msg);
		if (ret <= 0)
			return ret ?: -EPIPE;
		iov_iter_advance(&tcp->tx_data, ret);
	}
	return 0;
}

/* Return: 0 when nothing is left to send, or a negative errno */
static int rswap_tcp_send_queued(struct rswap_tcp *tcp)
{
	unsigned int noreclaim;
	int ret = 0;

	lockdep_assert_held(&tcp->tx_lock);

	/* What is sent here frees memory; it must not wait for memory */
	noreclaim = memalloc_noreclaim_save();
	for (;;) {
		struct rswap_request *req = tcp->tx_req;

		if (!req) {
			req = rswap_tcp_next(tcp);
			if (!req)
				break;
			tcp->tx_req = req;
			tcp->tx_hdr_sent = 0;
			tcp->tx_data = req->data;
			if (req->hdr.op != RSWAP_OP_WRITE)
				tcp->tx_data.count = 0;
		}
		ret = rswap_tcp_send_one(tcp);
		if (ret)
			break;
		tcp->tx_req = NULL;
		rswap_tcp_event(req);
	}
	memalloc_noreclaim_restore(noreclaim);

	if (ret && ret != -EAGAIN)
		rswap_session_lost(tcp->conn->session, ret);
	return ret;
}

/*
 * If somebody else is sending, they will find our request: they look at the list
 * once more after they have let go of the lock.
 */
static void rswap_tcp_send(struct rswap_tcp *tcp)
{
	int ret;

	do {
		/*
		 * Pairs with itself: what we queued before the look at the lock,
		 * our unlock before the look at the list
		 */
		smp_mb();
		if (list_empty_careful(&tcp->send_list) ||
		    !mutex_trylock(&tcp->tx_lock))
			return;
		ret = rswap_tcp_send_queued(tcp);
		mutex_unlock(&tcp->tx_lock);
	} while (!ret);
}

static int rswap_tcp_submit(struct rswap_conn *conn, struct rswap_request *req)
{
	struct rswap_tcp *tcp = conn->priv;
	int ret = -ENOTCONN;

	if (!tcp)
		return ret;
	spin_lock_bh(&tcp->send_lock);
	if (!tcp->dead) {
		atomic_set(&req->pending, 2);
		rswap_request_accept(req);
		list_add_tail(&req->node, &tcp->send_list);
		ret = 0;
	}
	spin_unlock_bh(&tcp->send_lock);
	if (ret)
		return ret;

	rswap_tcp_send(tcp);
	return 0;
}

static void rswap_tcp_tx_work(struct work_struct *work)
{
	struct rswap_tcp *tcp = container_of(work, struct rswap_tcp, tx_work);
	int ret = 0;

	mutex_lock(&tcp->tx_lock);
	if (!READ_ONCE(tcp->dead))
		ret = rswap_tcp_send_queued(tcp);
	mutex_unlock(&tcp->tx_lock);
	if (!ret)
		rswap_tcp_send(tcp);
}

/*
 * Receiving; the socket is locked
 */

static int rswap_tcp_broken(struct rswap_tcp *tcp, const char *what)
{
	struct rswap_session *session = tcp->conn->session;

	pr_err_ratelimited("rswap: %s: %s broke the protocol: %s\n",
			   session->config.name, session->config.url, what);
	trace_rswap_protocol_error(session, what);
	tcp->rx_dead = true;
	rswap_session_lost(session, -EPROTO);
	return -EPROTO;
}

static void rswap_tcp_notice(struct rswap_tcp *tcp)
{
	struct rswap_session *session = tcp->conn->session;

	switch (tcp->rx_hdr.op) {
	case RSWAP_OP_GOING_AWAY:
		pr_warn_ratelimited("rswap: %s: %s is going away: detach, or lose what it holds\n",
				    session->config.name, session->config.url);
		break;
	case RSWAP_OP_PRESSURE:
		pr_info_ratelimited("rswap: %s: %s is short of memory\n",
				    session->config.name, session->config.url);
		break;
	case RSWAP_OP_MOVE:
		pr_info_ratelimited("rswap: %s: %s would like to be rid of slab %u\n",
				    session->config.name, session->config.url,
				    le32_to_cpu(tcp->rx_hdr.slab));
		break;
	}
}

/* A header is complete */
static int rswap_tcp_rx_message(struct rswap_tcp *tcp)
{
	struct rswap_session *session = tcp->conn->session;
	const struct rswap_hdr *hdr = &tcp->rx_hdr;
	struct rswap_request *req;
	const char *what;

	tcp->rx_hdr_len = 0;
	what = rswap_wire_check(hdr, &session->limits);
	if (what)
		return rswap_tcp_broken(tcp, what);
	if (!(hdr->flags & RSWAP_F_REPLY)) {
		rswap_tcp_notice(tcp);
		return 0;
	}
	req = rswap_request_find(tcp->conn, le32_to_cpu(hdr->tag));
	if (!req || req->replied)
		return rswap_tcp_broken(tcp, "reply to no request");
	what = rswap_wire_check_echo(hdr, &req->hdr);
	if (what)
		return rswap_tcp_broken(tcp, what);

	req->replied = true;
	req->error = rswap_status_to_errno(hdr->status);
	if (!hdr->body) {
		rswap_tcp_event(req);
		return 0;
	}
	tcp->rx_req = req;
	tcp->rx_left = le32_to_cpu(hdr->body);
	tcp->rx_data = req->data;
	return 0;
}

static int rswap_tcp_rx_data(struct rswap_tcp *tcp, struct sk_buff *skb,
			     unsigned int offset, size_t len)
{
	size_t n = min_t(size_t, len, tcp->rx_left);
	struct rswap_request *req = tcp->rx_req;

	if (skb_copy_datagram_iter(skb, offset, &tcp->rx_data, n))
		return rswap_tcp_broken(tcp, "more data than asked for");
	tcp->rx_left -= n;
	if (!tcp->rx_left) {
		tcp->rx_req = NULL;
		rswap_tcp_event(req);
	}
	return n;
}

static int rswap_tcp_rx_hdr(struct rswap_tcp *tcp, struct sk_buff *skb,
			    unsigned int offset, size_t len)
{
	size_t n = min(len, sizeof(tcp->rx_hdr) - tcp->rx_hdr_len);
	int ret;

	ret = skb_copy_bits(skb, offset, (u8 *)&tcp->rx_hdr + tcp->rx_hdr_len, n);
	if (ret)
		return ret;
	tcp->rx_hdr_len += n;
	if (tcp->rx_hdr_len == sizeof(tcp->rx_hdr)) {
		ret = rswap_tcp_rx_message(tcp);
		if (ret)
			return ret;
	}
	return n;
}

static int rswap_tcp_rx(read_descriptor_t *desc, struct sk_buff *skb,
			unsigned int offset, size_t len)
{
	struct rswap_tcp *tcp = desc->arg.data;
	size_t done = 0;
	int n;

	while (done < len) {
		if (tcp->rx_req)
			n = rswap_tcp_rx_data(tcp, skb, offset + done,
					      len - done);
		else
			n = rswap_tcp_rx_hdr(tcp, skb, offset + done,
					     len - done);
		if (n < 0) {
			desc->count = 0;
			return n;
		}
		done += n;
	}
	return done;
}

static void rswap_tcp_read(struct rswap_tcp *tcp)
{
	read_descriptor_t desc = { .arg.data = tcp, .count = 1 };

	if (!tcp->rx_dead)
		tcp_read_sock(tcp->sock->sk, &desc, rswap_tcp_rx);
}

/*
 * Socket callbacks
 */

static void rswap_tcp_data_ready(struct sock *sk)
{
	struct rswap_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = sk->sk_user_data;
	if (tcp)
		rswap_tcp_read(tcp);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void rswap_tcp_write_space(struct sock *sk)
{
	struct rswap_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = sk->sk_user_data;
	if (tcp && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		queue_work(rswap_wq, &tcp->tx_work);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void rswap_tcp_state_change(struct sock *sk)
{
	struct rswap_tcp *tcp;

	read_lock_bh(&sk->sk_callback_lock);
	tcp = sk->sk_user_data;
	if (tcp && sk->sk_state != TCP_ESTABLISHED)
		rswap_session_lost(tcp->conn->session,
				   -sk->sk_err ?: -ECONNRESET);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void rswap_tcp_set_callbacks(struct rswap_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	tcp->data_ready = sk->sk_data_ready;
	tcp->state_change = sk->sk_state_change;
	tcp->write_space = sk->sk_write_space;
	sk->sk_user_data = tcp;
	sk->sk_data_ready = rswap_tcp_data_ready;
	sk->sk_state_change = rswap_tcp_state_change;
	sk->sk_write_space = rswap_tcp_write_space;
	write_unlock_bh(&sk->sk_callback_lock);
	/* What came before the callbacks were there */
	rswap_tcp_data_ready(sk);
	rswap_tcp_state_change(sk);
	release_sock(sk);
}

static void rswap_tcp_restore_callbacks(struct rswap_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;

	lock_sock(sk);
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = tcp->data_ready;
	sk->sk_state_change = tcp->state_change;
	sk->sk_write_space = tcp->write_space;
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

/*
 * Connecting and disconnecting
 */

static int rswap_tcp_send_hello(struct rswap_tcp *tcp,
				const struct rswap_hello *hello)
{
	struct rswap_hdr hdr = {
		.magic		= cpu_to_le32(RSWAP_MAGIC),
		.version	= RSWAP_VERSION,
		.op		= RSWAP_OP_HELLO,
		.body		= cpu_to_le32(sizeof(*hello)),
	};
	struct kvec vec[] = {
		{ .iov_base = &hdr, .iov_len = sizeof(hdr) },
		{ .iov_base = (void *)hello, .iov_len = sizeof(*hello) },
	};
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	size_t len = sizeof(hdr) + sizeof(*hello);
	int ret;

	ret = kernel_sendmsg(tcp->sock, &msg, vec, ARRAY_SIZE(vec), len);
	if (ret < 0)
		return ret;
	return ret == len ? 0 : -EPIPE;
}

static int rswap_tcp_recv_all(struct rswap_tcp *tcp, void *buf, size_t len)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { };
	int ret;

	ret = kernel_recvmsg(tcp->sock, &msg, &vec, 1, len, MSG_WAITALL);
	if (ret < 0)
		return ret;
	if (ret == len)
		return 0;
	return signal_pending(current) ? -EINTR :
	       tcp->sock->sk->sk_state == TCP_ESTABLISHED ? -EAGAIN : -ECONNRESET;
}

static int rswap_tcp_hello(struct rswap_tcp *tcp, struct rswap_limits *limits)
{
	struct rswap_session *session = tcp->conn->session;
	struct rswap_hello_reply reply = { };
	struct rswap_hello hello;
	struct rswap_hdr hdr;
	int ret;

	rswap_wire_init_hello(&hello, session, tcp->conn->lane);
	ret = rswap_tcp_send_hello(tcp, &hello);
	if (!ret)
		ret = rswap_tcp_recv_all(tcp, &hdr, sizeof(hdr));
	if (!ret && le32_to_cpu(hdr.body) == sizeof(reply) &&
	    le32_to_cpu(hdr.magic) == RSWAP_MAGIC)
		ret = rswap_tcp_recv_all(tcp, &reply, sizeof(reply));
	memzero_explicit(&hello.key, sizeof(hello.key));
	if (ret == -EAGAIN)
		return rswap_session_why(session, -ETIMEDOUT,
					 "no answer to HELLO: is this an rswap server?");
	if (ret == -EINTR || ret == -ERESTARTSYS)
		return rswap_session_why(session, -EINTR, "interrupted");
	if (ret)
		return rswap_session_why(session, ret,
					 "connection closed during HELLO: is this an rswap server?");
	ret = rswap_wire_check_hello(&hdr, &reply, &hello, session->why);
	if (ret)
		return ret;

	limits->slab_size = le32_to_cpu(reply.slab_size);
	limits->max_io = le32_to_cpu(reply.max_io);
	limits->memory_limit = le64_to_cpu(reply.memory_limit);
	limits->memory_free = le64_to_cpu(reply.memory_free);
	memcpy(limits->server_id, reply.server_id, sizeof(limits->server_id));
	rswap_conn_set_depth(tcp->conn, le32_to_cpu(reply.depth));
	return 0;
}

static void rswap_tcp_prepare(struct rswap_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;
	long timeout = min_t(long, tcp->conn->session->config.timeout,
			     RSWAP_TCP_HELLO_TIMEOUT) * HZ;

	rswap_tcp_reclassify(sk);
	tcp_sock_set_nodelay(sk);
	/*
	 * Closing throws away what is unsent or unacknowledged: after that no
	 * page of a failed request can go out any more.
	 */
	sock_no_linger(sk);
	sk->sk_sndtimeo = timeout;
	sk->sk_rcvtimeo = timeout;
	sk->sk_allocation = GFP_ATOMIC;
	sk->sk_use_task_frag = false;
}

static void rswap_tcp_release(struct rswap_tcp *tcp)
{
	struct sock *sk = tcp->sock->sk;

	/*
	 * The mark is taken back only when nothing can arrive any more: a packet
	 * from the emergency reserve must not find the socket without it.
	 */
	sock_hold(sk);
	sock_release(tcp->sock);
	tcp->sock = NULL;
	if (sock_flag(sk, SOCK_MEMALLOC))
		sk_clear_memalloc(sk);
	sock_put(sk);
}

static int rswap_tcp_connect_error(struct rswap_session *session, int error)
{
	switch (error) {
	case -ECONNREFUSED:
		return rswap_session_why(session, error,
					 "connection refused: is rswapd running there?");
	case -EINPROGRESS:
	case -ETIMEDOUT:
		return rswap_session_why(session, -ETIMEDOUT,
					 "no answer from this address");
	case -ECONNRESET:
		return rswap_session_why(session, error,
					 "connection closed during HELLO: is this an rswap server?");
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ENETDOWN:
		return rswap_session_why(session, error,
					 "no route to this address");
	case -ERESTARTSYS:
	case -EINTR:
		return rswap_session_why(session, -EINTR, "interrupted");
	}
	return rswap_session_why(session, error, "cannot connect: error %d",
				 -error);
}

static int rswap_tcp_connect(struct rswap_conn *conn,
			     struct rswap_limits *limits)
{
	struct rswap_session *session = conn->session;
	struct sockaddr_storage addr;
	struct rswap_tcp *tcp;
	int ret;

	memcpy(&addr, session->transport_data, sizeof(addr));
	tcp = kzalloc(sizeof(*tcp), GFP_KERNEL);
	if (!tcp)
		return -ENOMEM;
	tcp->conn = conn;
	mutex_init(&tcp->tx_lock);
	spin_lock_init(&tcp->send_lock);
	INIT_LIST_HEAD(&tcp->send_list);
	INIT_WORK(&tcp->tx_work, rswap_tcp_tx_work);

	ret = sock_create_kern(session->net, addr.ss_family, SOCK_STREAM,
			       IPPROTO_TCP, &tcp->sock);
	if (ret) {
		rswap_session_why(session, ret, "cannot make a socket: error %d",
				  -ret);
		goto out_free;
	}
	rswap_tcp_prepare(tcp);
	ret = kernel_connect(tcp->sock, (struct sockaddr *)&addr,
			     addr.ss_family == AF_INET ?
			     sizeof(struct sockaddr_in) :
			     sizeof(struct sockaddr_in6), 0);
	if (ret) {
		ret = rswap_tcp_connect_error(session, ret);
		goto out_release;
	}
	ret = rswap_tcp_hello(tcp, limits);
	if (ret)
		goto out_release;
	conn->priv = tcp;
	/* From here on swap may depend on it; a refused attach never gets here */
	sk_set_memalloc(tcp->sock->sk);
	rswap_tcp_set_callbacks(tcp);
	return 0;

out_release:
	rswap_tcp_release(tcp);
out_free:
	kfree(tcp);
	return ret;
}

static void rswap_tcp_disconnect(struct rswap_conn *conn, int error)
{
	struct rswap_tcp *tcp = conn->priv;

	if (!tcp || tcp->dead)
		return;
	spin_lock_bh(&tcp->send_lock);
	tcp->dead = true;
	spin_unlock_bh(&tcp->send_lock);

	/* No more receiving; no more tx_work queued */
	rswap_tcp_restore_callbacks(tcp);
	cancel_work_sync(&tcp->tx_work);
	/* No more sending: a sender that is at it meets a closed socket */
	kernel_sock_shutdown(tcp->sock, SHUT_RDWR);
	mutex_lock(&tcp->tx_lock);
	rswap_tcp_release(tcp);
	tcp->tx_req = NULL;
	INIT_LIST_HEAD(&tcp->send_list);
	mutex_unlock(&tcp->tx_lock);

	rswap_conn_fail_inflight(conn, error);
}

static int rswap_tcp_parse(struct rswap_session *session, const char *rest)
{
	static const char bad[] = "bad address: ADDRESS:PORT or [ADDRESS]:PORT expected";
	struct sockaddr_storage *addr;
	const char *host = rest, *port;
	char buf[RSWAP_MAX_URL + 1];
	size_t len;
	int ret;

	if (*rest == '[') {
		host = rest + 1;
		len = strcspn(host, "]");
		port = host[len] ? host + len + 1 : "";
	} else {
		len = strcspn(host, ":");
		port = host + len;
	}
	if (!len || *port != ':' || !port[1])
		return rswap_session_why(session, -EINVAL, "%s", bad);
	memcpy(buf, host, len);
	buf[len] = '\0';

	addr = kzalloc(sizeof(*addr), GFP_KERNEL);
	if (!addr)
		return -ENOMEM;
	session->transport_data = addr;
	ret = inet_pton_with_scope(session->net,
				   *rest == '[' ? AF_INET6 : AF_INET,
				   buf, port + 1, addr);
	if (ret)
		return rswap_session_why(session, -EINVAL, "%s", bad);
	return 0;
}

static void rswap_tcp_destroy(struct rswap_session *session)
{
	u32 i;

	for (i = 0; i < session->nr_conns; i++)
		kfree(session->conns[i].priv);
	kfree(session->transport_data);
}

/** rswap_tcp_ops - the transport behind tcp:// */
const struct rswap_transport_ops rswap_tcp_ops = {
	.name		= "tcp",
	.parse		= rswap_tcp_parse,
	.connect	= rswap_tcp_connect,
	.submit		= rswap_tcp_submit,
	.disconnect	= rswap_tcp_disconnect,
	.destroy	= rswap_tcp_destroy,
};
