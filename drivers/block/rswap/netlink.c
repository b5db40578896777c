// SPDX-License-Identifier: GPL-2.0
/*
 * rswap control by generic netlink
 *
 * Documentation/netlink/specs/rswap.yaml says what the messages are.
 */
#include <linux/capability.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "netlink_gen.h"
#include "rswap.h"

/* Room for RSWAP_A_STATS_IO of every kind, headers included */
#define RSWAP_NL_STATS_SIZE	(RSWAP_IO_KIND_COUNT *			\
				 (RSWAP_LATENCY_BUCKETS * sizeof(u64) + 128) + \
				 256)

static void rswap_nl_config(const struct genl_info *info,
			    struct rswap_config *config)
{
	struct nlattr **attrs = info->attrs;

	*config = (struct rswap_config) {
		.connections	= RSWAP_DEFAULT_CONNECTIONS,
		.depth		= RSWAP_DEFAULT_DEPTH,
		.timeout	= RSWAP_DEFAULT_TIMEOUT,
	};
	if (attrs[RSWAP_A_DEV_URL])
		nla_strscpy(config->url, attrs[RSWAP_A_DEV_URL],
			    sizeof(config->url));
	if (attrs[RSWAP_A_DEV_NAME])
		nla_strscpy(config->name, attrs[RSWAP_A_DEV_NAME],
			    sizeof(config->name));
	if (attrs[RSWAP_A_DEV_SIZE])
		config->size = nla_get_u64(attrs[RSWAP_A_DEV_SIZE]);
	if (attrs[RSWAP_A_DEV_CONNECTIONS])
		config->connections = nla_get_u32(attrs[RSWAP_A_DEV_CONNECTIONS]);
	if (attrs[RSWAP_A_DEV_QUEUE_DEPTH])
		config->depth = nla_get_u32(attrs[RSWAP_A_DEV_QUEUE_DEPTH]);
	if (attrs[RSWAP_A_DEV_TIMEOUT])
		config->timeout = nla_get_u32(attrs[RSWAP_A_DEV_TIMEOUT]);
	config->thin = nla_get_flag(attrs[RSWAP_A_DEV_THIN]);
}

/* Which device does a request name: by index, or (index -1) by name? */
static int rswap_nl_which(struct genl_info *info, int index_attr, int name_attr,
			  int *index, const char **name)
{
	struct nlattr *by_index = info->attrs[index_attr];
	struct nlattr *by_name = info->attrs[name_attr];

	*index = by_index ? min_t(u32, nla_get_u32(by_index), INT_MAX) : -1;
	*name = by_name ? nla_data(by_name) : NULL;
	if (by_index || by_name)
		return 0;
	GENL_SET_ERR_MSG(info, "no device named: give its index or its name");
	return -EINVAL;
}

