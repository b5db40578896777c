// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of a lab guest.
 *
 * The guest has no distribution: this program mounts what is needed, gives the
 * network cards the addresses named on the kernel command line, locks itself
 * into memory, and then serves the host over virtio-serial ports (agent.c).
 *
 *	lab.net=MAC,ADDR4/LEN,ADDR6/LEN	one per card; either address may be empty
 *	lab.name=NAME			host name of the guest
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/ipv6.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define PORT_DEADLINE_MS 10000

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "init: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(ap);
	/* PID 1 that exits is a kernel panic; say so and end the guest. */
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void mount_one(const char *type, const char *where, int required)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) && errno != EBUSY && required)
		die("mount %s", where);
}

static void mount_filesystems(void)
{
	mount_one("proc", "/proc", 1);
	mount_one("sysfs", "/sys", 1);
	mount_one("devtmpfs", "/dev", 1);
	mount_one("tmpfs", "/tmp", 1);
	mount_one("tmpfs", "/run", 1);
	mount_one("tmpfs", "/dev/shm", 1);
	/* Which of these exist is up to the kernel's configuration. */
	mount_one("debugfs", "/sys/kernel/debug", 0);
	mount_one("tracefs", "/sys/kernel/tracing", 0);
	mount_one("cgroup2", "/sys/fs/cgroup", 0);
	symlink("/proc/self/fd", "/dev/fd");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void set_environment(void)
{
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/", 1);
	write_file("/proc/sys/kernel/sysrq", "1");
	write_file("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
}

/* An address is usable at once: the private link has no duplicates. */
static void quiet_ipv6(const char *name)
{
	static const char *const settings[] = {
		"accept_dad", "accept_ra", "router_solicitations"
	};
	char path[300];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s",
			 name, settings[i]);
		write_file(path, "0");
	}
}

static void interface_up(int fd, const char *name)
{
	struct ifreq ifr = { };

	quiet_ipv6(name);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		die("flags of %s", name);
	ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("bring %s up", name);
}

/* Cuts "/LEN" off @addr and returns LEN, or @whole if there is none. */
static int prefix_length(char *addr, int whole)
{
	char *slash = strchr(addr, '/');

	if (!slash)
		return whole;
	*slash = '\0';
	return atoi(slash + 1);
}

static void set_address4(int fd, const char *name, char *addr)
{
	int len = prefix_length(addr, 32);
	struct ifreq ifr = { };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		die("bad address %s", addr);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	if (ioctl(fd, SIOCSIFADDR, &ifr))
		die("address %s on %s", addr, name);
	sin.sin_addr.s_addr = len ? htonl(~0u << (32 - len)) : 0;
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	if (ioctl(fd, SIOCSIFNETMASK, &ifr))
		die("netmask of %s", name);
}

static void set_address6(const char *name, char *addr)
{
	struct in6_ifreq {
		struct in6_addr addr;
		__u32 prefixlen;
		int ifindex;
	} req = { .prefixlen = prefix_length(addr, 128) };
	struct ifreq ifr = { };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)	/* a kernel without IPv6 */
		return;
	if (inet_pton(AF_INET6, addr, &req.addr) != 1)
		die("bad address %s", addr);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		die("index of %s", name);
	req.ifindex = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCSIFADDR, &req) && errno != EEXIST)
		die("address %s on %s", addr, name);
	close(fd);
}

/* Finds the card with hardware address @mac ("52:54:..."). */
static int interface_by_mac(const char *mac, char *name, size_t size)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *d;
	int found = 0;

	while (dir && !found && (d = readdir(dir))) {
		char path[300], text[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/net/%s/address",
			 d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f) &&
		    !strncasecmp(text, mac, strlen(mac))) {
			snprintf(name, size, "%.*s", IFNAMSIZ - 1, d->d_name);
			found = 1;
		}
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void configure_card(int fd, char *spec)
{
	char *mac = strsep(&spec, ",");
	char *v4 = spec ? strsep(&spec, ",") : NULL;
	char *v6 = spec;
	char name[IFNAMSIZ];

	if (!interface_by_mac(mac, name, sizeof(name))) {
		fprintf(stderr, "init: no network card %s (no driver?)\n", mac);
		return;
	}
	interface_up(fd, name);
	if (v4 && *v4)
		set_address4(fd, name, v4);
	if (v6 && *v6)
		set_address6(name, v6);
	fprintf(stderr, "init: %s is %s\n", mac, name);
}

/* Acts on every lab.* parameter of the kernel command line. */
static void set_network(void)
{
	char line[4096], *rest = line, *word;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f || !fgets(line, sizeof(line), f))
		die("/proc/cmdline");
	fclose(f);
	if (fd < 0)
		die("socket");
	interface_up(fd, "lo");
	while ((word = strsep(&rest, " \n"))) {
		if (!strncmp(word, "lab.net=", 8))
			configure_card(fd, word + 8);
		else if (!strncmp(word, "lab.name=", 9))
			sethostname(word + 9, strlen(word + 9));
	}
	close(fd);
}

/*
 * Opens the virtio-serial port called @name, waiting for it to appear.
 * The ports for workloads are inherited by every command: a port can be
 * opened only once.
 */
static int open_port(const char *name)
{
	struct timespec ms10 = { .tv_nsec = 10 * 1000 * 1000 };
	char path[300], text[64];
	int waited;

	for (waited = 0; waited < PORT_DEADLINE_MS; waited += 10) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *d;

		while (dir && (d = readdir(dir))) {
			FILE *f;

			snprintf(path, sizeof(path),
				 "/sys/class/virtio-ports/%s/name", d->d_name);
			f = d->d_name[0] == '.' ? NULL : fopen(path, "re");
			if (!f)
				continue;
			text[0] = '\0';
			if (fgets(text, sizeof(text), f))
				text[strcspn(text, "\n")] = '\0';
			fclose(f);
			if (strcmp(text, name))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			closedir(dir);
			return open(path, O_RDWR);
		}
		if (dir)
			closedir(dir);
		nanosleep(&ms10, NULL);
	}
	errno = ENODEV;
	return -1;
}

static void open_ports(struct ports *ports)
{
	int fd;

	fd = open_port("progress");
	if (fd < 0 || dup2(fd, PROGRESS_FD) < 0)
		die("port progress");
	if (fd != PROGRESS_FD)
		close(fd);
	fd = open_port("verdict");
	if (fd < 0 || dup2(fd, VERDICT_FD) < 0)
		die("port verdict");
	if (fd != VERDICT_FD)
		close(fd);
	ports->agent = open_port("agent");
	if (ports->agent < 0 || fcntl(ports->agent, F_SETFD, FD_CLOEXEC))
		die("port agent");
}

/* The agent must answer while the guest has no memory left. */
static void lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
}

int main(void)
{
	struct ports ports;

	mount_filesystems();
	set_environment();
	set_network();
	open_ports(&ports);
	lock_memory();
	agent_start_heartbeat();
	agent_serve(&ports);
}
