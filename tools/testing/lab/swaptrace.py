# SPDX-License-Identifier: GPL-2.0
"""What the kernel traces of batches of swapped folios, and of the requests that rswap makes of them."""

import base64
import gzip
import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass

from .errors import Fail

TRACE = "/sys/kernel/tracing"
EVENTS = ("swap_io/swap_io_submit", "swap_io/swap_io_end", "rswap/rswap_request_submit")
END = "the end"
# Of each CPU while it is traced: events that are lost cannot be matched with others.
TRACE_KIB = 4096
HEAD = r"-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+\S+\s+[\d.]+: "
BATCH = re.compile(HEAD + r"swap_io_(?P<event>submit|end): dev \S+ ino \d+ "
                   r"(?P<kind>\w+) pos (?P<pos>\d+) len (?P<len>\d+) folios (?P<folios>\d+) "
                   r"error (?P<error>-?\d+)")
REQUEST = re.compile(HEAD + r"rswap_request_submit: \S+ conn=(?P<conn>\d+) (?P<op>\w+) "
                     r"tag=\S+ slab=(?P<slab>\d+) offset=(?P<offset>\d+) length=(?P<length>\d+) ")
# What the kinds of batches are called in rswap's statistics
STATS = {"write": "write", "demand": "demand-read", "readahead": "bulk-read"}


@dataclass(frozen=True)
class Batch:
    """A batch is submitted, or ends."""
    pid: int
    cpu: int
    event: str
    kind: str
    pos: int
    len: int
    folios: int
    error: int


@dataclass(frozen=True)
class Request:
    """rswap submits a request."""
    pid: int
    cpu: int
    conn: int
    op: str
    slab: int
    offset: int
    length: int


def _parse(line):
    for kind, regex in ((Batch, BATCH), (Request, REQUEST)):
        if found := regex.search(line):
            types = kind.__annotations__
            return kind(**{key: types[key](value) for key, value in found.groupdict().items()})
    raise Fail(f"cannot read a line of the trace: {line!r}")


def _without_late(events, late):
    """Return EVENTS, and of those that came LATE what belongs to batches submitted before."""
    kept, pids, batches = list(events), set(), set()
    for e in late:
        if isinstance(e, Request):
            keep = e.pid not in pids
        elif e.event == "submit":
            keep = False
            pids.add(e.pid)
            batches.add((e.kind, e.pos, e.len))
        else:
            keep = (e.kind, e.pos, e.len) not in batches
            batches.discard((e.kind, e.pos, e.len))
        if keep:
            kept.append(e)
    return kept


def record(vm, workload):
    """Return what is traced while WORKLOAD, a function, runs: Batches and Requests in order of time.

    Nothing is swapped before it, and nothing of it is lost. What is in flight at
    its end has a second to end, and what is submitted in that is left out.
    """
    # The clock of each CPU is not exact enough for a task that moves from one to another
    vm.run(f"mount -t tracefs none {TRACE} 2>/dev/null; set -e; cd {TRACE}; echo global > trace_clock; "
           f"echo {TRACE_KIB} > buffer_size_kb; echo > trace; "
           f"for e in {' '.join(EVENTS)}; do echo 1 > events/$e/enable; done")
    workload()
    vm.run(f"cd {TRACE} && echo {END} > trace_marker && sleep 1 && echo 0 > tracing_on && "
           f"for e in {' '.join(EVENTS)}; do echo 0 > events/$e/enable; done")
    # As it is it would be more than a command may print
    packed = vm.run(f"gzip -c < {TRACE}/trace | base64", timeout=60).out
    lines = gzip.decompress(base64.b64decode(packed)).decode().splitlines()
    lost = vm.run(f"cat {TRACE}/per_cpu/cpu*/stats").out
    vm.run(f"cd {TRACE} && echo > trace; echo 4 > buffer_size_kb; echo local > trace_clock; "
           "echo 1 > tracing_on")
    if any(int(n) for n in re.findall(r"^(?:overrun|commit overrun|dropped events): (\d+)", lost, re.M)):
        raise Fail(f"events of the trace were lost:\n{lost}")
    ends = [number for number, line in enumerate(lines) if END in line]
    if not ends:
        raise Fail(f"the trace has no end: {lines[-5:]}")
    early, late = ([_parse(line) for line in part if "swap_io_" in line or "rswap_" in line]
                   for part in (lines[:ends[0]], lines[ends[0]:]))
    if not early:
        raise Fail(f"nothing was traced: {lines[:20]}")
    return _without_late(early, late)


def submitted(events, kind=None):
    """Return the Batches submitted, of KIND or all."""
    return [e for e in events if isinstance(e, Batch) and e.event == "submit" and
            kind in (None, e.kind)]


def ended(events):
    """Return the Batches that ended."""
    return [e for e in events if isinstance(e, Batch) and e.event == "end"]


def cut(batch, device):
    """Return (slab, offset, length) of each request that BATCH has to become.

    DEVICE is what "rswapctl show" says: a request ends with its slab, and is not
    longer than the server takes.
    """
    pos, end, parts = batch.pos, batch.pos + batch.len, []
    while pos < end:
        slab, offset = divmod(pos, device["slab_size"])
        parts.append((slab, offset, min(end - pos, device["max_io"], device["slab_size"] - offset)))
        pos += parts[-1][2]
    return parts


def check_requests(events, device):
    """Each batch becomes the requests it has to be, in its lane, and there are no others.

    Return how many there are of each kind, as the statistics call it.
    """
    # By what has to come next of each batch: a worker may send what is read ahead
    due, counts = defaultdict(deque), Counter()
    for number, e in enumerate(events):
        if isinstance(e, Batch) and e.event == "submit":
            op, lane = ("WRITE" if e.kind == "write" else "READ"), e.kind == "demand"
            parts = [(op, lane, *part) for part in cut(e, device)]
            due[parts[0]].append(parts[1:])
            counts[STATS[e.kind]] += len(parts)
        elif isinstance(e, Request) and e.op in ("READ", "WRITE"):
            # The first half of the connections is the lane of what is waited for
            found = (e.op, e.conn < device["connections"] // 2, e.slab, e.offset, e.length)
            assert due[found], (f"event {number} of {len(events)}: (op, waited for, slab, offset, "
                                f"length) {found} is due for no batch")
            if rest := due[found].popleft():
                due[rest[0]].append(rest[1:])
    left = [first for first, batches in due.items() if batches]
    assert not left, f"requests that were never sent: {left}"
    return counts
