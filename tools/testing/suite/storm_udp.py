# SPDX-License-Identifier: GPL-2.0
"""UDP to sockets that nobody drains, their buffers forced or not, cannot take the memory that swap needs."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
CHECK = (
    Cell("rswap", "udp"),
    Cell("nfs", "udp", "e1000"),
)
FULL = (
    *storm.matrix("udp"),
    *storm.matrix("udp", ("nfs3", "nfs4.0", "nfs4.2"), ("virtio-net-pci", "e1000")),
    *storm.matrix("udp-default", nics=("virtio-net-pci",)),
    *(Cell("rswap", "udp", nic, rate=rate)
      for nic in ("virtio-net-pci", "e1000") for rate in (1000, 20000, 0)),
    *(Cell("rswap", "udp", memory=memory, hog=memory + 100) for memory in (96, 256, 512)),
    *(Cell("rswap", "udp", hog=512, procs=procs) for procs in (16, 32)),
    *(Cell(name, "udp", pattern="random") for name in ("rswap", "nbd", "nvme", "nfs")),
    # On stock in some five of eight runs, see RESULTS.rst: fragments are surer
    Cell("nbd", "udp", hog=300, wedges=True),
    Cell("nvme", "udp", hog=300, wedges=True),
    Cell("nfs", "udp", "e1000", hog=300, wedges=True),
)
