// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest agent: runs commands for the host.
 *
 * One thread, one poll loop. Output is streamed as it comes, so a command that
 * never ends still leaves what it said. The loop allocates nothing after
 * start: it has to work when the guest is out of memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/**
 * struct job - a command of the host
 * @id: the host's name for it, 0 if the entry is free
 * @pid: process and process group
 * @out: read end of its stdout and stderr, -1 after end of file
 * @sent: bytes of output passed on
 */
struct job {
	uint32_t id;
	pid_t pid;
	int out;
	uint32_t sent;
};

static struct job jobs[MAX_JOBS];
static char payload[MAX_FRAME + 1];
static char chunk[32768];
static int agent_fd;

static void write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("write to the host");
		p += n;
		size -= n;
	}
}

static void read_all(int fd, void *data, size_t size)
{
	char *p = data;

	while (size) {
		ssize_t n = read(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		/* End of file is how the port says that the host has gone. */
		if (n <= 0)
			die("read from the host");
		p += n;
		size -= n;
	}
}

static void send_frame(uint32_t type, uint32_t id, const void *data,
		       uint32_t size)
{
	struct frame frame = { .length = size, .id = id, .type = type };

	write_all(agent_fd, &frame, sizeof(frame));
	write_all(agent_fd, data, size);
}

static void send_exit(uint32_t id, int32_t code)
{
	send_frame(FRAME_EXIT, id, &code, sizeof(code));
}

static void send_text(uint32_t id, const char *text)
{
	send_frame(FRAME_OUTPUT, id, text, strlen(text));
}

static struct job *job_by_id(uint32_t id)
{
	for (int i = 0; i < MAX_JOBS; i++)
		if (jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

/*
 * Runs in the child. The command must not inherit the agent's signal mask,
 * and must be an ordinary victim of the OOM killer.
 */
static void become_command(int out, const char *command)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	close(null);
	execl("/bin/sh", "sh", "-c", command, NULL);
	dprintf(2, "exec /bin/sh: %s\n", strerror(errno));
	_exit(127);
}

static void start_job(uint32_t id, const char *command)
{
	struct job *job = job_by_id(0);
	int ends[2];
	pid_t pid;

	if (!job || pipe2(ends, O_CLOEXEC)) {
		send_text(id, job ? "agent: no pipe\n" : "agent: job table full\n");
		send_exit(id, 126);
		return;
	}
	pid = fork();
	if (pid == 0)
		become_command(ends[1], command);
	close(ends[1]);
	if (pid < 0) {
		send_text(id, "agent: cannot fork\n");
		send_exit(id, 126);
		close(ends[0]);
		return;
	}
	setpgid(pid, pid);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*job = (struct job){ .id = id, .pid = pid, .out = ends[0] };
}

/* Passes on what the job has written so far. */
static void drain_output(struct job *job)
{
	ssize_t n;

	while (job->out >= 0) {
		n = read(job->out, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(job->out);
			job->out = -1;
			return;
		}
		if (job->sent > OUTPUT_MAX)
			continue;
		job->sent += n;
		send_frame(FRAME_OUTPUT, job->id, chunk, n);
		if (job->sent > OUTPUT_MAX)
			send_text(job->id, "\nagent: further output dropped\n");
	}
}

/* PID 1 inherits orphans too; those are reaped and forgotten. */
static void reap_children(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < MAX_JOBS; i++) {
			struct job *job = &jobs[i];

			if (!job->id || job->pid != pid)
				continue;
			drain_output(job);
			if (job->out >= 0)
				close(job->out);
			send_exit(job->id, WIFSIGNALED(status) ?
				  -WTERMSIG(status) : WEXITSTATUS(status));
			job->id = 0;
			break;
		}
	}
}

static void kill_job(uint32_t id, int sig)
{
	struct job *job = job_by_id(id);

	/* Gone already: its exit is on the way to the host. */
	if (job)
		kill(-job->pid, sig);
}

static int put_piece(const struct put *put, const char *path, const char *data,
		     size_t size)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	int fd = open(path, put->offset ? flags : flags | O_TRUNC, put->mode);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = pwrite(fd, data, size, put->offset);
	if (!put->offset)
		fchmod(fd, put->mode);
	close(fd);
	return n == (ssize_t)size ? 0 : n < 0 ? errno : ENOSPC;
}

