# SPDX-License-Identifier: GPL-2.0
"""A process left behind fails the test that left it, and is ended."""

from lab import host, meta

GROUP = "meta"
TOPOLOGY = "host"

LEAK = '''
TOPOLOGY = "host"
import subprocess
def test(lab):
    # Forked twice and in a session of its own: only a subreaper finds it.
    subprocess.run(["sh", "-c", "setsid sleep 4321 & exit 0"], check=True)
'''
TIDY = '''
TOPOLOGY = "host"
def test(lab):
    lab.spawn("sleep", "4321")
'''


def test(lab):
    run = meta.run(lab, {"leak": LEAK, "tidy": TIDY})
    text = run.failed("leak")
    assert "left behind: s" in text, text
    run.passed("tidy")
    assert not host.descendants(), host.descendants()
