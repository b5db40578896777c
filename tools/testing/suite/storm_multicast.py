# SPDX-License-Identifier: GPL-2.0
"""Multicast to sockets that nobody drains cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
FULL_KERNELS = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK = (
    Cell("rswap", "multicast"),
)
FULL = (
    Cell("nbd", "multicast", hog=300, wedges=True),
    *storm.matrix("multicast", nics=("virtio-net-pci", "e1000")),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
