/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rswapctl: control of the rswap driver
 *
 * What each file holds:
 *
 *	main.c		the table of commands, options, help, how errors are printed
 *	attach.c	attach: resolve, ask the kernel, wait for the device node
 *	device.c	detach, list, show; which device a text names
 *	reserve.c	the kernel's memory reserves, for show
 *	stats.c		stats: totals and intervals
 *	hist.c		arithmetic of latency histograms
 *	netlink.c	requests to the generic netlink family "rswap"
 *	decode.c	the kernel's messages to structs
 *	url.c		URLs, and host names to numeric addresses
 *	number.c	sizes, counts, intervals
 *	format.c	sizes and times for people
 *	json.c		JSON writer
 *	error.c		struct err, and what errno values mean here
 *
 * Every function that can fail returns 0 or an exit code (enum rc) and has then
 * filled in the struct err that it was given; main() prints it, once.
 */
#ifndef RSWAPCTL_H
#define RSWAPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/rswap.h>
#include <linux/rswap_proto.h>

/* What --version says */
#define RSWAPCTL_VERSION	"1.0"

struct nlmsghdr;
struct nl_msg;
struct nl_sock;

/**
 * enum rc - exit codes, as the man page documents them
 * @RC_OK: done
 * @RC_FAILED: any failure without a code of its own
 * @RC_USAGE: the command line makes no sense
 * @RC_NOT_FOUND: no such device
 * @RC_IN_USE: the device is open, or the name is taken
 * @RC_UNREACHABLE: no connection to the server, or its name cannot be resolved
 * @RC_REFUSED: a server answered and said no, or it is not an rswap server
 * @RC_PERMISSION: the caller lacks a capability
 * @RC_NO_DRIVER: this kernel has no rswap driver, or it is not loaded
 */
enum rc {
	RC_OK = 0,
	RC_FAILED = 1,
	RC_USAGE = 2,
	RC_NOT_FOUND = 3,
	RC_IN_USE = 4,
	RC_UNREACHABLE = 5,
	RC_REFUSED = 6,
	RC_PERMISSION = 7,
	RC_NO_DRIVER = 8,
};

/* error.c */

/**
 * struct err - what went wrong, for main() to print
 * @code: enum rc
 * @errnum: errno value behind it, or 0
 * @text: one line without a newline
 * @hint: what to do about it, or empty
 */
struct err {
	int code;
	int errnum;
	char text[512];
	char hint[384];
};

