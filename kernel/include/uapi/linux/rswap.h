/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rswap.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_RSWAP_H
#define _UAPI_LINUX_RSWAP_H

#define RSWAP_FAMILY_NAME	"rswap"
#define RSWAP_FAMILY_VERSION	1

#define RSWAP_MAX_NAME		31
#define RSWAP_MAX_URL		255
#define RSWAP_MAX_CONNECTIONS	16
#define RSWAP_MAX_QUEUE_DEPTH	1024
#define RSWAP_MAX_TIMEOUT	3600
#define RSWAP_LATENCY_SHIFT	2
#define RSWAP_LATENCY_BUCKETS	112

/**
 * enum rswap_state - State of the session between a device and its server.
 * @RSWAP_STATE_NEW: Nothing has been tried yet.
 * @RSWAP_STATE_CONNECTING: Connections are being made.
 * @RSWAP_STATE_LIVE: I/O flows.
 * @RSWAP_STATE_LOST: A connection failed; outstanding I/O is being failed.
 * @RSWAP_STATE_FAILED: The server cannot be reached; every I/O fails.
 * @RSWAP_STATE_CLOSING: The device is being detached.
 * @RSWAP_STATE_CLOSED: No connection is left.
 */
enum rswap_state {
	RSWAP_STATE_NEW,
	RSWAP_STATE_CONNECTING,
	RSWAP_STATE_LIVE,
	RSWAP_STATE_LOST,
	RSWAP_STATE_FAILED,
	RSWAP_STATE_CLOSING,
	RSWAP_STATE_CLOSED,
};

/**
 * enum rswap_io_kind - What a request does, for the statistics.
 * @RSWAP_IO_KIND_DEMAND_READ: Reads in the lane of their own.
 * @RSWAP_IO_KIND_BULK_READ: Read-ahead.
 * @RSWAP_IO_KIND_WRITE: Writes.
 * @RSWAP_IO_KIND_TRIM: Freed swap slots, discards and zeroing.
 */
enum rswap_io_kind {
	RSWAP_IO_KIND_DEMAND_READ,
	RSWAP_IO_KIND_BULK_READ,
	RSWAP_IO_KIND_WRITE,
	RSWAP_IO_KIND_TRIM,
};

enum {
	RSWAP_A_DEV_PAD = 1,
	RSWAP_A_DEV_INDEX,
	RSWAP_A_DEV_NAME,
	RSWAP_A_DEV_URL,
	RSWAP_A_DEV_SIZE,
	RSWAP_A_DEV_CONNECTIONS,
	RSWAP_A_DEV_QUEUE_DEPTH,
	RSWAP_A_DEV_TIMEOUT,
	RSWAP_A_DEV_THIN,
	RSWAP_A_DEV_FORCE,
	RSWAP_A_DEV_STATE,
	RSWAP_A_DEV_ERROR,
	RSWAP_A_DEV_DISK,
	RSWAP_A_DEV_IN_USE,
	RSWAP_A_DEV_SLAB_SIZE,
	RSWAP_A_DEV_SLABS,
	RSWAP_A_DEV_SLABS_MAPPED,
	RSWAP_A_DEV_MAX_IO,
	RSWAP_A_DEV_SERVER_LIMIT,
	RSWAP_A_DEV_SERVER_FREE,
	RSWAP_A_DEV_MEMORY,

	__RSWAP_A_DEV_MAX,
	RSWAP_A_DEV_MAX = (__RSWAP_A_DEV_MAX - 1)
};

enum {
	RSWAP_A_IO_STATS_PAD = 1,
	RSWAP_A_IO_STATS_KIND,
	RSWAP_A_IO_STATS_IOS,
	RSWAP_A_IO_STATS_BYTES,
	RSWAP_A_IO_STATS_ERRORS,
	RSWAP_A_IO_STATS_INFLIGHT,
	RSWAP_A_IO_STATS_LATENCY,

	__RSWAP_A_IO_STATS_MAX,
	RSWAP_A_IO_STATS_MAX = (__RSWAP_A_IO_STATS_MAX - 1)
};

enum {
	RSWAP_A_STATS_INDEX = 1,
	RSWAP_A_STATS_NAME,
	RSWAP_A_STATS_IO,

	__RSWAP_A_STATS_MAX,
	RSWAP_A_STATS_MAX = (__RSWAP_A_STATS_MAX - 1)
};

enum {
	RSWAP_CMD_ATTACH = 1,
	RSWAP_CMD_DETACH,
	RSWAP_CMD_DEV_GET,
	RSWAP_CMD_STATS_GET,

	__RSWAP_CMD_MAX,
	RSWAP_CMD_MAX = (__RSWAP_CMD_MAX - 1)
};

#endif /* _UAPI_LINUX_RSWAP_H */