/* The device a request names, if it is attached */
static struct rswap_dev *rswap_nl_find(struct genl_info *info, int index_attr,
				       int name_attr)
{
	struct rswap_dev *dev;
	const char *name;
	int index, ret;

	lockdep_assert_held(&rswap_devs_lock);
	ret = rswap_nl_which(info, index_attr, name_attr, &index, &name);
	if (ret)
		return ERR_PTR(ret);
	dev = rswap_dev_find(index, name);
	if (!dev) {
		GENL_SET_ERR_MSG(info, "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!dev->disk) {
		GENL_SET_ERR_MSG(info, "device is still being attached");
		return ERR_PTR(-EAGAIN);
	}
	return dev;
}

static int rswap_nl_capable(struct genl_info *info)
{
	/* CAP_NET_ADMIN was checked by the family's policy */
	if (capable(CAP_SYS_ADMIN))
		return 0;
	GENL_SET_ERR_MSG(info, "CAP_SYS_ADMIN is needed as well as CAP_NET_ADMIN");
	return -EPERM;
}

static int rswap_nl_put_dev(struct sk_buff *skb, const struct rswap_dev *dev)
{
	const struct rswap_session *session = dev->session;
	const struct rswap_config *config = &session->config;
	const struct rswap_limits *limits = &session->limits;

	if (nla_put_u32(skb, RSWAP_A_DEV_INDEX, dev->index) ||
	    nla_put_string(skb, RSWAP_A_DEV_NAME, dev->name) ||
	    nla_put_string(skb, RSWAP_A_DEV_DISK, dev->disk->disk_name) ||
	    nla_put_string(skb, RSWAP_A_DEV_URL, config->url) ||
	    nla_put_u64_64bit(skb, RSWAP_A_DEV_SIZE, config->size,
			      RSWAP_A_DEV_PAD) ||
	    nla_put_u32(skb, RSWAP_A_DEV_CONNECTIONS, config->connections) ||
	    nla_put_u32(skb, RSWAP_A_DEV_QUEUE_DEPTH,
			session->conns[0].depth) ||
	    nla_put_u32(skb, RSWAP_A_DEV_TIMEOUT, config->timeout) ||
	    (config->thin && nla_put_flag(skb, RSWAP_A_DEV_THIN)) ||
	    nla_put_u32(skb, RSWAP_A_DEV_STATE, READ_ONCE(session->state)) ||
	    nla_put_u32(skb, RSWAP_A_DEV_ERROR, -READ_ONCE(session->error)) ||
	    nla_put_u32(skb, RSWAP_A_DEV_IN_USE, disk_openers(dev->disk)) ||
	    nla_put_u32(skb, RSWAP_A_DEV_SLAB_SIZE, limits->slab_size) ||
	    nla_put_u32(skb, RSWAP_A_DEV_SLABS, session->slabs->nr) ||
	    nla_put_u32(skb, RSWAP_A_DEV_SLABS_MAPPED,
			atomic_read(&session->slabs->mapped)) ||
	    nla_put_u32(skb, RSWAP_A_DEV_MAX_IO, limits->max_io) ||
	    nla_put_u64_64bit(skb, RSWAP_A_DEV_SERVER_LIMIT,
			      limits->memory_limit, RSWAP_A_DEV_PAD) ||
	    nla_put_u64_64bit(skb, RSWAP_A_DEV_SERVER_FREE,
			      limits->memory_free, RSWAP_A_DEV_PAD) ||
	    nla_put_u64_64bit(skb, RSWAP_A_DEV_MEMORY,
			      sizeof(*dev) + rswap_session_memory(session),
			      RSWAP_A_DEV_PAD))
		return -EMSGSIZE;
	return 0;
}

/* Answer with one device; rswap_devs_lock is held */
static int rswap_nl_reply_dev(struct genl_info *info,
			      const struct rswap_dev *dev)
{
	struct sk_buff *skb;
	void *hdr;
	int ret;

	lockdep_assert_held(&rswap_devs_lock);
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_iput(skb, info);
	ret = hdr ? rswap_nl_put_dev(skb, dev) : -EMSGSIZE;
	if (ret) {
		nlmsg_free(skb);
		return ret;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/**
 * rswap_nl_attach_doit - RSWAP_CMD_ATTACH
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int rswap_nl_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rswap_config *config;
	char why[RSWAP_WHY_LEN];
	struct rswap_dev *dev;
	int index, ret;

	ret = rswap_nl_capable(info);
	if (ret)
		return ret;
	config = kmalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	rswap_nl_config(info, config);
	ret = rswap_dev_attach(config, genl_info_net(info), &index, why);
	kfree(config);
	if (ret) {
		if (why[0])
			GENL_SET_ERR_MSG_FMT(info, "%.*s", RSWAP_WHY_LEN - 1, why);
		/* Netlink sends no acknowledgment for EINTR: others would hang */
		return ret == -EINTR ? -ECANCELED : ret;
	}
	mutex_lock(&rswap_devs_lock);
	dev = rswap_dev_find(index, NULL);
	ret = dev && dev->disk ? rswap_nl_reply_dev(info, dev) : -ENODEV;
	mutex_unlock(&rswap_devs_lock);
	return ret;
}

/**
 * rswap_nl_detach_doit - RSWAP_CMD_DETACH
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int rswap_nl_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	bool force = nla_get_flag(info->attrs[RSWAP_A_DEV_FORCE]);
	char why[RSWAP_WHY_LEN];
	const char *name;
	int index, ret;

	ret = rswap_nl_capable(info);
	if (ret)
		return ret;
	ret = rswap_nl_which(info, RSWAP_A_DEV_INDEX, RSWAP_A_DEV_NAME, &index,
			     &name);
	if (ret)
		return ret;
	ret = rswap_dev_detach(index, name, force, why);
	if (ret)
		GENL_SET_ERR_MSG_FMT(info, "%.*s", RSWAP_WHY_LEN - 1, why);
	return ret;
}

/**
 * rswap_nl_dev_get_doit - RSWAP_CMD_DEV_GET of one device
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int rswap_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rswap_dev *dev;
	int ret;

	mutex_lock(&rswap_devs_lock);
	dev = rswap_nl_find(info, RSWAP_A_DEV_INDEX, RSWAP_A_DEV_NAME);
	ret = IS_ERR(dev) ? PTR_ERR(dev) : rswap_nl_reply_dev(info, dev);
	mutex_unlock(&rswap_devs_lock);
	return ret;
}

/**
 * rswap_nl_dev_get_dumpit - RSWAP_CMD_DEV_GET of all devices
 * @skb: the answer
 * @cb: state of the dump; args[0] is how many devices were passed over
 *
 * Context: process, may sleep.
 * Return: length of @skb or a negative errno.
 */
int rswap_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct rswap_dev *dev;
	long n = 0;
	void *hdr;
	int ret = 0;

	mutex_lock(&rswap_devs_lock);
	list_for_each_entry(dev, &rswap_devs, node) {
		if (!dev->disk || n++ < cb->args[0])
			continue;
		hdr = genlmsg_iput(skb, info);
		ret = hdr ? rswap_nl_put_dev(skb, dev) : -EMSGSIZE;
		if (ret) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = n;
	}
	mutex_unlock(&rswap_devs_lock);
	return ret == -EMSGSIZE && skb->len ? skb->len : ret ?: skb->len;
}

