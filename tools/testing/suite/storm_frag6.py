# SPDX-License-Identifier: GPL-2.0
"""Fragments of IPv6 datagrams that never become whole cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = FULL_KERNELS = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK, FULL, FULL_TIMEOUT = storm.tables("frag6")


def test(lab):
    storm.run(lab, CHECK, FULL)
