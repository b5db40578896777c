/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * rswap wire protocol, version 1
 *
 * The one description of the bytes between an rswap client (the kernel driver)
 * and an rswap memory server, included by both.  The narrative, with sequence
 * charts and the reasons, is Documentation/block/rswap-protocol.rst.
 *
 * Every message is a struct rswap_hdr followed by hdr.body bytes.  All integers
 * are little-endian; there is no implicit padding; reserved bytes are sent as
 * zero and a receiver refuses anything else, so that they can be given a
 * meaning later.
 *
 * A client opens one or more TCP connections.  The first message on each is
 * HELLO; connections that say HELLO with the same client id and key belong to
 * one client and see the same slabs.  Slabs are numbered by the client, from 0,
 * in a name space of its own: a client has no way to name another client's
 * memory.  The server answers each request exactly once, in
 * any order, on the connection the request came on, and echoes its tag.
 *
 * Status OK for a WRITE or TRIM means that every later READ, on any connection
 * of this client, sees it: the server has no volatile cache to flush.
 */
#ifndef _UAPI_LINUX_RSWAP_PROTO_H
#define _UAPI_LINUX_RSWAP_PROTO_H

#include <linux/types.h>

#ifdef __cplusplus
#define RSWAP_WIRE_ASSERT(cond) static_assert(cond, #cond)
#else
#define RSWAP_WIRE_ASSERT(cond) _Static_assert(cond, #cond)
#endif

/** RSWAP_MAGIC - first four bytes of every message: "RSWP" on the wire */
#define RSWAP_MAGIC		0x50575352u

/** RSWAP_VERSION - the protocol version described by this header */
#define RSWAP_VERSION		1

/** RSWAP_PORT - the TCP port used when a URL names none */
#define RSWAP_PORT		9400

/** RSWAP_BLOCK - unit in bytes of every offset and length within a slab */
#define RSWAP_BLOCK		4096u

/** RSWAP_MAX_IO - most bytes that one READ or WRITE may ever carry */
#define RSWAP_MAX_IO		(1u << 20)

/** RSWAP_MAX_CONTROL - most body bytes of any message but READ and WRITE */
#define RSWAP_MAX_CONTROL	4096u

/** RSWAP_SLAB_MIN, RSWAP_SLAB_MAX - limits of the slab size, a power of two */
#define RSWAP_SLAB_MIN		(1u << 20)
#define RSWAP_SLAB_MAX		(1u << 30)

/** RSWAP_MAX_SLABS - most slabs of one client */
#define RSWAP_MAX_SLABS		(1u << 20)

/** RSWAP_MAX_CONNS - most connections of one client */
#define RSWAP_MAX_CONNS		64

/** RSWAP_MAX_DEPTH - most requests outstanding on one connection */
#define RSWAP_MAX_DEPTH		1024

/**
 * enum rswap_op - what a message asks for, or answers
 * @RSWAP_OP_HELLO: open a connection; body struct rswap_hello, answered by
 *	struct rswap_hello_reply (also when it is refused)
 * @RSWAP_OP_BYE: the client leaves for good: its slabs and its reservation are
 *	freed, its id forgotten; every connection of the client may be closed by
 *	the server once this is answered
 * @RSWAP_OP_PING: answered at once, for keep-alive and round-trip measurement
 * @RSWAP_OP_SLAB_ALLOC: make slab hdr.slab exist, reading as zeroes; allocating
 *	a slab that exists is OK and keeps its contents
 * @RSWAP_OP_SLAB_FREE: give the slab back; freeing one that does not exist is OK
 * @RSWAP_OP_SLAB_LIST: list the slabs that exist from number hdr.slab on; the
 *	reply body is an ascending array of __le32, at most RSWAP_MAX_CONTROL
 *	bytes; a reply shorter than that is the end of the list
 * @RSWAP_OP_READ: read hdr.length bytes at hdr.offset of a slab into the body
 *	of the reply; blocks never written, or trimmed, read as zeroes
 * @RSWAP_OP_WRITE: write the body, hdr.length bytes, at hdr.offset
 * @RSWAP_OP_TRIM: hdr.length bytes at hdr.offset read as zeroes from now on,
 *	and their memory is given back; length up to a whole slab
 * @RSWAP_OP_PRESSURE: notice: the server is short of memory
 * @RSWAP_OP_MOVE: notice: please move slab hdr.slab elsewhere and free it
 * @RSWAP_OP_GOING_AWAY: notice: the server will stop; no new slab is given out
 * @RSWAP_OP_COUNT: number of operations; not an operation
 *
 * Notices are sent by the server on its own account, have no body, tag 0 and no
 * RSWAP_F_REPLY, and are not answered.  A client must accept a notice at any
 * time after HELLO.
 */
