# SPDX-License-Identifier: GPL-2.0
"""Without memory, swap devices over vmxnet3 work, with jumbo frames too."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
CHECK = (
    Dry("rswap", "none", "vmxnet3", module=BUSY),
    Dry("rswap", "none", "vmxnet3", mtu=9000, module=BUSY),
    Dry("nbd", "none", "vmxnet3", module=BUSY, wedges=True),
)
