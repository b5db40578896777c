# SPDX-License-Identifier: GPL-2.0
"""Many clients at once, each with several connections, find exactly what they wrote.

Each client writes, reads, trims, frees and reconnects at random and keeps a model of its slabs; the
thread sanitizer build watches the server's threads, the normal build runs longer.
"""
import random
import threading
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
CLIENTS = 12


class Actor(threading.Thread):
    """One client that does random things for a while."""

    def __init__(self, server, seed, number, until):
        super().__init__()
        self.server, self.rng, self.until = server, random.Random(f"{seed} {number}"), until
        self.name = f"actor{number}"
        self.model = {}                 # slab -> {block: byte}
        self.conns = []
        self.error = None
        self.steps = 0

    def connect(self):
        first = self.conns[0] if self.conns else None
        self.conns.append(self.server.again(first) if first else
                          self.server.client(name=self.name, size=4 * SLAB, depth=16))

    def io(self):
        """Some requests at once on one connection, none of which overlap."""
        rng, conn = self.rng, self.rng.choice(self.conns)
        slab = rng.choice(list(self.model))
        blocks, todo = self.model[slab], []
        start = rng.randrange(0, 200)
        for _ in range(rng.randint(1, 8)):
            n = rng.randint(1, 8)
            op = rng.choice([proto.READ, proto.WRITE, proto.TRIM])
            value = rng.randrange(1, 256)
            args = dict(slab=slab, offset=start * 4096, length=n * 4096)
            if op == proto.WRITE:
                args["data"] = b"".join(bytes([value ^ i]) * 4096 for i in range(n))
            expect = b"".join(bytes([blocks.get(start + i, 0)]) * 4096 for i in range(n))
            todo.append((conn.start(op, **args), op, expect))
            for i in range(n):
                if op == proto.WRITE:
                    blocks[start + i] = value ^ i
                elif op == proto.TRIM:
                    blocks.pop(start + i, None)
            start += n
            if start > 240:
                break
        for tag, op, expect in todo:
            body = conn.finish(tag)[1]
            assert op != proto.READ or body == expect, f"{self.name}: slab {slab} has other bytes"

    def act(self):
        rng = self.rng
        what = rng.random()
        if what < 0.05 or not self.model:
            slab = rng.randrange(4)
            if rng.choice(self.conns).status(proto.SLAB_ALLOC, slab=slab) == proto.OK:
                self.model.setdefault(slab, {})
        elif what < 0.08:
            slab = rng.choice(list(self.model))
            rng.choice(self.conns).free(slab)
            del self.model[slab]
        elif what < 0.10 and len(self.conns) < 6:
            self.connect()
        elif what < 0.12 and len(self.conns) > 1:
            self.conns.pop(rng.randrange(len(self.conns))).close()
        elif what < 0.13:
            # Away for a moment
            last = self.conns[0]
            for conn in self.conns:
                conn.close()
            self.conns = [self.server.again(last)]
            assert self.conns[0].list() == sorted(self.model), f"{self.name} did not find its slabs"
        elif what < 0.14:
            self.conns[0].bye()
            for conn in self.conns:
                conn.close()
            self.conns, self.model = [], {}
            self.connect()
        else:
            self.io()
        self.steps += 1

    def run(self):
        try:
            self.connect()
            while time.monotonic() < self.until:
                self.act()
            self.conns[0].bye()
        except (AssertionError, OSError, proto.Refused) as error:
            self.error = error


def crowd(lab, build, seconds):
    # Fewer slabs than all would like: NOSPACE is part of the play
    server = memserver.MemServer(lab, "--threads", "3", build=build, memory=f"{3 * CLIENTS}M")
    actors = [Actor(server, lab.seed, n, time.monotonic() + seconds) for n in range(CLIENTS)]
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join()
    errors = [f"{a.name}: {a.error!r}" for a in actors if a.error]
    assert not errors, f"{errors}\n{server.out[-3000:]}"
    assert min(a.steps for a in actors) > 20, [a.steps for a in actors]
    for actor in actors:
        for conn in actor.conns:
            conn.close()
    proto.wait_for("all memory to be back", lambda: server.state()["memory_committed"] == 0)
    assert server.state()["memory_held"] == 0
    server.alive()
    server.stop()


def test(lab):
    lab.log(f"seed {lab.seed}")
    crowd(lab, memserver.PLAIN, 6)
    crowd(lab, memserver.TSAN, 6)
    crowd(lab, memserver.ASAN, 4)
