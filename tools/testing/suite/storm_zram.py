# SPDX-License-Identifier: GPL-2.0
"""The cells of the storms are not too small: zram survives them, and the traffic does arrive."""

from lab import storm
from lab.storm import Cell

GROUP = "storm"
CHECK = (
    # As much as the negative controls use
    Cell("zram", "udp", hog=300),
)
FULL = (
    Cell("zram", "udp"),
    *(Cell("zram", traffic, hog=300) for traffic in ("frag4", "nfqueue")),
    *(Cell("zram", traffic, rate=20000 if traffic == "small" else 5000,
           mtu=9000 if traffic == "jumbo" else 1500)
      for traffic in storm.TRAFFIC if traffic != "udp"),
)
