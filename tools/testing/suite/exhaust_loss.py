# SPDX-License-Identifier: GPL-2.0
"""Without memory, loss, reordering and delay slow a swap device down, and no more."""

from lab.exhaust import Dry

GROUP = "exhaust"
LOSSY = "delay 5ms reorder 25% 50% loss 5%"
# What is out of order is kept, even over a card whose ring has most of the reserve.
KEPT = """awk '/^TcpExt:/ {
    if (!n++) split($0, name)
    else for (i = 2; i <= NF; i++) count[name[i]] = $i
} END { exit !(count["TCPOFOQueue"] > 2 * count["TCPOFODrop"]) }' /proc/net/netstat"""
CHECK = (
    Dry("rswap", "none", netem=LOSSY,
        module="count=100 depth=16 pages=16"),
    Dry("nbd", "none", netem=LOSSY,
        module="count=50 depth=16 pages=16"),
    Dry("nbd", "none", "e1000", netem=LOSSY,
        module="count=50 depth=16 pages=16", after=KEPT),
)
FULL = (
    *(Dry(name, "none", nic, netem=LOSSY,
          module="count=100 depth=16 pages=16")
      for name in ("rswap", "nbd", "nvme") for nic in ("virtio-net-pci", "e1000")),
)
