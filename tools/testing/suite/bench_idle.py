# SPDX-License-Identifier: GPL-2.0
"""The idle-cost benchmark measures everything it names, and ends its guests when it is interrupted."""

import json
import signal
import time

from lab import Fail
from lab.host import descendants
from lab.paths import TESTING

GROUP = "host"
KERNELS = ("lean",)
TOPOLOGY = "host"
FULL_ONLY = True
TIMEOUT = 300

BENCH = TESTING / "bench" / "idle"
MEASURES = {"iperf3", "tcp", "udp", "lo-udp", "lo-rr", "pages", "faults"}


def guests(process):
    """Return how many guests PROCESS has."""
    return sum(name.startswith("qemu-system") for name in descendants(process.pid).values())


def test(lab):
    saved = lab.tmp / "idle.json"
    command = (BENCH, "--rounds", "1", "--work", "0.02", "--save", saved)
    short = lab.spawn(*command)
    short.wait(240)
    found = json.loads(saved.read_text())["metrics"]
    assert set(found) == MEASURES, set(found)
    for name, metric in found.items():
        assert metric["stock"] > 0 and metric["patched"] > 0, (name, metric)
        assert metric["idle"] and metric["attached"], (name, metric)
        assert metric["text"] in short.out, name

    stopped = lab.spawn(*command)
    deadline = time.monotonic() + 30
    while not guests(stopped):
        assert stopped.rc is None and time.monotonic() < deadline, f"no guest:\n{stopped.out}"
        time.sleep(0.1)
    stopped.kill(signal.SIGINT)
    if stopped.wait(20, check=False) != 130:
        raise Fail(f"interrupted, it ended with {stopped.rc}:\n{stopped.out}")
