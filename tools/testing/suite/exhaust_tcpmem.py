# SPDX-License-Identifier: GPL-2.0
"""Connections that nobody reads have all of tcp_mem in use; a swap device does not have to wait for it."""

from lab.exhaust import Dry

GROUP = "exhaust"
LIMIT = 64      # pages
CHECK = (
    Dry("rswap", "tcp", module="count=200 depth=8 pages=8 patience=8 leave=1000000 refund=0",
        client=f"sysctl -w 'net.ipv4.tcp_mem=16 32 {LIMIT}'",
        after=f"test $(awk '/^TCP:/ {{ print $NF }}' /proc/net/sockstat) -gt {LIMIT}"),
)
