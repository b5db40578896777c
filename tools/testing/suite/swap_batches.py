# SPDX-License-Identifier: GPL-2.0
"""Swap operations: pages go out in batches, what is waited for comes in first, and each batch ends once."""

import re
import time
from collections import Counter
from dataclasses import dataclass

from lab import Fail, backends

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
TIMEOUT = 300
HOG = 120

TRACE = "/sys/kernel/tracing"
# Of each CPU; the oldest events are overwritten.
TRACE_KIB = 512
LINE = re.compile(r"-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+\S+\s+(?P<time>[\d.]+): "
                  r"swap_io_(?P<event>submit|end): dev \S+ ino \d+ "
                  r"(?P<kind>\w+) pos (?P<pos>\d+) len (?P<len>\d+) folios (?P<folios>\d+) "
                  r"error (?P<error>-?\d+)")


@dataclass(frozen=True)
class Event:
    """A line of the trace."""
    pid: int
    cpu: int
    time: float
    event: str
    kind: str
    pos: int
    len: int
    folios: int
    error: int


def record(client, size):
    """Run a hog of SIZE MiB and return the Events of its last part."""
    client.run(f"mount -t tracefs none {TRACE} 2>/dev/null; echo {TRACE_KIB} > {TRACE}/buffer_size_kb "
               f"&& echo > {TRACE}/trace && echo 1 > {TRACE}/events/swap_io/enable")
    hog = client.hog(size, passes=1, pattern="sequential")
    hog.wait(timeout=200)
    time.sleep(1)       # lets what kswapd still writes end
    client.run(f"echo 0 > {TRACE}/events/swap_io/enable")
    lines = client.run(f"cat {TRACE}/trace", timeout=60).out.splitlines()
    client.run(f"echo > {TRACE}/trace; echo 4 > {TRACE}/buffer_size_kb")
    found = [LINE.search(line) for line in lines if "swap_io_" in line]
    if not found or None in found:
        raise Fail(f"cannot read the trace: {lines[:20]}")
    types = Event.__annotations__
    events = [Event(**{k: types[k](v) for k, v in m.groupdict().items()}) for m in found]
    # Each CPU has overwritten its own past.
    first = {}
    for e in events:
        first.setdefault(e.cpu, e.time)
    return [e for e in events if e.time >= max(first.values())]


def check_ends(events):
    """A batch ends once for each time that it is submitted, without an error."""
    open_batches = set()
    seen = set()
    for e in events:
        key = (e.kind, e.pos, e.len)
        if e.event == "submit":
            assert key not in open_batches, f"submitted twice, ended never: {e}"
            open_batches.add(key)
        else:
            # What was submitted before the first event that is left
            assert key in open_batches or key not in seen, f"ended twice: {e}"
            open_batches.discard(key)
            assert e.error == 0, e
        seen.add(key)
    assert not open_batches, f"never ended: {open_batches}"


def check_batches(events):
    """Most of what goes out and what is read ahead goes in company; what is waited for, alone."""
    pages = {kind: [e.len // 4096 for e in events if e.event == "submit" and e.kind == kind]
             for kind in ("write", "demand", "readahead")}
    for kind in ("write", "readahead"):
        assert pages[kind], f"no {kind} at all"
        mean = sum(pages[kind]) / len(pages[kind])
        assert mean > 2, f"{kind}: {mean:.1f} pages in a batch, {Counter(pages[kind])}"
        assert max(pages[kind]) <= 32, Counter(pages[kind])
    assert max(pages["write"]) == 32, f"no full batch: {Counter(pages['write'])}"
    assert set(pages["demand"]) == {1}, Counter(pages["demand"])
    return {kind: f"{sum(sizes) / len(sizes):.1f} pages in each of {len(sizes)}"
            for kind, sizes in pages.items()}


def check_demand_first(events):
    """Whoever reads ahead has asked for its own page before."""
    last, runs, first = {}, 0, 0
    for e in events:
        if e.event != "submit" or e.kind == "write":
            continue
        if e.kind == "readahead" and e.pid in last and last[e.pid].kind != "readahead":
            first += 1
        if e.kind == "readahead" and e.pid in last:
            # One fault may read ahead in two batches, on both sides of its own page
            runs += 1
        last[e.pid] = e
    assert runs > 20, f"{runs} batches were read ahead: the test proves nothing"
    # Without it, one batch follows the other
    assert first > runs * 0.4, f"only {first} of {runs} follow a page that is waited for"


def test(lab):
    for name in ("rswap", "nfs"):
        backend = backends.make(lab, name, HOG + 64)
        if name == "nfs":
            lab.session.destroy()
            lab.boot("server", images=backend.server_images, cmdline=backend.server_cmdline)
            lab.boot("client")
        backend.attach()
        backend.swapon()
        events = record(lab.client, HOG)
        check_ends(events)
        lab.report(f"{name}: {check_batches(events)}")
        check_demand_first(events)
        if name == "rswap":
            # What the hog left is trimmed, without discard
            lab.client.poll("true", lambda _: lab.rswapd_state()["memory_held"] < 4 << 20,
                            timeout=30)
        backend.swapoff()
        backend.detach()
