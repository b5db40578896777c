// SPDX-License-Identifier: GPL-2.0
/* Start, the main loop, drain. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <unistd.h>

#include "rswapd.h"

/* What a completion of the main ring is about; or a struct answer */
enum { M_SIGNAL = 1, M_WAKE, M_TICK, M_CONTROL, M_TIMEOUT, M_LISTEN, M_ANSWER = 64 };

#define MAX_ANSWERS	8
#define ANSWER_MS	5000

/* Descriptors beside connections: standard ones, main ring, events, answers */
#define OTHER_FDS	(16 + MAX_ANSWERS)

/* A control connection that is being answered */
struct answer {
	int fd;				/* -1: free */
	char *text;
	size_t len, sent;
};

/* Of the main thread alone */
struct loop {
	struct server *srv;
	struct io_uring ring;
	struct listener control;
	int signals, wake;
	struct signalfd_siginfo signal;
	uint64_t woken;
	struct __kernel_timespec tick, answer_time;
	struct answer answers[MAX_ANSWERS];
	bool room;			/* descriptors were closed: accept again */
	uint64_t deadline;		/* of the drain, ms */
	int status;			/* to exit with; -1: go on */
};

/* Tell the service manager, if there is one that wants to know */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || strlen(path) >= sizeof(addr.sun_path))
		return;
	strcpy(addr.sun_path, path);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (struct sockaddr *)&addr, len) < 0)
		log_event(LOG_WARN, "cannot notify %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void kick_all(struct server *srv)
{
	for (unsigned int i = 0; i < srv->opt.threads; i++)
		worker_kick(&srv->workers[i]);
}

/* Multishot: one submission, many connections */
static void arm_accept(struct loop *loop, struct listener *listener, uint64_t what)
{
	struct io_uring_sqe *sqe = ring_sqe(&loop->ring);

	io_uring_prep_multishot_accept(sqe, listener->fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, what);
	listener->armed = true;
}

static void arm_read(struct loop *loop, int fd, void *buf, unsigned int len,
		     uint64_t what)
{
	struct io_uring_sqe *sqe = ring_sqe(&loop->ring);

	io_uring_prep_read(sqe, fd, buf, len, 0);
	io_uring_sqe_set_data64(sqe, what);
}

static void arm_tick(struct loop *loop)
{
	struct io_uring_sqe *sqe = ring_sqe(&loop->ring);

	loop->tick = (struct __kernel_timespec){ .tv_sec = 1 };
	io_uring_prep_timeout(sqe, &loop->tick, 0, 0);
	io_uring_sqe_set_data64(sqe, M_TICK);
}

static struct worker *least_busy(struct server *srv)
{
	struct worker *best = &srv->workers[0];

	for (unsigned int i = 1; i < srv->opt.threads; i++)
		if (atomic_load(&srv->workers[i].nconns) < atomic_load(&best->nconns))
			best = &srv->workers[i];
	return best;
}

/* Return: whether it was taken; else it is closed */
static bool on_connection(struct server *srv, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	char name[PEER_LEN];
	struct conn *conn;

	/* A peer that is gone already needs no further words */
	if (getpeername(fd, (struct sockaddr *)&addr, &len)) {
		close(fd);
		return false;
	}
	if (atomic_load(&srv->conns) >= srv->max_conns) {
		listen_name(&addr, name, sizeof(name));
		log_peer(LOG_WARN, name,
			 "closed: there are %u connections, which is the most (ulimit -n, --max-clients, --max-conns)",
			 srv->max_conns);
		close(fd);
		return false;
	}
	conn = conn_new(fd, &addr);
	if (!conn) {
		listen_name(&addr, name, sizeof(name));
		log_peer(LOG_WARN, name, "closed: %s", strerror(errno));
		close(fd);
		return false;
	}
	atomic_fetch_add(&srv->conns, 1);
	worker_adopt(least_busy(srv), conn);
	return true;
}

static void send_answer(struct loop *loop, struct answer *answer)
{
	struct io_uring_sqe *sqe;

	/* The two must not be parted by a submission in between */
	if (io_uring_sq_space_left(&loop->ring) < 2)
		io_uring_submit(&loop->ring);
	sqe = ring_sqe(&loop->ring);
	io_uring_prep_send(sqe, answer->fd, answer->text + answer->sent,
			   answer->len - answer->sent, MSG_NOSIGNAL);
	sqe->flags |= IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, M_ANSWER + (uint64_t)(answer - loop->answers));

	sqe = ring_sqe(&loop->ring);
	loop->answer_time = (struct __kernel_timespec){ .tv_sec = ANSWER_MS / 1000 };
	io_uring_prep_link_timeout(sqe, &loop->answer_time, 0);
	io_uring_sqe_set_data64(sqe, M_TIMEOUT);
}

