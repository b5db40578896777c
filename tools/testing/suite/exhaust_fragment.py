# SPDX-License-Identifier: GPL-2.0
"""Without memory, fragments of IPv4 and IPv6 are dropped before they wait for the others."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "frag6", module=LONG, needs=("drop_fragment",)),
)
FULL = (
    Dry("rswap", "frag4", module=LONG, needs=("drop_fragment",)),
)