enum rswap_op {
	RSWAP_OP_HELLO		= 1,
	RSWAP_OP_BYE		= 2,
	RSWAP_OP_PING		= 3,
	RSWAP_OP_SLAB_ALLOC	= 4,
	RSWAP_OP_SLAB_FREE	= 5,
	RSWAP_OP_SLAB_LIST	= 6,
	RSWAP_OP_READ		= 7,
	RSWAP_OP_WRITE		= 8,
	RSWAP_OP_TRIM		= 9,
	RSWAP_OP_PRESSURE	= 10,
	RSWAP_OP_MOVE		= 11,
	RSWAP_OP_GOING_AWAY	= 12,
	RSWAP_OP_COUNT
};

/**
 * enum rswap_status - outcome of a request, in its reply
 * @RSWAP_ST_OK: done
 * @RSWAP_ST_PROTO: the message broke a rule of this protocol; the server closes
 *	the connection after this reply
 * @RSWAP_ST_VERSION: HELLO: no protocol version in common
 * @RSWAP_ST_AUTH: HELLO: this client id is known, with another key
 * @RSWAP_ST_NOSPACE: the server's memory limit is reached
 * @RSWAP_ST_LIMIT: HELLO: asks for more slabs or connections than one client
 *	may have, or differs in size or reserve from the client's other connections
 * @RSWAP_ST_NOSLAB: the slab does not exist (READ, WRITE, TRIM)
 * @RSWAP_ST_RANGE: slab number, offset or length outside what was negotiated
 * @RSWAP_ST_DRAINING: HELLO of a new client, SLAB_ALLOC: the server is stopping
 * @RSWAP_ST_IO: the server could not store or load the data
 * @RSWAP_ST_COUNT: number of statuses; not a status
 *
 * After OK, NOSPACE, NOSLAB, RANGE, DRAINING and IO on any message but HELLO the
 * connection goes on.  A refused HELLO is followed by close.
 */
enum rswap_status {
	RSWAP_ST_OK		= 0,
	RSWAP_ST_PROTO		= 1,
	RSWAP_ST_VERSION	= 2,
	RSWAP_ST_AUTH		= 3,
	RSWAP_ST_NOSPACE	= 4,
	RSWAP_ST_LIMIT		= 5,
	RSWAP_ST_NOSLAB		= 6,
	RSWAP_ST_RANGE		= 7,
	RSWAP_ST_DRAINING	= 8,
	RSWAP_ST_IO		= 9,
	RSWAP_ST_COUNT
};

/** RSWAP_F_REPLY - hdr.flags: this message answers a request */
#define RSWAP_F_REPLY		0x01

/** RSWAP_F_ALL - every flag that is defined; any other bit is refused */
#define RSWAP_F_ALL		RSWAP_F_REPLY

/**
 * struct rswap_hdr - starts every message, 32 bytes
 * @magic: RSWAP_MAGIC
 * @version: RSWAP_VERSION; in HELLO and its reply the header has this layout in
 *	every version of the protocol to come
 * @op: enum rswap_op; a reply carries the op of its request
 * @flags: RSWAP_F_*
 * @status: enum rswap_status in a reply, 0 in a request or notice
 * @tag: chosen by the requester, echoed in the reply; unique among the requests
 *	outstanding on one connection; 0 in notices
 * @slab: number of the slab; 0 where the operation has none
 * @offset: byte offset within the slab, a multiple of RSWAP_BLOCK; 0 where the
 *	operation has none
 * @length: bytes of the slab concerned, a multiple of RSWAP_BLOCK, not 0, in
 *	READ (at most the negotiated max_io), WRITE (the same) and TRIM (up to
 *	the slab size); 0 in all else.  A reply echoes slab, offset and length.
 * @body: bytes that follow this header: sizeof(struct rswap_hello) in a HELLO
 *	request, sizeof(struct rswap_hello_reply) in its reply, @length in a WRITE
 *	request and in a READ reply with status OK, a multiple of 4 in a
 *	SLAB_LIST reply, 0 in all else
 */
