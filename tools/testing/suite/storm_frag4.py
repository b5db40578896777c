# SPDX-License-Identifier: GPL-2.0
"""Fragments of IPv4 datagrams that never become whole cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
CHECK = (
    Cell("nbd", "frag4", hog=300, wedges=True),
)
FULL = storm.matrix("frag4", nics=("virtio-net-pci", "e1000"))
