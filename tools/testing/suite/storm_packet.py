# SPDX-License-Identifier: GPL-2.0
"""A packet socket that hears everything and is never read cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
FULL_ONLY = True
CHECK, FULL = storm.tables("packet")