static void on_control(struct loop *loop, int fd)
{
	struct answer *answer = NULL;

	for (int i = 0; i < MAX_ANSWERS && !answer; i++)
		if (loop->answers[i].fd < 0)
			answer = &loop->answers[i];
	if (!answer) {
		close(fd);
		return;
	}
	*answer = (struct answer){ .fd = fd };
	answer->text = control_render(loop->srv, &answer->len);
	if (!answer->text) {
		log_event(LOG_ERROR, "out of memory for the control socket");
		close(fd);
		answer->fd = -1;
		return;
	}
	send_answer(loop, answer);
}

static void on_answered(struct loop *loop, struct answer *answer, int res)
{
	answer->sent += res > 0 ? (size_t)res : 0;
	if (res > 0 && answer->sent < answer->len) {
		send_answer(loop, answer);
		return;
	}
	close(answer->fd);
	free(answer->text);
	answer->fd = -1;
}

static void on_accept(struct loop *loop, struct listener *listener,
		      const struct io_uring_cqe *cqe)
{
	/* Armed again when there is room, or a second later: do not spin */
	if (!(cqe->flags & IORING_CQE_F_MORE))
		listener->armed = false;
	if (cqe->res < 0)
		log_peer(LOG_ERROR, "accept", "%s; trying again in a second",
			 strerror(-cqe->res));
	else if (listener == &loop->control)
		on_control(loop, cqe->res);
	else if (!on_connection(loop->srv, cqe->res))
		loop->room = true;
}

/* How much is lost if the server stops now */
static void abandon(struct loop *loop, const char *why)
{
	struct registry *reg = &loop->srv->reg;
	uint64_t held = 0, clients = 0;

	pthread_mutex_lock(&reg->lock);
	for (struct client *c = reg->clients; c; c = c->next) {
		if (!c->slabs && !c->reserve)
			continue;
		clients++;
		held += (uint64_t)atomic_load(&c->held) * RSWAP_BLOCK;
	}
	pthread_mutex_unlock(&reg->lock);
	log_event(LOG_ERROR, "%s: abandoning %llu clients that have %llu bytes here",
		  why, (unsigned long long)clients, (unsigned long long)held);
	loop->status = EXIT_ABANDONED;
}

static void on_signal(struct loop *loop)
{
	struct server *srv = loop->srv;

	if (atomic_load(&srv->draining)) {
		abandon(loop, "second signal");
		return;
	}
	loop->deadline = now_ms() + srv->opt.drain_timeout * 1000ull;
	log_event(LOG_INFO, "stopping: no new client, no new slab; waiting up to %u s for clients to leave",
		  srv->opt.drain_timeout);
	notify("STOPPING=1");
	atomic_store(&srv->draining, true);
	if (registry_drain(&srv->reg))
		loop->status = EXIT_CLEAN;
	else if (!srv->opt.drain_timeout)
		abandon(loop, "not waiting");
	kick_all(srv);
}

/* Accept on every socket */
static void arm_all(struct loop *loop)
{
	struct options *opt = &loop->srv->opt;

	loop->room = false;
	for (unsigned int i = 0; i < opt->listens; i++)
		if (!opt->listen[i].armed)
			arm_accept(loop, &opt->listen[i], M_LISTEN + i);
	if (loop->control.fd >= 0 && !loop->control.armed)
		arm_accept(loop, &loop->control, M_CONTROL);
}

