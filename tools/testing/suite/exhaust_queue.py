# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets are dropped before a stalled NF_QUEUE consumer gets them."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
LONG = "count=200 interval=10 depth=4"
CHECK = (
    Dry("rswap", "nfqueue", module=LONG, needs=("drop_socket",)),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
