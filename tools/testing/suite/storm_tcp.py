# SPDX-License-Identifier: GPL-2.0
"""Connections to listeners that never read cannot take the memory that swap needs.

No parameters that were tried wedged a stock kernel: this is a regression test.
"""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
FULL_ONLY = True
CHECK = (
    Cell("rswap", "tcp"),
)
FULL = storm.matrix("tcp", nics=("virtio-net-pci", "e1000"))
