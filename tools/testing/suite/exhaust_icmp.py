# SPDX-License-Identifier: GPL-2.0
"""Without memory, ICMP is dropped, but for errors about swap, and ARP from strangers does no harm."""

from lab.exhaust import LONG, Dry
from lab.storm import ARRIVED, SNMP

GROUP = "exhaust"
# Errors about connections that there are, and as many about others. The latter count as
# InErrors too if they are not dropped, because there is memory: more of the former came.
TOLD = SNMP.format("Icmp", "InDestUnreachs"), SNMP.format("Icmp", "InErrors")
TOLD6 = [f"awk '/{name}/ {{ print $2 }}' /proc/net/snmp6"
         for name in ("Icmp6InPktTooBigs", "Icmp6InErrors")]
PASSED = f"test $(($({{}}) - 2 * $({{}}))) -ge {ARRIVED}"
CHECK = (
    Dry("rswap", "icmp", module=LONG, needs=("drop_icmp",)),
    Dry("rswap", "error", module=LONG, needs=("drop_icmp", "passed"), after=PASSED.format(*TOLD)),
    Dry("rswap6", "error6", module=LONG, needs=("drop_icmp", "passed"),
        after=PASSED.format(*TOLD6)),
)
FULL = (
    Dry("rswap", "arp", module=LONG, needs=("passed",)),
)