__attribute__((format(printf, 4, 5)))
int err_set(struct err *e, int code, int errnum, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void err_hint(struct err *e, const char *fmt, ...);
int err_kernel(struct err *e, int errnum, const char *text);
void err_print(const struct err *e, const char *command, bool json);
int flush_output(struct err *e);

/* json.c */

/**
 * struct json - a JSON document being written
 * @out: where to
 * @comma: a value was written on this level
 */
struct json {
	FILE *out;
	bool comma;
};

void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_string(struct json *j, const char *key, const char *value);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_ms(struct json *j, const char *key, uint64_t ms);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* number.c */

int parse_size(const char *text, uint64_t page, uint64_t *bytes, struct err *e);
int parse_u32(const char *text, const char *what, uint32_t min, uint32_t max,
	      uint32_t *value, struct err *e);
int parse_interval(const char *text, uint64_t *ms, struct err *e);

/* url.c */

#define URL_PORT_LEN		6
#define URL_MAX_ADDRESSES	16

/**
 * struct url - a server's URL, taken apart
 * @loop: loop://, the rest is empty
 * @literal: the host was in brackets, so it must be an IPv6 address
 * @host: name or address
 * @port: decimal digits
 */
struct url {
	bool loop;
	bool literal;
	char host[RSWAP_MAX_URL + 1];
	char port[URL_PORT_LEN];
};

/**
 * struct targets - what a URL resolves to
 * @count: number of @url
 * @url: URLs with numeric addresses, in the order in which to try them
 */
struct targets {
	unsigned int count;
	char url[URL_MAX_ADDRESSES][RSWAP_MAX_URL + 1];
};

int url_parse(const char *text, struct url *url, struct err *e);
int url_resolve(const struct url *url, struct targets *targets, struct err *e);

/* hist.c */

uint64_t hist_lower(unsigned int bucket);
uint64_t hist_total(const uint64_t *buckets);
uint64_t hist_percentile(const uint64_t *buckets, unsigned int permille);
uint64_t hist_max(const uint64_t *buckets);

/* decode.c */

#define IO_KINDS	(RSWAP_IO_KIND_TRIM + 1)
/* Of the kernel, with the NUL */
#define DISK_LEN	32

/**
 * struct device - an attribute set "dev" of the netlink specification
 *
 * The fields are those of Documentation/netlink/specs/rswap.yaml.
 */
struct device {
	uint32_t index, connections, queue_depth, timeout;
	uint32_t state, error, in_use, slab_size, slabs, slabs_mapped, max_io;
	uint64_t size, server_limit, server_free, memory;
	bool thin;
	char name[RSWAP_MAX_NAME + 1];
	char url[RSWAP_MAX_URL + 1];
	char disk[DISK_LEN];
};

/**
 * struct io_stats - counters of one kind of I/O
 * @ios: requests completed, failed ones included
 * @bytes: bytes of those that succeeded
 * @errors: those that failed
 * @inflight: requests outstanding
 * @latency: histogram, see hist.c
 */
struct io_stats {
	uint64_t ios, bytes, errors;
	uint32_t inflight;
	uint64_t latency[RSWAP_LATENCY_BUCKETS];
};

/**
 * struct stats - counters of one device
 * @index: the N of rswapN
 * @name: its name
 * @io: by enum rswap_io_kind
 */
struct stats {
	uint32_t index;
	char name[RSWAP_MAX_NAME + 1];
	struct io_stats io[IO_KINDS];
};

int decode_device(const struct nlmsghdr *nlh, struct device *dev);
int decode_stats(const struct nlmsghdr *nlh, struct stats *stats);
int decode_error(const struct nlmsghdr *nlh, char *text, size_t size);
const char *state_name(uint32_t state);
const char *io_kind_name(uint32_t kind);

/* netlink.c */

/**
 * struct ctl - a socket to the driver
 * @sock: libnl's socket
 * @family: number of the family "rswap"
 */
struct ctl {
	struct nl_sock *sock;
	int family;
};

/**
 * typedef ctl_handler - takes one message of an answer
 * @nlh: the message; valid during the call only
 * @arg: as given to ctl_request()
 *
 * Return: 0, or -1 if the message makes no sense.
 */
typedef int (*ctl_handler)(const struct nlmsghdr *nlh, void *arg);

int ctl_open(struct ctl *ctl, struct err *e);
void ctl_close(struct ctl *ctl);
struct nl_msg *ctl_message(const struct ctl *ctl, uint8_t cmd, int flags);
int ctl_request(struct ctl *ctl, struct nl_msg *msg, ctl_handler handler, void *arg,
	       struct err *e);

/* device.c */

/**
 * struct device_list - devices, in the kernel's order
 * @count: number of @dev
 * @dev: the devices, from malloc()
 */
struct device_list {
	size_t count;
	struct device *dev;
};

/**
 * struct which - a device as the user named it
 * @by_index: @index counts, otherwise @name
 * @index: the N of rswapN
 * @name: its name
 */
struct which {
	bool by_index;
	uint32_t index;
	char name[RSWAP_MAX_NAME + 1];
};

int check_name(const char *name, struct err *e);
int parse_which(const char *text, struct which *which, struct err *e);
int device_list_get(struct ctl *ctl, struct device_list *list, struct err *e);
int device_detach(struct ctl *ctl, const struct which *which, bool force,
		  struct err *e);
void device_json(struct json *j, const struct device *dev);
int decode_device_to(const struct nlmsghdr *nlh, void *arg);

/* reserve.c */
void reserves_json(struct json *j);
void reserves_text(void);

/* format.c */

#define FORMAT_LEN	32

const char *format_size(uint64_t bytes, char buf[FORMAT_LEN]);
const char *format_ns(uint64_t ns, char buf[FORMAT_LEN]);

/* main.c, and the commands */

/**
 * struct args - a command line, taken apart but not yet judged
 *
 * @which is the positional argument; the others are the options' arguments.
 */
struct args {
	const char *which;
	const char *size, *name, *connections, *queue_depth, *timeout, *watch;
	bool thin, force, json;
};

int run_attach(const struct args *args, struct err *e);
int run_detach(const struct args *args, struct err *e);
int run_list(const struct args *args, struct err *e);
int run_show(const struct args *args, struct err *e);
int run_stats(const struct args *args, struct err *e);

#endif /* RSWAPCTL_H */
