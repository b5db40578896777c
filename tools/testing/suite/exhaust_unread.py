# SPDX-License-Identifier: GPL-2.0
"""Without memory, what an I/O flusher does not read of its connections leaves room for swap."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
UNREAD = {"rate": 2000, "module": LONG, "needs": ("drop_socket",)}
CHECK = (
    Dry("rswap", "unread", **UNREAD),
    # As if they had connected when it was too late for the reserve to grow.
    Dry("rswap", "unread", client="sysctl -w net.core.netvm_rx_pages=96", **UNREAD),
)
