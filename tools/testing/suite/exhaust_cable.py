# SPDX-License-Identifier: GPL-2.0
"""Without memory, a server that was forgotten, for example while the cable was out, is known again."""

from lab.exhaust import Dry

GROUP = "exhaust"
MODULE = "count=100 interval=20 routes=1"
FORGET = "ip neigh flush dev eth0; ip -6 neigh flush dev eth0"
CHECK = (
    Dry("rswap", "none", module=MODULE, unplugged=3),
)
FULL = (
    Dry("rswap6", "none", module=MODULE, unplugged=3),
    Dry("rswap", "none", module=MODULE, client=FORGET),
    Dry("rswap6", "none", module=MODULE, client=FORGET),
)
