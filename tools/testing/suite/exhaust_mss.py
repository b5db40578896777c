# SPDX-License-Identifier: GPL-2.0
"""Without memory, jumbo frames that have to be copied for the card still leave it."""

from lab.exhaust import BUSY, NEW_ROUTE, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", mtu=9000, module=BUSY),
    # A socket without a route does not know the card.
    Dry("rswap", "none", mtu=9000, module=f"{BUSY} routes=1", client=NEW_ROUTE),
    # Of IPv6 it does not make the checksum. A longer MTU would take receive buffers of two pages.
    Dry("rswap6", "none", "rtl8139", mtu=3600, module=BUSY),
)
