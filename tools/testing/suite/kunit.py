# SPDX-License-Identifier: GPL-2.0
"""The KUnit tests of wire validation, state table, slab map and histogram pass."""

import re

GROUP = "module"
KERNELS = ("debug",)
TOPOLOGY = "client"
CMDLINE = "kunit.enable=1"


def test(lab):
    client = lab.client
    client.run("insmod /lib/modules/rswap_kunit.ko && rmmod rswap_kunit")
    log = client.run("dmesg").out
    totals = re.findall(r"# rswap: pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)", log)
    assert len(totals) == 1, "no KUnit summary in the log"
    passed, failed, skipped, total = map(int, totals[0])
    assert failed == 0 and skipped == 0 and passed == total >= 13, totals
