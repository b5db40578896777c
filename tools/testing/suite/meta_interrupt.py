# SPDX-License-Identifier: GPL-2.0
"""Ctrl-C ends every guest and server and leaves nothing; SIGKILL leaves no process either."""

import os
import signal
import time

from lab import Fail, host, meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

BUSY = '''
TOPOLOGY = "client"
import time
def test(lab):
    lab.spawn("sleep", "4321")
    lab.log("busy")
    (lab.dir / "busy").touch()
    time.sleep(1000)
'''


def start(lab, tmp):
    """Run the fake suite until its guest and its process run; return the runner."""
    marker = lab.dir / "lab" / "busy.lean" / "busy"
    marker.unlink(missing_ok=True)
    run = lab.spawn(*meta.command(lab, {"busy": BUSY}), env=dict(os.environ, TMPDIR=str(tmp)))
    deadline = time.monotonic() + 130
    while not marker.exists():
        if time.monotonic() > deadline or run.rc is not None:
            raise Fail(f"the fake test never started:\n{run.out}")
        time.sleep(0.1)
    names = set(host.descendants().values())
    assert "sleep" in names and any(n.startswith("qemu") for n in names), names
    return run


def test(lab):
    tmp = lab.tmp / "tmp"
    tmp.mkdir()
    run = start(lab, tmp)
    run.kill(signal.SIGINT)
    assert run.wait(30, check=False) == 130, run.out
    assert not host.descendants(), host.descendants()
    assert not os.listdir(tmp), os.listdir(tmp)

    run = start(lab, tmp)
    run.kill(signal.SIGKILL)
    run.wait(30, check=False)
    deadline = time.monotonic() + 30
    while host.descendants() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not host.descendants(), host.descendants()
