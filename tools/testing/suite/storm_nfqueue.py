# SPDX-License-Identifier: GPL-2.0
"""Packets that wait in a stalled netfilter queue cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK = (
    Cell("rswap", "nfqueue"),
    Cell("nbd", "nfqueue", hog=300, wedges=True),
)
FULL = storm.matrix("nfqueue", nics=("virtio-net-pci", "e1000"))
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
