# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets are dropped before a stalled NF_QUEUE consumer gets them."""

from lab import storm
from lab.exhaust import LONG, Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "nfqueue", module=LONG, needs=("drop_socket",)),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
