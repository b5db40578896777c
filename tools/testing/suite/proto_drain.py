# SPDX-License-Identifier: GPL-2.0
"""SIGTERM: rswapd tells its clients, refuses new ones, serves the others until they have left, and ends.

It exits with 0 as soon as nobody holds anything, with 3 and a count of what it abandoned after
--drain-timeout or a second signal; until then clients may come back and read their pages.
"""
import os
import signal
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20


def going_away(c):
    c.ping()
    proto.wait_for("the notice", lambda: c.ping() or c.notices)
    assert [n.op for n in c.notices] == [proto.GOING_AWAY], c.notices


def nobody(lab, build):
    for sig in (signal.SIGTERM, signal.SIGINT):
        server = memserver.MemServer(lab, build=build)
        idle = server.client()
        silent = server.client(hello=False)
        start = time.monotonic()
        server.stop(expect=0, sig=sig)
        assert time.monotonic() - start < 5 * proto.SLOW, "idle clients kept it from ending"
        assert not server.path.exists(), "the control socket was left behind"
        idle.closed()
        silent.closed()


def somebody(lab, build):
    server = memserver.MemServer(lab, build=build)
    data = os.urandom(SLAB)
    a, b = server.client(name="a", reserve=4 * SLAB), server.client(name="b")
    second = server.again(a)
    a.alloc(0)
    a.write(0, 0, data)
    b.alloc(0)
    server.process.kill(signal.SIGTERM)
    proto.wait_for("the drain", lambda: server.state()["draining"])
    for c in (a, b, second):
        going_away(c)
    # No new slab, promised or not; what exists is no new slab
    assert a.status(proto.SLAB_ALLOC, slab=1) == proto.DRAINING
    assert b.status(proto.SLAB_ALLOC, slab=1) == proto.DRAINING
    a.alloc(0)
    try:
        server.client()
        raise AssertionError("a new client was accepted")
    except proto.Refused as error:
        assert error.status == proto.DRAINING, error
    # Old clients are served, also on new connections
    a.close()
    second.close()
    proto.wait_for("the orphan", lambda: server.named("a")["orphan"])
    a = server.again(a)
    assert a.reply.slabs_present == 1
    going_away(a)
    assert a.read(0, 0, SLAB) == data
    a.write(0, 0, data[::-1])
    assert a.read(0, 0, SLAB) == data[::-1]
    a.bye()
    assert server.process.rc is None
    b.ping()
    # The last slab goes, without BYE: that is enough
    b.free(0)
    assert server.process.wait(10, check=False) == 0, server.out
    server.stop(expect=0)


def abandoned(lab, build):
    server = memserver.MemServer(lab, "--drain-timeout", "2", build=build)
    c = server.client()
    c.alloc(0)
    c.write(0, 0, b"lost" * 1024)
    start = time.monotonic()
    server.stop(expect=3)
    assert 1.9 < time.monotonic() - start < 8 * proto.SLOW
    assert "abandoning 1 clients that have 4096 bytes here" in server.out, server.out
    c.closed()

    server = memserver.MemServer(lab, build=build)
    c = server.client(reserve=SLAB)
    server.process.kill(signal.SIGTERM)
    going_away(c)
    start = time.monotonic()
    server.stop(expect=3)
    assert time.monotonic() - start < 5 * proto.SLOW, "the second signal was not obeyed"
    assert "abandoning 1 clients that have 0 bytes here" in server.out

    server = memserver.MemServer(lab, "--drain-timeout", "0", build=build)
    server.client(reserve=SLAB)
    server.stop(expect=3, timeout=5)


def pipelined(lab, build):
    """What was received before the end is answered before the end."""
    server = memserver.MemServer(lab, build=build)
    c = server.client()
    c.alloc(0)
    server.process.kill(signal.SIGTERM)
    going_away(c)
    tags = [c.start(proto.WRITE, slab=0, length=SLAB, data=b"p" * SLAB),
            c.start(proto.READ, slab=0, length=SLAB), c.start(proto.PING), c.start(proto.BYE)]
    for tag in tags:
        c.finish(tag)
    c.closed()
    assert server.process.wait(10, check=False) == 0, server.out


def test(lab):
    for build in memserver.BUILDS:
        nobody(lab, build)
        somebody(lab, build)
        abandoned(lab, build)
        pipelined(lab, build)
