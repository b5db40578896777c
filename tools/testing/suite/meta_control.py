# SPDX-License-Identifier: GPL-2.0
"""A negative control passes only by a wedge that was seen, and says how many attempts it took."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

WEDGE = '''
TOPOLOGY = "client"
WEDGES = ("lean",)
import signal
def test(lab):
    hog = lab.client.hog(32, extra="--hold")
    hog.wait_holding()
    hog.kill(signal.SIGSTOP)
    hog.wait(wedge=4)
'''
# The first attempt survives.
SECOND = WEDGE + '''
stop = test
def test(lab):
    before = lab.dir.parent / "one"
    if before.exists():
        stop(lab)
    before.touch()
'''
SURVIVES = '''
TOPOLOGY = "client"
WEDGES = ("lean",)
ATTEMPTS = 2
def test(lab):
    lab.client.hog(32).wait()
'''
# Whatever else goes wrong is no wedge.
DIES = '''
TOPOLOGY = "client"
WEDGES = ("lean",)
ATTEMPTS = 1
def test(lab):
    lab.client.run("exit 3")
'''
# The same on a kernel that must not.
ELSEWHERE = WEDGE.replace('"lean"', '"stock"')


def test(lab):
    run = meta.run(lab, {"wedge": WEDGE, "second": SECOND, "survives": SURVIVES,
                         "dies": DIES, "elsewhere": ELSEWHERE})
    run.passed("wedge")
    assert "attempt 1 of 3: wedged" in run.out, run.out
    run.passed("second")
    assert "attempt 1 of 3: passed" in run.out and "attempt 2 of 3: wedged" in run.out, run.out
    assert "attempt 2 of 2: passed" in run.out, run.out
    assert "proves nothing" in run.failed("survives")
    assert "proves nothing" in run.failed("dies")
    assert "made no progress" in run.failed("elsewhere")
