# SPDX-License-Identifier: GPL-2.0
"""With --jobs tests run at the same time, and one that is to be alone is alone."""

import os

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"

# A directory by which they know of each other; the head of each says whom it waits for.
TEST = '''
TOPOLOGY = "host"
import os, time
from pathlib import Path
def test(lab):
    here = Path(os.environ["META_ALONE"])
    (here / NAME).touch()
    deadline = time.monotonic() + 20
    while not (here / OTHER).exists():
        assert time.monotonic() < deadline, f"{OTHER} did not run beside {NAME}"
        time.sleep(0.01)
'''
ALONE = '''
TOPOLOGY = "host"
ALONE = True
import os, time
from pathlib import Path
def test(lab):
    here = Path(os.environ["META_ALONE"])
    before = sorted(here.iterdir())
    time.sleep(1)
    assert sorted(here.iterdir()) == before, "another test ran meanwhile"
'''


def pair(first, second):
    """Return two tests, each of which needs the other beside it."""
    return {name: f'NAME, OTHER = "{name}", "{other}"\n{TEST}'
            for name, other in ((first, second), (second, first))}


def test(lab):
    os.environ["META_ALONE"] = str(lab.tmp / "here")
    (lab.tmp / "here").mkdir()
    suite = {**pair("a", "b"), "c": ALONE, **pair("d", "e")}
    run = meta.run(lab, suite, "--jobs", "2")
    for name in suite:
        run.passed(name)
    assert run.rc == 0, run.out
