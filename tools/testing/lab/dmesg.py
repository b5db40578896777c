# SPDX-License-Identifier: GPL-2.0
"""Judging what a kernel said on its console."""

import re

ANOMALIES = re.compile("|".join((
    r"\bWARNING:", r"\bBUG:", r"kernel BUG at", r"\bKASAN\b.*(in|bug)", r"UBSAN:",
    r"INFO: possible", r"possible circular locking", r"possible recursive locking",
    r"possible irq lock inversion", r"inconsistent lock state",
    r"bad unlock balance", r"suspicious RCU usage", r"held lock freed",
    r"sleeping function called", r"scheduling while atomic",
    r"blocked for more than \d+ seconds", r"INFO: task .* blocked",
    r"rcu.*(detected stalls|self-detected stall)", r"soft lockup", r"hard LOCKUP",
    r"kmemleak: \d+ new suspected", r"refcount_t:", r"list_(add|del) corruption",
    r"Call Trace:", r"general protection fault", r"Oops:", r"Kernel panic",
    r"stack-protector:", r"DEBUG_LOCKS_WARN_ON",
    r"Bad page state", r"Bad rss-counter", r"unregister_netdevice: waiting",
    r"Out of memory: Killed", r"invoked oom-killer", r"double free",
    r"Slab corruption", r"Redzone overwritten", r"Poison overwritten",
    r"workqueue: .* is flushing !WQ_MEM_RECLAIM",
)))

# Said by some healthy boots.
HARMLESS = (r"WARNING: Spectre", r"RETBleed: WARNING")


def scan(lines, allow=()):
    """Return the anomalies among console LINES.

    ALLOW is a sequence of (regular expression, reason): a line that matches
    one is expected by the test. A reason is required so that readers know.
    """
    for entry in allow:
        if len(entry) != 2 or not entry[1]:
            raise ValueError(f"allow list entry without a reason: {entry!r}")
    harmless = re.compile("|".join(HARMLESS + tuple(e[0] for e in allow)))
    return [line for line in lines
            if ANOMALIES.search(line) and not harmless.search(line)]
