# SPDX-License-Identifier: GPL-2.0
"""Without memory or a worker, ARP requests are not kept for the card's macvlan and ipvlan devices."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"


def cell(device):
    """Return the cell in which DEVICE, in the words of ip, hears what is broadcast."""
    return Dry("rswap", "arp-known", module=f"{LONG} workers=64", images=("ip",),
               client=f"/bin/ip link add link eth0 name above0 type {device}\n"
                      "/bin/ip link set above0 up",
               needs=("passed", "drop_copy"))


CHECK = (cell("macvlan mode bridge"), cell("ipvlan mode l2"))
