# SPDX-License-Identifier: GPL-2.0
"""A storm of broadcast ARP requests cannot take the memory that swap needs.

No parameters that were tried wedged a stock kernel: this is a regression test.
"""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
FULL_ONLY = True
CHECK = (
    Cell("rswap", "arp"),
)
FULL = storm.matrix("arp", nics=("virtio-net-pci", "e1000"))
