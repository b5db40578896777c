# SPDX-License-Identifier: GPL-2.0
"""Without memory, what is received is not copied to a slow device that mirrors it."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "mirror", module="count=500 depth=4", images=("tc",), needs=("drop_copy",)),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
