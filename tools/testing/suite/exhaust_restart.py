# SPDX-License-Identifier: GPL-2.0
"""Without memory, the card by which a machine swaps can be restarted, or change its MTU."""

from lab.exhaust import Dry
from lab.session import server_address

GROUP = "exhaust"
# What tasks with PF_MEMALLOC may take is there, and nothing else.
LITTLE = "count=500 interval=20 depth=4 leave=256"
# The ring gets the buffers that it could not have, all round, and first loses what comes in
# those of the reserve. A second queue, to which nothing comes, keeps its own of these until the
# card is restarted.
PING = f"ping -q -i 0.02 {server_address()}"
AGAIN = f"""{PING} -c 200
{PING} -c 50 | grep ' 0% packet loss'
ip link set eth0 down
ip link set eth0 up"""
CHECK = (
    Dry("rswap", "none", module=LITTLE, change="down up"),
    Dry("rswap", "none", "e1000e", mtu=1500, module=LITTLE, change="mtu=1400"),
    Dry("rswap", "none", "vmxnet3", module=LITTLE, change="down up", after=AGAIN),
)
FULL = (
    Dry("rswap", "none", "vmxnet3", mtu=9000, module=LITTLE, change="down up", after=AGAIN),
    Dry("rswap", "none", "vmxnet3", module=LITTLE, change="mtu=9000", after=AGAIN),
    Dry("rswap", "none", "e1000", mtu=1500, module=LITTLE, change="mtu=9000"),
    Dry("rswap", "none", "e1000", mtu=1500, module=LITTLE, change="mtu=1400"),
    Dry("rswap", "none", "e1000e", mtu=1500, module=LITTLE, change="mtu=9000"),
)
