# SPDX-License-Identifier: GPL-2.0
"""Without memory, every back end goes on over every card, whatever else arrives."""

from lab.exhaust import LONG, Dry
from lab.storm import NICS, matrix

GROUP = "exhaust"
FULL_ONLY = True
FIELDS = {"kind": Dry, "module": LONG, "runs": 1}
# Dropped before anybody takes them, or held by nobody.
DROPPED = ("none", "udp", "small", "multicast", "frag4", "frag6", "tcp", "syn", "icmp",
           "nfqueue", "packet", "forward", "forward6", "bridge", "mix")
PASSED = ("arp", "ns")
CHECK = (
    *(cell for traffic in DROPPED for cell in matrix(traffic, **FIELDS)),
    *(cell for traffic in PASSED for cell in matrix(traffic, needs=("passed",), **FIELDS)),
    *matrix("jumbo", nics=[nic for nic in NICS if nic != "rtl8139"], mtu=9000, **FIELDS),
)
