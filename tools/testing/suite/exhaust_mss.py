# SPDX-License-Identifier: GPL-2.0
"""Without memory, jumbo frames that have to be copied for the card still leave it."""

from lab import storm
from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", mtu=9000, module=BUSY),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
