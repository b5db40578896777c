// SPDX-License-Identifier: GPL-2.0
/*
 * rswap transports: from URL to transport
 */
#include <linux/string.h>

#include "rswap.h"

static const struct rswap_transport_ops *const rswap_transports[] = {
	&rswap_tcp_ops,
	&rswap_loop_ops,
};

/**
 * rswap_transport_parse - find the transport a URL asks for
 * @session: the session; config.url is set
 *
 * Sets session->ops and lets the transport look at the rest of the URL.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno, with session->why set.
 */
int rswap_transport_parse(struct rswap_session *session)
{
	const char *url = session->config.url;
	const char *rest = strstr(url, "://");
	int i;

	if (!rest)
		return rswap_session_why(session, -EINVAL,
					 "bad URL: tcp://ADDRESS:PORT or loop:// expected");
	for (i = 0; i < ARRAY_SIZE(rswap_transports); i++) {
		const char *name = rswap_transports[i]->name;

		if (strlen(name) != rest - url || !strstarts(url, name))
			continue;
		session->ops = rswap_transports[i];
		return session->ops->parse(session, rest + strlen("://"));
	}
	return rswap_session_why(session, -EPROTONOSUPPORT,
				 "no transport of this name: tcp and loop exist");
}
