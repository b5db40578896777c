# SPDX-License-Identifier: GPL-2.0
"""rswapd answers every operation of the protocol as the specification says.

Each reply echoes its request (the client of lab/proto.py insists on it); slabs read as zeroes until
written, keep what was written to the last byte, and are listed page by page; tags may be chosen
freely; the same holds over IPv6 and on the sanitizer build.
"""
import os
import struct

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20


def operations(server):
    with server.client(size=8 * SLAB, name="ops") as c:
        r = c.reply
        assert (r.version, r.slab_size, r.features) == (1, SLAB, 0), r
        assert (r.max_io, r.depth, r.slabs_present) == (proto.MAX_IO, 64, 0), r
        assert r.memory_limit == r.memory_free == 64 << 20, r
        assert any(r.server_id) and r.reserved0 == bytes(2) and r.reserved1 == bytes(4), r
        c.ping()
        c.alloc(7)
        assert c.read(7, 0, SLAB) == bytes(SLAB), "a new slab does not read as zeroes"
        data = os.urandom(SLAB)
        c.write(7, 0, data)
        assert c.read(7, 0, SLAB) == data
        c.alloc(7)
        assert c.read(7, SLAB - 4096, 4096) == data[-4096:], "ALLOC of an existing slab lost its contents"
        c.write(7, SLAB - 4096, data[:4096])
        assert c.read(7, SLAB - 8192, 8192) == data[-8192:-4096] + data[:4096]
        c.trim(7, 4096, 8192)
        assert c.read(7, 0, 16384) == data[:4096] + bytes(8192) + data[12288:16384]
        c.trim(7, 0, SLAB)
        assert c.read(7, 0, SLAB) == bytes(SLAB)
        c.free(7)
        c.free(7)
        assert c.status(proto.READ, slab=7, length=4096) == proto.NOSLAB
        c.alloc(7)
        assert c.read(7, 0, SLAB) == bytes(SLAB), "an allocated slab shows its former contents"
        # More pieces than one send takes; the first half of it has fewer.
        for offset in range(0, SLAB, 8192):
            c.write(7, offset, data[offset:offset + 4096])
        patchwork = b"".join(data[offset:offset + 4096] + bytes(4096)
                             for offset in range(0, SLAB, 8192))
        for offset, length in ((0, SLAB), (0, SLAB // 4), (4096, SLAB - 4096), (4096, 4096)):
            assert c.read(7, offset, length) == patchwork[offset:offset + length]
        c.bye()
        c.closed()


def listing(server):
    """Numbers ascend, pages are full until the last one, any start is allowed."""
    with server.client(size=3000 * SLAB) as c:
        assert c.list() == []
        slabs = sorted([0, 1, 63, 64, 65, 127, 1000, 2999])
        for slab in reversed(slabs):
            c.alloc(slab)
        assert c.list() == slabs
        assert c.list(64) == slabs[3:] and c.list(2999) == [2999]
        for start in (3000, 0xffffffff):
            assert c.list(start) == [], "a list that begins beyond the last slab is not empty"
        for slab in (0, 64, 2999):
            c.free(slab)
        assert c.list() == [1, 63, 65, 127, 1000], "a slab that was freed is listed"
        c.bye()


def long_list(server):
    """Exactly one page, and one more than a page."""
    with server.client(size=2048 * SLAB) as c:
        for slab in range(1024):
            c.alloc(slab)
        body = c.call(proto.SLAB_LIST)[1]
        assert struct.unpack("<1024I", body) == tuple(range(1024))
        assert c.list() == list(range(1024))
        c.alloc(2000)
        assert c.list() == list(range(1024)) + [2000]
        c.bye()


def pipelining(server):
    """depth requests at once, answered each once; tags are the client's business."""
    with server.client(size=SLAB, depth=32) as c:
        assert c.reply.depth == 32
        c.alloc(0)
        blocks = [os.urandom(4096) for _ in range(32)]
        tags = [c.start(proto.WRITE, offset=i * 4096, length=4096, data=b) for i, b in enumerate(blocks)]
        for tag in reversed(tags):
            c.finish(tag)
        tags = [c.start(proto.READ, offset=i * 4096, length=4096) for i in range(32)]
        assert [c.finish(t)[1] for t in tags] == blocks
        # The server does not look at tags: the same one twice, and 0, are echoed
        request = proto.pack_hdr(proto.PING, tag=5) * 2 + proto.pack_hdr(proto.PING, tag=0)
        c.send(request)
        assert [proto.recv_message(c.sock)[0].tag for _ in range(3)] == [5, 5, 0]
        c.bye()


def negotiation(server):
    """What is granted is at most what was asked for, and at most what the server does."""
    asked = [(4096, 1, 4096, 1), (4097, 2, 4096, 2), (1 << 31, 1 << 31, proto.MAX_IO, proto.MAX_DEPTH),
             (65536 + 8191, 1025, 65536 + 4096, 1024)]
    for max_io, depth, got_io, got_depth in asked:
        with server.client(max_io=max_io, depth=depth) as c:
            assert (c.reply.max_io, c.reply.depth) == (got_io, got_depth), c.reply
            c.alloc(0)
            c.write(0, 0, b"x" * got_io)
            assert c.read(0, 0, got_io) == b"x" * got_io
            if got_io < proto.MAX_IO:
                assert c.status(proto.READ, length=got_io + 4096) == proto.RANGE
            c.bye()
    # Features nobody knows are not granted, and do no harm; a range of versions that has ours is fine
    with server.client(features=(1 << 64) - 1, version_min=0, version_max=9, lane=proto.BULK,
                       name="n" * 32) as c:
        assert c.reply.features == 0 and c.reply.version == 1
        assert server.named("n" * 32), "a name of full length is not kept"
        c.bye()


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, build=build)
        operations(server)
        listing(server)
        pipelining(server)
        negotiation(server)
        server.stop()
        server = memserver.MemServer(lab, build=build, host="::1", memory="2G")
        operations_six(server)
        long_list(server)
        server.stop()


def operations_six(server):
    with server.client() as c:
        c.alloc(1)
        c.write(1, 4096, b"six!" * 1024)
        assert c.read(1, 0, 8192) == bytes(4096) + b"six!" * 1024
        c.bye()
