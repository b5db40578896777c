# SPDX-License-Identifier: GPL-2.0
"""Fragments of IPv6 datagrams that never become whole cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
FULL_ONLY = True
CHECK, FULL = storm.tables("frag6")
