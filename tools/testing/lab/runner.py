# SPDX-License-Identifier: GPL-2.0
"""The suite: starts workers, believes only verdicts that arrive, prints KTAP."""

import json
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import host, ktap, testcase, worker
from .errors import Fail
from .paths import BUILD, ROOT, TESTING

PROGRESS_SECONDS = 30


class Unit:
    """A running worker as the parent sees it."""

    def __init__(self, cases, labdir, seed, tmp):
        self.cases = {case.id: case for case in cases}
        self.pending = [case.id for case in cases]
        self.alone = any(case.alone for case in cases)
        self.shared = cases[0].asks["SHARED"]
        if self.shared:
            self.pending.append("end")
        self.pid, self.fd = worker.start(cases, labdir, seed, tmp)
        self.buffer = b""
        self.current = None
        self.began = self.told = time.monotonic()

    def name(self, ident):
        """Return the result name of IDENT; a shared end is named by its guests."""
        if ident != "end":
            return ident
        spec = next(iter(self.cases.values())).spec
        return f"lab/end of shared {spec.topology} {spec.memory} MiB[{spec.kernel}]"

    def limit(self):
        """Return the seconds the current case may take, everything included."""
        case = self.cases.get(self.current)
        return worker.OVERHEAD + (worker.budget(case) if case else 0)

    def messages(self, data):
        """Yield the messages completed by DATA."""
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            yield json.loads(line)

    def kill(self):
        """End the worker and everything below it."""
        left = host.descendants(self.pid)
        for pid in (self.pid, *left):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Runner:
    """One run of the suite."""

    def __init__(self, cases, options):
        self.cases = cases
        self.options = options
        self.skips = load_skips(options.skips)
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.number = 0
        self.labdir = BUILD / "lab" if options.lab is None else options.lab
        self.selector = selectors.DefaultSelector()
        self.running = []

    # -- results ------------------------------------------------------------

    def _rerun(self, case):
        """Return the command that runs CASE alone, the same way."""
        words = [os.path.relpath(TESTING / "run", ROOT), "check"]
        if case.kernel != "host":
            words += ["--kernel", case.kernel]
        if case.asks["FULL_ONLY"] or case.full:
            words.append("--full")
        if case.cells:
            words += ["--cells", case.cells]
        if case.runs:
            words += ["--runs", str(case.runs)]
        if self.options.suite != TESTING / "suite":
            words += ["--suite", str(self.options.suite)]
        return shlex.join(words + ["--seed", str(self.options.seed), case.name])

    def result(self, outcome, case=None):
        """Print one result and count it."""
        if outcome.status == "skipped" and not self._may_skip(outcome.name):
            outcome.status = "failed"
            outcome.text = f"a skip that skips.list does not name: {outcome.text}"
        self.number += 1
        self.count[outcome.status] += 1
        print(ktap.line(self.number, outcome))
        if outcome.status == "failed":
            if outcome.text:
                print(ktap.diagnostics(outcome.text))
            if case:
                print(f"# logs: {self.labdir / case.directory}")
                print(f"# alone: {self._rerun(case)}")
        sys.stdout.flush()

    def _may_skip(self, name):
        return name in self.skips or name.split("/")[-1] in self.skips

    # -- workers ------------------------------------------------------------

    def _start(self, cases):
        unit = Unit(cases, self.labdir, self.options.seed, self.tmp)
        self.running.append(unit)
        self.selector.register(unit.fd, selectors.EVENT_READ, unit)

    def _has_room(self, cases):
        """True if CASES may run beside what runs."""
        if any(unit.alone for unit in self.running) or any(case.alone for case in cases):
            return not self.running
        return len(self.running) < self.options.jobs

    def _message(self, unit, message):
        if "start" in message:
            unit.current = message["start"]
            unit.began = unit.told = time.monotonic()
            return
        if "note" in message:
            print(ktap.diagnostics(f"{unit.name(unit.current)}: {message['note']}"), flush=True)
            return
        unit.pending.remove(message["id"])
        unit.current = None
        unit.began = time.monotonic()
        self.result(ktap.Outcome(unit.name(message["id"]), message["status"],
                                 message["text"], message["seconds"]),
                    unit.cases.get(message["id"]))

    def _ended(self, unit, why):
        """A worker is gone: what it owes a verdict for has failed."""
        self.selector.unregister(unit.fd)
        os.close(unit.fd)
        self.running.remove(unit)
        unit.kill()
        os.waitpid(unit.pid, 0)
        lost = [unit.current] if unit.current else list(unit.pending)
        again = [ident for ident in unit.pending if ident not in lost]
        if again == ["end"]:        # nothing left to end in order
            lost, again = lost + again, []
        for ident in lost:
            self.result(ktap.Outcome(unit.name(ident), "failed", why,
                                     time.monotonic() - unit.began),
                        unit.cases.get(ident))
        return [unit.cases[ident] for ident in again if ident != "end"]

    def _watch(self):
        """Read what workers say for a moment; return cases to be started again."""
        again = []
        for key, _ in self.selector.select(1):
            unit = key.data
            data = os.read(unit.fd, 1 << 16)
            if not data:
                again.append(self._ended(unit, "no verdict: the worker ended without one"))
                continue
            for message in unit.messages(data):
                self._message(unit, message)
        now = time.monotonic()
        for unit in list(self.running):
            if now - unit.began > unit.limit():
                again.append(self._ended(unit, f"no verdict after {unit.limit():.0f} s"))
            elif unit.current and now - unit.told > PROGRESS_SECONDS:
                unit.told = now
                print(f"# {unit.name(unit.current)}: {now - unit.began:.0f} s so far", flush=True)
        return [cases for cases in again if cases]

    def _end_workers(self):
        """End what runs, kindly first."""
        for unit in self.running:
            try:
                os.kill(unit.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 15
        for unit in self.running:
            while time.monotonic() < deadline:
                if os.waitpid(unit.pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.05)
            else:
                unit.kill()
                os.waitpid(unit.pid, 0)
        host.kill_descendants()

    def run(self):
        """Run everything; return the exit status."""
        options = self.options
        todo = testcase.units(self.cases)
        extra = [o for path in options.results for o in read_results(path)]
        ends = sum(unit[0].asks["SHARED"] for unit in todo)
        print("KTAP version 1")
        print(f"# seed {options.seed}")
        print(f"1..{len(self.cases) + ends + len(extra)}", flush=True)
        for outcome in extra:
            self.result(outcome)
        started, status = time.monotonic(), 0
        host.become_subreaper()
        self.tmp = tempfile.mkdtemp(prefix="rswap-lab-")
        try:
            while todo or self.running:
                while todo and self._has_room(todo[0]):
                    self._start(todo.pop(0))
                todo = self._watch() + todo
        except KeyboardInterrupt:
            print("# interrupted", flush=True)
            status = 130
        finally:
            self._end_workers()
            shutil.rmtree(self.tmp, ignore_errors=True)
        print(f"# {time.monotonic() - started:.0f} s")
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**self.count))
        if status:
            return status
        # Nothing run is not a success.
        return 1 if self.count["failed"] or not self.number else 0


