# SPDX-License-Identifier: GPL-2.0
"""rswapd refuses every malformed request with the status of the specification, and goes on or closes.

A header that breaks a rule is answered with PROTO and the connection closed; a well-formed request
outside of what was negotiated gets RANGE, one for a slab that does not exist NOSLAB, and the
connection goes on, also behind the body of a refused WRITE; bytes that are no rswap are not answered.
"""
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
BIG = proto.MAX_IO + 4096

# Fields of a header that break a rule of the protocol: what, and the header
BROKEN = [
    ("version 0", dict(op=proto.PING, version=0)),
    ("version 2", dict(op=proto.PING, version=2)),
    ("operation 0", dict(op=0)),
    ("operation 13", dict(op=13)),
    ("operation 255", dict(op=255)),
    ("a notice from a client", dict(op=proto.GOING_AWAY)),
    ("PRESSURE from a client", dict(op=proto.PRESSURE)),
    ("MOVE from a client", dict(op=proto.MOVE)),
    ("a reply", dict(op=proto.PING, flags=proto.F_REPLY)),
    ("an unknown flag", dict(op=proto.PING, flags=2)),
    ("flag 128", dict(op=proto.READ, length=4096, flags=128)),
    ("a status in a request", dict(op=proto.PING, status=1)),
    ("a slab in PING", dict(op=proto.PING, slab=1)),
    ("an offset in PING", dict(op=proto.PING, offset=4096)),
    ("a length in PING", dict(op=proto.PING, length=4096)),
    ("a body in PING", dict(op=proto.PING, body=4)),
    ("a slab in BYE", dict(op=proto.BYE, slab=1)),
    ("a length in BYE", dict(op=proto.BYE, length=4096)),
    ("an offset in SLAB_ALLOC", dict(op=proto.SLAB_ALLOC, offset=4096)),
    ("a length in SLAB_ALLOC", dict(op=proto.SLAB_ALLOC, length=4096)),
    ("a body in SLAB_ALLOC", dict(op=proto.SLAB_ALLOC, body=4096)),
    ("a length in SLAB_FREE", dict(op=proto.SLAB_FREE, length=4096)),
    ("an offset in SLAB_LIST", dict(op=proto.SLAB_LIST, offset=4096)),
    ("a body in SLAB_LIST", dict(op=proto.SLAB_LIST, body=1)),
    ("READ of nothing", dict(op=proto.READ)),
    ("READ of 512 bytes", dict(op=proto.READ, length=512)),
    ("READ of 4097 bytes", dict(op=proto.READ, length=4097)),
    ("READ at offset 1", dict(op=proto.READ, offset=1, length=4096)),
    ("READ at offset 2048", dict(op=proto.READ, offset=2048, length=4096)),
    ("READ of more than 1 MiB", dict(op=proto.READ, length=BIG)),
    ("READ of 4 GiB less a block", dict(op=proto.READ, length=0xfffff000)),
    ("READ with a body", dict(op=proto.READ, length=4096, body=4096)),
    ("WRITE of nothing", dict(op=proto.WRITE)),
    ("WRITE at offset 1", dict(op=proto.WRITE, offset=1, length=4096, body=4096)),
    ("WRITE of 100 bytes", dict(op=proto.WRITE, length=100, body=100)),
    ("WRITE with a short body", dict(op=proto.WRITE, length=8192, body=4096)),
    ("WRITE with a long body", dict(op=proto.WRITE, length=4096, body=8192)),
    ("WRITE without body", dict(op=proto.WRITE, length=4096)),
    ("WRITE of more than 1 MiB", dict(op=proto.WRITE, length=BIG, body=BIG)),
    ("WRITE of 4 GiB less a block", dict(op=proto.WRITE, length=0xfffff000, body=0xfffff000)),
    ("TRIM of nothing", dict(op=proto.TRIM)),
    ("TRIM at offset 100", dict(op=proto.TRIM, offset=100, length=4096)),
    ("TRIM of 5000 bytes", dict(op=proto.TRIM, length=5000)),
    ("TRIM with a body", dict(op=proto.TRIM, length=4096, body=4096)),
    ("HELLO twice", dict(op=proto.HELLO, body=120)),
]

# Well-formed, but outside of a client of four slabs of which slab 1 exists: arguments and status
OUTSIDE = [
    (dict(op=proto.READ, slab=4, length=4096), proto.RANGE),
    (dict(op=proto.READ, slab=0xffffffff, length=4096), proto.RANGE),
    (dict(op=proto.READ, slab=1, offset=SLAB, length=4096), proto.RANGE),
    (dict(op=proto.READ, slab=1, offset=SLAB - 4096, length=8192), proto.RANGE),
    (dict(op=proto.READ, slab=1, offset=1 << 63, length=4096), proto.RANGE),
    (dict(op=proto.READ, slab=1, offset=(1 << 64) - 4096, length=4096), proto.RANGE),
    (dict(op=proto.READ, slab=1, offset=(1 << 64) - 4096, length=8192), proto.RANGE),
    (dict(op=proto.READ, slab=1, length=131072), proto.RANGE),
    (dict(op=proto.READ, slab=2, length=4096), proto.NOSLAB),
    (dict(op=proto.WRITE, slab=4, length=4096, data=b"a" * 4096), proto.RANGE),
    (dict(op=proto.WRITE, slab=1, offset=SLAB, length=8192, data=b"b" * 8192), proto.RANGE),
    (dict(op=proto.WRITE, slab=1, offset=1 << 32, length=4096, data=b"b" * 4096), proto.RANGE),
    (dict(op=proto.WRITE, slab=1, length=proto.MAX_IO, data=b"c" * proto.MAX_IO), proto.RANGE),
    (dict(op=proto.WRITE, slab=2, length=65536, data=b"d" * 65536), proto.NOSLAB),
    (dict(op=proto.TRIM, slab=4, length=4096), proto.RANGE),
    (dict(op=proto.TRIM, slab=1, length=2 * SLAB), proto.RANGE),
    (dict(op=proto.TRIM, slab=1, length=0xfffff000), proto.RANGE),
    (dict(op=proto.TRIM, slab=1, offset=4096, length=SLAB), proto.RANGE),
    (dict(op=proto.TRIM, slab=2, length=4096), proto.NOSLAB),
    (dict(op=proto.TRIM, slab=2, length=SLAB), proto.NOSLAB),
    (dict(op=proto.SLAB_ALLOC, slab=4), proto.RANGE),
    (dict(op=proto.SLAB_FREE, slab=4), proto.RANGE),
    (dict(op=proto.SLAB_ALLOC, slab=0xffffffff), proto.RANGE),
]


