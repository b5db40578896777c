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


# dump_stack() says who it is about above "Call Trace:".
TRACE = "Call Trace:"
DUMP = re.compile(r"CPU: \d+ .*\bPID: \d+ Comm: (.+?) +(?:Not tainted|Tainted:)")
# Lines at most from a message to its dump, and from there to its trace.
NEAR = 5


def traces_below(lines, expected):
    """Return the numbers of those "Call Trace:" among LINES that lines matching EXPECTED explain.

    A kernel that prints "NAME: something" and calls dump_stack() dumps the same
    NAME at once, though another CPU may get a word in. One line explains one trace.
    """
    found, messages, dumped = set(), [], None
    for number, line in enumerate(lines):
        if expected.search(line):
            messages.append(number)
        dump = DUMP.search(line)
        if dump:
            name = re.compile(rf"(^|\] ){re.escape(dump.group(1))}[: ]")
            own = [n for n in messages if number - n <= NEAR and name.search(lines[n])]
            dumped = number if own else None
            messages = [n for n in messages if n not in own[:1]]
        elif TRACE in line:
            if dumped is not None and number - dumped <= NEAR:
                found.add(number)
            dumped = None
    return found


def scan(lines, allow=()):
    """Return the anomalies among console LINES.

    ALLOW is a sequence of (regular expression, reason): a line that matches
    one is expected by the test, and so is the trace that the kernel prints
    right below it. A reason is required so that readers know.
    """
    for entry in allow:
        if len(entry) != 2 or not entry[1]:
            raise ValueError(f"allow list entry without a reason: {entry!r}")
        if re.search(entry[0], TRACE):
            raise ValueError(f"allow list entry for any trace: {entry!r}")
    harmless = re.compile("|".join(HARMLESS + tuple(e[0] for e in allow)))
    expected = traces_below(lines, harmless)
    return [line for number, line in enumerate(lines)
            if ANOMALIES.search(line) and not harmless.search(line) and number not in expected]
