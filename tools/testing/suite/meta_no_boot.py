# SPDX-License-Identifier: GPL-2.0
"""A guest that never boots fails its test before the deadline; so does one without a kernel."""

import os

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

# A shell that waits on the console for input nobody will give.
MUTE = '''
TOPOLOGY = "client"
AUTOBOOT = False
def test(lab):
    lab.boot("client", cmdline="rdinit=/bin/sh", boot_timeout=6)
'''
NO_KERNEL = '''
TOPOLOGY = "client"
KERNELS = ("stock",)
def test(lab):
    pass
'''


def test(lab):
    os.environ["RSWAP_KERNEL_STOCK"] = str(lab.tmp / "none")
    try:
        run = meta.run(lab, {"mute": MUTE, "no_kernel": NO_KERNEL},
                       "mute", "--kernel", "lean")
        assert "s for guest client to boot" in run.failed("mute")
        (lab.tmp / "suite").rename(lab.tmp / "first")
        run = meta.run(lab, {"no_kernel": NO_KERNEL}, "--kernel", "stock")
        assert "is missing" in run.failed("no_kernel")
    finally:
        del os.environ["RSWAP_KERNEL_STOCK"]
