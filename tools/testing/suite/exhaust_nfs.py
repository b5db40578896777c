# SPDX-License-Identifier: GPL-2.0
"""With nothing left but reserves, a swap file on NFS works."""

from lab.exhaust import BUSY, Dry

GROUP = "exhaust"
MODULE = "count=200 depth=4 pages=8"
# More calls, of most pages, than there may be at the same time; and those that read are waited for
MOST = "count=200 depth=32 pages=32"
DEMAND = "count=200 depth=32 pages=1"
CHECK = (
    Dry("nfs", "none", module=BUSY, wedges=True),
    Dry("nfs4.2", "none", "e1000", module=MOST),
    Dry("nfs4.0", "none", module=DEMAND),
)
FULL = (
    Dry("nfs4.0", "none", module=MODULE),
    Dry("nfs3", "none", module=MODULE),
    Dry("nfs4.2", "none", module=MODULE),
)
