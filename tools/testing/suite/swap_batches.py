# SPDX-License-Identifier: GPL-2.0
"""Swap operations: pages go out in batches, what is waited for comes in first, and each batch ends once."""

from collections import Counter

from lab import backends, swaptrace
from lab.swaptrace import Batch, submitted

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
TIMEOUT = 300
HOG = 120


def check_ends(events):
    """A batch ends once for each time that it is submitted, without an error."""
    open_batches = set()
    for e in events:
        if not isinstance(e, Batch):
            continue
        key = (e.kind, e.pos, e.len)
        if e.event == "submit":
            assert key not in open_batches, f"submitted twice, ended never: {e}"
            open_batches.add(key)
        else:
            assert key in open_batches, f"ended twice, or never submitted: {e}"
            open_batches.discard(key)
            assert e.error == 0, e
    assert not open_batches, f"never ended: {open_batches}"


def check_batches(events):
    """Most of what goes out and what is read ahead goes in company; what is waited for, alone."""
    pages = {kind: [e.len // 4096 for e in submitted(events, kind)]
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
    for e in submitted(events):
        if e.kind == "write":
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


def check_wire(lab, events, first, last):
    """A batch is one request, or one for each slab that it touches, and is counted as such."""
    device = lab.rswapctl("show storm --json").out
    counts = swaptrace.check_requests(events, device)
    # Whoever asks for the statistics may itself have been swapped out
    for kind, after in requests(lab).items():
        least, most = last[kind] - first[kind], after - first[kind]
        assert least <= counts[kind] <= most, f"{counts[kind]} {kind}, counted: {least} to {most}"
    batches = len(submitted(events))
    lab.log(f"{batches} batches, {sum(counts.values()) - batches} of them cut once: {counts}")


def requests(lab, name="rswap"):
    """Return how many requests of each kind back end NAME has counted: none if it is not rswap."""
    if name != "rswap":
        return {}
    return {entry["kind"]: entry["ios"] for entry in lab.rswapctl("stats storm --json").out["io"]
            if entry["kind"] in swaptrace.STATS.values()}


def test(lab):
    for name in ("rswap", "nfs"):
        backend = backends.make(lab, name, HOG + 64)
        if name == "nfs":
            lab.session.destroy()
            lab.start("server", images=backend.server_images, cmdline=backend.server_cmdline)
            lab.boot("client")
        backend.attach()
        backend.swapon()
        counted = []

        def work():
            counted.append(requests(lab, name))
            lab.client.hog(HOG, passes=1, pattern="sequential").wait(timeout=200)
            counted.append(requests(lab, name))

        events = swaptrace.record(lab.client, work)
        check_ends(events)
        lab.report(f"{name}: {check_batches(events)}")
        check_demand_first(events)
        if name == "rswap":
            check_wire(lab, events, *counted)
            # What the hog left is trimmed, without discard
            lab.client.poll("true", lambda _: lab.rswapd_state()["memory_held"] < 4 << 20,
                            timeout=30)
        backend.swapoff()
        backend.detach()