static void put_file(uint32_t id, char *data, uint32_t size)
{
	struct put put;
	char path[256];
	int err = EINVAL;

	if (size >= sizeof(put)) {
		memcpy(&put, data, sizeof(put));
		data += sizeof(put);
		size -= sizeof(put);
		if (put.path_length < sizeof(path) && put.path_length <= size) {
			memcpy(path, data, put.path_length);
			path[put.path_length] = '\0';
			err = put_piece(&put, path, data + put.path_length,
					size - put.path_length);
		}
	}
	send_exit(id, err);
}

/* What the kernel thinks of itself; 0 is untainted, -1 cannot be read. */
static long taint(void)
{
	long value = -1;
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");

	if (f) {
		if (fscanf(f, "%ld", &value) != 1)
			value = -1;
		fclose(f);
	}
	return value;
}

/*
 * The guest's own last word, on a port of its own: a guest that does not get
 * here has failed, whatever was printed before.
 */
static void end_session(uint32_t id)
{
	int running = 0;

	for (int i = 0; i < MAX_JOBS; i++) {
		if (!jobs[i].id)
			continue;
		running++;
		kill(-jobs[i].pid, SIGKILL);
	}
	dprintf(VERDICT_FD, "guest: end jobs=%d taint=%ld\n", running, taint());
	send_exit(id, 0);
}

static void serve_frame(void)
{
	struct frame frame;
	int32_t sig = SIGTERM;

	read_all(agent_fd, &frame, sizeof(frame));
	if (frame.length > MAX_FRAME)
		die("frame of %u bytes", frame.length);
	read_all(agent_fd, payload, frame.length);
	payload[frame.length] = '\0';
	switch (frame.type) {
	case FRAME_RUN:
		start_job(frame.id, payload);
		break;
	case FRAME_KILL:
		if (frame.length == sizeof(sig))
			memcpy(&sig, payload, sizeof(sig));
		kill_job(frame.id, sig);
		break;
	case FRAME_PUT:
		put_file(frame.id, payload, frame.length);
		break;
	case FRAME_END:
		end_session(frame.id);
		break;
	default:
		die("frame of type %u", frame.type);
	}
}

/**
 * agent_start_heartbeat() - start the ticks the host watches
 *
 * A guest whose heart beats while its workload makes no progress is wedged,
 * not dead. The program is missing only from hand-made images.
 *
 * Context: called once, from the single thread.
 */
void agent_start_heartbeat(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execl("/bin/heartbeat", "heartbeat", NULL);
		dprintf(2, "exec heartbeat: %s\n", strerror(errno));
		_exit(127);
	}
}

/**
 * agent_serve() - answer the host until the guest is ended
 * @ports: open ports
 *
 * Context: called once, from the single thread.
 * Return: never.
 */
void agent_serve(const struct ports *ports)
{
	struct pollfd fds[MAX_JOBS + 2];
	struct utsname uts;
	sigset_t child;
	int sigfd, n;

	agent_fd = ports->agent;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigfd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0 || uname(&uts))
		die("signalfd");
	send_frame(FRAME_HELLO, 0, uts.release, strlen(uts.release));
	for (;;) {
		struct signalfd_siginfo info;
		struct job *polled[MAX_JOBS];

		fds[0] = (struct pollfd){ .fd = agent_fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = sigfd, .events = POLLIN };
		n = 2;
		for (int i = 0; i < MAX_JOBS; i++) {
			if (!jobs[i].id || jobs[i].out < 0)
				continue;
			polled[n - 2] = &jobs[i];
			fds[n++] = (struct pollfd){ .fd = jobs[i].out,
						    .events = POLLIN };
		}
		if (poll(fds, n, -1) < 0 && errno != EINTR)
			die("poll");
		for (int i = 2; i < n; i++)
			if (fds[i].revents)
				drain_output(polled[i - 2]);
		if (fds[1].revents) {
			while (read(sigfd, &info, sizeof(info)) > 0)
				;
			reap_children();
		}
		if (fds[0].revents)
			serve_frame();
	}
}
