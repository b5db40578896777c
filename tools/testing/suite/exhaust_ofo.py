# SPDX-License-Identifier: GPL-2.0
"""Without memory, what waits for a segment that is lost again and again leaves room to receive it."""

from lab.exhaust import Dry

GROUP = "exhaust"
# Once the client reads, what begins in 64 KiB of each 2 MiB of the server's stream is
# lost, however often it is sent: a hole, behind which comes all that was asked for.
HOLES = """set -e
sent() { cat /sys/class/net/eth0/statistics/tx_bytes; }
begin=$(sent)
until [ $(($(sent) - begin)) -gt 8000000 ]; do sleep 0.1; done
/bin/tc qdisc add dev eth0 clsact
for i in 1 2 3 4 5 6; do
    /bin/tc filter add dev eth0 egress protocol ip pref 1 u32 \\
        match ip protocol 6 0xff match u32 0 0x001f0000 at 24 action trap
    sleep 0.4
    /bin/tc filter del dev eth0 egress pref 1
    sleep 1.2
done"""
CHECK = (
    Dry("nbd", "none", module="count=1500 depth=32 pages=16 patience=30", images=("tc",),
        during=HOLES, needs=("drop_ofo",)),
)
