# SPDX-License-Identifier: GPL-2.0
"""I/O errors of swap: what could not be written stays in memory, what cannot be read is lost to its owner alone.

A READ fails, of a fault, ahead, and of swapoff; then every 20th WRITE; at last every batch that is handed
over, because the server has gone.  After each, all batches are accounted as ended.
"""

import errno
import re
import signal
import socket

from lab import hostile, proto, swapstat, swaptrace

GROUP = "swap"
KERNELS = ("lean",)
TOPOLOGY = "client"
MEM = 96
TIMEOUT = 300
CGROUP = "/sys/fs/cgroup/errors"
BIG, SIZE = 100, 32     # MiB of hogs: more than there is; what is pushed out
PROCS = 4               # of a hog some of which may die
EVERY = 20
SKIP = 100


class Errors:
    """An attack for hostile.Server: answers some requests with IO instead of doing them.

    @every: of so many WRITEs one fails; 0: none
    @lanes: one READ on one of them fails, the one after @skip others
    @writes, @failed: how many came, and failed, by operation
    """

    def __init__(self):
        self.every, self.lanes, self.skip = 0, (), 0
        self.writes = 0
        self.failed = {proto.WRITE: 0, proto.READ: 0}
        self.server = None

    def __call__(self, conn, hdr, _body):
        with self.server.lock:
            if hdr.op == proto.WRITE and self.every:
                self.writes += 1
                fails = self.writes % self.every == 0
            elif hdr.op == proto.READ and conn.lane in self.lanes:
                fails = not self.skip
                self.skip -= 1
                if fails:
                    self.lanes = ()
            else:
                fails = False
            if fails:
                self.failed[hdr.op] += 1
        if fails:
            conn.reply(hdr, proto.IO)
        return fails

    def fail_read(self, *lanes):
        """Have a READ on one of LANES fail, but none of the first: stacks and data that nobody needs any more."""
        self.skip, self.lanes = SKIP, lanes


def idle(lab, device):
    """Wait until no batch is accounted as on its way."""
    lab.client.poll(f"cat /sys/block/{device.removeprefix('/dev/')}/inflight",
                    lambda result: result.out.split() == ["0", "0"], timeout=10)


def logged(lab, mark, way, operation):
    """Wait until driver and mm have both said that a batch failed."""
    hostile.logged(lab, mark, rf"rswap: r0: swap-{way} of \d+ bytes failed: -(EIO|5)$")
    hostile.logged(lab, mark, rf"{operation}-error -5 on swap space ")


def writes(lab, errors, device):
    """A hog ends well though some of what it swaps out is refused."""
    mark = lab.client.mark()
    errors.every = EVERY
    lab.client.hog(BIG, passes=1, seed=lab.rng.getrandbits(32)).wait(timeout=150)
    errors.every = 0
    idle(lab, device)
    failed = errors.failed[proto.WRITE]
    lab.log(f"{failed} of {errors.writes} WRITEs failed")
    assert failed >= 20, f"{failed} WRITEs failed: the test proves nothing"
    logged(lab, mark, "out", "Write")
    kinds = {io["kind"]: io["errors"] for io in lab.rswapctl("stats r0 --json").out["io"]}
    assert kinds["write"] == failed, (kinds, failed)


def hold(lab, pattern="random"):
    """Start a hog in the cgroup, let it fill its memory, have three quarters swapped out, and return it."""
    hog = lab.client.hog(SIZE, procs=PROCS, passes=1, pattern=pattern, extra="--hold", cgroup=CGROUP,
                         seed=lab.rng.getrandbits(32))
    hog.wait_holding(timeout=100)
    lab.client.poll(f"echo 8M > {CGROUP}/memory.reclaim 2>/dev/null; cat {CGROUP}/memory.current",
                    lambda result: int(result.out) < SIZE << 18, timeout=60)
    return hog


def survivors(lab, hog, least, most, by=(signal.SIGBUS,)):
    """Have a hog that was holding verify again; at LEAST and at MOST so many of its processes die, BY these signals."""
    hog.kill(signal.SIGUSR1)
    out = hog.job.wait(timeout=60, check=False).out
    lab.log(out)
    dead = [int(number) for number in re.findall(r"killed by signal (\d+)$", out, re.M)]
    assert least <= len(dead) <= most and set(dead) <= set(by), out
    verified, bad = re.search(r"^hog: (?:verified|FAILED after) (\d+) pages, (\d+) bad", out, re.M).groups()
    # Each process has verified its pages once before, and again unless it died
    pages = SIZE << 8
    assert int(bad) == 0 and int(verified) >= pages + pages // PROCS * (PROCS - len(dead)), out


def reads(lab, errors, device):
    """A READ fails: at most the one process that touches one of its pages dies."""
    for lane, pattern, least in ((proto.DEMAND, "random", 1), (proto.BULK, "sequential", 0)):
        mark = lab.client.mark()
        hog = hold(lab, pattern)
        errors.fail_read(lane)
        survivors(lab, hog, least, 1)
        assert not errors.lanes, f"no READ on lane {lane}"
        logged(lab, mark, "in", "Read")
        idle(lab, device)


def swapoff(lab, errors, device):
    """A READ of swapoff fails: swapoff ends, without that page, whose owner then dies."""
    hog = hold(lab)
    errors.fail_read(proto.DEMAND, proto.BULK)
    lab.client.run(f"swapoff {device}", timeout=60)
    assert not errors.lanes, "swapoff has read nothing"
    idle(lab, device)
    survivors(lab, hog, 1, 1)


def gone(lab, server, device):
    """No batch can be handed over any more: who reads dies, who has its memory keeps it, and swapoff works."""
    hog = hold(lab)
    keeper = lab.client.hog(SIZE // 4, passes=1, extra="--hold", cgroup=CGROUP, seed=lab.rng.getrandbits(32))
    keeper.job.wait_output("hog: holding")
    for conn in server.conns:
        conn.sock.shutdown(socket.SHUT_RDWR)
    hostile.await_failed(lab, "r0", "ECONNRESET")

    def use():
        lab.client.run(f"echo {SIZE}M > {CGROUP}/memory.reclaim", check=False)
        # Their stacks may be gone too, and with them the place for SIGBUS
        survivors(lab, hog, PROCS, PROCS, by=(signal.SIGBUS, signal.SIGSEGV))
        keeper.kill(signal.SIGUSR1)
        keeper.wait(timeout=30)

    ends = {(e.kind, e.error) for e in swaptrace.ended(swaptrace.record(lab.client, use))}
    assert {("write", -errno.EIO), ("demand", -errno.EIO)} <= ends, ends
    assert all(error == -errno.EIO for _, error in ends), ends
    idle(lab, device)
    lab.client.run(f"swapoff {device}", timeout=30)


def test(lab):
    lab.client.run(f"echo +memory > /sys/fs/cgroup/cgroup.subtree_control && mkdir {CGROUP}")
    errors = Errors()
    with hostile.Server(attack=errors) as server:
        errors.server = server
        device = lab.attach(server.url, size=f"{BIG + 28}M", name="r0", extra="--connections 4")
        lab.swapon(device)
        # Before the kernel has said so much that it says no more
        reads(lab, errors, device)
        swapoff(lab, errors, device)
        lab.swapon(device)
        writes(lab, errors, device)
        gone(lab, server, device)
        lab.detach("r0")
        hostile.nothing_left(lab)
    # Everything has left the swap cache, and nothing is on its way
    left = {name: swapstat.vmstat(lab.client)[name] for name in ("nr_swapcached", "nr_writeback")}
    assert not any(left.values()), left
