// SPDX-License-Identifier: GPL-2.0
/*
 * rswap: init, exit, and attaching from the kernel command line
 *
 *	rswap.attach=URL,size=SIZE[,name=NAME][,connections=N][,depth=N]
 *		     [,timeout=SECONDS][,thin]
 *
 * may be given several times.  A machine that needs it has no user space yet,
 * and maybe no link: attaching is tried again until rswap.attach_timeout.
 */
#include <linux/module.h>
#include <linux/parser.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "netlink_gen.h"
#include "rswap.h"

#define RSWAP_BOOT_MAX	16

/*
 * All work on which reclaim may depend: sending on a socket that has room again,
 * failing the I/O of a lost server, watching for timeouts.
 */
struct workqueue_struct *rswap_wq;

static const char *rswap_boot_attach[RSWAP_BOOT_MAX];
static unsigned int rswap_boot_count;
static unsigned long rswap_boot_deadline;

static unsigned int attach_timeout = 60;
module_param(attach_timeout, uint, 0444);
MODULE_PARM_DESC(attach_timeout, "Seconds to keep trying each attach= (default 60)");

/* Parameters are parsed before memory can be allocated, and outlive us */
static int rswap_param_attach(const char *val, const struct kernel_param *kp)
{
	if (rswap_boot_count == RSWAP_BOOT_MAX) {
		pr_err("rswap: more than %d attach=\n", RSWAP_BOOT_MAX);
		return -ENOSPC;
	}
	rswap_boot_attach[rswap_boot_count++] = val;
	return 0;
}

static const struct kernel_param_ops rswap_param_attach_ops = {
	.set = rswap_param_attach,
};
module_param_cb(attach, &rswap_param_attach_ops, NULL, 0);
MODULE_PARM_DESC(attach, "URL,size=SIZE[,name=..][,connections=..][,depth=..][,timeout=..][,thin]");

enum {
	RSWAP_OPT_SIZE, RSWAP_OPT_NAME, RSWAP_OPT_CONNECTIONS, RSWAP_OPT_DEPTH,
	RSWAP_OPT_TIMEOUT, RSWAP_OPT_THIN, RSWAP_OPT_ERROR,
};

static const match_table_t rswap_boot_options = {
	{ RSWAP_OPT_SIZE,		"size=%s" },
	{ RSWAP_OPT_NAME,		"name=%s" },
	{ RSWAP_OPT_CONNECTIONS,	"connections=%u" },
	{ RSWAP_OPT_DEPTH,		"depth=%u" },
	{ RSWAP_OPT_TIMEOUT,		"timeout=%u" },
	{ RSWAP_OPT_THIN,		"thin" },
	{ RSWAP_OPT_ERROR,		NULL },
};

static int rswap_boot_size(const char *from, u64 *size)
{
	char *end;

	*size = memparse(from, &end);
	return *end || *from == '-' ? -EINVAL : 0;
}

static int rswap_boot_option(char *option, struct rswap_config *config)
{
	substring_t args[MAX_OPT_ARGS];

	switch (match_token(option, rswap_boot_options, args)) {
	case RSWAP_OPT_SIZE:
		return rswap_boot_size(args[0].from, &config->size);
	case RSWAP_OPT_NAME:
		return match_strlcpy(config->name, &args[0],
				     sizeof(config->name)) <
		       sizeof(config->name) ? 0 : -EINVAL;
	case RSWAP_OPT_CONNECTIONS:
		return match_uint(&args[0], &config->connections);
	case RSWAP_OPT_DEPTH:
		return match_uint(&args[0], &config->depth);
	case RSWAP_OPT_TIMEOUT:
		return match_uint(&args[0], &config->timeout);
	case RSWAP_OPT_THIN:
		config->thin = true;
		return 0;
	}
	return -EINVAL;
}

static int rswap_boot_parse(const char *text, struct rswap_config *config)
{
	char *copy, *rest, *option;
	int ret = -EINVAL;

	*config = (struct rswap_config) {
		.connections	= RSWAP_DEFAULT_CONNECTIONS,
		.depth		= RSWAP_DEFAULT_DEPTH,
		.timeout	= RSWAP_DEFAULT_TIMEOUT,
	};
	copy = kstrdup(text, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rest = copy;
	option = strsep(&rest, ",");
	if (strscpy(config->url, option, sizeof(config->url)) < 0)
		goto out;
	ret = 0;
	while (!ret && (option = strsep(&rest, ",")))
		ret = rswap_boot_option(option, config);
	if (ret)
		pr_err("rswap: attach=%s: cannot make sense of '%s'\n", text,
		       option);
out:
	kfree(copy);
	return ret;
}

/* Is it worth trying again, while the machine's network comes up? */
static bool rswap_boot_transient(int error)
{
	switch (error) {
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ENETDOWN:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ETIMEDOUT:
	case -EADDRNOTAVAIL:
	case -ENODEV:
		return true;
	}
	return false;
}

static void rswap_boot_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rswap_boot, rswap_boot_work);

/* Tries each attach= that is left once, and comes back for those that failed */
static void rswap_boot_work(struct work_struct *work)
{
	bool expired = time_after(jiffies, rswap_boot_deadline);
	struct rswap_config *config;
	char why[RSWAP_WHY_LEN];
	unsigned int i, left = 0;
	int index, ret;

	config = kmalloc(sizeof(*config), GFP_KERNEL);
	for (i = 0; config && i < rswap_boot_count; i++) {
		if (!rswap_boot_attach[i])
			continue;
		why[0] = '\0';
		ret = rswap_boot_parse(rswap_boot_attach[i], config);
		if (!ret)
			ret = rswap_dev_attach(config, &init_net, &index, why);
		if (rswap_boot_transient(ret) && !expired) {
			left++;
			continue;
		}
		if (ret)
			pr_err("rswap: attach=%s: given up: %s (%pe)\n",
			       rswap_boot_attach[i], why[0] ? why : "failed",
			       ERR_PTR(ret));
		rswap_boot_attach[i] = NULL;
	}
	kfree(config);
	if (left)
		queue_delayed_work(system_long_wq, &rswap_boot, HZ);
}

static int __init rswap_init(void)
{
	int ret = -ENOMEM;

	rswap_wq = alloc_workqueue("rswap", WQ_MEM_RECLAIM | WQ_HIGHPRI |
				   WQ_UNBOUND, 0);
	if (!rswap_wq)
		return ret;
	ret = rswap_dev_init();
	if (ret)
		goto out_wq;
	ret = genl_register_family(&rswap_nl_family);
	if (ret)
		goto out_dev;
	if (rswap_boot_count) {
		rswap_boot_deadline = jiffies + attach_timeout * HZ;
		queue_delayed_work(system_long_wq, &rswap_boot, 0);
	}
	return 0;

out_dev:
	rswap_dev_exit();
out_wq:
	destroy_workqueue(rswap_wq);
	return ret;
}

static void __exit rswap_exit(void)
{
	genl_unregister_family(&rswap_nl_family);
	cancel_delayed_work_sync(&rswap_boot);
	rswap_dev_exit();
	destroy_workqueue(rswap_wq);
}

/* After ip= has configured the network, which is a late initcall itself */
late_initcall_sync(rswap_init);
module_exit(rswap_exit);

MODULE_DESCRIPTION("Network swap block device");
MODULE_LICENSE("GPL");
