# SPDX-License-Identifier: GPL-2.0
"""Without memory, jumbo frames that have to be copied for the card still leave it."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", mtu=9000, module=BUSY),
)
