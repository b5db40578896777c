// SPDX-License-Identifier: GPL-2.0
/*
 * rswap block devices
 */
#include <linux/ctype.h>
#include <linux/idr.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "rswap.h"

/* Protects the list, and which of its devices have a disk */
DEFINE_MUTEX(rswap_devs_lock);
LIST_HEAD(rswap_devs);

static DEFINE_IDA(rswap_ida);
static int rswap_major;

/*
 * From bio to request
 */

static u32 rswap_bio_kind(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return bio->bi_opf & REQ_RAHEAD ? RSWAP_IO_KIND_BULK_READ :
						  RSWAP_IO_KIND_DEMAND_READ;
	case REQ_OP_WRITE:
		return RSWAP_IO_KIND_WRITE;
	default:
		return RSWAP_IO_KIND_TRIM;
	}
}

static void rswap_bio_end(struct bio *bio, unsigned long start, int error)
{
	bio_end_io_acct(bio, start);
	/* The error of a part that was split off may be there already: keep it */
	if (error)
		bio->bi_status = errno_to_blk_status(error);
	bio_endio(bio);
}

static void rswap_request_end_bio(struct rswap_request *req, int error)
{
	struct bio *bio = req->private;
	unsigned long start = req->start_jiffies;

	if (error)
		pr_err_ratelimited("rswap: %s: %s of %u bytes at %llu failed: %pe\n",
				   req->conn->session->config.name,
				   blk_op_str(bio_op(bio)),
				   bio->bi_iter.bi_size,
				   (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT,
				   ERR_PTR(error));
	rswap_request_put(req);
	rswap_bio_end(bio, start, error);
}

static void rswap_bio_to_iter(struct iov_iter *data, struct bio *bio)
{
	unsigned int nr = 0;
	struct bvec_iter it;
	struct bio_vec bv;

	bio_for_each_bvec(bv, bio, it)
		nr++;
	iov_iter_bvec(data, op_is_write(bio_op(bio)) ? ITER_SOURCE : ITER_DEST,
		      __bvec_iter_bvec(bio->bi_io_vec, bio->bi_iter), nr,
		      bio->bi_iter.bi_size);
	data->iov_offset = bio->bi_iter.bi_bvec_done;
}

static void rswap_submit_extent(struct rswap_session *session, struct bio *bio,
				const struct rswap_extent *ext)
{
	unsigned long start = bio_start_io_acct(bio);
	u32 kind = rswap_bio_kind(bio);
	struct iov_iter data;
	int ret;

	iov_iter_bvec(&data, ITER_SOURCE, NULL, 0, 0);
	if (kind != RSWAP_IO_KIND_TRIM)
		rswap_bio_to_iter(&data, bio);
	ret = rswap_io_submit(session, kind, ext, &data, rswap_request_end_bio,
			      bio, start, false);
	if (ret)
		rswap_bio_end(bio, start, min(ret, 0));
}

static void rswap_submit_bio(struct bio *bio)
{
	struct rswap_dev *dev = bio->bi_bdev->bd_disk->private_data;
	struct rswap_session *session = dev->session;
	struct rswap_extent ext;
	struct bio *rest;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		break;
	default:
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		return;
	}
	bio = bio_split_to_limits(bio);
	if (!bio)
		return;
	if (!rswap_session_live(session)) {
		bio_io_error(bio);
		return;
	}

	ext = rswap_slab_extent(session->slabs,
				(u64)bio->bi_iter.bi_sector << SECTOR_SHIFT,
				bio->bi_iter.bi_size);
	if (ext.length < bio->bi_iter.bi_size) {
		struct bio *first = bio_split(bio, ext.length >> SECTOR_SHIFT,
					      GFP_NOIO,
					      &bio->bi_bdev->bd_disk->bio_split);

		rest = bio;
		bio = first;
		bio_chain(bio, rest);
		submit_bio_noacct(rest);
	}
	rswap_submit_extent(session, bio, &ext);
}

/*
 * The disk
 */

static int rswap_open(struct gendisk *disk, blk_mode_t mode)
{
	struct rswap_dev *dev = disk->private_data;

	lockdep_assert_held(&disk->open_mutex);
	return dev->detaching ? -ENXIO : 0;
}

static void rswap_free_disk(struct gendisk *disk)
{
	struct rswap_dev *dev = disk->private_data;

	rswap_session_destroy(dev->session);
	ida_free(&rswap_ida, dev->index);
	kfree(dev);
}

