# SPDX-License-Identifier: GPL-2.0
"""Running tests: one worker process runs one unit and reports over a pipe."""

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from . import accel, host
from .errors import Fail, Skip, Wedged
from .lab import Lab
from .session import Session
from .vm import slowdown

# What a test may need besides its own time: boot, evidence, clean-up; seconds.
OVERHEAD = 300


class Timeout(Fail):
    """The test's TIMEOUT has passed."""


def budget(case):
    """Return the seconds after which the test is interrupted."""
    return case.timeout * slowdown(case.kernel)


class Worker:
    """Runs the cases of one unit, in order, on one set of guests."""

    def __init__(self, cases, labdir, run_seed, tmp, pipe):
        self.cases = cases
        self.labdir = labdir
        self.run_seed = run_seed
        self.tmp = Path(tmp)
        self.pipe = pipe
        self.shared = cases[0].asks["SHARED"]
        self.session = None
        self.boots = 0

    def say(self, **message):
        """Report to the parent."""
        self.pipe.write(json.dumps(message) + "\n")
        self.pipe.flush()

    def _directory(self, case):
        return self.labdir / case.directory

    def _new_session(self, case):
        """Boot what CASE asks for; shared guests get a directory of their own."""
        name = case.directory
        if self.shared:
            self.boots += 1
            digest = hashlib.sha256(repr(case.spec).encode()).hexdigest()[:4]
            name = f"shared-{case.spec.topology}-{digest}-{self.boots}.{case.kernel}"
        sockets = Path(tempfile.mkdtemp(prefix="s", dir=self.tmp))
        self.session = Session(case.spec, self.labdir / name, sockets)
        if case.asks["AUTOBOOT"]:
            self.session.boot()

    def _judge(self, case, lab, marks):
        """Return what is wrong though the test itself passed."""
        problems = lab.leftovers() if self.shared else []
        lab.stop_processes()
        vms = dict(self.session.vms)
        for vm in vms.values():
            if not vm.alive:
                problems.append(f"guest {vm.name} is dead")
        if not self.shared:
            problems += self.session.close()
        for role, vm in vms.items():
            bad = vm.scan(marks.get((role, vm.pid), 0), case.asks["ALLOW_DMESG"])
            if bad:
                problems.append(f"{vm.console_path}: the kernel complained:\n"
                                + "\n".join(f"  {text}" for text in bad[:20]))
        guests = self.session.pids
        left = {p: n for p, n in host.descendants().items() if p not in guests}
        if left:
            host_left = ", ".join(f"{name} ({pid})" for pid, name in left.items())
            problems.append(f"processes left behind: {host_left}")
        return problems

    def _run_control(self, case):
        """Run a negative control until it wedges; return (status, text).

        Timing decides wedges, so it has some attempts; every one is told.
        """
        attempts = 1 if case.full else case.asks["ATTEMPTS"]
        for attempt in range(1, attempts + 1):
            if attempt > 1:
                self.say(start=case.id)
            status, text = self._run(case)
            if status == "skipped":
                return status, text
            why = f": {text.splitlines()[0][:160]}" if text and status != "wedged" else ""
            self.say(note=f"attempt {attempt} of {attempts}: {status}{why}")
            if status == "wedged":
                return "passed", ""
        return "failed", (f"it must wedge on the {case.kernel} kernel, and did not in {attempts} "
                          f"attempts: it proves nothing\n{text}")

    def _run_test(self, case):
        """Run a test, again if it was QEMU that failed; return (status, text)."""
        for _ in range(accel.AGAIN):
            status, text = self._run(case)
            excuse = accel.failure(case.kernel, text) if status == "failed" else ""
            if not excuse:
                return status, text
            self.say(note=excuse)
            self.say(start=case.id)
        return self._run(case)

    def _run(self, case):
        """Run one case once; return (status, text)."""
        directory = self._directory(case)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        tmp = Path(tempfile.mkdtemp(prefix="t", dir=self.tmp))
        signal.setitimer(signal.ITIMER_REAL, budget(case) + OVERHEAD / 2)
        lab = None
        try:
            if not self.session:
                self._new_session(case)
            marks = {(role, vm.pid): vm.mark() if self.shared else 0
                     for role, vm in self.session.vms.items()}
            lab = Lab(case.id, case.kernel, case.seed(self.run_seed), self.session,
                      directory, tmp)
            lab.full, lab.cells, lab.runs = case.full, case.cells, case.runs
            lab.report = lambda text: self.say(note=text)
            for vm in self.session.vms.values():
                vm.note(f"--- {case.id} begins")
            signal.setitimer(signal.ITIMER_REAL, budget(case))
            case.test(lab)
            signal.setitimer(signal.ITIMER_REAL, OVERHEAD / 2)
            problems = self._judge(case, lab, marks)
            status, text = ("failed", "\n".join(problems)) if problems else ("passed", "")
        except Skip as skip:
            status, text = "skipped", str(skip)
        except (Fail, AssertionError) as error:
            where = [f for f in traceback.extract_tb(error.__traceback__)
                     if f.filename == case.module.__file__]
            at = f" (line {where[-1].lineno}: {where[-1].line})" if where else ""
            status, text = "failed", f"{str(error) or 'assertion failed'}{at}"
            if case.must_wedge and isinstance(error, Wedged):
                status = "wedged"
        except Exception:
            status, text = "failed", traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if status == "failed":
            words = "\n".join(vm.last_words() for vm in self.session.vms.values()) \
                if self.session else ""
            notes = "\n".join(lab.notes[-40:]) if lab else ""
            text = "\n".join(part for part in (text, notes, words) if part)
        self._clean(lab, keep=self.shared and status == "passed")
        shutil.rmtree(tmp, ignore_errors=True)
        return status, text

    def _clean(self, lab, keep):
        """End what is not to be kept for the next case."""
        if lab:
            lab.stop_processes()
        if not keep and self.session:
            self.session.destroy()
            self.session = None
        if not self.session:
            host.kill_descendants()

    def run(self):
        """Run all cases; of shared guests, judge the orderly end too."""
        for case in self.cases:
            self.say(start=case.id)
            started = time.monotonic()
            status, text = (self._run_control if case.must_wedge else self._run_test)(case)
            self.say(id=case.id, status=status, text=text,
                     seconds=time.monotonic() - started)
        if self.shared:
            started = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, OVERHEAD)
            self.say(start="end")
            problems = self.session.close() if self.session else []
            self.say(id="end", status="failed" if problems else "passed",
                     text="\n".join(problems), seconds=time.monotonic() - started)


def _interrupted(signum, frame):
    raise SystemExit(128 + signum)


def _timed_out(signum, frame):
    raise Timeout("the test's TIMEOUT has passed")


def start(cases, labdir, run_seed, tmp):
    """Fork a worker for CASES; return (pid, readable end of its pipe)."""
    readable, writable = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writable)
        return pid, readable
    status = 1
    os.close(readable)
    try:
        os.setpgid(0, 0)    # Ctrl-C is the parent's to handle
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, _interrupted)
        signal.signal(signal.SIGALRM, _timed_out)
        host.die_with_parent()
        host.become_subreaper()
        with os.fdopen(writable, "w") as pipe:
            worker = Worker(cases, labdir, run_seed, tmp, pipe)
            try:
                worker.run()
                status = 0
            finally:
                if worker.session:
                    worker.session.destroy()
                host.kill_descendants()
    except BaseException as error:
        if not isinstance(error, SystemExit):
            traceback.print_exc()
    finally:
        os._exit(status)
