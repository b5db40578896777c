# SPDX-License-Identifier: GPL-2.0
"""Several storms at once cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
CHECK, FULL = storm.tables("mix")
