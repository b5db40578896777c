# SPDX-License-Identifier: GPL-2.0
"""Multicast to sockets that nobody drains cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
FULL_ONLY = True
CHECK, FULL = storm.tables("multicast")
