// SPDX-License-Identifier: GPL-2.0
/*
 * detach, list, show; and which device a text names
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <netlink/attr.h>
#include <netlink/netlink.h>

#include "rswapctl.h"

#define DISK_PREFIX	"rswap"
#define GIB		((uint64_t)1 << 30)

/* The N of "rswapN", or of "N" itself with @prefix empty */
static bool parse_index(const char *text, const char *prefix, uint32_t *index)
{
	unsigned long n;
	char *end;

	if (strncmp(text, prefix, strlen(prefix)))
		return false;
	text += strlen(prefix);
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end || errno || n > INT32_MAX)
		return false;
	*index = (uint32_t)n;
	return true;
}

/**
 * check_name - may a device be called so?
 * @name: the name
 * @e: says why not
 *
 * The driver allows letters, digits and "-_.:".  Here a name must also not pass
 * for an option, an index, a block device or a hidden file, so that it always
 * names one device and is good for a link below /dev.
 *
 * Return: 0 or RC_USAGE.
 */
int check_name(const char *name, struct err *e)
{
	uint32_t index;
	const char *c;

	if (!name[0] || strlen(name) > RSWAP_MAX_NAME)
		return err_set(e, RC_USAGE, 0, "name \"%s\" must have 1 to %d characters",
			       name, RSWAP_MAX_NAME);
	for (c = name; *c; c++)
		if ((!isalnum((unsigned char)*c) && !strchr("-_.:", *c)) ||
		    (c == name && strchr("-.:", *c)))
			return err_set(e, RC_USAGE, 0,
				       "name \"%s\" must begin with a letter, a digit or _, and hold letters, digits and -_.: only",
				       name);
	if (name[strspn(name, "0123456789")] == '\0' ||
	    parse_index(name, DISK_PREFIX, &index))
		return err_set(e, RC_USAGE, 0,
			       "name \"%s\" could be mistaken for a device number: choose another",
			       name);
	return 0;
}

static int which_path(const char *path, struct which *which, struct err *e)
{
	char link[64], target[256];
	const char *disk;
	struct stat st;
	ssize_t len;

	if (stat(path, &st)) {
		/* Without devtmpfs or udev, the device is there all the same */
		if (parse_index(path, "/dev/" DISK_PREFIX, &which->index))
			return 0;
		return err_set(e, RC_NOT_FOUND, errno, "%s: %m", path);
	}
	if (!S_ISBLK(st.st_mode))
		return err_set(e, RC_USAGE, ENOTBLK, "%s is not a block device", path);
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return err_set(e, RC_NOT_FOUND, errno, "%s: %s: %m", path, link);
	target[len] = '\0';
	disk = strrchr(target, '/');
	if (!disk || !parse_index(disk + 1, DISK_PREFIX, &which->index))
		return err_set(e, RC_NOT_FOUND, ENODEV, "%s is not an rswap device",
			       path);
	return 0;
}

/**
 * parse_which - which device does a text name?
 * @text: a path of the block device, "rswapN", "N", or a name
 * @which: set to it
 * @e: says why it can be none
 *
 * Return: 0, RC_USAGE or RC_NOT_FOUND.
 */
int parse_which(const char *text, struct which *which, struct err *e)
{
	memset(which, 0, sizeof(*which));
	which->by_index = true;
	if (text[0] == '/')
		return which_path(text, which, e);
	if (parse_index(text, "", &which->index) ||
	    parse_index(text, DISK_PREFIX, &which->index))
		return 0;
	which->by_index = false;
	if (!text[0] || strlen(text) > RSWAP_MAX_NAME)
		return err_set(e, RC_USAGE, 0,
			       "\"%s\" is no device: give a name, an index or /dev/rswapN",
			       text);
	strcpy(which->name, text);
	return 0;
}

static int append_device(const struct nlmsghdr *nlh, void *arg)
{
	struct device_list *list = arg;
	struct device *dev = reallocarray(list->dev, list->count + 1, sizeof(*dev));

	if (!dev)
		return -1;
	list->dev = dev;
	if (decode_device(nlh, &dev[list->count]))
		return -1;
	list->count++;
	return 0;
}

