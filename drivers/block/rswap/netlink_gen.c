// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rswap.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/rswap.h>

/* RSWAP_CMD_ATTACH - do */
static const struct nla_policy rswap_attach_nl_policy[RSWAP_A_DEV_THIN + 1] = {
	[RSWAP_A_DEV_URL] = { .type = NLA_NUL_STRING, .len = RSWAP_MAX_URL, },
	[RSWAP_A_DEV_SIZE] = { .type = NLA_U64, },
	[RSWAP_A_DEV_NAME] = { .type = NLA_NUL_STRING, .len = RSWAP_MAX_NAME, },
	[RSWAP_A_DEV_CONNECTIONS] = NLA_POLICY_RANGE(NLA_U32, 2, RSWAP_MAX_CONNECTIONS),
	[RSWAP_A_DEV_QUEUE_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, RSWAP_MAX_QUEUE_DEPTH),
	[RSWAP_A_DEV_TIMEOUT] = NLA_POLICY_RANGE(NLA_U32, 1, RSWAP_MAX_TIMEOUT),
	[RSWAP_A_DEV_THIN] = { .type = NLA_FLAG, },
};

/* RSWAP_CMD_DETACH - do */
static const struct nla_policy rswap_detach_nl_policy[RSWAP_A_DEV_FORCE + 1] = {
	[RSWAP_A_DEV_INDEX] = { .type = NLA_U32, },
	[RSWAP_A_DEV_NAME] = { .type = NLA_NUL_STRING, .len = RSWAP_MAX_NAME, },
	[RSWAP_A_DEV_FORCE] = { .type = NLA_FLAG, },
};

/* RSWAP_CMD_DEV_GET - do */
static const struct nla_policy rswap_dev_get_nl_policy[RSWAP_A_DEV_NAME + 1] = {
	[RSWAP_A_DEV_INDEX] = { .type = NLA_U32, },
	[RSWAP_A_DEV_NAME] = { .type = NLA_NUL_STRING, .len = RSWAP_MAX_NAME, },
};

/* RSWAP_CMD_STATS_GET - do */
static const struct nla_policy rswap_stats_get_nl_policy[RSWAP_A_STATS_NAME + 1] = {
	[RSWAP_A_STATS_INDEX] = { .type = NLA_U32, },
	[RSWAP_A_STATS_NAME] = { .type = NLA_NUL_STRING, .len = RSWAP_MAX_NAME, },
};

/* Ops table for rswap */
static const struct genl_split_ops rswap_nl_ops[] = {
	{
		.cmd		= RSWAP_CMD_ATTACH,
		.doit		= rswap_nl_attach_doit,
		.policy		= rswap_attach_nl_policy,
		.maxattr	= RSWAP_A_DEV_THIN,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RSWAP_CMD_DETACH,
		.doit		= rswap_nl_detach_doit,
		.policy		= rswap_detach_nl_policy,
		.maxattr	= RSWAP_A_DEV_FORCE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RSWAP_CMD_DEV_GET,
		.doit		= rswap_nl_dev_get_doit,
		.policy		= rswap_dev_get_nl_policy,
		.maxattr	= RSWAP_A_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RSWAP_CMD_DEV_GET,
		.dumpit	= rswap_nl_dev_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RSWAP_CMD_STATS_GET,
		.doit		= rswap_nl_stats_get_doit,
		.policy		= rswap_stats_get_nl_policy,
		.maxattr	= RSWAP_A_STATS_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family rswap_nl_family __ro_after_init = {
	.name		= RSWAP_FAMILY_NAME,
	.version	= RSWAP_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= rswap_nl_ops,
	.n_split_ops	= ARRAY_SIZE(rswap_nl_ops),
};
