# SPDX-License-Identifier: GPL-2.0
"""Without memory, packets are dropped before a stalled NF_QUEUE consumer gets them."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "nfqueue", module=LONG, needs=("drop_socket",)),
)
