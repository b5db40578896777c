# SPDX-License-Identifier: GPL-2.0
"""Without memory, answers that are asked for faster than they can be sent leave room for swap."""

from lab.exhaust import Dry

GROUP = "exhaust"
# The link loses what a busy machine has no time for, and TCP waits long to send that again.
ALONE = True
# The queue holds what is sent for so long: thousands of answers, if there were memory for them.
SLOW = {"client": "/bin/tc qdisc add dev eth0 root netem delay 300ms limit 10000",
        "after": "/bin/tc qdisc del dev eth0 root", "images": ("tc",),
        "module": "count=40 depth=4 patience=10", "needs": ("passed",)}
CHECK = (
    Dry("rswap", "arp-known", **SLOW),
)
FULL = (
    Dry("rswap6", "ns-known", **SLOW),
)
