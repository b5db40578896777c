# SPDX-License-Identifier: GPL-2.0
"""A worker that ends without a verdict, or a test that never ends, has failed."""

from lab import host, meta

GROUP = "meta"
TOPOLOGY = "host"

HEAD = 'TOPOLOGY = "host"\nTIMEOUT = 2\nimport os, time\n'
QUIET = HEAD + "def test(lab):\n    os._exit(0)\n"
KILLED = HEAD + "def test(lab):\n    os.kill(os.getpid(), 9)\n"
ENDLESS = HEAD + "def test(lab):\n    time.sleep(1000)\n"
ORPHAN = HEAD + "def test(lab):\n    lab.spawn('sleep', '1234')\n    os._exit(0)\n"


def test(lab):
    run = meta.run(lab, {"quiet": QUIET, "killed": KILLED, "endless": ENDLESS,
                         "orphan": ORPHAN})
    for name in ("quiet", "killed", "orphan"):
        assert "no verdict" in run.failed(name)
    assert "TIMEOUT" in run.failed("endless")
    assert "0 passed, 4 failed, 0 skipped" in run.out.splitlines()
    assert not host.descendants(), host.descendants()
