# SPDX-License-Identifier: GPL-2.0
"""Freed slots are trimmed in runs, one at a time, and a slot that is used again is not trimmed any more;
a batch that crosses the border of a slab goes as a request to each.

The server takes its time for each TRIM, carries it out at the end of it, and fails the test if it is
asked to write, on another connection, what it is trimming.
"""
import time

from lab import Fail, hostile, proto, swaptrace

GROUP = "swap"
KERNELS = ("lean",)
TOPOLOGY = "client"
MEM = 96
TIMEOUT = 180
HOLD = 0.1


class Trimmer:
    """An attack for hostile.Server; counts what it sees.

    @busy: what is being trimmed now: (slab, first, end)
    """

    def __init__(self):
        self.server = None
        self.busy = []
        self.trims, self.bytes, self.most = 0, 0, 0

    def __call__(self, conn, hdr, body):
        mine = (hdr.slab, hdr.offset, hdr.offset + hdr.length)
        with self.server.lock:
            if hdr.op == proto.WRITE:
                hit = [b for b in self.busy if b[0] == mine[0] and b[1] < mine[2] and mine[1] < b[2]]
                if hit:
                    raise Fail(f"{mine} is written while {hit} is being trimmed")
            if hdr.op != proto.TRIM:
                return False
            self.busy.append(mine)
            self.trims += 1
            self.bytes += hdr.length
            self.most = max(self.most, len(self.busy))
        time.sleep(HOLD)
        answer = conn.good(hdr, body)
        with self.server.lock:
            self.busy.remove(mine)
        conn.send(answer)
        return True


def test(lab):
    client = lab.client
    trimmer = Trimmer()
    with hostile.Server(attack=trimmer) as server:
        trimmer.server = server
        device = lab.attach(server.url, size="128M", name="r0", extra="--connections 4")
        lab.swapon(device)
        shown = lab.rswapctl("show r0 --json").out

        def work():
            for _ in range(2):
                client.hog(105, passes=1, pattern="sequential").wait(timeout=100)

        events = swaptrace.record(client, work)
        client.run(f"swapoff {device}", timeout=60)
        lab.detach("r0")
    swaptrace.check_requests(events, shown)
    for kind in ("write", "readahead"):
        crossing = sum(len(swaptrace.cut(batch, shown)) > 1
                       for batch in swaptrace.submitted(events, kind))
        lab.log(f"{crossing} {kind} batches crossed the border of a slab")
        assert crossing, f"no {kind} batch crossed the border of a slab: the test proves nothing"
    lab.log(f"{trimmer.trims} TRIMs of {trimmer.bytes >> 10} KiB")
    assert trimmer.trims > 20, f"{trimmer.trims} TRIMs: the test proves nothing"
    assert trimmer.most == 1, f"{trimmer.most} TRIMs at the same time"
    mean = trimmer.bytes // trimmer.trims
    assert mean > 4 * proto.BLOCK, f"{mean} bytes in a TRIM: slots are not trimmed in runs"