/* What of mm's goes through bios then can be compared with what does not */
static bool rswap_swap_ops = true;
module_param_named(swap_ops, rswap_swap_ops, bool, 0644);
MODULE_PARM_DESC(swap_ops,
		 "let devices that are attached from now on swap without bios (default: Y)");

static const struct block_device_operations rswap_bio_fops = {
	.owner		= THIS_MODULE,
	.open		= rswap_open,
	.submit_bio	= rswap_submit_bio,
	.free_disk	= rswap_free_disk,
	.swap_slot_free_notify = rswap_slot_free,
};

static const struct block_device_operations rswap_fops = {
	.owner		= THIS_MODULE,
	.open		= rswap_open,
	.submit_bio	= rswap_submit_bio,
	.swap_out	= rswap_swap_out,
	.swap_in	= rswap_swap_in,
	.swap_slot_free_notify = rswap_slot_free,
	.free_disk	= rswap_free_disk,
};

static ssize_t name_show(struct device *device, struct device_attribute *attr,
			 char *buf)
{
	struct rswap_dev *dev = dev_to_disk(device)->private_data;

	return sysfs_emit(buf, "%s\n", dev->name);
}
static DEVICE_ATTR_RO(name);

static ssize_t state_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	struct rswap_dev *dev = dev_to_disk(device)->private_data;

	return sysfs_emit(buf, "%s\n",
			  rswap_state_name(READ_ONCE(dev->session->state)));
}
static DEVICE_ATTR_RO(state);

static struct attribute *rswap_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_state.attr,
	NULL,
};

static const struct attribute_group rswap_group = {
	.name	= "rswap",
	.attrs	= rswap_attrs,
};

static const struct attribute_group *rswap_groups[] = {
	&rswap_group,
	NULL,
};

static struct gendisk *rswap_make_disk(struct rswap_dev *dev)
{
	struct rswap_session *session = dev->session;
	struct queue_limits lim = {
		.logical_block_size	= PAGE_SIZE,
		.physical_block_size	= PAGE_SIZE,
		.io_min			= PAGE_SIZE,
		.io_opt			= session->limits.max_io,
		.max_hw_sectors		= session->limits.max_io >> SECTOR_SHIFT,
		.max_segments		= USHRT_MAX,
		.max_segment_size	= UINT_MAX,
		.discard_granularity	= PAGE_SIZE,
		.max_hw_discard_sectors	= UINT_MAX >> SECTOR_SHIFT,
		.max_write_zeroes_sectors = UINT_MAX >> SECTOR_SHIFT,
		.features		= BLK_FEAT_IO_STAT,
	};
	struct gendisk *disk = blk_alloc_disk(&lim, NUMA_NO_NODE);

	if (IS_ERR(disk))
		return disk;
	disk->major = rswap_major;
	disk->first_minor = dev->index;
	disk->minors = 1;
	disk->flags |= GENHD_FL_NO_PART;
	disk->fops = READ_ONCE(rswap_swap_ops) ? &rswap_fops : &rswap_bio_fops;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "rswap%d",
		 dev->index);
	set_capacity(disk, session->config.size >> SECTOR_SHIFT);
	return disk;
}

/*
 * Attaching
 */

/**
 * rswap_config_check - can this be attached at all?
 * @config: what is asked for
 * @why: RSWAP_WHY_LEN bytes; says what is wrong when this fails
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int rswap_config_check(const struct rswap_config *config, char *why)
{
	const char *text = NULL;
	const char *c;

	if (!config->url[0])
		text = "no URL: tcp://ADDRESS:PORT or loop:// expected";
	else if (!config->size)
		text = "size is zero";
	else if (config->size % PAGE_SIZE)
		text = "size is not a multiple of the page size";
	else if (config->size > (u64)RSWAP_MAX_SLABS * RSWAP_SLAB_MAX)
		text = "size is beyond what the protocol can address";
	else if (config->connections < 2 ||
		 config->connections > RSWAP_MAX_CONNECTIONS)
		text = "connections must be 2 to 16";
	else if (!config->depth || config->depth > RSWAP_MAX_QUEUE_DEPTH)
		text = "queue depth must be 1 to 1024";
	else if (!config->timeout || config->timeout > RSWAP_MAX_TIMEOUT)
		text = "timeout must be 1 to 3600 seconds";
	for (c = config->name; !text && *c; c++)
		if (!isalnum(*c) && !strchr("-_.:", *c))
			text = "name may hold letters, digits and -_.: only";
	if (!text)
		return 0;
	strscpy(why, text, RSWAP_WHY_LEN);
	return -EINVAL;
}

/**
 * rswap_dev_find - look up a device
 * @index: its index, or -1 to look for the name
 * @name: its name
 *
 * Context: process, rswap_devs_lock held; the device stays while it is.
 * Return: the device, maybe still attaching (its disk is NULL), or NULL.
 */
