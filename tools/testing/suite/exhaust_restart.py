# SPDX-License-Identifier: GPL-2.0
"""Without memory, the card by which a machine swaps can be restarted, or change its MTU."""

from lab.exhaust import Dry

GROUP = "exhaust"
# What tasks with PF_MEMALLOC may take is there, and nothing else.
LITTLE = "count=500 interval=20 depth=4 leave=256"
CHECK = (
    Dry("rswap", "none", module=LITTLE, change="down up"),
    Dry("rswap", "none", "e1000e", mtu=1500, module=LITTLE, change="mtu=1400"),
)
FULL = (
    Dry("rswap", "none", "e1000", mtu=1500, module=LITTLE, change="mtu=9000"),
    Dry("rswap", "none", "e1000", mtu=1500, module=LITTLE, change="mtu=1400"),
    Dry("rswap", "none", "e1000e", mtu=1500, module=LITTLE, change="mtu=9000"),
)