def load_skips(path):
    """Return {test: reason} of skips.list: "NAME reason..." per line."""
    skips = {}
    for text in Path(path).read_text(encoding="utf-8").splitlines():
        text = text.split("#")[0].strip()
        if not text:
            continue
        name, _, reason = text.partition(" ")
        if not reason.strip():
            raise Fail(f"{path}: {name}: a skip needs a reason")
        skips[name] = reason.strip()
    return skips


def read_results(path):
    """Return the results in the KTAP file PATH; its name is their prefix."""
    path = Path(path)
    if not path.exists():
        return [ktap.Outcome(path.stem, "failed", f"{path} does not exist")]
    return ktap.parse(path.read_text(errors="replace"), f"{path.stem}/")


def select(cases, options):
    """Return the cases the command line asks for; Fail if a name matches none."""
    if not options.full:
        cases = [c for c in cases
                 if (options.tests or not c.asks["FULL_ONLY"])
                 and (options.kernel or c.kernel not in c.asks["FULL_KERNELS"])]
    if options.kernel:
        cases = [c for c in cases if c.kernel in (options.kernel, "host")]
    else:
        cases = [c for c in cases if c.kernel != "stock" or options.full or c.must_wedge]
    if not options.tests:
        return cases
    for pattern in options.tests:
        if not any(c.matches(pattern) for c in cases):
            raise Fail(f"no test is called '{pattern}'")
    return [c for c in cases if any(c.matches(p) for p in options.tests)]


def build_images():
    """Bring the guests' images up to date."""
    subprocess.run([TESTING / "mkinitramfs", "--build", BUILD], check=True,
                   stdout=subprocess.DEVNULL)
