# SPDX-License-Identifier: GPL-2.0
"""What happens to cards and swap space in a storm neither hangs nor leaks."""

from lab import events, storm
from lab.storm import Cell

GROUP = "storm"
TIMEOUT = 600
HOG = 150
CHECK = (
    Cell("rswap", "udp", hog=HOG, event=events.Unplug),
    Cell("rswap", "udp", "e1000", hog=HOG, event=events.RingMtu),
    Cell("rswap", "udp", hog=HOG, event=events.UnplugSwap),
    Cell("rswap", "udp", hog=HOG, event=events.Swapoff),
)
# Rings and MTU: of e1000e they may fail, see "What is not covered" in network-swap.rst.
# Not rtl8139, the rings of which cannot be changed
NICS = ("virtio-net-pci", "e1000", "e1000e", "vmxnet3")
FULL = (
    *(cell for event in (events.DownUp, events.RingMtu)
      for cell in (*storm.matrix("udp", ("rswap",), NICS, hog=HOG, event=event),
                   *storm.matrix("udp", ("nbd", "nvme", "nfs"), NICS[:2], hog=HOG, event=event))
      if cell not in CHECK),
    Cell("nbd", "udp", hog=HOG, event=events.Unplug),
    Cell("nbd", "udp", hog=HOG, event=events.Swapoff),
)
