# SPDX-License-Identifier: GPL-2.0
"""Without memory, echo requests are dropped, and ARP requests from unknown neighbours beyond a few."""

from lab import storm
from lab.exhaust import LONG, Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "icmp", module=LONG, needs=("drop_icmp",)),
    Dry("rswap", "arp", module=LONG, needs=("drop_neigh",)),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
