# SPDX-License-Identifier: GPL-2.0
"""What the benchmarks share: counting instructions, telling how far it is, ratios."""

import re
import signal
import statistics
import sys
import time

from . import host
from .errors import Fail

# A string instruction counts once for each of its elements: with "erms" and
# "fsrm" the kernel would clear and copy by bytes, and measure nothing else.
ICOUNT = ("-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max,erms=off,fsrm=off")
# Sending without help from QEMU's other thread, so that as many packets share
# an interrupt in one run as in the next.
ICOUNT_NIC = {"virtio-net-pci": "virtio-net-pci,ioeventfd=off,tx=timer"}
# Its calibration reads clocks for 20 seconds, and fails.
ICOUNT_CMDLINE = "nolapic_timer"
# What the guest's program "rate" prints.
LINE = re.compile(r"^rate: \w+ count (\d+) elapsed_ns (\d+) busy_ns (\d+)$", re.M)


class Teller:
    """Says on standard error how far it is: in place on a terminal."""

    def __init__(self, name, steps):
        self.name = name
        self.steps = steps
        self.number = 0
        self.started = time.monotonic()
        self.tty = sys.stderr.isatty()

    def next_step(self, what):
        """A step of those that were announced begins."""
        self.number += 1
        seconds = time.monotonic() - self.started
        done, todo = self.number - 1, self.steps - self.number + 1
        left = f", about {seconds / done * todo:.0f} s to go" if done else ""
        self.head = f"{self.name}: {self.number} of {self.steps}, {what}, {seconds:.0f} s{left}"
        if not self.tty:
            print(self.head, file=sys.stderr, flush=True)

    def say(self, text):
        """Something that takes seconds begins."""
        if self.tty:
            print(f"\r{self.head}: {text}\033[K", end="", file=sys.stderr, flush=True)

    def done(self):
        """Nothing more will be said."""
        if self.tty:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def ratios(values, bases):
    """Return median, least and greatest of the paired ratios; None if there are no pairs."""
    pairs = [value / base for value, base in zip(values, bases)]
    if not pairs:
        return None
    return {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)}


def spread(ratio):
    """Return a ratio for the table."""
    if not ratio:
        return "-"
    return "{median:.4f} ({min:.4f}..{max:.4f})".format(**ratio)


def run(name, measure, options):
    """Run the benchmark NAME, that is measure(OPTIONS); return its exit status."""
    # SIGINT too: a shell's background jobs inherit it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    host.become_subreaper()
    try:
        return measure(options)
    except Fail as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted", file=sys.stderr)
        return 130
    finally:
        host.kill_descendants()