/**
 * device_list_get - ask for all devices
 * @ctl: opened
 * @list: set to them; free list->dev, also on failure
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int device_list_get(struct ctl *ctl, struct device_list *list, struct err *e)
{
	memset(list, 0, sizeof(*list));
	return ctl_request(ctl, ctl_message(ctl, RSWAP_CMD_DEV_GET, NLM_F_DUMP),
			  append_device, list, e);
}

static void put_which(struct nl_msg *msg, const struct which *which)
{
	if (which->by_index)
		nla_put_u32(msg, RSWAP_A_DEV_INDEX, which->index);
	else
		nla_put_string(msg, RSWAP_A_DEV_NAME, which->name);
}

/**
 * decode_device_to - decode_device() as a handler for ctl_request()
 * @nlh: the message
 * @arg: a struct device
 *
 * Return: as decode_device().
 */
int decode_device_to(const struct nlmsghdr *nlh, void *arg)
{
	return decode_device(nlh, arg);
}

/**
 * device_detach - remove a device
 * @ctl: opened
 * @which: the device
 * @force: also when it is in use
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int device_detach(struct ctl *ctl, const struct which *which, bool force,
		  struct err *e)
{
	struct nl_msg *msg = ctl_message(ctl, RSWAP_CMD_DETACH, 0);

	if (msg) {
		put_which(msg, which);
		if (force)
			nla_put_flag(msg, RSWAP_A_DEV_FORCE);
	}
	return ctl_request(ctl, msg, NULL, NULL, e);
}

/* The members of a device's object */
static void device_members(struct json *j, const struct device *dev)
{
	char path[sizeof(dev->disk) + 8];
	const char *error = strerrorname_np((int)dev->error);

	snprintf(path, sizeof(path), "/dev/%s", dev->disk);
	json_string(j, "device", path);
	json_u64(j, "index", dev->index);
	json_string(j, "name", dev->name);
	json_string(j, "url", dev->url);
	json_u64(j, "size", dev->size);
	json_string(j, "state", state_name(dev->state));
	if (dev->error && error)
		json_string(j, "error", error);
	else
		json_null(j, "error");
	json_u64(j, "in_use", dev->in_use);
	json_u64(j, "connections", dev->connections);
	json_u64(j, "queue_depth", dev->queue_depth);
	json_u64(j, "timeout", dev->timeout);
	json_bool(j, "thin", dev->thin);
	json_u64(j, "slab_size", dev->slab_size);
	json_u64(j, "slabs", dev->slabs);
	json_u64(j, "slabs_mapped", dev->slabs_mapped);
	json_u64(j, "max_io", dev->max_io);
	json_u64(j, "server_limit", dev->server_limit);
	json_u64(j, "server_free", dev->server_free);
	json_u64(j, "memory", dev->memory);
}

/**
 * device_json - write a device as an object
 * @j: the document, inside an array or at the top
 * @dev: the device
 */
void device_json(struct json *j, const struct device *dev)
{
	json_open(j, NULL, '{');
	device_members(j, dev);
	json_close(j, '}');
}

/* Driver memory for each GiB of the device, in bytes */
static uint64_t memory_per_gib(const struct device *dev)
{
	if (!dev->size)
		return 0;
	return (uint64_t)((double)dev->memory * (double)GIB / (double)dev->size);
}

