# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over virtio-net work: rswap, NBD, NVMe/TCP, also over IPv6 and a VLAN."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean", "stock")
WEDGES = ("stock",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", module="count=200 depth=8 pages=8"),
    Dry("rswap6", "none", module="count=200 depth=8 pages=8"),
    Dry("rswap-vlan", "none", module="count=200 depth=8 pages=8"),
    Dry("nbd", "none", module="count=200 depth=8 pages=8", wedges=True),
    Dry("nvme", "none", module="count=200 depth=8 pages=8", wedges=True),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
