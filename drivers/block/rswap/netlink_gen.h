/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rswap.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_RSWAP_GEN_H
#define _LINUX_RSWAP_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/rswap.h>

int rswap_nl_attach_doit(struct sk_buff *skb, struct genl_info *info);
int rswap_nl_detach_doit(struct sk_buff *skb, struct genl_info *info);
int rswap_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info);
int rswap_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rswap_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

extern struct genl_family rswap_nl_family;

#endif /* _LINUX_RSWAP_GEN_H */
