# SPDX-License-Identifier: GPL-2.0
"""Is the guest getting on with it?

A wedge is judged by the workload's progress, not by signs of life: a locked
heartbeat ticks on in most wedged guests, and the hung-task detector is silent.
"""

import re
import time

from .errors import Fail, GuestDied, Wedged

WEDGE_SECONDS = 30


class Progress:
    """What the guest's progress port has said.

    Each line is "<source> key=value ...". A source moves when any of its
    values changes; a line that repeats the last one is not progress.
    """

    def __init__(self):
        self.values = {}
        self.moved = {}
        self.seen = {}

    def line(self, text):
        """Take in one line."""
        source, _, rest = text.partition(" ")
        now = time.monotonic()
        values = dict(re.findall(r"(\w+)=(\S+)", rest)) or {"text": rest}
        self.seen[source] = now
        if self.values.get(source) != values:
            self.values[source] = values
            self.moved[source] = now

    def since_moved(self, source, start):
        """Return the seconds since SOURCE last made progress, at most since START."""
        return time.monotonic() - max(self.moved.get(source, start), start)

    def heartbeat(self):
        """Return the seconds since the guest's heart beat last, or None."""
        return time.monotonic() - self.seen["heartbeat"] if "heartbeat" in self.seen else None


class Workload:
    """A job that reports progress and ends with a verdict on the verdict port."""

    def __init__(self, vm, command, verdict, source=None):
        self.vm = vm
        self.verdict = re.compile(verdict)
        self.source = source or re.sub(r"^exec ", "", command).split()[0]
        self.started = self.began = time.monotonic()
        self._verdicts = len(vm.verdicts)
        self.job = vm.start_job(command)

    @property
    def values(self):
        """The latest progress values, as a dictionary of strings."""
        return self.vm.progress.values.get(self.source, {})

    def kill(self, sig=9):
        """Send a signal to the workload; one that held its memory moves again."""
        self.started = time.monotonic()
        self.job.kill(sig)

    def check_progress(self, wedge=WEDGE_SECONDS, traffic=None):
        """Raise Wedged if the workload stood still for WEDGE seconds.

        TRAFFIC() returns True while unrelated traffic still runs: standing
        still under it is slow, not wedged.
        """
        now = time.monotonic()
        if traffic and traffic():
            self.started = now
        still = self.vm.progress.since_moved(self.source, self.started)
        if still >= wedge * self.vm.scale:
            beat = self.vm.progress.heartbeat()
            raise Wedged(
                f"wedged: '{self.job.command}' made no progress for {still:.0f} s at "
                f"{self.values}; heartbeat "
                + ("never seen" if beat is None else f"{beat:.0f} s ago")
                + "\n" + collect_evidence(self.vm))

    def wait(self, timeout=120, wedge=WEDGE_SECONDS, traffic=None, each=None):
        """Wait for the end and its verdict; return the Result.

        EACH, if given, is called about twice a second. Raises Wedged, or Fail
        on a bad exit, a missing verdict, or after TIMEOUT seconds.
        """
        deadline = time.monotonic() + timeout * self.vm.scale
        while self.job.rc is None:
            if not self.vm.alive:
                raise GuestDied(f"guest {self.vm.name} died under '{self.job.command}'")
            if time.monotonic() > deadline:
                raise Fail(f"'{self.job.command}' not done after "
                           f"{timeout * self.vm.scale:.0f} s, at {self.values}")
            self.check_progress(wedge, traffic)
            if each:
                each()
            with self.vm.changed:
                self.vm.changed.wait(0.5)
        result = self.vm.wait(self.job, 1)
        self.vm.wait_until(self.verdicts, 5,
                           lambda: f"the verdict /{self.verdict.pattern}/ of "
                           f"'{self.job.command}', which printed:\n{result.out[-2000:]}")
        return result

    def wait_holding(self, timeout=120, wedge=WEDGE_SECONDS):
        """Wait until a hog started with --hold has walked over its memory."""
        deadline = time.monotonic() + timeout * self.vm.scale
        while self.values.get("state") != "holding":
            if self.job.rc is not None:
                raise Fail(f"'{self.job.command}' ended with {self.job.rc}:\n{self.job.out}")
            if not self.vm.alive or time.monotonic() > deadline:
                raise Fail(f"'{self.job.command}' never held its memory, at {self.values}")
            self.check_progress(wedge)
            with self.vm.changed:
                self.vm.changed.wait(0.5)

    def verdicts(self):
        """Return this workload's lines on the verdict port."""
        return [v for v in self.vm.verdicts[self._verdicts:] if self.verdict.search(v)]


def _ask(vm, command, parts):
    """Add the output of COMMAND to PARTS; False if the agent does not answer in time."""
    try:
        job = vm.start_job(command)
        vm.wait_until(lambda: job.rc is not None, 5, lambda: command, scaled=False)
    except Fail as error:
        parts.append(f"(agent: {str(error).splitlines()[0]})")
        return False
    if job.out:
        parts.append(f"{command}:\n{job.out}")
    return True


def collect_evidence(vm):
    """Ask a guest in trouble what it is doing; return text.

    First from outside (SysRq over the serial line: blocked tasks, memory),
    which needs nothing of user space, then through the agent with a short
    deadline.
    """
    parts = []
    before = vm.mark()
    for key in "wm":
        try:
            vm.sysrq(key)
            time.sleep(1.0)
        except OSError as error:
            parts.append(f"(SysRq {key}: {error})")
    if vm.mark() == before:
        parts.append("(no answer to SysRq over the serial line)")
        _ask(vm, "echo w > /proc/sysrq-trigger; echo m > /proc/sysrq-trigger", parts)
    parts.append("console since then:")
    parts += [f"  {vm.name}| {line}" for line in vm.lines[before:][-120:]]
    for command in ("cat /proc/meminfo", "cat /proc/net/dev", "cat /proc/swaps",
                    "ps -o pid,stat,args"):
        if not _ask(vm, command, parts):
            break
    return "\n".join(parts)
