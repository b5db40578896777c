# SPDX-License-Identifier: GPL-2.0
"""Frames bridged to a port that is too slow cannot take the memory that swap needs."""

from lab import storm

GROUP = "storm"
KERNELS = ("lean", "stock")
WEDGES = FULL_KERNELS = ("stock",)
AUTOBOOT = False
TIMEOUT = 400
CHECK, FULL, FULL_TIMEOUT = storm.tables("bridge")


def test(lab):
    storm.run(lab, CHECK, FULL)
