# SPDX-License-Identifier: GPL-2.0
"""Without memory, the server's ARP requests and neighbour solicitations are answered."""

from lab.exhaust import Dry

GROUP = "exhaust"
FORGET = "for i in 1 2 3; do ip neigh flush dev eth0; ip -6 neigh flush dev eth0; sleep 1; done"
CHECK = (
    Dry("rswap", "none", module="count=100 interval=20", during=FORGET, needs=("passed",)),
    Dry("rswap6", "none", module="count=100 interval=20", during=FORGET, needs=("passed",)),
)
