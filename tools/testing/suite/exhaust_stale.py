# SPDX-License-Identifier: GPL-2.0
"""Without memory, a server whose hardware address has changed is asked for it."""

from lab.exhaust import Dry
from lab.session import server_address

GROUP = "exhaust"
# So that what is known from now on goes stale, and is asked for, within seconds.
HASTE = """cd /proc/sys/net/{ip}/neigh/eth0
echo 1000 > base_reachable_time_ms
echo 0 > delay_first_probe_time
echo 200 > retrans_time_ms
echo 1 > ucast_solicit
ip neigh flush dev eth0
ip -6 neigh flush dev eth0
ping -c 1 {server}"""
# The server does not ask: its question would tell the new address too. It need not,
# or an answer on its way when the address changes would wait for ever.
MOVE = """set -e
client=$(/bin/ip neigh show to {client} dev eth0 | grep -o 'lladdr [0-9a-f:]*')
/bin/tc qdisc add dev eth0 clsact
/bin/tc filter add dev eth0 egress protocol arp u32 \\
    match u16 0xffff 0xffff at -14 match u16 1 0xffff at 6 action drop
/bin/tc filter add dev eth0 egress protocol ipv6 u32 \\
    match u8 58 0xff at 6 match u8 0xff 0xff at 24 match u8 135 0xff at 40 action drop
ip link set dev eth0 address 02:00:00:00:00:99
/bin/ip neigh replace {client} $client dev eth0 nud permanent"""


def cell(backend, ip):
    """Return the cell of BACKEND, which is reached by IP."""
    server = server_address(ipv6=ip == "ipv6")
    return Dry(backend, "none", module="count=100 interval=20 routes=1", images=("tc", "ip"),
               client=HASTE.format(ip=ip, server=server),
               during=MOVE.format(client=f"{server[:-1]}2"))


CHECK = (cell("rswap", "ipv4"), cell("rswap6", "ipv6"))
