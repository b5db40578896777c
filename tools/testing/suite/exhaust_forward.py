# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets to be forwarded or bridged to a slow link are dropped before they queue there."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "forward", module=LONG, needs=("drop_forward",)),
    Dry("rswap", "bridge", module=LONG, needs=("drop_forward",)),
    # So few that the port's queue is not full before memory is out.
    Dry("rswap", "bridge-arp", module="count=1000 interval=10 depth=4", rate=300,
        needs=("passed", "drop_copy")),
)
