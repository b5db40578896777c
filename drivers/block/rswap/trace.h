/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rswap

#if !defined(_RSWAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RSWAP_TRACE_H

#include <linux/tracepoint.h>

#include "rswap.h"

#define rswap_show_op(op)					\
	__print_symbolic(op,					\
		{ RSWAP_OP_HELLO,	"HELLO" },		\
		{ RSWAP_OP_BYE,		"BYE" },		\
		{ RSWAP_OP_PING,	"PING" },		\
		{ RSWAP_OP_SLAB_ALLOC,	"SLAB_ALLOC" },		\
		{ RSWAP_OP_SLAB_FREE,	"SLAB_FREE" },		\
		{ RSWAP_OP_SLAB_LIST,	"SLAB_LIST" },		\
		{ RSWAP_OP_READ,	"READ" },		\
		{ RSWAP_OP_WRITE,	"WRITE" },		\
		{ RSWAP_OP_TRIM,	"TRIM" })

DECLARE_EVENT_CLASS(rswap_request,
	TP_PROTO(const struct rswap_request *req, int error),
	TP_ARGS(req, error),
	TP_STRUCT__entry(
		__string(name, req->conn->session->config.name)
		__field(u32, conn)
		__field(u8, op)
		__field(u32, tag)
		__field(u32, slab)
		__field(u64, offset)
		__field(u32, length)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->conn = req->conn->index;
		__entry->op = req->hdr.op;
		__entry->tag = le32_to_cpu(req->hdr.tag);
		__entry->slab = le32_to_cpu(req->hdr.slab);
		__entry->offset = le64_to_cpu(req->hdr.offset);
		__entry->length = le32_to_cpu(req->hdr.length);
		__entry->error = error;
	),
	TP_printk("%s conn=%u %s tag=%#x slab=%u offset=%llu length=%u error=%d",
		  __get_str(name), __entry->conn, rswap_show_op(__entry->op),
		  __entry->tag, __entry->slab, __entry->offset, __entry->length,
		  __entry->error)
);

DEFINE_EVENT(rswap_request, rswap_request_submit,
	TP_PROTO(const struct rswap_request *req, int error),
	TP_ARGS(req, error));

DEFINE_EVENT(rswap_request, rswap_request_done,
	TP_PROTO(const struct rswap_request *req, int error),
	TP_ARGS(req, error));

TRACE_EVENT(rswap_session_state,
	TP_PROTO(const struct rswap_session *session, enum rswap_state to),
	TP_ARGS(session, to),
	TP_STRUCT__entry(
		__string(name, session->config.name)
		__field(u32, from)
		__field(u32, to)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->from = session->state;
		__entry->to = to;
		__entry->error = session->error;
	),
	TP_printk("%s %s -> %s error=%d", __get_str(name),
		  rswap_state_name(__entry->from),
		  rswap_state_name(__entry->to), __entry->error)
);

TRACE_EVENT(rswap_protocol_error,
	TP_PROTO(const struct rswap_session *session, const char *what),
	TP_ARGS(session, what),
	TP_STRUCT__entry(
		__string(name, session->config.name)
		__string(what, what)
	),
	TP_fast_assign(
		__assign_str(name);
		__assign_str(what);
	),
	TP_printk("%s %s", __get_str(name), __get_str(what))
);

#endif /* _RSWAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../../drivers/block/rswap
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
