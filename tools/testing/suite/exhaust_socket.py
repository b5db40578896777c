# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets for ordinary sockets are dropped at once, and counted."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "udp", module=LONG, needs=("drop_socket",)),
    Dry("rswap", "tcp", module=LONG, needs=("drop_socket",)),
)
FULL = (
    Dry("rswap", "multicast", module=LONG, needs=("drop_socket",)),
    Dry("nbd", "udp", module=LONG, needs=("drop_socket",)),
    Dry("nvme", "udp", module=LONG, needs=("drop_socket",)),
    *(Dry("rswap", "udp", module=LONG, rate=rate) for rate in (1000, 20000, 0)),
    *(Dry("rswap", "udp", nic, module=LONG)
      for nic in ("e1000", "e1000e", "vmxnet3", "rtl8139")),
    Dry("rswap", "syn", module=LONG, needs=("drop_socket",)),
    Dry("rswap", "small", module=LONG, needs=("drop_socket",)),
    Dry("rswap", "jumbo", mtu=9000, module=LONG, needs=("drop_socket",)),
)
