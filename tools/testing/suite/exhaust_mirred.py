# SPDX-License-Identifier: GPL-2.0
"""Without memory, what is received is not copied to a slow device that mirrors it."""

from lab.exhaust import Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "mirror", module="count=500 depth=4", images=("tc",), needs=("drop_copy",)),
)
