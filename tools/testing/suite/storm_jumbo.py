# SPDX-License-Identifier: GPL-2.0
"""UDP in jumbo frames to sockets that nobody drains cannot take the memory that swap needs.

No parameters that were tried wedged a stock kernel: this is a regression test.
"""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
FULL_ONLY = True
CHECK = (
    Cell("rswap", "jumbo", mtu=9000),
)
FULL = storm.matrix("jumbo", nics=("virtio-net-pci", "e1000"), mtu=9000)
