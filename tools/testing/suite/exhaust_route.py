# SPDX-License-Identifier: GPL-2.0
"""Without memory, the way to the server is looked up again after routes have changed, also to send again."""

from lab.exhaust import NEW_ROUTE, Dry

GROUP = "exhaust"
# Of IPv6, only their own makes what sockets know obsolete.
CHANGE6 = """route=$(ip -6 route show dev eth0 | grep -v ^fe80 | head -n 1)
ip -6 route del $route dev eth0
ip -6 route add $route dev eth0"""
CHECK = (
    Dry("rswap", "none", module="routes=1", client=NEW_ROUTE, netem="loss 5%"),
    Dry("rswap6", "none", module="routes=1", client=CHANGE6, netem="loss 5%"),
)
FULL = (
    Dry("rswap", "none", module="routes=1", client=NEW_ROUTE),
    Dry("rswap6", "none", module="routes=1", client=CHANGE6),
)
