// SPDX-License-Identifier: GPL-2.0
/*
 * Lab guest: changes a network card while memory is out.
 *
 *	nicdo INTERFACE STEP...
 *
 *	down, up	as "ip link set" does
 *	mtu=BYTES
 *	ring=PACKETS	length of the receive and of the transmit ring
 *	sleep=SECONDS
 *	dry=KIB		wait until less than that is free
 *
 * All memory is locked: a shell could not start "ip link set up" when what it
 * would need is swapped out over that link. Says that it is ready, waits for
 * SIGUSR1, and takes the steps in order. What the kernel refuses for want of
 * memory is tried again, as somebody at the keyboard would: not at once, because
 * some cards have no link for two seconds after each try.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define TRIES 10
#define PAUSE 5	/* seconds */

static int fd;
static const char *interface;

static int change(unsigned long request, struct ifreq *ifr)
{
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", interface);
	return ioctl(fd, request, ifr);
}

static int set_up(int up)
{
	struct ifreq ifr = { };

	if (change(SIOCGIFFLAGS, &ifr))
		return -1;
	ifr.ifr_flags = up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP;
	return change(SIOCSIFFLAGS, &ifr);
}

static int set_mtu(int bytes)
{
	struct ifreq ifr = { .ifr_mtu = bytes };

	return change(SIOCSIFMTU, &ifr);
}

static int set_ring(unsigned int packets)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	struct ifreq ifr = { .ifr_data = (void *)&ring };

	if (change(SIOCETHTOOL, &ifr))
		return -1;
	if (ring.rx_pending == packets && ring.tx_pending == packets) {
		errno = EALREADY;	/* the test would prove nothing */
		return -1;
	}
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = packets;
	ring.tx_pending = packets;
	return change(SIOCETHTOOL, &ifr);
}

static unsigned long free_kib(void)
{
	struct sysinfo info = { };

	sysinfo(&info);
	return info.freeram / 1024 * info.mem_unit;
}

static void wait_dry(unsigned long kib)
{
	struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };

	while (free_kib() >= kib)
		nanosleep(&tenth, NULL);
}

static int take(const char *step)
{
	int number = 0;

	if (!strcmp(step, "down") || !strcmp(step, "up"))
		return set_up(step[0] == 'u');
	if (sscanf(step, "mtu=%d", &number) == 1)
		return set_mtu(number);
	if (sscanf(step, "ring=%d", &number) == 1)
		return set_ring(number);
	if (sscanf(step, "sleep=%d", &number) == 1) {
		sleep(number);
		return 0;
	}
	if (sscanf(step, "dry=%d", &number) == 1) {
		wait_dry(number);
		return 0;
	}
	fprintf(stderr, "nicdo: no step '%s'\n", step);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void wait_for_signal(void)
{
	sigset_t usr1;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	printf("nicdo: ready\n");
	fflush(stdout);
	sigwait(&usr1, &sig);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: nicdo INTERFACE down|up|mtu=N|ring=N|sleep=N|dry=N...\n");
		return 2;
	}
	interface = argv[1];
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("nicdo");
		return 1;
	}
	wait_for_signal();
	for (int i = 2; i < argc; i++) {
		double start = now();
		int tries = 1;

		for (; take(argv[i]); tries++) {
			if ((errno != ENOMEM && errno != ENOBUFS) || tries == TRIES) {
				fprintf(stderr, "nicdo: %s: %s\n", argv[i], strerror(errno));
				return 1;
			}
			printf("nicdo: %s %s: %s\n", interface, argv[i], strerror(errno));
			fflush(stdout);
			sleep(PAUSE);
		}
		printf("nicdo: %s %s took %.2f s, tries: %d, free: %lu KiB\n", interface,
		       argv[i], now() - start, tries, free_kib());
		fflush(stdout);
	}
	return 0;
}
