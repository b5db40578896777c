# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over virtio-net work: rswap, NBD, NVMe/TCP, also over IPv6, a VLAN and a bridge."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", module=BUSY),
    Dry("rswap-bridge", "none", module=BUSY),
    Dry("nbd", "none", module=BUSY, wedges=True),
    Dry("nvme", "none", module=BUSY, wedges=True),
    # A buffer is one page, or with large packets a page for each 4 KiB of them
    Dry("nbd", "none", "virtio-net-pci,mrg_rxbuf=off", module=BUSY),
    Dry("nbd", "none", "virtio-net-pci,mrg_rxbuf=off,host_mtu=9000", module=BUSY, mtu=9000,
        most=80),
)
FULL = (
    Dry("rswap6", "none", module=BUSY),
    Dry("rswap-vlan", "none", module=BUSY),
    Dry("nvme-bridge", "none", module=BUSY),
    # Not how it is swapped to, but by others than swap
    Dry("rswap", "none", module=f"{BUSY} bios=1"),
)
