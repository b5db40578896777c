# SPDX-License-Identifier: GPL-2.0
"""Whatever a server does to its messages, no read that succeeds has wrong bytes, and the guest survives and cleans up.

Rounds of random I/O, every byte of it verified, against a server that flips bits of headers and of the
answer to HELLO, answers twice, never, late, in other order, in parts, with other statuses, inserts
garbage, and closes.  The contents of pages are left alone: the protocol has no checksum.
"""
import re

from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 420

ROUNDS = {"lean": 150, "debug": 40}
DONE = re.compile(r"^blkio: reads (\d+) writes (\d+) failed (\d+) bad (\d+)$", re.M)


class Mutator:
    """A hook of a hostile.Server: now and then does something to an answer."""

    def __init__(self, rng):
        self.rng = rng
        self.rate = rng.choice((0.003, 0.01, 0.03, 0.1))
        self.tricks = []

    def flip(self, data, size):
        """Flip one or two bits of the first SIZE bytes."""
        data = bytearray(data)
        for _ in range(self.rng.choice((1, 1, 2))):
            bit = self.rng.randrange(size * 8)
            data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    def hello(self, sock, number, hdr, body):
        """Answer some HELLO wrongly."""
        if self.rng.random() > 0.05:
            return False
        self.tricks.append("hello")
        fields = proto.pack_hello_reply(slab_size=hostile.SLAB, depth=min(32, proto.unpack_hello(body).depth))
        data = proto.pack_reply(hdr, body=fields)
        sock.sendall(self.rng.choice((self.flip(data, 96), data[:self.rng.randrange(96)], bytes(96))))
        return True

    def attack(self, conn, hdr, body):
        """Deal with a request, mostly in good faith."""
        if conn.held and self.rng.random() < 0.7:
            conn.send(b"".join(conn.held))
            conn.held.clear()
        if hdr.op == proto.BYE or self.rng.random() > self.rate:
            return False
        trick = self.rng.choice((self.mutate, self.mutate, self.mutate, self.twice, self.status, self.cut,
                                 self.insert, self.hold, self.drop, self.notice))
        self.tricks.append(f"{trick.__name__} {proto.OPS[hdr.op]}")
        trick(conn, hdr, body)
        return True

    def mutate(self, conn, hdr, body):
        conn.send(self.flip(conn.good(hdr, body), proto.HDR.size))

    def twice(self, conn, hdr, body):
        conn.send(conn.good(hdr, body) * 2)

    def status(self, conn, hdr, _body):
        conn.reply(hdr, self.rng.randrange(1, 16))

    def cut(self, conn, hdr, body):
        data = conn.good(hdr, body)
        conn.send(data[:self.rng.randrange(len(data))])
        raise ConnectionAbortedError

    def insert(self, conn, hdr, body):
        conn.send(self.rng.randbytes(self.rng.randrange(1, 200)) + conn.good(hdr, body))

    def hold(self, conn, hdr, body):
        conn.held.append(conn.good(hdr, body))

    def drop(self, _conn, _hdr, _body):
        pass

    def notice(self, conn, hdr, body):
        conn.send(proto.pack_hdr(self.rng.randrange(8, 14)) + conn.good(hdr, body))


def one(lab, number):
    """A round; return a word for how it ended, and the mutator."""
    seed = lab.rng.getrandbits(32)
    mutator = Mutator(type(lab.rng)(seed))
    with hostile.Server(mutator.attack, hello=mutator.hello,
                        max_io=mutator.rng.choice((4096, 16384, proto.MAX_IO))) as server:
        result = lab.client.run(
            f"rswapctl attach {server.url} --size 4M --name f{number} --timeout 1 "
            f"--connections {mutator.rng.choice((2, 3, 5))} --queue-depth {mutator.rng.choice((1, 4, 32))} "
            f">/tmp/attached 2>&1 || {{ echo refused; exit 0; }}; "
            f"blkio $(cat /tmp/attached) 4194304 4 {mutator.rng.choice((10, 60))} {seed}; rc=$?; "
            f"cat /sys/block/rswap0/rswap/state; rswapctl detach f{number} && exit $rc",
            check=False, timeout=60)
    told = f"round {number}, seed {seed}: {result.out}\nthe server: {mutator.tricks}"
    assert result.rc == 0, told
    if result.out == "refused\n":
        assert mutator.tricks, told
        return "refused", mutator, 0
    found = DONE.search(result.out)
    assert found and found.group(4) == "0", told
    if not mutator.tricks:
        assert found.group(3) == "0" and "\nlive\n" in result.out, told
    return ("failed" if "\nfailed\n" in result.out else "live"), mutator, int(found.group(1))


def test(lab):
    hostile.load(lab)
    ends = {"refused": 0, "failed": 0, "live": 0}
    tricks = reads = 0
    for number in range(ROUNDS[lab.kernel]):
        end, mutator, verified = one(lab, number)
        ends[end] += 1
        tricks += len(mutator.tricks)
        reads += verified
        hostile.nothing_left(lab)
    lab.log(f"{ends}, {tricks} tricks, {reads} reads verified")
    # Otherwise the rounds prove nothing
    assert ends["failed"] and ends["live"] and reads > 100 and tricks > 20, ends
    hostile.usable(lab)
