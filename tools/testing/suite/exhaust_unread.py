# SPDX-License-Identifier: GPL-2.0
"""Without memory, what an I/O flusher does not read of its connections leaves room for swap."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "unread", rate=2000, module=LONG, needs=("drop_socket",)),
)
