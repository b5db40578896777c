# SPDX-License-Identifier: GPL-2.0
"""NVMe/TCP and the others swap with no other traffic at all."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 400
CHECK = (
    Cell("nvme", "none"),
)
FULL = (
    *storm.matrix("none"),
    *(Cell(name, "none", procs=32) for name in ("rswap", "nbd", "nvme", "nfs")),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
