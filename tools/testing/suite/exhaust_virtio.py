# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over virtio-net work: rswap, NBD, NVMe/TCP, also over IPv6, a VLAN and a bridge."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", module=BUSY),
    Dry("rswap6", "none", module=BUSY),
    Dry("rswap-vlan", "none", module=BUSY),
    Dry("rswap-bridge", "none", module=BUSY),
    Dry("nbd", "none", module=BUSY, wedges=True),
    Dry("nvme", "none", module=BUSY, wedges=True),
    Dry("nvme-bridge", "none", module=BUSY),
)
FULL = (
    # Not how it is swapped to, but by others than swap
    Dry("rswap", "none", module=f"{BUSY} bios=1"),
)
