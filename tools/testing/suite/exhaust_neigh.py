# SPDX-License-Identifier: GPL-2.0
"""Without memory, the server's ARP requests and neighbour solicitations are answered."""

from lab.exhaust import Dry
from lab.session import server_address

GROUP = "exhaust"
# What the server sends makes it ask, and only an answer makes the entry valid again.
FORGET = """for i in 1 2 3; do
    ip neigh flush dev eth0
    ip -6 neigh flush dev eth0
    until ip neigh show to {client} dev eth0 | grep REACHABLE; do sleep 0.1; done
done"""


def cell(backend, ipv6, nic):
    """Return the cell of BACKEND over NIC."""
    client = f"{server_address(ipv6=ipv6)[:-1]}2"
    return Dry(backend, "none", nic, module="count=400 interval=20",
               during=FORGET.format(client=client), lasts=True)


# What rtl8139 brings is not in memory of the reserve.
CHECK = (cell("rswap", False, "virtio-net-pci"), cell("rswap6", True, "rtl8139"))
FULL = (cell("rswap", False, "rtl8139"), cell("rswap6", True, "virtio-net-pci"))
