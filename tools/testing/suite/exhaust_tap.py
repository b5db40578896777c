# SPDX-License-Identifier: GPL-2.0
"""Without memory, a tap or raw socket that nobody reads gets neither what is received nor what is sent."""

from lab.exhaust import Dry
from lab.storm import ARRIVED, SNMP

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "packet", module="count=1000 depth=4", needs=("drop_proto", "drop_copy")),
    Dry("rswap", "packet-ip", module="count=1000 depth=4", needs=("drop_copy",)),
    Dry("rswap", "raw-ip", module="count=1000 depth=4", needs=("passed",),
        after=f"test $({SNMP.format('TcpExt', 'PFMemallocDrop')}) -ge {ARRIVED}"),
)
