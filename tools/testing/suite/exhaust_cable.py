# SPDX-License-Identifier: GPL-2.0
"""Without memory, a server that was forgotten, for example while the cable was out, is known again."""

from lab.exhaust import Dry

GROUP = "exhaust"
MODULE = "count=100 interval=20 routes=1"
# The cable is out when no worker is left, and it takes one to see that it is in again.
WORKERS = f"{MODULE} workers=64"
FORGET = "ip neigh flush dev eth0; ip -6 neigh flush dev eth0"
CHECK = (
    # What comes is not in memory of the reserve.
    Dry("rswap", "none", "rtl8139", mtu=1500, module=MODULE, unplugged=3),
    Dry("rswap", "none", module=WORKERS, unplugged=10),
    Dry("rswap", "none", "e1000", mtu=1500, module=WORKERS, unplugged=10),
)
FULL = (
    Dry("rswap", "none", module=MODULE, unplugged=3),
    Dry("rswap6", "none", module=MODULE, unplugged=3),
    Dry("rswap6", "none", "rtl8139", mtu=1500, module=MODULE, unplugged=3),
    *(Dry("rswap", "none", nic, mtu=1500, module=WORKERS, unplugged=10)
      for nic in ("e1000e", "vmxnet3", "rtl8139")),
    Dry("rswap", "none", module=MODULE, client=FORGET),
    Dry("rswap6", "none", module=MODULE, client=FORGET),
)
