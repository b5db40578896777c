# SPDX-License-Identifier: GPL-2.0
"""Without memory, echo requests are dropped, and ARP requests from unknown neighbours beyond a few."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "icmp", module=LONG, needs=("drop_icmp",)),
    Dry("rswap", "arp", module=LONG, needs=("drop_neigh",)),
)
