// SPDX-License-Identifier: GPL-2.0
/*
 * attach: make a block device of a server's memory
 *
 * A failed or interrupted attach leaves nothing behind: what the kernel had
 * already made is detached again.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "rswapctl.h"

/* How long the node below /dev may take to appear */
#define NODE_WAIT_MS	10000
#define NODE_POLL_MS	10
/* When to start saying that it takes long, and how often to look for signals */
#define QUIET_MS	5000
#define TICK_MS		250

/**
 * struct request - what to ask of the driver
 *
 * The fields are those of the command line, checked; 0 and NULL are left to the
 * driver's defaults.
 */
struct request {
	const char *name;
	uint64_t size;
	uint32_t connections, queue_depth, timeout;
	bool thin;
};

static volatile sig_atomic_t interrupted;

/**
 * struct progress - the thread beside the one that waits in the kernel
 * @lock: protects @stop and @url
 * @wake: signalled when @stop is set
 * @stop: the wait is over
 * @url: what is being tried
 * @thread: this thread
 * @waiter: the thread that waits
 * @on_tty: standard error is a terminal: say how long it takes
 */
struct progress {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	const char *url;
	pthread_t thread, waiter;
	bool on_tty;
};

static void on_signal(int signal)
{
	interrupted = signal;
}

static struct timespec after_ms(clockid_t clock, unsigned int ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/*
 * A signal that arrived just before the waiter entered the kernel has not
 * interrupted it there, so it is sent again until the wait is over.
 */
static void *progress_run(void *arg)
{
	struct progress *p = arg;
	unsigned int ms = 0;
	bool said = false;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct timespec until = after_ms(CLOCK_REALTIME, TICK_MS);

		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (p->stop)
			break;
		ms += TICK_MS;
		if (interrupted)
			pthread_kill(p->waiter, interrupted);
		if (p->on_tty && ms >= QUIET_MS && ms % 1000 == 0) {
			said = true;
			fprintf(stderr, "\r\033[Krswapctl: attach: waiting for %s, %u s (Ctrl-C gives up)",
				p->url, ms / 1000);
		}
	}
	if (said)
		fputs("\r\033[K", stderr);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int progress_start(struct progress *p, struct err *e)
{
	sigset_t all, old;
	int ret;

	*p = (struct progress) {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER,
		.url = "",
		.waiter = pthread_self(),
		.on_tty = isatty(STDERR_FILENO),
	};
	/* Signals are for the waiter */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&p->thread, NULL, progress_run, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return err_set(e, RC_FAILED, ret, "cannot start a thread: %s",
			       strerror(ret));
	return 0;
}

static void progress_stop(struct progress *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
}

static void set_handlers(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = handler };
	struct sigaction old;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		/* nohup stays nohup */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

static int attach_once(struct ctl *ctl, const char *url, const struct request *r,
		       struct device *dev, struct err *e)
{
	struct nl_msg *msg = ctl_message(ctl, RSWAP_CMD_ATTACH, 0);
	int ret = 0;

	if (msg) {
		ret = nla_put_string(msg, RSWAP_A_DEV_URL, url) ||
		      nla_put_u64(msg, RSWAP_A_DEV_SIZE, r->size) ||
		      (r->name && nla_put_string(msg, RSWAP_A_DEV_NAME, r->name)) ||
		      (r->connections && nla_put_u32(msg, RSWAP_A_DEV_CONNECTIONS,
						     r->connections)) ||
		      (r->queue_depth && nla_put_u32(msg, RSWAP_A_DEV_QUEUE_DEPTH,
						     r->queue_depth)) ||
		      (r->timeout && nla_put_u32(msg, RSWAP_A_DEV_TIMEOUT,
						 r->timeout)) ||
		      (r->thin && nla_put_flag(msg, RSWAP_A_DEV_THIN));
	}
	if (ret) {
		nlmsg_free(msg);
		msg = NULL;
	}
	memset(dev, 0, sizeof(*dev));
	return ctl_request(ctl, msg, decode_device_to, dev, e);
}

/* Try each address, as long as the failure is one of reaching it */
static int attach_any(struct ctl *ctl, const struct targets *targets,
		      const struct request *r, struct progress *p,
		      struct device *dev, bool json, struct err *e)
{
	int rc = RC_FAILED;
	unsigned int i;

	for (i = 0; i < targets->count && !interrupted; i++) {
		const char *url = targets->url[i];

		pthread_mutex_lock(&p->lock);
		p->url = url;
		pthread_mutex_unlock(&p->lock);
		rc = attach_once(ctl, url, r, dev, e);
		if (rc != RC_UNREACHABLE || i + 1 == targets->count)
			break;
		if (!json)
			fprintf(stderr, "rswapctl: attach: %s: %s; trying %s\n", url,
				e->text, targets->url[i + 1]);
	}
	return rc;
}

/* Is @path the block device that the kernel calls @disk? */
static bool node_is_there(const char *path, const char *disk)
{
	unsigned int major_nr, minor_nr;
	char sysfs[64];
	struct stat st;
	FILE *file;
	int n;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return false;
	snprintf(sysfs, sizeof(sysfs), "/sys/block/%s/dev", disk);
	file = fopen(sysfs, "re");
	if (!file)
		return true;
	n = fscanf(file, "%u:%u", &major_nr, &minor_nr);
	fclose(file);
	/* The node of a device that went before may not be gone yet */
	return n != 2 || st.st_rdev == makedev(major_nr, minor_nr);
}

static int wait_for_node(const struct device *dev, struct err *e)
{
	static const struct timespec poll = { .tv_nsec = NODE_POLL_MS * 1000000L };
	char path[sizeof(dev->disk) + 8];
	unsigned int ms;

	snprintf(path, sizeof(path), "/dev/%s", dev->disk);
	for (ms = 0; ms < NODE_WAIT_MS && !interrupted; ms += NODE_POLL_MS) {
		if (node_is_there(path, dev->disk))
			return 0;
		nanosleep(&poll, NULL);
	}
	err_set(e, RC_FAILED, 0, "%s did not appear within %d s, detached again", path,
		NODE_WAIT_MS / 1000);
	err_hint(e, "mount devtmpfs on /dev, or see whether udev works");
	return e->code;
}

static int print_attached(const struct device *dev, bool json, struct err *e)
{
	struct json j = { .out = stdout };

	if (json) {
		device_json(&j, dev);
		putchar('\n');
	} else {
		printf("/dev/%s\n", dev->disk);
	}
	return flush_output(e);
}

/* Detach what a failed attach has made; keeps the error that was set */
static void undo(struct ctl *ctl, const struct device *dev, const struct err *e)
{
	struct which which = { .by_index = true, .index = dev->index };
	struct err undo_err;

	if (device_detach(ctl, &which, true, &undo_err))
		fprintf(stderr, "rswapctl: attach: /dev/%s stays attached: %s (after: %s)\n",
			dev->disk, undo_err.text, e->text);
}

static int check_request(const struct args *args, struct request *r, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int rc;

	*r = (struct request) { .name = args->name, .thin = args->thin };
	if (!args->size)
		return err_set(e, RC_USAGE, 0,
			       "--size is missing: say how much to attach, such as --size 1G");
	rc = parse_size(args->size, page, &r->size, e);
	if (!rc && args->name)
		rc = check_name(args->name, e);
	if (!rc && args->connections)
		rc = parse_u32(args->connections, "number of connections", 2,
			       RSWAP_MAX_CONNECTIONS, &r->connections, e);
	if (!rc && args->queue_depth)
		rc = parse_u32(args->queue_depth, "queue depth", 1,
			       RSWAP_MAX_QUEUE_DEPTH, &r->queue_depth, e);
	if (!rc && args->timeout)
		rc = parse_u32(args->timeout, "timeout in seconds", 1,
			       RSWAP_MAX_TIMEOUT, &r->timeout, e);
	return rc;
}

/* Attach, wait, print; a signal that was caught is left in @interrupted */
static int attach(struct ctl *ctl, const struct targets *targets,
		  const struct request *r, bool json, struct err *e)
{
	struct progress progress;
	struct device dev;
	bool attached;
	int rc;

	rc = progress_start(&progress, e);
	if (rc)
		return rc;
	rc = attach_any(ctl, targets, r, &progress, &dev, json, e);
	attached = !rc;
	if (attached)
		rc = wait_for_node(&dev, e);
	/* From here on no signal interrupts, so that undo() is complete */
	progress_stop(&progress);
	if (!rc && !interrupted)
		rc = print_attached(&dev, json, e);
	if (attached && (rc || interrupted))
		undo(ctl, &dev, e);
	return rc;
}

/**
 * run_attach - the command "attach"
 * @args: the command line
 * @e: says what failed
 *
 * Ends the process by the signal that interrupted it, if one did.
 *
 * Return: 0 or an exit code.
 */
int run_attach(const struct args *args, struct err *e)
{
	struct targets targets;
	struct request request;
	struct url url;
	struct ctl ctl;
	int rc;

	rc = url_parse(args->which, &url, e);
	if (!rc)
		rc = check_request(args, &request, e);
	if (!rc)
		rc = url_resolve(&url, &targets, e);
	if (!rc)
		rc = ctl_open(&ctl, e);
	if (rc)
		return rc;
	set_handlers(on_signal);
	rc = attach(&ctl, &targets, &request, args->json, e);
	set_handlers(SIG_DFL);
	ctl_close(&ctl);
	if (interrupted) {
		err_set(e, RC_FAILED, EINTR, "interrupted, nothing is attached");
		err_print(e, "attach", args->json);
		raise(interrupted);
	}
	return rc;
}
