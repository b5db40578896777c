# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over e1000 and e1000e work, with jumbo frames too."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
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
