# SPDX-License-Identifier: GPL-2.0
"""rswapd survives random byte streams, and no stream touches another client's bytes.

The sanitizer build is fed random bytes, valid messages with fields changed, cut and glued in random
places, on connections that have said HELLO and on some that have not, while a client that behaves
checks its own pages. The seed is that of the test.
"""
import errno
import os
import socket
import struct

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
STREAMS = 4000

INTERESTING = [0, 1, 2, 3, 4, 5, 15, 16, 31, 4095, 4096, 4097, 8192, 65536, SLAB - 4096, SLAB, SLAB + 4096,
               1 << 24, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff]


def message(rng):
    """A message that is valid, or nearly."""
    op = rng.randrange(0, 14)
    length = rng.choice(INTERESTING) if rng.random() < 0.3 else 4096 * rng.randint(1, 4)
    data = b""
    if op == proto.WRITE:
        data = rng.randbytes(min(length, 70000))
    if op in (proto.HELLO, proto.BYE, proto.PING, proto.SLAB_ALLOC, proto.SLAB_FREE, proto.SLAB_LIST):
        length = 0
    if op == proto.HELLO:
        data = proto.pack_hello(rng.randbytes(16), bytes(32), rng.choice(INTERESTING) * 4096 + 4096, reserve=0)
    hdr = bytearray(proto.pack_hdr(op, tag=rng.getrandbits(32), slab=rng.randrange(0, 5) if op > 3 else 0,
                                   offset=4096 * rng.randrange(0, 260) if op > 6 else 0, length=length,
                                   body=len(data)))
    if rng.random() < 0.2:
        field, fmt = rng.choice([(4, "B"), (5, "B"), (6, "B"), (7, "B"), (12, "I"), (16, "Q"), (20, "I"),
                                 (24, "I"), (28, "I")])
        struct.pack_into("<" + fmt, hdr, field,
                         rng.choice(INTERESTING) & ((1 << 8 * struct.calcsize(fmt)) - 1))
    if rng.random() < 0.05:
        hdr[rng.randrange(32)] ^= 1 << rng.randrange(8)
    return bytes(hdr) + data


def stream(rng):
    if rng.random() < 0.1:
        return rng.randbytes(rng.randint(0, 20000))
    data = b"".join(message(rng) for _ in range(rng.randint(1, 12)))
    if rng.random() < 0.3:
        data = data[:rng.randint(0, len(data))]
    return data


def feed(server, rng, known):
    """One stream on a connection of a stranger, of a new client, or of one that was here before."""
    kind = rng.random()
    try:
        if kind < 0.2:
            c = server.client(hello=False, timeout=5)
        elif kind < 0.6 or not known:
            c = server.client(size=4 * SLAB, depth=rng.randint(1, 32), timeout=5, name="fuzz")
            known.append(c)
            c.alloc(0)
        else:
            c = server.again(rng.choice(known), timeout=5)
    except proto.Refused:
        return
    data = stream(rng)
    try:
        while data:
            n = rng.randint(1, len(data))
            c.send(data[:n])
            data = data[n:]
        end = rng.random()
        if end < 0.5:
            # An orderly end: all is answered, then the server closes as well
            c.sock.shutdown(socket.SHUT_WR)
            while c.sock.recv(65536):
                pass
        elif end < 0.7:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError as error:
        # Closed by the server is fair; silence is not
        if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
            raise
    c.close()
    if len(known) > 8:
        known.pop(rng.randrange(len(known)))


def test(lab):
    rng = lab.rng
    lab.log(f"seed {lab.seed}")
    server = memserver.MemServer(lab, "--orphan-timeout", "1", build=memserver.ASAN)
    pages = os.urandom(SLAB)
    with server.client(name="good", reserve=4 * SLAB) as good:
        for slab in range(4):
            good.alloc(slab)
            good.write(slab, 0, pages)
        known = []
        for i in range(STREAMS):
            feed(server, rng, known)
            if i % 50 == 0:
                assert good.read(rng.randrange(4), 0, SLAB) == pages, f"stream {i} changed another client's bytes"
            assert server.process.rc is None, f"stream {i} ended the server:\n{server.out[-4000:]}"
        for slab in range(4):
            assert good.read(slab, 0, SLAB) == pages
        good.bye()
    proto.wait_for("all memory to be back", lambda: server.state()["memory_committed"] == 0)
    assert server.state()["memory_held"] == 0
    server.alive()
    server.stop()
    # A log that a hostile peer writes is bounded
    assert len(server.out) < 100000, f"{STREAMS} streams made {len(server.out)} bytes of log"
