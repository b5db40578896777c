# SPDX-License-Identifier: GPL-2.0
"""Without memory, requests for hardware addresses that are for nobody here are dropped."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "arp-foreign", module=LONG, needs=("drop_neigh",)),
)
FULL = (
    Dry("rswap6", "ns-foreign", module=LONG, needs=("drop_neigh",)),
)
