# SPDX-License-Identifier: GPL-2.0
"""Frames of 64 bytes in great numbers cannot take the memory that swap needs.

No parameters that were tried wedged a stock kernel: this is a regression test.
"""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
FULL_ONLY = True
CHECK = (
    Cell("rswap", "small", rate=20000),
)
FULL = (
    *storm.matrix("small", nics=("virtio-net-pci", "e1000"), rate=20000),
    *storm.matrix("small", nics=("virtio-net-pci", "e1000"), rate=0),
)