static void on_tick(struct loop *loop)
{
	struct server *srv = loop->srv;

	arm_all(loop);
	if (atomic_load(&srv->draining) && now_ms() >= loop->deadline)
		abandon(loop, "drain timeout");
	arm_tick(loop);
}

static void on_event(struct loop *loop, const struct io_uring_cqe *cqe)
{
	uint64_t what = cqe->user_data;

	switch (what) {
	case M_SIGNAL:
		on_signal(loop);
		arm_read(loop, loop->signals, &loop->signal, sizeof(loop->signal), M_SIGNAL);
		break;
	case M_WAKE:
		/* The last slab or reservation is gone */
		log_event(LOG_INFO, "drained: no client holds anything");
		loop->status = EXIT_CLEAN;
		break;
	case M_TICK:
		on_tick(loop);
		break;
	case M_CONTROL:
		on_accept(loop, &loop->control, cqe);
		break;
	case M_TIMEOUT:
		break;
	default:
		if (what >= M_ANSWER)
			on_answered(loop, &loop->answers[what - M_ANSWER], cqe->res);
		else
			on_accept(loop, &loop->srv->opt.listen[what - M_LISTEN], cqe);
	}
}

static int run(struct loop *loop)
{
	arm_read(loop, loop->signals, &loop->signal, sizeof(loop->signal), M_SIGNAL);
	arm_read(loop, loop->wake, &loop->woken, sizeof(loop->woken), M_WAKE);
	arm_all(loop);
	arm_tick(loop);
	notify("READY=1");

	while (loop->status < 0) {
		struct io_uring_cqe *cqe;
		unsigned int head, n = 0;
		int ret = io_uring_submit_and_wait(&loop->ring, 1);

		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY) {
			log_event(LOG_ERROR, "io_uring_enter: %s", strerror(-ret));
			return EXIT_FAIL;
		}
		io_uring_for_each_cqe(&loop->ring, head, cqe) {
			on_event(loop, cqe);
			n++;
		}
		io_uring_cq_advance(&loop->ring, n);
		if (loop->room)
			arm_all(loop);
	}
	return loop->status;
}

/* Send the last replies, end the threads, give back what is orderly to give */
static void stop(struct loop *loop)
{
	struct server *srv = loop->srv;
	bool clean = loop->status == EXIT_CLEAN;

	/* So that the next server can have the addresses at once */
	for (unsigned int i = 0; i < srv->opt.listens; i++)
		shutdown(srv->opt.listen[i].fd, SHUT_RDWR);
	atomic_store(&srv->stopping, true);
	kick_all(srv);
	for (unsigned int i = 0; i < srv->opt.threads; i++) {
		pthread_join(srv->workers[i].thread, NULL);
		clean &= !srv->workers[i].conns;
	}
	if (loop->control.fd >= 0)
		unlink(srv->opt.control);
	io_uring_queue_exit(&loop->ring);
	for (int i = 0; i < MAX_ANSWERS; i++)
		if (loop->answers[i].fd >= 0)
			free(loop->answers[i].text);
	/* Else the end of the process gives all back, and faster */
	if (!clean)
		return;
	reaper_stop(&srv->reaper);
	registry_destroy(&srv->reg);
	free(srv->workers);
}

/* Connections take descriptors: use as many as we may */
static int plan_conns(struct server *srv)
{
	uint64_t want = (uint64_t)srv->opt.max_clients * srv->opt.max_conns;
	uint64_t other = OTHER_FDS + 2 * srv->opt.threads + srv->opt.listens;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim)) {
		log_event(LOG_ERROR, "getrlimit: %s", strerror(errno));
		return -1;
	}
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim))
		log_event(LOG_WARN, "cannot raise the limit of open files: %s",
			  strerror(errno));
	getrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur < other + 8) {
		log_event(LOG_ERROR, "%llu open files are not enough: raise ulimit -n (LimitNOFILE=) to %llu or more",
			  (unsigned long long)lim.rlim_cur,
			  (unsigned long long)other + 8);
		return -1;
	}
	srv->max_conns = (unsigned int)(lim.rlim_cur - other < want ?
					lim.rlim_cur - other : want);
	return 0;
}

