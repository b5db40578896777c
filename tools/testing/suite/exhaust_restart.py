# SPDX-License-Identifier: GPL-2.0
"""Without memory, the card by which a machine swaps can be brought down and up."""

from lab.exhaust import Dry

GROUP = "exhaust"
# What tasks with PF_MEMALLOC may take is there, and nothing else.
LITTLE = "count=500 interval=20 depth=4 leave=256"
CHECK = (
    Dry("rswap", "none", module=LITTLE, change="down up"),
)
