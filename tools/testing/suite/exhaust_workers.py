# SPDX-License-Identifier: GPL-2.0
"""Without memory, and without a worker of the system's work queues, swap devices work.

A regression test: no change that was tried makes it fail alone.
"""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
FULL_ONLY = True
# Of each CPU: all that there are, and no other can be made.
MODULE = f"{BUSY} workers=64"
CHECK = (
    Dry("rswap", "udp", module=MODULE),
    Dry("rswap", "jumbo", "e1000", mtu=9000, module=MODULE),
)
FULL = (
    Dry("rswap", "jumbo", "virtio-net-pci,mrg_rxbuf=off,host_mtu=9000", mtu=9000, module=MODULE),
    *(Dry(name, "udp", nic, module=MODULE)
      for name in ("nbd", "nvme", "nfs") for nic in ("virtio-net-pci", "e1000")),
)
