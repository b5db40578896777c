# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over a card that cannot gather work."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", "rtl8139", module=BUSY),
)
FULL = (
    Dry("nbd", "none", "rtl8139", module=BUSY, wedges=True),
)
