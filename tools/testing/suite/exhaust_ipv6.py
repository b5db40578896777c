# SPDX-License-Identifier: GPL-2.0
"""Without memory, IPv6 packets for ordinary sockets, or for another machine, are dropped at once."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap6", "udp6", module=LONG, needs=("drop_socket",)),
    Dry("rswap6", "forward6", module=LONG, needs=("drop_forward",)),
)
FULL = (
    Dry("rswap6", "tcp6", module=LONG, needs=("drop_socket",)),
    *(Dry("rswap", traffic, module=LONG, needs=("drop_socket",)) for traffic in ("udp6", "tcp6")),
    Dry("rswap6", "udp", module=LONG, needs=("drop_socket",)),
)
