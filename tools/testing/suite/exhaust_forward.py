# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets to be forwarded or bridged to a slow link are dropped before they queue there."""

from lab import storm
from lab.exhaust import LONG, Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "forward", module=LONG, needs=("drop_forward",)),
    Dry("rswap", "bridge", module=LONG, needs=("drop_forward",)),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
