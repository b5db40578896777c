# SPDX-License-Identifier: GPL-2.0
"""Processes on this machine, and the proof that none is left behind."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from .errors import Fail

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option, value):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def become_subreaper():
    """Make orphans of this process's descendants its own children."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent():
    """Get SIGTERM when the parent ends, however it ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _parents():
    """Return {pid: (ppid, state, name)} of all processes."""
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:].rsplit(")", 1)
        state, ppid = rest.split()[:2]
        table[int(entry)] = (int(ppid), state, name)
    return table


def descendants(pid=None):
    """Return {pid: name} of the live processes below PID (default: this one)."""
    table = _parents()
    below, new = {}, [pid or os.getpid()]
    while new:
        parent = new.pop()
        for child, (ppid, state, name) in table.items():
            if ppid == parent and child not in below:
                new.append(child)
                below[child] = None if state == "Z" else name
    return {child: name for child, name in below.items() if name}


def kill_descendants(pid=None):
    """End every process below PID for good; return {pid: name} of those found."""
    found = {}
    for _ in range(20):
        alive = descendants(pid)
        if not alive:
            break
        found.update(alive)
        for child in alive:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.05)
    return found


def reap():
    """Collect the exit status of orphans; tracked children are left alone."""
    tracked = {process.pid for process in Process.running}
    for pid, (ppid, state, _) in _parents().items():
        if ppid == os.getpid() and state == "Z" and pid not in tracked:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def free_port(family=socket.AF_INET):
    """Return a TCP port that was free on the loopback a moment ago."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return sock.getsockname()[1]


class Process:
    """A process on the host; its output goes to a file. Dies with the worker."""

    running = []

    def __init__(self, command, log, env=None):
        self.log = Path(log)
        self.name = Path(str(command[0])).name
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                start_new_session=True)
        Process.running.append(self)

    @property
    def pid(self):
        """Process id."""
        return self.popen.pid

    @property
    def rc(self):
        """Exit code, -N if signal N ended it, None while it runs."""
        return self.popen.poll()

    @property
    def out(self):
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def kill(self, sig=signal.SIGKILL):
        """Send a signal."""
        if self.popen.poll() is None:
            self.popen.send_signal(sig)

    def wait(self, timeout=30, check=True):
        """Wait for the end and return the exit code; Fail after TIMEOUT s."""
        try:
            rc = self.popen.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise Fail(f"{self.name} still runs after {timeout} s:\n{self.out[-2000:]}") from error
        if self in Process.running:
            Process.running.remove(self)
        if check and rc:
            raise Fail(f"{self.name} ended with {rc}:\n{self.out[-4000:]}")
        return rc

    def stop(self):
        """End it for good. Idempotent."""
        self.kill()
        self.wait(10, check=False)
