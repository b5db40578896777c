# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap over e1000 and e1000e works, and their rings leave some to others."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
# Buffers that a ring takes from the reserve, each in a page of its own if it comes to
# the worst, and the pages of which two CPUs cut fragments.
RING = 64 + 4
# The card's interrupts, by a mask of processors: one that gets no more of them keeps none of
# the pages that it cut fragments of.
STEER = """for i in $(awk '/eth0/ {{ sub(":", "", $1); print $1 }}' /proc/interrupts); do
    echo {} > /proc/irq/$i/smp_affinity
done"""
CHECK = (
    Dry("rswap", "none", "e1000", mtu=1500, module=BUSY, most=RING),
    Dry("rswap", "none", "e1000e", mtu=1500, module=BUSY, most=RING),
    Dry("rswap", "none", "e1000", mtu=9000, module=BUSY),
    Dry("rswap", "none", "e1000e", mtu=9000, module=BUSY),
    Dry("rswap", "none", "e1000", module=f"{BUSY} interval=1", client=STEER.format(2),
        after=STEER.format(1)),
)
FULL = (
    *(Dry(name, "none", nic, mtu=mtu, module=BUSY, wedges=name == "nbd")
      for name in ("nbd", "nvme") for nic in ("e1000", "e1000e") for mtu in (1500, 9000)),
)
