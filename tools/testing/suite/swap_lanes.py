# SPDX-License-Identifier: GPL-2.0
"""A page that somebody waits for comes on the demand lane, and does not wait for what is read ahead on the other.

The server withholds every READ of the bulk lane, whose connection has a single request.  A process goes
on reading pages, each fault reading ahead too; it touches none of what is read ahead, for that it would
wait for, and swaps nothing out, for that needs the bulk lane.  See "apart" in guest/kinds.c.
"""

import threading
from collections import Counter

from lab import Fail, hostile, proto, swaptrace

GROUP = "swap"
KERNELS = ("lean",)
TOPOLOGY = "client"
MEM = 192
TIMEOUT = 120
CGROUP = "/sys/fs/cgroup/lanes"
SIZE = 4                # MiB: 64 groups of pages, of which 124 pages are read apart
DEVICE_MIB = 16
APART = 100             # of these, for some may never have left memory
AHEAD = 50              # batches, or it proves little


class Withhold:
    """An attack for hostile.Server: READs of the bulk lane wait until release().

    @reads: (position, length) of the READs that came on each lane
    """

    def __init__(self):
        self.reads = {proto.DEMAND: [], proto.BULK: []}
        self.lock = threading.Lock()
        self.held = []

    def __call__(self, conn, hdr, body):
        if hdr.op != proto.READ:
            return False
        with self.lock:
            self.reads[conn.lane].append((hdr.offset, hdr.length))
            if conn.lane == proto.DEMAND or self.held is None:
                return False
            self.held.append((conn, hdr))
        return True

    def release(self):
        """Answer what was withheld, and withhold nothing any more; return how many READs that were."""
        with self.lock:
            held, self.held = self.held, None
        for conn, hdr in held:
            conn.send(conn.good(hdr))
        return len(held)


def progress(lab, attack):
    """Run "kinds" and return what it printed; Fail if it waits for what is withheld."""
    job = lab.client.start_job(f"echo 0 > {CGROUP}/cgroup.procs && exec kinds --kind apart --size {SIZE} "
                               f"--cgroup {CGROUP} --seed {lab.rng.getrandbits(32)}")
    job.wait_output(r"(?m)^kinds: apart filled out", timeout=30)
    stuck = None
    try:
        job.wait_output(r"(?m)^kinds: apart read \d+$", timeout=15)
    except Fail as error:
        stuck = error
    came = {lane: len(reads) for lane, reads in attack.reads.items()}
    held = attack.release()
    result = job.wait(timeout=60, check=False)
    lab.log(f"{result.out}while {held} READs were withheld: demand {came[proto.DEMAND]}, "
            f"bulk {came[proto.BULK]}")
    if stuck:
        raise Fail(f"after {came[proto.DEMAND]} pages a fault waits for read-ahead: {stuck}")
    assert result.rc == 0 and result.out.endswith(
        f"kinds: apart verified {(SIZE << 8) + 124} pages, 0 bad\n"), result
    assert held == came[proto.BULK] == 1, f"{held} READs withheld of {came} with a queue depth of 1"
    assert came[proto.DEMAND] >= APART, came
    return result.out


def test(lab):
    client = lab.client
    client.run("echo never > /sys/kernel/mm/transparent_hugepage/enabled; "
               f"echo +memory > /sys/fs/cgroup/cgroup.subtree_control && mkdir {CGROUP}")
    attack = Withhold()
    # One slab, so that each batch is one READ
    with hostile.Server(attack=attack, slab_size=DEVICE_MIB << 20) as server:
        device = lab.attach(server.url, size=f"{DEVICE_MIB}M", name="r0",
                            extra="--connections 2 --queue-depth 1 --timeout 60")
        # mkswap and swapon read it with bios, ahead too
        attack.held = None
        lab.swapon(device)
        attack.held = []
        for reads in attack.reads.values():
            reads.clear()
        events = swaptrace.record(client, lambda: progress(lab, attack))
        client.run(f"swapoff {device}", timeout=60)
        lab.detach("r0")
    # All that mm asked for came on the lane of its kind, none of it twice, and nothing else
    ends = [e for e in swaptrace.ended(events) if e.kind != "write"]
    assert not any(e.error for e in ends), [e for e in ends if e.error]
    for kind, lane in (("demand", proto.DEMAND), ("readahead", proto.BULK)):
        asked = Counter((e.pos, e.len) for e in ends if e.kind == kind)
        came = Counter(attack.reads[lane])
        lab.log(f"{kind}: {asked.total()} batches, {came.total()} READs")
        assert asked.total() >= AHEAD, f"{asked.total()} {kind} batches: the test proves little"
        assert kind == "readahead" or {length for _, length in asked} == {proto.BLOCK}, asked.most_common(9)
        strange, missed = came - asked, asked - came
        assert not strange and not missed, f"{kind}: came only {strange}, asked for only {missed}"