struct rswap_dev *rswap_dev_find(int index, const char *name)
{
	struct rswap_dev *dev;

	lockdep_assert_held(&rswap_devs_lock);
	list_for_each_entry(dev, &rswap_devs, node)
		if (index >= 0 ? dev->index == index : !strcmp(dev->name, name))
			return dev;
	return NULL;
}

/* Take an index and a name; others see the device as attaching */
static struct rswap_dev *rswap_dev_claim(struct rswap_config *config, char *why)
{
	struct rswap_dev *dev, *other;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	ret = ida_alloc_max(&rswap_ida, MINORMASK, GFP_KERNEL);
	if (ret < 0)
		goto out_free;
	dev->index = ret;
	if (!config->name[0])
		snprintf(config->name, sizeof(config->name), "r%d", dev->index);
	strscpy(dev->name, config->name, sizeof(dev->name));

	mutex_lock(&rswap_devs_lock);
	other = rswap_dev_find(-1, dev->name);
	if (other) {
		snprintf(why, RSWAP_WHY_LEN, "name %s is taken by rswap%d",
			 dev->name, other->index);
		ret = -EEXIST;
	} else {
		list_add_tail(&dev->node, &rswap_devs);
		ret = 0;
	}
	mutex_unlock(&rswap_devs_lock);
	if (!ret)
		return dev;

	ida_free(&rswap_ida, dev->index);
out_free:
	kfree(dev);
	return ERR_PTR(ret);
}

static void rswap_dev_unlist(struct rswap_dev *dev)
{
	mutex_lock(&rswap_devs_lock);
	list_del(&dev->node);
	mutex_unlock(&rswap_devs_lock);
}

static int rswap_dev_add(struct rswap_dev *dev, struct rswap_session *session)
{
	struct gendisk *disk;
	int ret;

	dev->session = session;
	disk = rswap_make_disk(dev);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->private_data = dev;
	ret = device_add_disk(NULL, disk, rswap_groups);
	if (ret) {
		put_disk(disk);
		return ret;
	}
	mutex_lock(&rswap_devs_lock);
	dev->disk = disk;
	mutex_unlock(&rswap_devs_lock);
	return 0;
}

/**
 * rswap_dev_attach - connect to a server and make a device of its memory
 * @config: what is asked for
 * @net: network namespace to connect from
 * @index: set to the index of the new device
 * @why: RSWAP_WHY_LEN bytes; says what is wrong when this fails, or is empty
 *
 * Context: may sleep; interruptible.
 * Return: 0 or a negative errno.
 */
int rswap_dev_attach(const struct rswap_config *config, struct net *net,
		     int *index, char *why)
{
	struct rswap_config named = *config;
	struct rswap_session *session;
	struct rswap_dev *dev;
	int ret;

	why[0] = '\0';
	ret = rswap_config_check(config, why);
	if (ret)
		return ret;
	/* An attached device keeps the module; lockdep's socket classes do so too */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	dev = rswap_dev_claim(&named, why);
	if (IS_ERR(dev)) {
		module_put(THIS_MODULE);
		return PTR_ERR(dev);
	}
	session = rswap_session_create(&named, net, why);
	if (IS_ERR(session)) {
		ret = PTR_ERR(session);
		goto out_unclaim;
	}
	ret = rswap_session_connect(session);
	if (ret) {
		strscpy(why, session->why, RSWAP_WHY_LEN);
		goto out_close;
	}
	*index = dev->index;
	ret = rswap_dev_add(dev, session);
	if (ret)
		goto out_close;
	pr_info("rswap: rswap%d (%s): %llu MiB at %s, %u connections, slabs of %u MiB\n",
		*index, named.name, named.size >> 20, named.url,
		named.connections, session->limits.slab_size >> 20);
	return 0;

out_close:
	rswap_session_close(session);
	rswap_session_destroy(session);
out_unclaim:
	pr_err("rswap: %s: cannot attach %s: %s (%pe)\n", named.name, named.url,
	       why[0] ? why : "failed", ERR_PTR(ret));
	rswap_dev_unlist(dev);
	ida_free(&rswap_ida, dev->index);
	kfree(dev);
	module_put(THIS_MODULE);
	return ret;
}

