/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM swap_io

#if !defined(_TRACE_SWAP_IO_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SWAP_IO_H

#include <linux/swap_io.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(swap_io,
	TP_PROTO(struct swap_io *sio, int error),
	TP_ARGS(sio, error),
	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(unsigned long,	ino)
		__field(loff_t,		pos)
		__field(unsigned int,	len)
		__field(unsigned int,	folios)
		__field(int,		kind)
		__field(int,		error)
	),
	TP_fast_assign(
		struct inode *inode = file_inode(sio->iocb.ki_filp);

		__entry->dev = S_ISBLK(inode->i_mode) ? inode->i_rdev :
							inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->pos = swap_io_pos(sio);
		__entry->len = sio->len;
		__entry->folios = sio->nr_bvecs;
		__entry->kind = sio->kind;
		__entry->error = error;
	),
	TP_printk("dev %d:%d ino %lu %s pos %lld len %u folios %u error %d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __print_symbolic(__entry->kind,
				   { SWAP_IO_WRITE, "write" },
				   { SWAP_IO_DEMAND, "demand" },
				   { SWAP_IO_READAHEAD, "readahead" }),
		  __entry->pos, __entry->len, __entry->folios, __entry->error)
);

DEFINE_EVENT(swap_io, swap_io_submit,
	TP_PROTO(struct swap_io *sio, int error),
	TP_ARGS(sio, error)
);

DEFINE_EVENT(swap_io, swap_io_end,
	TP_PROTO(struct swap_io *sio, int error),
	TP_ARGS(sio, error)
);

#endif /* _TRACE_SWAP_IO_H */

#include <trace/define_trace.h>
