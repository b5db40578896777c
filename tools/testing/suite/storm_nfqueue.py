# SPDX-License-Identifier: GPL-2.0
"""Packets that wait in a stalled netfilter queue cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
CHECK = (
    Cell("nbd", "nfqueue", hog=300, wedges=True),
)
FULL = storm.matrix("nfqueue", nics=("virtio-net-pci", "e1000"))
