# SPDX-License-Identifier: GPL-2.0
"""Without memory, a stream whose peer does not read leaves a swap device what it needs."""

from lab.exhaust import Dry
from lab.session import server_address

GROUP = "exhaust"
PORT = 7800


def cell(backend):
    """Return the cell of BACKEND."""
    return Dry(backend, "none", server=f"--kind tcp --sockets 1 --port {PORT}",
               module=f"count=100 depth=4 stall={server_address()} stall_port={PORT}")


CHECK = (cell("rswap"),)
FULL = (cell("nbd"), cell("nvme"), cell("nfs"))
