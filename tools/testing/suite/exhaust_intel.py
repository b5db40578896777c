# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over e1000 and e1000e work, with jumbo frames too."""

from lab import storm
from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", "e1000", module=BUSY),
    Dry("rswap", "none", "e1000", mtu=9000, module=BUSY),
    Dry("rswap", "none", "e1000e", mtu=9000, module=BUSY),
    Dry("nbd", "none", "e1000", module=BUSY, wedges=True),
)
FULL = (
    Dry("rswap", "none", "e1000e", module=BUSY),
    *(Dry(name, "none", nic, mtu=mtu, module=BUSY)
      for name in ("nbd", "nvme") for nic in ("e1000", "e1000e") for mtu in (1500, 9000)),
)
FULL_TIMEOUT = storm.seconds(CHECK + FULL)


def test(lab):
    storm.run(lab, CHECK, FULL)
