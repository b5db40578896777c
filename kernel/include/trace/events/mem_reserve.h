/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mem_reserve

#if !defined(_TRACE_MEM_RESERVE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MEM_RESERVE_H

#include <linux/mem_reserve.h>
#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

TRACE_EVENT(mem_reserve_alloc,
	TP_PROTO(const struct mem_reserve *res, const struct page *page,
		 unsigned int used, gfp_t gfp),
	TP_ARGS(res, page, used, gfp),

	TP_STRUCT__entry(
		__string(name, res->name)
		__field(unsigned long, pfn)
		__field(unsigned int, used)
		__field(unsigned int, pages)
		__field(unsigned long, gfp)
	),

	TP_fast_assign(
		__assign_str(name);
		__entry->pfn = page ? page_to_pfn(page) : -1UL;
		__entry->used = used;
		__entry->pages = res->nr_pages;
		__entry->gfp = (__force unsigned long)gfp;
	),

	TP_printk("%s pfn=0x%lx used=%u/%u gfp_flags=%s", __get_str(name),
		  __entry->pfn, __entry->used, __entry->pages,
		  show_gfp_flags(__entry->gfp))
);

TRACE_EVENT(mem_reserve_resize,
	TP_PROTO(const struct mem_reserve *res, unsigned int old, int ret),
	TP_ARGS(res, old, ret),

	TP_STRUCT__entry(
		__string(name, res->name)
		__field(unsigned int, old)
		__field(unsigned int, pages)
		__field(int, ret)
	),

	TP_fast_assign(
		__assign_str(name);
		__entry->old = old;
		__entry->pages = res->nr_pages;
		__entry->ret = ret;
	),

	TP_printk("%s pages=%u->%u ret=%d", __get_str(name), __entry->old,
		  __entry->pages, __entry->ret)
);

#endif /* _TRACE_MEM_RESERVE_H */

#include <trace/define_trace.h>
