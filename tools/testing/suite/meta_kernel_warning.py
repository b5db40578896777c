# SPDX-License-Identifier: GPL-2.0
"""A test that passes while the kernel complains has failed, unless allowed."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

WARN = '''
TOPOLOGY = "client"
def test(lab):
    lab.client.run("echo 'WARNING: possible circular locking dependency' > /dev/kmsg")
'''
ALLOWED = 'ALLOW_DMESG = (("possible circular", "this test says it itself"),)' + WARN
NO_REASON = 'ALLOW_DMESG = (("possible circular", ""),)' + WARN


def test(lab):
    run = meta.run(lab, {"warn": WARN, "allowed": ALLOWED, "no_reason": NO_REASON})
    assert "possible circular" in run.failed("warn")
    run.passed("allowed")
    assert "without a reason" in run.failed("no_reason")
