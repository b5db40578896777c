# SPDX-License-Identifier: GPL-2.0
"""Without memory, a page_pool gives pages to receive into."""

from lab.exhaust import Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", module="pool=32"),
)
FULL = (
    Dry("nbd", "none", module="pool=32", wedges=True),
)
