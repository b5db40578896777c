# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets in a VLAN are dropped if they are for ordinary sockets, and only then."""

from lab.backends import VLAN
from lab.exhaust import LONG, Dry

GROUP = "exhaust"
VLAN5 = f"""ip link add link eth0 name eth0.5 type vlan id 5
ip addr add {VLAN}.2/24 dev eth0.5
ip link set eth0.5 up"""
CHECK = (
    Dry("rswap", "udp-vlan", module=LONG, client=VLAN5, needs=("drop_socket",)),
    Dry("rswap-vlan", "udp-vlan", module=LONG, needs=("drop_socket", "passed")),
)
FULL = (
    # Cards that take the tag off.
    *(Dry("rswap-vlan", "udp-vlan", nic, module=LONG, needs=("drop_socket", "passed"))
      for nic in ("e1000", "e1000e", "vmxnet3")),
)
