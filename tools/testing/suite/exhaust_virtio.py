# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over virtio-net work: rswap, NBD, NVMe/TCP, also over IPv6 and a VLAN."""

from lab import storm
from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", module=BUSY),
    Dry("rswap6", "none", module=BUSY),
    Dry("rswap-vlan", "none", module=BUSY),
    Dry("nbd", "none", module=BUSY, wedges=True),
    Dry("nvme", "none", module=BUSY, wedges=True),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
