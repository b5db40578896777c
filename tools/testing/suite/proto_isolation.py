# SPDX-License-Identifier: GPL-2.0
"""Clients of one rswapd never see each other's bytes, nor their own after they gave them back.

Two clients use the same slab numbers of a server that both fill to the last slab, so that every slab
one frees is the memory the other gets next: by FREE, TRIM, BYE, and by operations that were half
done when the slab went.
"""
import os

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
SLABS = 16


def fill(client, slabs, marker):
    for slab in slabs:
        client.alloc(slab)
        client.write(slab, 0, marker * (SLAB // len(marker)))


def all_zero(client, slabs):
    for slab in slabs:
        assert not any(client.read(slab, 0, SLAB)), f"slab {slab} shows bytes of somebody"


def same_numbers(server):
    with server.client() as a, server.client() as b:
        fill(a, range(8), b"AAAAaaaa")
        for slab in range(8):
            assert b.status(proto.READ, slab=slab, length=4096) == proto.NOSLAB
            assert b.status(proto.TRIM, slab=slab, length=4096) == proto.NOSLAB
            assert b.status(proto.WRITE, slab=slab, length=4096, data=b"B" * 4096) == proto.NOSLAB
            b.free(slab)
        assert b.list() == []
        fill(b, range(8), b"BBBBbbbb")
        b.trim(0, 0, SLAB)
        b.free(1)
        for slab in range(8):
            assert a.read(slab, 0, SLAB) == b"AAAAaaaa" * (SLAB // 8)
        a.bye()
        assert b.read(2, 0, SLAB) == b"BBBBbbbb" * (SLAB // 8)
        b.bye()


def after_free(server):
    """The memory of a full server goes to and fro."""
    with server.client() as a, server.client() as b:
        for turn in range(4):
            fill(a, range(SLABS), b"A%07d" % turn)
            assert b.status(proto.SLAB_ALLOC, slab=0) == proto.NOSPACE
            for slab in range(SLABS):
                a.free(slab)
            for slab in range(SLABS):
                b.alloc(slab)
            all_zero(b, range(SLABS))
            fill(b, range(SLABS), b"B%07d" % turn)
            b.bye()
            b = server.client()
            for slab in range(SLABS):
                a.alloc(slab)
            all_zero(a, range(SLABS))
            a.trim(0, 0, SLAB)
        a.bye()
        b.close()


def half_written(server):
    """A WRITE is under way when another connection frees its slab; the rest of it arrives later."""
    for how in ("free", "bye"):
        with server.client() as a, server.client() as b:
            fill(a, range(SLABS), b"AAAAAAAA")
            stuck = server.again(a)
            stuck.send(proto.pack_hdr(proto.WRITE, tag=1, slab=3, length=SLAB, body=SLAB) + b"W" * 300000)
            proto.wait_for("half a WRITE", lambda: server.named("test") and
                           sum(c["bytes_in"] for c in server.state()["clients"]) >= SLABS * SLAB + 300000)
            if how == "free":
                for slab in range(SLABS):
                    a.free(slab)
                # The slab under the WRITE is still taken: its memory is not lent twice
                for slab in range(SLABS - 1):
                    b.alloc(slab)
                assert b.status(proto.SLAB_ALLOC, slab=SLABS - 1) == proto.NOSPACE
                all_zero(b, range(SLABS - 1))
                stuck.send(b"W" * (SLAB - 300000))
                assert proto.recv_message(stuck.sock)[0].status == proto.OK
                stuck.ping()
                b.alloc(SLABS - 1)
            else:
                # The server does not wait for the rest: it closes what is left of the client
                a.bye()
                proto.wait_for("the memory", lambda: server.state()["memory_committed"] == 0)
                stuck.closed()
                for slab in range(SLABS):
                    b.alloc(slab)
            all_zero(b, range(SLABS))
            stuck.close()
            if how == "free":
                a.bye()
            b.bye()


def half_read(server):
    """READs wait in a connection that nobody reads from while their slabs are freed."""
    with server.client() as a, server.client() as b:
        fill(a, range(SLABS), b"AAAAAAAA")
        slow = server.again(a)
        tags = [slow.start(proto.READ, slab=s % SLABS, length=SLAB) for s in range(64)]
        for slab in range(SLABS):
            a.free(slab)
        got = 0
        for slab in range(SLABS):
            if b.status(proto.SLAB_ALLOC, slab=slab) == proto.OK:
                b.write(slab, 0, b"B" * SLAB)
                got += 1
        assert got < SLABS, "the memory of READs under way was given away"
        for tag in tags:
            hdr, body = slow.finish(tag, check=False)
            assert hdr.status == proto.NOSLAB or body == b"A" * SLAB, \
                f"READ got {set(body)} of a slab that was freed"
        slow.close()
        a.bye()
        b.bye()


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, build=build, memory=f"{SLABS}M")
        same_numbers(server)
        after_free(server)
        half_written(server)
        half_read(server)
        proto.wait_for("all memory to be back", lambda: server.state()["memory_committed"] == 0)
        server.stop()
