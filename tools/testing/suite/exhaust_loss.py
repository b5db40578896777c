# SPDX-License-Identifier: GPL-2.0
"""Without memory, loss, reordering and delay slow a swap device down, and no more."""

from lab.exhaust import Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", netem="delay 5ms reorder 25% 50% loss 5%",
        module="count=100 depth=16 pages=16"),
    Dry("nbd", "none", netem="delay 5ms reorder 25% 50% loss 5%",
        module="count=50 depth=16 pages=16"),
)
FULL = (
    *(Dry(name, "none", nic, netem="delay 5ms reorder 25% 50% loss 5%",
          module="count=100 depth=16 pages=16")
      for name in ("rswap", "nbd", "nvme") for nic in ("virtio-net-pci", "e1000")),
)
