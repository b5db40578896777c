// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the generic netlink family "rswap"
 */
#include <errno.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "rswapctl.h"

/* The kernel never puts more into one datagram of a dump */
#define RECEIVE_BYTES	32768

/* What has come of a request so far */
struct answer {
	ctl_handler handler;
	void *arg;
	bool done;
	bool garbled;
	int error;
	char text[256];
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	if (!answer->handler || answer->handler(nlmsg_hdr(msg), answer->arg))
		answer->garbled = true;
	return NL_OK;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	answer->error = decode_error(nlmsg_hdr(msg), answer->text,
				     sizeof(answer->text));
	answer->done = true;
	return NL_STOP;
}

/* libnl hands over the struct nlmsgerr; its header stands right before it */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct answer *answer = arg;

	(void)from;
	answer->error = decode_error((const void *)((const char *)error - NLMSG_HDRLEN),
				     answer->text, sizeof(answer->text));
	answer->done = true;
	return NL_STOP;
}

static int failed(struct err *e, int nle, const char *what)
{
	if (nle == -NLE_PERM || nle == -NLE_NOACCESS)
		return err_kernel(e, EPERM, "");
	return err_set(e, RC_FAILED, 0, "%s: %s", what, nl_geterror(nle));
}

/**
 * ctl_open - find the driver
 * @ctl: set up for requests, for ctl_close(); untouched on failure
 * @e: says why not
 *
 * Return: 0, RC_NO_DRIVER, RC_PERMISSION or RC_FAILED.
 */
int ctl_open(struct ctl *ctl, struct err *e)
{
	struct nl_sock *sock = nl_socket_alloc();
	int on = 1, family = 0, ret;

	if (!sock)
		return err_set(e, RC_FAILED, ENOMEM, "out of memory");
	ret = genl_connect(sock);
	if (ret < 0) {
		failed(e, ret, "cannot open a netlink socket");
		goto fail;
	}
	if (setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on,
		       sizeof(on))) {
		err_set(e, RC_FAILED, errno, "cannot ask for error texts: %m");
		goto fail;
	}
	ret = nl_socket_set_msg_buf_size(sock, RECEIVE_BYTES);
	if (ret >= 0)
		ret = genl_ctrl_resolve(sock, RSWAP_FAMILY_NAME);
	/*
	 * The kernel works on a request while it is being sent, so that its answer
	 * is there afterwards, or never comes: it acknowledges no -EINTR.
	 */
	if (ret >= 0) {
		family = ret;
		ret = nl_socket_set_nonblocking(sock);
	}
	if (ret == -NLE_OBJ_NOTFOUND) {
		err_set(e, RC_NO_DRIVER, ENOENT, "the rswap driver is not loaded");
		err_hint(e, "modprobe rswap, or build the kernel with CONFIG_RSWAP");
		goto fail;
	}
	if (ret < 0) {
		failed(e, ret, "cannot ask for the netlink family \"rswap\"");
		goto fail;
	}
	ctl->sock = sock;
	ctl->family = family;
	return 0;

fail:
	nl_socket_free(sock);
	return e->code;
}

/**
 * ctl_close - undo ctl_open()
 * @ctl: opened
 */
void ctl_close(struct ctl *ctl)
{
	nl_socket_free(ctl->sock);
}

/**
 * ctl_message - begin a request
 * @ctl: opened
 * @cmd: RSWAP_CMD_*
 * @flags: NLM_F_DUMP or 0
 *
 * Return: a message for ctl_request(), or NULL if memory is short.
 */
struct nl_msg *ctl_message(const struct ctl *ctl, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, ctl->family, 0, flags,
			       cmd, RSWAP_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int receive(struct ctl *ctl, struct answer *answer, struct err *e)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret = 0;

	if (!cb)
		return err_set(e, RC_FAILED, ENOMEM, "out of memory");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, answer);
	while (!answer->done && ret >= 0)
		ret = nl_recvmsgs(ctl->sock, cb);
	nl_cb_put(cb);
	if (answer->done)
		return 0;
	if (ret == -NLE_AGAIN)
		return err_set(e, RC_FAILED, EINTR, "interrupted");
	return failed(e, ret, "no answer from the kernel");
}

/**
 * ctl_request - send a request and take its answer
 * @ctl: opened
 * @msg: from ctl_message(), freed here; NULL if memory was short
 * @handler: called for each message of the answer, or NULL if there is to be none
 * @arg: for @handler
 * @e: says what failed; with errnum EINTR a signal ended the wait
 *
 * Blocks as long as the kernel takes; a signal that has a handler may end that.
 *
 * Return: 0 or an exit code.
 */
int ctl_request(struct ctl *ctl, struct nl_msg *msg, ctl_handler handler, void *arg,
	       struct err *e)
{
	struct answer answer = { .handler = handler, .arg = arg };
	int ret;

	if (!msg)
		return err_set(e, RC_FAILED, ENOMEM, "out of memory");
	ret = nl_send_auto(ctl->sock, msg);
	nlmsg_free(msg);
	if (ret < 0)
		return failed(e, ret, "cannot send to the kernel");
	ret = receive(ctl, &answer, e);
	if (ret)
		return ret;
	if (answer.error)
		return err_kernel(e, -answer.error, answer.text);
	if (answer.garbled) {
		err_set(e, RC_FAILED, EBADMSG, "the driver's answer makes no sense");
		err_hint(e, "rswapctl and the driver are of different versions");
		return e->code;
	}
	return 0;
}
