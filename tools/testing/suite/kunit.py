# SPDX-License-Identifier: GPL-2.0
"""The KUnit tests pass: wire validation, state table, slab map, histogram, memory reserves, GRO."""

import re

GROUP = "module"
KERNELS = ("debug",)
TOPOLOGY = "client"
CMDLINE = "kunit.enable=1"
# Suite, and how many cases it has at least
SUITES = {"rswap": 13, "mem_reserve": 10, "netvm": 3}


def test(lab):
    client = lab.client
    for suite, least in SUITES.items():
        client.run(f"insmod /lib/modules/{suite}_kunit.ko && rmmod {suite}_kunit")
        log = client.run("dmesg").out
        totals = re.findall(rf"# {suite}: pass:(\d+) fail:(\d+) skip:(\d+) total:(\d+)", log)
        assert len(totals) == 1, f"no KUnit summary of {suite} in the log"
        passed, failed, skipped, total = map(int, totals[0])
        assert failed == 0 and skipped == 0 and passed == total >= least, (suite, totals)
