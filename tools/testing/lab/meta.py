# SPDX-License-Identifier: GPL-2.0
"""For tests of the harness: run a suite made of given text, for real."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import ktap
from .errors import Fail
from .paths import TESTING

FAKE = '"""A fake test."""\nGROUP = "functional"\nKERNELS = ("lean",)\n'
TALLY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


@dataclass
class Run:
    """A finished run: exit status, output, and its results by short name."""
    rc: int
    out: str
    results: dict

    def failed(self, name):
        """Assert that NAME failed; return what was printed about it."""
        outcome = self.results.get(name)
        if outcome is None or outcome.status != "failed" or self.rc == 0:
            raise Fail(f"{name} should have failed (rc {self.rc}):\n{self.out}")
        return outcome.text

    def passed(self, name):
        """Assert that NAME passed."""
        outcome = self.results.get(name)
        if outcome is None or outcome.status != "passed":
            raise Fail(f"{name} should have passed:\n{self.out}")


def command(lab, suite, *args):
    """Write SUITE ({name: text after the FAKE head}), return the command to run it."""
    directory = lab.tmp / "suite"
    directory.mkdir(exist_ok=True)
    for name, text in suite.items():
        (directory / f"{name}.py").write_text(FAKE + text)
    return [sys.executable, TESTING / "run", "check", "--suite", directory,
            "--lab", lab.dir / "lab", "--seed", str(lab.seed), *args]


def read(rc, out):
    """Return the Run that OUT, printed by `run check`, tells of."""
    if not TALLY.search(out):
        raise Fail(f"no final count (rc {rc}):\n{out}")
    results, current = {}, None
    for text in out.splitlines():
        line = ktap.LINE.match(text)
        if line:
            current = ktap.parse(text)[0]
            name = re.sub(r"\[\w+\]$", "", current.name).split("/")[-1]
            results[name] = current
        elif current and text.startswith("#"):
            current.text += text[2:] + "\n"
    return Run(rc, out, results)


def run(lab, suite, *args, timeout=280):
    """Run SUITE with `run check ARGS` and return a Run."""
    done = subprocess.run(command(lab, suite, *args), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout,
                          check=False, env=dict(os.environ))
    (Path(lab.dir) / "run.out").write_text(done.stdout)
    return read(done.returncode, done.stdout)
