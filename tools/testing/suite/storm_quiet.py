# SPDX-License-Identifier: GPL-2.0
"""NVMe/TCP and the others swap with no other traffic at all."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
CHECK = (
    Cell("nvme", "none"),
)
FULL = (
    Cell("nvme", "none", hog=300, wedges=True),
    *storm.matrix("none"),
    # As Mel Gorman tested: many processes, four times the memory in total
    *(Cell(name, "none", hog=512, procs=procs)
      for name in ("rswap", "nbd", "nvme", "nfs") for procs in (16, 32)),
)
