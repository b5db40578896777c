# SPDX-License-Identifier: GPL-2.0
"""Without memory, a page_pool gives pages to receive into."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", module="pool=32"),
    Dry("nbd", "none", module="pool=32", wedges=True),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
