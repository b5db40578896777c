# SPDX-License-Identifier: GPL-2.0
"""Fragments of IPv6 datagrams that never become whole cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
FULL_KERNELS = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK = (
    Cell("rswap", "frag6"),
)
FULL = (
    Cell("nbd", "frag6", hog=300, wedges=True),
    *storm.matrix("frag6", nics=("virtio-net-pci", "e1000")),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
