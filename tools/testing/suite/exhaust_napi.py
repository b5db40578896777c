# SPDX-License-Identifier: GPL-2.0
"""Without memory, it makes no difference who polls the card, when, and on which processor."""

from lab.exhaust import LONG, Dry
from lab.storm import NICS

GROUP = "exhaust"
CARD = "/sys/class/net/eth0"
STEERED = f"echo 2 > {CARD}/queues/rx-0/rps_cpus"
THREADED = f"echo 1 > {CARD}/threaded"
DEFERRED = f"echo 200000 > {CARD}/gro_flush_timeout\necho 50 > {CARD}/napi_defer_hard_irqs"


def cell(client, nic=NICS[0], traffic="udp"):
    """Return the cell in which the shell commands CLIENT have changed how NIC is polled."""
    return Dry("rswap", traffic, nic, module=LONG, client=client, runs=1)


CHECK = (cell(STEERED), cell(THREADED))
FULL = (
    *(cell(client, nic, traffic) for client in (STEERED, THREADED, DEFERRED) for nic in NICS
      for traffic in ("none", "udp")),
)
