# SPDX-License-Identifier: GPL-2.0
"""A skip that skips.list does not name is a failure; a named one is counted."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"

SKIP = '''
TOPOLOGY = "host"
from lab import Skip
def test(lab):
    raise Skip("no hardware")
'''


def test(lab):
    skips = lab.tmp / "skips"
    skips.write_text("named[host] the machine has none\n")
    run = meta.run(lab, {"named": SKIP, "unnamed": SKIP}, "--skips", skips)
    assert "skips.list does not name" in run.failed("unnamed")
    assert run.results["named"].status == "skipped", run.out
    assert "0 passed, 1 failed, 1 skipped" in run.out.splitlines()
