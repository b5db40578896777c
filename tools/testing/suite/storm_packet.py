# SPDX-License-Identifier: GPL-2.0
"""A packet socket that hears everything and is never read cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
FULL_KERNELS = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK = (
    Cell("rswap", "packet"),
)
FULL = (
    Cell("nbd", "packet", hog=300, wedges=True),
    *storm.matrix("packet", nics=("virtio-net-pci", "e1000")),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
