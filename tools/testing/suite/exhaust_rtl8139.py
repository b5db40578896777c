# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over a card that cannot gather work."""

from lab import storm
from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", "rtl8139", module=BUSY),
    Dry("nbd", "none", "rtl8139", module=BUSY, wedges=True),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