struct rswap_hdr {
	__le32	magic;
	__u8	version;
	__u8	op;
	__u8	flags;
	__u8	status;
	__le32	tag;
	__le32	slab;
	__le64	offset;
	__le32	length;
	__le32	body;
};
RSWAP_WIRE_ASSERT(sizeof(struct rswap_hdr) == 32);

/** RSWAP_ID_LEN, RSWAP_KEY_LEN - bytes of a client id and of its key */
#define RSWAP_ID_LEN		16
#define RSWAP_KEY_LEN		32

/** RSWAP_NAME_LEN - bytes of a client's name, NUL-padded */
#define RSWAP_NAME_LEN		32

/**
 * enum rswap_lane_kind - what a connection is for; a hint for the server
 * @RSWAP_LANE_DEMAND: somebody is waiting for each read
 * @RSWAP_LANE_BULK: writes, trims and read-ahead
 */
enum rswap_lane_kind {
	RSWAP_LANE_DEMAND	= 0,
	RSWAP_LANE_BULK		= 1,
};

/**
 * struct rswap_hello - body of a HELLO request, 120 bytes
 * @version_min: lowest protocol version the client speaks
 * @version_max: highest protocol version the client speaks
 * @lane: enum rswap_lane_kind
 * @reserved0: 0
 * @features: features the client would use; none is defined in version 1, and
 *	unknown bits are ignored by the server, which answers with those it grants
 * @id: the client's identity, random, not all zero
 * @key: secret that proves @id on later connections; chosen by the client
 * @name: what the client is called in the server's messages; printable ASCII,
 *	NUL-padded
 * @size: bytes the client will address, a multiple of RSWAP_BLOCK, not 0; its
 *	slabs are numbered 0 to DIV_ROUND_UP(@size, slab_size) - 1, at most
 *	RSWAP_MAX_SLABS, with the slab_size of the reply
 * @reserve: bytes, at most @size, that the server must set aside now (rounded up
 *	to slabs), so that SLAB_ALLOC of that many cannot fail for lack of space;
 *	0 for none
 * @max_io: most bytes of one READ or WRITE the client would like
 * @depth: most requests the client would have outstanding on this connection
 *
 * @size and @reserve are the same on every connection of a client.
 */
struct rswap_hello {
	__le16	version_min;
	__le16	version_max;
	__u8	lane;
	__u8	reserved0[3];
	__le64	features;
	__u8	id[RSWAP_ID_LEN];
	__u8	key[RSWAP_KEY_LEN];
	__u8	name[RSWAP_NAME_LEN];
	__le64	size;
	__le64	reserve;
	__le32	max_io;
	__le32	depth;
};
RSWAP_WIRE_ASSERT(sizeof(struct rswap_hello) == 120);

/**
 * struct rswap_hello_reply - body of the reply to HELLO, 64 bytes
 * @version: the version spoken from here on; with status VERSION the highest one
 *	the server speaks
 * @reserved0: 0
 * @slab_size: bytes of a slab of this server, a power of two from RSWAP_SLAB_MIN
 *	to RSWAP_SLAB_MAX; the same on every connection of a client
 * @features: features granted, a subset of those asked for
 * @server_id: identity of this run of the server; a different one means that
 *	slabs of earlier connections are gone
 * @max_io: most bytes of one READ or WRITE, at most what was asked for, a
 *	multiple of RSWAP_BLOCK
 * @depth: most requests outstanding on this connection, at most what was asked for
 * @memory_limit: bytes that the server lends in all
 * @memory_free: bytes of these neither in a slab nor reserved, before this
 *	client's reservation
 * @slabs_present: slabs of this client that exist already
 * @reserved1: 0
 *
 * In a reply with a status other than OK the fields are filled as far as they are
 * known (slab_size and the memory figures with NOSPACE), else 0.
 */
struct rswap_hello_reply {
	__le16	version;
	__u8	reserved0[2];
	__le32	slab_size;
	__le64	features;
	__u8	server_id[RSWAP_ID_LEN];
	__le32	max_io;
	__le32	depth;
	__le64	memory_limit;
	__le64	memory_free;
	__le32	slabs_present;
	__u8	reserved1[4];
};
RSWAP_WIRE_ASSERT(sizeof(struct rswap_hello_reply) == 64);

#endif /* _UAPI_LINUX_RSWAP_PROTO_H */
