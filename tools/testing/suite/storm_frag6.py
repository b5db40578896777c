# SPDX-License-Identifier: GPL-2.0
"""Fragments of IPv6 datagrams that never become whole cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
FULL_ONLY = True
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK, FULL, FULL_TIMEOUT = storm.tables("frag6")


def test(lab):
    storm.run(lab, CHECK, FULL)
