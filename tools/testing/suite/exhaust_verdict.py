# SPDX-License-Identifier: GPL-2.0
"""Without pages, packets of every kind that the filter drops are kept from a stalled NF_QUEUE consumer."""

from lab.exhaust import LONG, Dry

GROUP = "exhaust"
# A queue takes nothing in without memory for its entry and a message to the consumer, so
# some is spared, nor without room in its table, which what comes before makes larger.
CHECK = (
    Dry("rswap", "queued", rate=2000, module=f"{LONG} spare=1000", ahead=1,
        needs=("drop_socket", "drop_fragment", "drop_icmp", "drop_neigh", "drop_proto")),
)
