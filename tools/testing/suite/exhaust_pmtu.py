# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap goes on when the path to the server has become narrower."""

from lab.exhaust import Dry
from lab.storm import SNMP

GROUP = "exhaust"
# Between server and client appears a router: a network namespace that has the server's
# card, and answers for the server. It knows the client, which has no memory to know it. It
# does not forward what is too long, and tells the client. When a megabyte has come through,
# it goes.
ROUTER = """set -e
unshare -n sleep 1000 > /dev/null &
router=$!
until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
address() {
    /bin/ip addr add 10.77.0.1/24 dev $1
    /bin/ip addr add fd77::1/64 dev $1 nodad
    /bin/ip link set $1 up
}
/bin/ip link add wire type veth peer name far
/bin/ip link set far netns $router
/bin/ip link set eth0 netns $router
nsenter -t $router -n sh -e -c '
    echo 1 | tee /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/proxy_arp \\
        /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/all/proxy_ndp
    /bin/ip link set far up
    /bin/ip link set eth0 up
    /bin/ip addr add 10.77.0.3/24 dev eth0
    /bin/ip addr add fd77::3/64 dev eth0 nodad
    /bin/ip route add 10.77.0.1 dev far mtu 1280
    /bin/ip route add fd77::1 dev far mtu 1280
    /bin/ip neigh replace 10.77.0.2 lladdr 52:54:00:77:00:02 dev eth0 nud permanent
    /bin/ip neigh replace fd77::2 lladdr 52:54:00:77:00:02 dev eth0 nud permanent
    /bin/ip neigh add proxy fd77::1 dev eth0
    /bin/ip neigh add proxy fd77::2 dev far'
address wire
late=$(($(date +%s) + 40))
until [ $(cat /sys/class/net/wire/statistics/rx_bytes) -gt 1000000 ]; do
    [ $(date +%s) -lt $late ]
    sleep 0.1
done
kill $router
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
address eth0"""
# The way is cut while the router is being made.
MODULE = "count=600 interval=20 depth=4 pages=8 patience=60"
# The client was told, and so the path was narrow.
TOLD = f"test $({SNMP.format('Icmp', 'InDestUnreachs')}) -gt 0"
TOLD6 = "test $(awk '/Icmp6InPktTooBigs/ { print $2 }' /proc/net/snmp6) -gt 0"
CHECK = (
    Dry("rswap", "none", module=MODULE, images=("ip",), during=ROUTER, after=TOLD),
    Dry("rswap6", "none", module=MODULE, images=("ip",), during=ROUTER, after=TOLD6),
)
FULL = (
    # The same with memory.
    Dry("rswap", "none", module=f"{MODULE} leave=1000000 refund=0", images=("ip",),
        during=ROUTER, after=TOLD),
    Dry("rswap6", "none", module=f"{MODULE} leave=1000000 refund=0", images=("ip",),
        during=ROUTER, after=TOLD6),
)