static void check_memory(const struct options *opt)
{
	struct sysinfo info;
	char text[32];

	if (sysinfo(&info) || opt->memory <= (uint64_t)info.totalram * info.mem_unit)
		return;
	size_text(opt->memory, text, sizeof(text));
	log_event(LOG_WARN, "--memory %s is more than this machine has; clients would be served from its own swap",
		  text);
}

static int uring_failed(int err)
{
	log_event(LOG_ERROR, "no io_uring: %s%s", strerror(-err),
		  err == -ENOSYS ? "; rswapd needs Linux 6.1 or later with CONFIG_IO_URING" :
		  err == -EPERM ? "; allow it: sysctl kernel.io_uring_disabled=0, and in the seccomp filter of a container" :
		  err == -ENOMEM ? "; raise ulimit -l (LimitMEMLOCK=)" : "");
	return EXIT_NO_URING;
}

static int start_threads(struct server *srv)
{
	int ret;

	srv->workers = calloc(srv->opt.threads, sizeof(*srv->workers));
	if (!srv->workers) {
		log_event(LOG_ERROR, "out of memory");
		return EXIT_FAIL;
	}
	for (unsigned int i = 0; i < srv->opt.threads; i++) {
		ret = worker_start(&srv->workers[i], srv, i);
		if (ret)
			return uring_failed(ret);
	}
	ret = reaper_start(&srv->reaper, srv);
	if (ret) {
		log_event(LOG_ERROR, "cannot start a thread: %s", strerror(-ret));
		return EXIT_FAIL;
	}
	return -1;
}

static int open_sockets(struct loop *loop)
{
	struct options *opt = &loop->srv->opt;

	if (opt->control) {
		loop->control.fd = control_open(opt->control);
		if (loop->control.fd < 0)
			return EXIT_LISTEN;
	}
	for (unsigned int i = 0; i < opt->listens; i++) {
		if (!listen_open(&opt->listen[i]))
			continue;
		if (opt->control)
			unlink(opt->control);
		return EXIT_LISTEN;
	}
	return -1;
}

static int prepare(struct loop *loop)
{
	struct server *srv = loop->srv;
	struct registry *reg = &srv->reg;
	sigset_t set;
	int ret;

	/* Blocked here so that every thread to come has them blocked */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);

	loop->signals = signalfd(-1, &set, SFD_CLOEXEC);
	loop->wake = eventfd(0, EFD_CLOEXEC);
	reg->limit = srv->opt.memory / srv->opt.slab_size;
	reg->slab_size = srv->opt.slab_size;
	reg->max_clients = srv->opt.max_clients;
	reg->max_conns = srv->opt.max_conns;
	reg->orphan_timeout = srv->opt.orphan_timeout;
	reg->workers = srv->opt.threads;
	reg->store = &store_memory;
	reg->wake = loop->wake;
	if (loop->signals < 0 || loop->wake < 0 || registry_init(reg) ||
	    getrandom(reg->server_id, RSWAP_ID_LEN, 0) != RSWAP_ID_LEN) {
		log_event(LOG_ERROR, "cannot start: %s", strerror(errno));
		return EXIT_FAIL;
	}
	if (plan_conns(srv))
		return EXIT_FAIL;
	ret = ring_init(&loop->ring, 256);
	return ret ? uring_failed(ret) : -1;
}

/* Return: a status to exit with */
int main(int argc, char **argv)
{
	static struct server srv;
	static struct loop loop = {
		.srv = &srv, .status = -1, .control.fd = -1,
	};
	int ret = options_parse(&srv.opt, argc, argv);

	if (ret >= 0)
		return ret;
	for (int i = 0; i < MAX_ANSWERS; i++)
		loop.answers[i].fd = -1;
	log_init(srv.opt.json);
	srv.start = now_ms();
	check_memory(&srv.opt);
	ret = prepare(&loop);
	if (ret < 0)
		ret = start_threads(&srv);
	if (ret < 0)
		ret = open_sockets(&loop);
	if (ret >= 0)
		return ret;
	ret = run(&loop);
	stop(&loop);
	return ret;
}
