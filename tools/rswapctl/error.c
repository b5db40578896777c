// SPDX-License-Identifier: GPL-2.0
/*
 * Errors: one line of text, maybe a hint, and an exit code that scripts can use
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "rswapctl.h"

/**
 * err_set - say what went wrong
 * @e: filled in; the hint is emptied
 * @code: enum rc
 * @errnum: errno value behind it, or 0
 * @fmt: one line without a newline
 *
 * Return: @code.
 */
int err_set(struct err *e, int code, int errnum, const char *fmt, ...)
{
	va_list args;

	e->code = code;
	e->errnum = errnum;
	e->hint[0] = '\0';
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	return code;
}

/**
 * err_hint - say what to do about an error
 * @e: an error, already set
 * @fmt: one line without a newline
 */
void err_hint(struct err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, args);
	va_end(args);
}

/* What the driver's errno values mean, whatever the command was. */
static const struct {
	int errnum;
	int code;
	const char *hint;
} meanings[] = {
	{ EPERM, RC_PERMISSION,
	  "CAP_NET_ADMIN and CAP_SYS_ADMIN are needed: run it as root" },
	{ ENODEV, RC_NOT_FOUND, "\"rswapctl list\" shows what is attached" },
	{ EEXIST, RC_IN_USE, "choose another --name, or detach that device" },
	{ EBUSY, RC_IN_USE,
	  "--force removes a device that is in use; what is on it is then lost" },
	{ EAGAIN, RC_IN_USE, "try again in a moment" },
	{ ECONNREFUSED, RC_UNREACHABLE, "start rswapd there, or give the port that it listens on" },
	{ ECONNRESET, RC_UNREACHABLE,
	  "check the port: rswapd listens on 9400 unless told otherwise" },
	{ EPIPE, RC_UNREACHABLE,
	  "check the port: rswapd listens on 9400 unless told otherwise" },
	{ ENOTCONN, RC_UNREACHABLE,
	  "check the port: rswapd listens on 9400 unless told otherwise" },
	{ ETIMEDOUT, RC_UNREACHABLE,
	  "check the address, the port, and firewalls on the way" },
	{ EHOSTUNREACH, RC_UNREACHABLE, "check the address and \"ip route\"" },
	{ ENETUNREACH, RC_UNREACHABLE, "check the address and \"ip route\"" },
	{ EHOSTDOWN, RC_UNREACHABLE, "check the address and \"ip route\"" },
	{ ENETDOWN, RC_UNREACHABLE, "set the interface up: see \"ip link\"" },
	{ EADDRNOTAVAIL, RC_UNREACHABLE,
	  "does this machine have an address of that kind? see \"ip address\"" },
	{ ENOSPC, RC_REFUSED,
	  "ask for less, start rswapd with more --memory, or attach with --thin" },
	{ EUSERS, RC_REFUSED, "the server limits what one client may have" },
	{ ESHUTDOWN, RC_REFUSED, "the server is stopping: use another one" },
	{ EACCES, RC_REFUSED, "" },
	{ EIO, RC_REFUSED, "see the server's log" },
	{ EPROTO, RC_REFUSED,
	  "check the port: rswapd listens on 9400 unless told otherwise" },
	{ EPROTONOSUPPORT, RC_REFUSED,
	  "driver and rswapd speak different protocol versions: update the older" },
	{ ENOMEM, RC_FAILED,
	  "this machine is short of memory: fewer --connections, less --queue-depth" },
};

/**
 * err_kernel - an error that the driver reported
 * @e: filled in, with a hint if there is one
 * @errnum: positive errno value
 * @text: the driver's words, or empty
 *
 * Return: the exit code.
 */
int err_kernel(struct err *e, int errnum, const char *text)
{
	size_t i;

	err_set(e, RC_FAILED, errnum, "%s", text[0] ? text : strerror(errnum));
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].errnum != errnum)
			continue;
		e->code = meanings[i].code;
		err_hint(e, "%s", meanings[i].hint);
	}
	return e->code;
}

static void err_print_json(const struct err *e, const char *command)
{
	const char *name = e->errnum ? strerrorname_np(e->errnum) : NULL;
	struct json j = { .out = stderr };

	json_open(&j, NULL, '{');
	json_open(&j, "error", '{');
	if (command)
		json_string(&j, "command", command);
	json_string(&j, "message", e->text);
	if (e->hint[0])
		json_string(&j, "hint", e->hint);
	if (name)
		json_string(&j, "errno", name);
	json_u64(&j, "exit_code", (uint64_t)e->code);
	json_close(&j, '}');
	json_close(&j, '}');
	fputc('\n', stderr);
}

/**
 * err_print - print an error on standard error
 * @e: the error
 * @command: name of the command, or NULL
 * @json: as a JSON document of one line
 *
 * Standard output never carries an error, so that what a script reads there is
 * a result or nothing.
 */
void err_print(const struct err *e, const char *command, bool json)
{
	if (json) {
		err_print_json(e, command);
		return;
	}
	fprintf(stderr, "rswapctl: %s%s%s\n", command ? command : "",
		command ? ": " : "", e->text);
	if (e->hint[0])
		fprintf(stderr, "rswapctl: hint: %s\n", e->hint);
}

/**
 * flush_output - make sure that what was printed has arrived
 * @e: says why not
 *
 * Return: 0 or RC_FAILED.
 */
int flush_output(struct err *e)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return err_set(e, RC_FAILED, errno, "cannot write the output: %s",
			       strerror(errno));
	return 0;
}
