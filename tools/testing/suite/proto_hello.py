# SPDX-License-Identifier: GPL-2.0
"""HELLO: rswapd refuses what breaks a rule, other versions, wrong keys, and too many of anything.

Every refusal of HELLO has the status of the specification and a reply body with what is known, and
is followed by close; neither refusals nor the connections themselves leave anything behind.
"""
import os

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20

MALFORMED = [
    ("versions upside down", dict(version_min=2, version_max=1)),
    ("lane 2", dict(lane=2)),
    ("reserved bytes", dict(reserved0=b"\0\0\1")),
    ("id of zeroes", dict(id=bytes(16))),
    ("a control character in the name", dict(name=b"a\nb")),
    ("a byte beyond ASCII in the name", dict(name=b"caf\xc3\xa9")),
    ("bytes behind the end of the name", dict(name=b"abc\0def")),
    ("size 0", dict(size=0)),
    ("size that is no multiple of a block", dict(size=SLAB + 512)),
    ("reserve beyond size", dict(size=SLAB, reserve=SLAB + 1)),
    ("max_io 0", dict(max_io=0)),
    ("max_io below a block", dict(max_io=4095)),
    ("depth 0", dict(depth=0)),
]


def refused(server, status, **args):
    """A HELLO with these arguments is refused so; return the body of the reply."""
    c = server.client(hello=False)
    with c:
        try:
            c.hello(**args)
        except proto.Refused as error:
            assert error.status == status, f"{args}: {error} instead of {proto.STATUSES[status]}"
            c.closed()
            return c.reply
        raise AssertionError(f"HELLO with {args} was accepted instead of {proto.STATUSES[status]}")


def malformed(server):
    for what, args in MALFORMED:
        try:
            reply = refused(server, proto.PROTO, **args)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
        assert not any(reply.server_id) and not reply.slab_size, f"{what}: {reply}"
    for body in (0, 4, 119, 121, 4096, 0xffffffff):
        with server.client(hello=False) as c:
            c.send(proto.pack_hdr(proto.HELLO, body=body))
            hdr, got = proto.recv_message(c.sock)
            assert hdr.status == proto.PROTO and len(got) == 64, f"HELLO with {body} bytes: {hdr}"
            c.closed()


def versions(server):
    for low, high in ((0, 0), (2, 2), (2, 65535)):
        reply = refused(server, proto.VERSION_MISMATCH, version_min=low, version_max=high)
        assert reply.version == 1, reply
    # A header of another version is refused unread, however its body may look
    for body in (b"", bytes(120), os.urandom(500)):
        with server.client(hello=False) as c:
            c.send(proto.pack_hdr(proto.HELLO, version=2, tag=3, body=len(body)) + body)
            hdr, got = proto.recv_message(c.sock)
            assert (hdr.status, hdr.tag, hdr.version) == (proto.VERSION_MISMATCH, 3, 1), hdr
            assert proto.unpack_hello_reply(got).version == 1
            c.closed()


def identity(server):
    with server.client(size=4 * SLAB, reserve=SLAB, name="me") as c:
        c.alloc(0)
        wrong = bytes([c.key[0] ^ 1]) + c.key[1:]
        late = c.key[:31] + bytes([c.key[31] ^ 0x80])
        same = dict(id=c.id, key=c.key, size=c.size, reserve=SLAB)
        for key in (wrong, late, bytes(32)):
            reply = refused(server, proto.AUTH, **dict(same, key=key))
            assert not reply.memory_limit and not reply.slabs_present, "a stranger is told about memory"
        refused(server, proto.LIMIT, **dict(same, size=5 * SLAB))
        refused(server, proto.LIMIT, **dict(same, reserve=0))
        with server.again(c, lane=proto.BULK) as more:
            assert more.reply.slabs_present == 1 and more.reply.server_id == c.reply.server_id
            assert more.read(0, 0, 4096) == bytes(4096)
            # Its reservation does not count there, but the slab it has does
            assert more.reply.memory_free == c.reply.memory_free - SLAB, more.reply
        refused(server, proto.LIMIT, size=(proto.MAX_SLABS + 1) * SLAB)
        with server.client(size=proto.MAX_SLABS * SLAB) as most:
            most.alloc(proto.MAX_SLABS - 1)
            assert most.list() == [proto.MAX_SLABS - 1]
            most.bye()
        c.bye()


def counts(server):
    """64 connections of a client, and 8 clients, but not one more; a place that is left is free."""
    first = server.client(size=SLAB, name="many")
    more = [server.again(first) for _ in range(proto.MAX_CONNS - 1)]
    refused(server, proto.LIMIT, id=first.id, key=first.key, size=SLAB)
    more.pop().close()
    proto.wait_for("a place", lambda: server.named("many")["connections"] == proto.MAX_CONNS - 1)
    more.append(server.again(first))
    for c in more:
        c.ping()
        c.close()
    others = [server.client() for _ in range(7)]
    refused(server, proto.LIMIT)
    assert server.again(first).list() == [], "a known client has no place though it is one of them"
    others[0].bye()
    server.client().bye()
    for c in others:
        c.close()
    first.close()
    proto.wait_for("all to be forgotten", lambda: not server.state()["clients"])


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, "--max-clients", "8", build=build)
        malformed(server)
        versions(server)
        identity(server)
        proto.wait_for("all to be forgotten", lambda: not server.state()["clients"])
        counts(server)
        proto.wait_for("connections to end", lambda: not server.state()["connections"])
        server.alive()
        server.stop()