/* Stop new openers; Return: 0, or -EBUSY with @why filled in */
static int rswap_dev_claim_detach(struct rswap_dev *dev, bool force, char *why)
{
	struct gendisk *disk = dev->disk;
	const char *text = NULL;

	lockdep_assert_held(&rswap_devs_lock);
	if (!disk) {
		strscpy(why, "device is still being attached", RSWAP_WHY_LEN);
		return -EBUSY;
	}
	mutex_lock(&disk->open_mutex);
	if (dev->detaching)
		text = "device is already being detached";
	else if (disk_openers(disk) && !force)
		text = "device is in use: swapoff or umount it first";
	else
		dev->detaching = true;
	mutex_unlock(&disk->open_mutex);
	if (!text)
		return 0;
	strscpy(why, text, RSWAP_WHY_LEN);
	return -EBUSY;
}

/**
 * rswap_dev_detach - remove a device and give its memory back
 * @index: index of the device, or -1 to look for the name
 * @name: its name
 * @force: also when it is in use: outstanding and later I/O fails
 * @why: RSWAP_WHY_LEN bytes; says what is wrong when this fails
 *
 * Context: may sleep.
 * Return: 0, -ENODEV or -EBUSY.
 */
int rswap_dev_detach(int index, const char *name, bool force, char *why)
{
	struct rswap_dev *dev;
	struct gendisk *disk;
	int ret = -ENODEV;

	strscpy(why, "no such device", RSWAP_WHY_LEN);
	mutex_lock(&rswap_devs_lock);
	dev = rswap_dev_find(index, name);
	if (dev)
		ret = rswap_dev_claim_detach(dev, force, why);
	mutex_unlock(&rswap_devs_lock);
	if (ret)
		return ret;

	disk = dev->disk;
	if (force) {
		/*
		 * First of all end the I/O that waits for an answer: both that
		 * follow wait for writeback and for those who submit.
		 */
		rswap_session_close(dev->session);
		blk_mark_disk_dead(disk);
		del_gendisk(disk);
	} else {
		del_gendisk(disk);
		rswap_trim_stop(dev->session);
		rswap_session_drain(dev->session);
		rswap_session_close(dev->session);
	}
	pr_info("rswap: rswap%d (%s): detached\n", dev->index, dev->name);
	rswap_dev_unlist(dev);
	put_disk(disk);
	module_put(THIS_MODULE);
	return 0;
}

/*
 * The machine that resumes has no session, and what it left with the server is
 * gone.  mm refuses to hibernate over swap space with operations; this is for
 * what uses a device by bios: swap without them or by way of another device,
 * and file systems.
 */
static int rswap_dev_pm_notify(struct notifier_block *nb, unsigned long event,
			       void *data)
{
	struct rswap_dev *dev;
	int ret = NOTIFY_DONE;

	if (event != PM_HIBERNATION_PREPARE)
		return ret;
	mutex_lock(&rswap_devs_lock);
	list_for_each_entry(dev, &rswap_devs, node) {
		if (!dev->disk || !disk_openers(dev->disk))
			continue;
		pr_err("rswap: no hibernation while rswap%d (%s) is in use: its memory is on another machine\n",
		       dev->index, dev->name);
		ret = notifier_from_errno(-EBUSY);
	}
	mutex_unlock(&rswap_devs_lock);
	return ret;
}

static struct notifier_block rswap_dev_pm = {
	.notifier_call = rswap_dev_pm_notify,
};

/**
 * rswap_dev_init - get ready for devices
 *
 * Context: module init.
 * Return: 0 or a negative errno.
 */
int rswap_dev_init(void)
{
	int ret;

	rswap_major = register_blkdev(0, "rswap");
	if (rswap_major < 0)
		return rswap_major;
	ret = register_pm_notifier(&rswap_dev_pm);
	if (ret)
		unregister_blkdev(rswap_major, "rswap");
	return ret;
}

/**
 * rswap_dev_exit - undo rswap_dev_init()
 *
 * Context: module exit; no device is left.
 */
void rswap_dev_exit(void)
{
	unregister_pm_notifier(&rswap_dev_pm);
	unregister_blkdev(rswap_major, "rswap");
	ida_destroy(&rswap_ida);
}