def refused_for_good(c, what, header):
    """The header is answered with PROTO, echoing it; nothing after it is obeyed."""
    header = dict(header, tag=0x12345678)
    c.send(proto.pack_hdr(**header) + proto.pack_hdr(proto.PING, tag=9))
    hdr, body = proto.recv_message(c.sock)
    assert hdr.status == proto.PROTO, f"{what}: answered with {proto.STATUSES[hdr.status]}"
    assert (hdr.op, hdr.tag, hdr.flags, hdr.version) == (header["op"], 0x12345678, proto.F_REPLY, 1), hdr
    for field in ("slab", "offset", "length"):
        assert getattr(hdr, field) == header.get(field, 0), f"{what}: {field} is not echoed: {hdr}"
    assert body == (bytes(64) if header["op"] == proto.HELLO else b""), f"{what}: body {body!r}"
    c.closed()


def broken(server):
    for what, header in BROKEN:
        with server.client(size=4 * SLAB) as c:
            c.alloc(0)
            refused_for_good(c, what, header)
    # The same before HELLO, and requests before HELLO however well formed they are
    early = [(w, h) for w, h in BROKEN if w != "HELLO twice"]
    early += [("PING", dict(op=proto.PING)), ("READ", dict(op=proto.READ, length=4096)),
              ("BYE", dict(op=proto.BYE)), ("SLAB_ALLOC", dict(op=proto.SLAB_ALLOC))]
    for what, header in early:
        with server.client(hello=False) as c:
            refused_for_good(c, f"{what} before HELLO", header)


def outside(server):
    with server.client(size=4 * SLAB, max_io=65536, name="outside") as c:
        c.alloc(1)
        c.write(1, 0, b"keep" * 1024)
        for args, status in OUTSIDE:
            got = c.status(**args)
            assert got == status, (f"{proto.OPS[args['op']]} {args.get('slab')} {args.get('offset', 0)} "
                                   f"{args.get('length')}: {proto.STATUSES[got]}")
            c.ping()
        assert c.read(1, 0, 8192) == b"keep" * 1024 + bytes(4096), "a refused request changed the slab"
        assert c.list() == [1]
        assert server.named("outside")["errors"] == len(OUTSIDE)
        # Refused and good ones at once, in one piece of bytes
        wrong = proto.pack_hdr(proto.WRITE, tag=1, slab=3, length=4096, body=4096) + b"x" * 4096
        good = proto.pack_hdr(proto.WRITE, tag=2, slab=1, length=4096, body=4096) + b"good" * 1024
        c.send((wrong + good) * 3)
        statuses = [(h.tag, h.status) for h, _ in (proto.recv_message(c.sock) for _ in range(6))]
        assert statuses == [(1, proto.NOSLAB), (2, proto.OK)] * 3, statuses
        assert c.read(1, 0, 4096) == b"good" * 1024
        c.bye()


def foreign(server):
    """Other protocols, and a stream that lost its frame, are closed without a word."""
    for text in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b" " * 32, bytes(64),
                 proto.pack_hdr(proto.HELLO, magic=proto.MAGIC ^ 1, body=120) + bytes(120)):
        with server.client(hello=False) as c:
            c.send(text)
            c.closed()
            assert not c.done
        with server.client() as c:
            c.send(text)
            c.closed()
            assert not c.done


def depth(server):
    """More requests than negotiated in one piece: as many are answered, then PROTO."""
    with server.client(depth=4) as c:
        c.send(b"".join(proto.pack_hdr(proto.PING, tag=t) for t in range(6)))
        replies = [proto.recv_message(c.sock)[0] for _ in range(5)]
        assert [(r.tag, r.status) for r in replies] == [(t, proto.OK) for t in range(4)] + [(4, proto.PROTO)]
        c.closed()


def orderly(server):
    """A refused peer that goes on sending is not reset: nothing can eat the reply that it should see."""
    with server.client() as c:
        c.send(proto.pack_hdr(proto.PING, slab=1))
        assert proto.recv_message(c.sock)[0].status == proto.PROTO
        for _ in range(5):
            c.send(bytes(10000))
            time.sleep(0.05)
        assert c.sock.recv(1) == b""


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, "--orphan-timeout", "0", build=build)
        broken(server)
        outside(server)
        foreign(server)
        depth(server)
        orderly(server)
        server.alive()
        server.stop()
