# SPDX-License-Identifier: GPL-2.0
"""Without memory, and with all of tcp_mem in use, a swap device works."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "tcp", module="count=200 depth=8 pages=8", mtu=9000,
        client="sysctl -w 'net.ipv4.tcp_mem=16 32 64'"),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
