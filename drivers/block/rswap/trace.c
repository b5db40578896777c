// SPDX-License-Identifier: GPL-2.0
/*
 * rswap tracepoints
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