static void show_text(const struct device *dev)
{
	char a[FORMAT_LEN], b[FORMAT_LEN];

	printf("name:          %s\n", dev->name);
	printf("device:        /dev/%s\n", dev->disk);
	printf("server:        %s\n", dev->url);
	printf("size:          %s (%" PRIu64 " bytes)\n", format_size(dev->size, a),
	       dev->size);
	printf("state:         %s\n", state_name(dev->state));
	if (dev->error)
		printf("error:         %s\n", strerror((int)dev->error));
	printf("in use:        %s (opened %" PRIu32 " times)\n",
	       dev->in_use ? "yes" : "no", dev->in_use);
	printf("connections:   %" PRIu32 "\n", dev->connections);
	printf("queue depth:   %" PRIu32 " per connection\n", dev->queue_depth);
	printf("timeout:       %" PRIu32 " s\n", dev->timeout);
	printf("reserved:      %s\n",
	       dev->thin ? "nothing: the server may run full (--thin)" :
			   "the whole size, on the server");
	printf("slabs:         %" PRIu32 " of %" PRIu32 " on the server, %s each\n",
	       dev->slabs_mapped, dev->slabs, format_size(dev->slab_size, a));
	printf("largest I/O:   %s\n", format_size(dev->max_io, a));
	printf("server memory: %s lent in all, %s free before this device\n",
	       format_size(dev->server_limit, a), format_size(dev->server_free, b));
	printf("driver memory: %s (%s per GiB of device)\n",
	       format_size(dev->memory, a), format_size(memory_per_gib(dev), b));
}

/**
 * run_detach - the command "detach"
 * @args: the command line
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int run_detach(const struct args *args, struct err *e)
{
	struct which which;
	struct ctl ctl;
	int rc;

	rc = parse_which(args->which, &which, e);
	if (!rc)
		rc = ctl_open(&ctl, e);
	if (rc)
		return rc;
	rc = device_detach(&ctl, &which, args->force, e);
	ctl_close(&ctl);
	return rc;
}

static void list_text(const struct device_list *list)
{
	char size[FORMAT_LEN];
	size_t i;

	printf("%-12s %-14s %10s %-10s %6s  %s\n", "NAME", "DEVICE", "SIZE", "STATE",
	       "IN USE", "SERVER");
	for (i = 0; i < list->count; i++) {
		const struct device *dev = &list->dev[i];

		printf("%-12s /dev/%-9s %10s %-10s %6s  %s\n", dev->name, dev->disk,
		       format_size(dev->size, size), state_name(dev->state),
		       dev->in_use ? "yes" : "no", dev->url);
	}
}

/**
 * run_list - the command "list"
 * @args: the command line
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int run_list(const struct args *args, struct err *e)
{
	struct json j = { .out = stdout };
	struct device_list list;
	struct ctl ctl;
	size_t i;
	int rc;

	rc = ctl_open(&ctl, e);
	if (rc)
		return rc;
	rc = device_list_get(&ctl, &list, e);
	ctl_close(&ctl);
	if (!rc && args->json) {
		json_open(&j, NULL, '[');
		for (i = 0; i < list.count; i++)
			device_json(&j, &list.dev[i]);
		json_close(&j, ']');
		putchar('\n');
	} else if (!rc) {
		list_text(&list);
	}
	free(list.dev);
	return rc ? rc : flush_output(e);
}

/**
 * run_show - the command "show"
 * @args: the command line
 * @e: says what failed
 *
 * Return: 0 or an exit code.
 */
int run_show(const struct args *args, struct err *e)
{
	struct json j = { .out = stdout };
	struct device dev;
	struct which which;
	struct nl_msg *msg;
	struct ctl ctl;
	int rc;

	rc = parse_which(args->which, &which, e);
	if (!rc)
		rc = ctl_open(&ctl, e);
	if (rc)
		return rc;
	memset(&dev, 0, sizeof(dev));
	msg = ctl_message(&ctl, RSWAP_CMD_DEV_GET, 0);
	if (msg)
		put_which(msg, &which);
	rc = ctl_request(&ctl, msg, decode_device_to, &dev, e);
	ctl_close(&ctl);
	if (rc)
		return rc;
	if (args->json) {
		json_open(&j, NULL, '{');
		device_members(&j, &dev);
		reserves_json(&j);
		json_close(&j, '}');
		putchar('\n');
	} else {
		show_text(&dev);
		reserves_text();
	}
	return flush_output(e);
}
