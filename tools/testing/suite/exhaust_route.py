# SPDX-License-Identifier: GPL-2.0
"""Without memory, the way to the server is looked up again after routes have changed."""

from lab import storm
from lab.exhaust import Dry

GROUP = "exhaust"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 300
CHECK = (
    Dry("rswap", "none", client="ip route add blackhole 203.0.113.0/24"),
    Dry("rswap6", "none", client="ip -6 route add blackhole 2001:db8:77::/64"),
)
FULL_TIMEOUT = storm.seconds(CHECK)


def test(lab):
    storm.run(lab, CHECK)
