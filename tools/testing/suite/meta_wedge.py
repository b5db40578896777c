# SPDX-License-Identifier: GPL-2.0
"""A workload that stands still while the heart beats is judged wedged, with evidence."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

# The hog is stopped, all of it: its progress ends, the guest lives on.
WEDGE = '''
TOPOLOGY = "client"
import signal
def test(lab):
    hog = lab.client.hog(32, extra="--hold")
    hog.wait_holding()
    hog.kill(signal.SIGSTOP)
    hog.wait(wedge=4)
'''
# Without progress, but it ends well in time: not a wedge.
SLOW = '''
TOPOLOGY = "client"
def test(lab):
    lab.client.workload("sleep 3; echo done: fine >&4", "^done: fine$").wait(wedge=8)
'''
# It ends without a verdict.
MUTE = '''
TOPOLOGY = "client"
def test(lab):
    lab.client.workload("true", "^done: fine$").wait()
'''


def test(lab):
    run = meta.run(lab, {"wedge": WEDGE, "slow": SLOW, "mute": MUTE})
    text = run.failed("wedge")
    assert "made no progress for" in text, text
    assert "heartbeat" in text and "never seen" not in text, text
    assert "Mem-Info" in text, "no SysRq evidence: " + text
    assert "MemAvailable" in text, "no evidence through the agent: " + text
    run.passed("slow")
    assert "verdict" in run.failed("mute")
