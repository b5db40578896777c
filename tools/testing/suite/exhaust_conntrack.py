# SPDX-License-Identifier: GPL-2.0
"""Connections that cannot be tracked, for want of memory or with a full table, can be swapped over."""

from lab.exhaust import Dry

GROUP = "exhaust"
# The first rule that needs tracking comes after the connections.
TRACK = """nft -f - <<EOF
table inet firewall {
	chain in {
		type filter hook input priority 0
		ct state invalid drop
	}
}
EOF"""
MAX = "sysctl -w net.netfilter.nf_conntrack_max"
CHECK = (
    Dry("rswap", "none", client=TRACK, images=("nft",)),
    Dry("rswap", "none", module="patience=8 leave=1000000 refund=0",
        client=f"{MAX}=1\n{TRACK}", after=f"{MAX}=65536", images=("nft",),
        logs=("nf_conntrack: table full",)),
)
FULL = (
    Dry("rswap6", "none", client=TRACK, images=("nft",)),
)
