# SPDX-License-Identifier: GPL-2.0
"""With only what PF_MEMALLOC may use, a swap file on NFS works."""

from lab.exhaust import Dry

GROUP = "exhaust"
# What NFS allocates for a request is in no reserve: with less than some pages nothing is sent.
MODULE = "count=200 depth=4 pages=8 leave=128"
CHECK = (
    Dry("nfs", "none", module=MODULE, wedges=True),
    Dry("nfs", "none", "e1000", module=MODULE),
)
