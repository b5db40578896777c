# SPDX-License-Identifier: GPL-2.0
"""A guest that panics fails its test, and the reason is shown."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

PANIC = '''
TOPOLOGY = "client"
def test(lab):
    lab.client.run("echo c > /proc/sysrq-trigger")
'''
UNNOTICED = '''
TOPOLOGY = "client"
import time
def test(lab):
    lab.client.start_job("sleep 0.3; echo c > /proc/sysrq-trigger")
    while lab.client.alive:
        time.sleep(0.1)
'''


def test(lab):
    run = meta.run(lab, {"panic": PANIC, "unnoticed": UNNOTICED})
    text = run.failed("panic")
    assert "guest client ended" in text, text
    assert "Kernel panic" in text, text
    assert "guest client is dead" in run.failed("unnoticed")
