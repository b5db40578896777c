# SPDX-License-Identifier: GPL-2.0
"""Shared guests are judged after each test, rebooted after a failure, and at the end."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

HEAD = 'TOPOLOGY = "client"\nSHARED = True\n'
BOOT_ID = 'lab.client.read("/proc/sys/kernel/random/boot_id")'
# In the order in which they run.
SUITE = {
    "t1_mark": HEAD + "def test(lab):\n    lab.client.run('touch /tmp/mark')\n",
    "t2_same": HEAD + "def test(lab):\n    lab.client.run('test -e /tmp/mark')\n",
    "t3_leave": HEAD + "def test(lab):\n    lab.client.start_job('sleep 99')\n",
    "t4_fresh": HEAD + "def test(lab):\n    lab.client.run('test ! -e /tmp/mark')\n",
    "t5_dies": HEAD + "import os\ndef test(lab):\n    os._exit(1)\n",
    "t6_goes_on": HEAD + "def test(lab):\n    lab.client.run('true')\n",
}


def test(lab):
    run = meta.run(lab, SUITE)
    for name in ("t1_mark", "t2_same", "t4_fresh", "t6_goes_on"):
        run.passed(name)
    assert "commands left running: ['sleep 99']" in run.failed("t3_leave")
    assert "no verdict" in run.failed("t5_dies")
    assert "5 passed, 2 failed, 0 skipped" in run.out.splitlines(), run.out
