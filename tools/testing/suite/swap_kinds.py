# SPDX-License-Identifier: GPL-2.0
"""Memory of every kind goes to swap space and comes back right: shared, forked, merged, huge, asked for ahead."""

import re
import time

from lab import backends, swapstat, swaptrace

GROUP = "swap"
KERNELS = ("lean", "debug")
FULL_KERNELS = ("debug",)
MEM = 192
TIMEOUT = 240
CGROUP = "/sys/fs/cgroup/kinds"
HUGEPAGES = "/sys/kernel/mm/transparent_hugepage/hugepages-{}kB"
KINDS = ("anon", "anon --willneed", "file --willneed", "memfd", "sysv", "fork", "ksm")
SWAP = 64       # MiB


def push(lab, kind, size):
    """Run "kinds" with SIZE MiB of a KIND; Fail unless all but a little was out each time."""
    started = time.monotonic()
    out = lab.client.run(
        f"echo 0 > {CGROUP}/cgroup.procs && exec kinds --kind {kind} --size {size} "
        f"--cgroup {CGROUP} --seed {lab.rng.getrandbits(32)}", timeout=120).out
    counts = [(when, int(n), int(of)) for when, n, of in
              re.findall(r"^kinds: \w+ (\w+) (?:out|brought|shares) (\d+) of (\d+)$", out, re.M)]
    lab.log(f"{out}{time.monotonic() - started:.1f} s")
    assert len(counts) >= 2 and all(n >= of * 7 // 8 for _, n, of in counts), out
    assert re.search(r"^kinds: \w+ verified \d+ pages, 0 bad$", out, re.M), out
    assert "ksm" not in kind or "unmerged shares 0\n" in out, out
    return out


def huge(lab, backend, size, kib):
    """Folios of KIB are swapped out, whole: one piece of one batch, and as few requests as can be."""
    client, directory = lab.client, HUGEPAGES.format(kib)
    client.run(f"echo madvise > {directory}/enabled")
    before = int(client.read(f"{directory}/stats/swpout"))
    events = swaptrace.record(client, lambda: push(lab, "huge", size))
    count = int(client.read(f"{directory}/stats/swpout")) - before
    client.run(f"echo never > {directory}/enabled")
    batches = swaptrace.submitted(events, "write")
    lab.log(f"{count} folios of {kib} KiB went out whole, in {len(batches)} batches with others")
    assert count * kib >= size << 9, f"{count} folios of {kib} KiB were swapped out whole"
    # All others are of one page
    beyond = sum(batch.len // swapstat.PAGE - batch.folios for batch in batches)
    assert beyond == count * (kib // 4 - 1), f"{count} folios of {kib} KiB are not in {batches}"
    whole = [batch for batch in batches if batch.len == batch.folios * kib << 10]
    assert whole, batches
    if backend.path.startswith("/dev/"):
        device = lab.rswapctl("show storm --json").out
        swaptrace.check_requests(events, device)
        requests = {batch.len >> 10: len(swaptrace.cut(batch, device)) for batch in whole}
        lab.log(f"requests for each batch of so many KiB of large folios: {requests}")


def kinds(lab, name, size):
    """All kinds, swapped to back end NAME."""
    client = lab.client
    backend = backends.make(lab, name, SWAP)
    backend.attach()
    backend.swapon()
    before = swapstat.vmstat(client)
    for kind in KINDS:
        push(lab, kind, size)
    for kib in (64, 2048):
        huge(lab, backend, max(size, 4), kib)
    after = swapstat.vmstat(client)
    pages = len(KINDS) * size << 8
    for count in ("pswpin", "pswpout"):
        assert after[count] - before[count] > pages, (count, after[count] - before[count], pages)
    backend.swapoff()
    backend.detach()


def test(lab):
    client = lab.client
    client.run(f"echo never > {HUGEPAGES.format(2048)}/enabled")    # others are so already
    client.run(f"echo +memory > /sys/fs/cgroup/cgroup.subtree_control && mkdir {CGROUP}")
    # Wrong data would be found
    result = client.run("kinds --kind fork --size 1 --corrupt 77", check=False)
    assert result.rc == 1 and "MISMATCH page 77 word 256 writer 0" in result.out, result
    # The debug kernel has no NFS
    for name, size in (("rswap", 4),) if lab.kernel == "debug" else (("rswap", 4), ("nfs", 2)):
        kinds(lab, name, size * 8 if lab.full and lab.kernel != "debug" else size)
