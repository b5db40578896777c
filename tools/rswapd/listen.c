// SPDX-License-Identifier: GPL-2.0
/* URLs of the form tcp://ADDR:PORT, and sockets that listen on them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rswapd.h"

static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long value = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned long)(*text - '0');
	}
	if (value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* Split ADDR, ADDR:PORT, [ADDR] or [ADDR]:PORT */
static bool split(const char *text, char *host, size_t size, const char **port,
		  bool *six)
{
	const char *end;

	*six = *text == '[';
	if (*six) {
		text++;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*port = end[1] ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		*port = end ? end + 1 : NULL;
		if (!end)
			end = text + strlen(text);
	}
	if ((size_t)(end - text) >= size)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	return true;
}

/**
 * listen_parse - understand a URL
 * @url: tcp://ADDR[:PORT], ADDR numeric, IPv6 in brackets
 * @addr: filled
 * @why: set to what is wrong with @url
 *
 * Return: 0 or -1.
 */
int listen_parse(const char *url, struct sockaddr_storage *addr,
		 const char **why)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)addr;
	char host[INET6_ADDRSTRLEN];
	uint16_t port = RSWAP_PORT;
	const char *port_text;
	bool six;

	memset(addr, 0, sizeof(*addr));
	if (strncmp(url, "tcp://", 6)) {
		*why = "it must begin with tcp://";
		return -1;
	}
	if (!split(url + 6, host, sizeof(host), &port_text, &six)) {
		*why = "write tcp://ADDR:PORT, or tcp://[ADDR]:PORT for IPv6";
		return -1;
	}
	if (port_text && !parse_port(port_text, &port)) {
		*why = "the port must be a number from 0 to 65535 (IPv6 addresses go in brackets)";
		return -1;
	}
	if (inet_pton(six ? AF_INET6 : AF_INET, host,
		      six ? (void *)&sin6->sin6_addr : (void *)&sin->sin_addr) != 1) {
		*why = "the address must be numeric, like 10.0.0.1, 0.0.0.0 (all IPv4) or [::] (all IPv6)";
		return -1;
	}
	if (six) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
	} else {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
	}
	return 0;
}

/**
 * listen_name - an address as ADDR:PORT
 * @addr: the address
 * @out: filled
 * @size: of @out; PEER_LEN is enough
 */
void listen_name(const struct sockaddr_storage *addr, char *out, size_t size)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)addr;
	char host[INET6_ADDRSTRLEN];

	if (addr->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(sin6->sin6_port));
	} else {
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(sin->sin_port));
	}
}

/*
 * The kernel takes a moment to tear down the rings of a server that was
 * killed, and its sockets with them: do not fail for that.
 */
static int bind_patiently(int fd, const struct sockaddr *addr, socklen_t len)
{
	for (int i = 0; i < 20; i++) {
		if (!bind(fd, addr, len))
			return 0;
		if (errno != EADDRINUSE)
			return -1;
		usleep(50000);
	}
	return bind(fd, addr, len);
}

/**
 * listen_open - listen on the URL of a listener, and say so
 * @listener: with its URL, which was parsed before
 *
 * Return: 0 or -1, after an error message.
 */
int listen_open(struct listener *listener)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	char name[PEER_LEN];
	const char *why;
	int one = 1;

	if (listen_parse(listener->url, &addr, &why))
		return -1;
	listener->fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		goto failed;
	/* Addresses of the two families are asked for, and get, their own */
	if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (addr.ss_family == AF_INET6 &&
	     setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))))
		goto failed;
	if (bind_patiently(listener->fd, (struct sockaddr *)&addr,
			   addr.ss_family == AF_INET6 ?
			   sizeof(struct sockaddr_in6) :
			   sizeof(struct sockaddr_in)) ||
	    listen(listener->fd, SOMAXCONN) ||
	    getsockname(listener->fd, (struct sockaddr *)&addr, &len))
		goto failed;
	listen_name(&addr, name, sizeof(name));
	log_event(LOG_INFO, "listening on tcp://%s", name);
	return 0;

failed:
	log_event(LOG_ERROR, "cannot listen on %s: %s%s", listener->url,
		  strerror(errno),
		  errno == EADDRINUSE ? "; another server has this port, choose another or stop that one" :
		  errno == EADDRNOTAVAIL ? "; this machine does not have that address" :
		  errno == EACCES ? "; ports below 1024 need CAP_NET_BIND_SERVICE" : "");
	return -1;
}
