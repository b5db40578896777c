# SPDX-License-Identifier: GPL-2.0
"""stress-ng, which wants ever more memory, beside the traffic: what it leaves is enough to swap."""

from lab import events, storm
from lab.storm import Cell

GROUP = "storm"
FULL_ONLY = True
TIMEOUT = 900
CHECK = (
    Cell("rswap", "udp", memory=256, hog=64, event=events.StressNg),
)
FULL = (
    Cell("nbd", "udp", memory=256, hog=64, event=events.StressNg),
    Cell("rswap", "none", memory=256, hog=64, event=events.StressNg),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL) * 2