static int rswap_nl_put_io(struct sk_buff *skb, struct rswap_session *session,
			   u32 kind, struct rswap_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, RSWAP_A_STATS_IO);

	rswap_stats_read(session->stats, kind, stats);
	if (!nest || nla_put_u32(skb, RSWAP_A_IO_STATS_KIND, kind) ||
	    nla_put_u64_64bit(skb, RSWAP_A_IO_STATS_IOS, stats->ios,
			      RSWAP_A_IO_STATS_PAD) ||
	    nla_put_u64_64bit(skb, RSWAP_A_IO_STATS_BYTES, stats->bytes,
			      RSWAP_A_IO_STATS_PAD) ||
	    nla_put_u64_64bit(skb, RSWAP_A_IO_STATS_ERRORS, stats->errors,
			      RSWAP_A_IO_STATS_PAD) ||
	    nla_put_u32(skb, RSWAP_A_IO_STATS_INFLIGHT,
			atomic_read(&session->inflight[kind])) ||
	    nla_put(skb, RSWAP_A_IO_STATS_LATENCY, sizeof(stats->latency),
		    stats->latency))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int rswap_nl_put_stats(struct sk_buff *skb, const struct rswap_dev *dev)
{
	/* Two elements: see rswap_stats_read() */
	struct rswap_stats *stats = kcalloc(2, sizeof(*stats), GFP_KERNEL);
	int ret = -EMSGSIZE;
	u32 kind;

	if (!stats)
		return -ENOMEM;
	if (nla_put_u32(skb, RSWAP_A_STATS_INDEX, dev->index) ||
	    nla_put_string(skb, RSWAP_A_STATS_NAME, dev->name))
		goto out;
	for (kind = 0; kind < RSWAP_IO_KIND_COUNT; kind++) {
		ret = rswap_nl_put_io(skb, dev->session, kind, stats);
		if (ret)
			break;
	}
out:
	kfree(stats);
	return ret;
}

/**
 * rswap_nl_stats_get_doit - RSWAP_CMD_STATS_GET
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int rswap_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rswap_dev *dev;
	struct sk_buff *reply;
	void *hdr;
	int ret;

	reply = genlmsg_new(RSWAP_NL_STATS_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&rswap_devs_lock);
	dev = rswap_nl_find(info, RSWAP_A_STATS_INDEX, RSWAP_A_STATS_NAME);
	if (IS_ERR(dev)) {
		ret = PTR_ERR(dev);
	} else {
		hdr = genlmsg_iput(reply, info);
		ret = hdr ? rswap_nl_put_stats(reply, dev) : -EMSGSIZE;
	}
	mutex_unlock(&rswap_devs_lock);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}
