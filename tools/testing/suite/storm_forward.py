# SPDX-License-Identifier: GPL-2.0
"""Packets forwarded to a link that is too slow cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
FULL_ONLY = True
CHECK, FULL = storm.tables("forward")
