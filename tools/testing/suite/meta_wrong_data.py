# SPDX-License-Identifier: GPL-2.0
"""A single wrong bit in the hog's memory fails the test, naming page and offset."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

WRONG = '''
TOPOLOGY = "client"
def test(lab):
    lab.client.hog(32, procs=2, extra="--corrupt 77").wait()
'''
RIGHT = '''
TOPOLOGY = "client"
def test(lab):
    out = lab.client.hog(32, procs=2, passes=3).wait().out
    assert "hog: verified 24576 pages, 0 bad" in out, out
'''


def test(lab):
    run = meta.run(lab, {"wrong": WRONG, "right": RIGHT})
    text = run.failed("wrong")
    assert "MISMATCH worker 0 page 77 offset 2049" in text, text
    run.passed("right")
