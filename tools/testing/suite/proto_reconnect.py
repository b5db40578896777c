# SPDX-License-Identifier: GPL-2.0
"""A client that lost its connections finds its slabs again, for as long as --orphan-timeout says.

The same id and key find them; another key does not, and does not disturb them. When the time is over,
or at once with --orphan-timeout 0, they are freed; a client that holds nothing is forgotten at once.
"""
import os
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20


def comes_back(server):
    data = os.urandom(SLAB)
    c = server.client(name="back", reserve=4 * SLAB)
    c.alloc(5)
    c.alloc(9)
    c.write(9, 0, data)
    first = c.reply
    for _ in range(3):
        c.close()
        proto.wait_for("the orphan", lambda: server.named("back")["orphan"])
        state = server.named("back")
        assert state["connections"] == 0 and state["slabs"] == 2 and state["reserved_bytes"] == 4 * SLAB
        assert server.state()["memory_committed"] == 4 * SLAB
        try:
            server.client(id=c.id, key=os.urandom(32), reserve=4 * SLAB)
            raise AssertionError("another key found the slabs")
        except proto.Refused as error:
            assert error.status == proto.AUTH
        assert server.named("back")["orphan"]
        c = server.again(c)
        assert c.reply.slabs_present == 2 and c.list() == [5, 9]
        assert c.reply.server_id == first.server_id
        assert c.read(9, 0, SLAB) == data and c.read(5, 0, SLAB) == bytes(SLAB)
        assert not server.named("back")["orphan"]
    c.bye()


def expires(server):
    """The server was started with --orphan-timeout 2."""
    c = server.client(name="late", reserve=2 * SLAB)
    c.alloc(0)
    c.write(0, 0, b"gone" * 1024)
    c.close()
    gone = time.monotonic()
    proto.wait_for("the orphan", lambda: server.named("late")["orphan"])
    assert server.state()["memory_committed"] == 2 * SLAB
    proto.wait_for("expiry", lambda: not server.named("late"))
    waited = time.monotonic() - gone
    assert 1.9 <= waited < 5 * proto.SLOW, f"an orphan was kept for {waited:.1f} instead of 2 s"
    assert server.state()["memory_committed"] == 0
    assert "late" in server.out and "did not come back" in server.out
    # A stranger now, with whatever key
    again = server.client(id=c.id, key=os.urandom(32), reserve=0)
    assert again.list() == []
    again.bye()


def keeps_while_connected(server):
    """The timeout is that of orphans only, and starts anew each time."""
    c = server.client(name="stays")
    c.alloc(0)
    spare = server.again(c)
    c.close()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert not server.named("stays")["orphan"]
        spare.ping()
        time.sleep(0.3)
    assert spare.list() == [0]
    spare.close()
    for _ in range(3):
        time.sleep(1.2)
        spare = server.again(spare)
        assert spare.list() == [0]
        spare.close()
    proto.wait_for("expiry", lambda: not server.named("stays"))


def holds_nothing(server):
    c = server.client(name="empty")
    c.alloc(0)
    c.free(0)
    c.close()
    proto.wait_for("the empty client to be forgotten", lambda: not server.named("empty"), within=2)


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, build=build)
        comes_back(server)
        holds_nothing(server)
        server.stop()
        server = memserver.MemServer(lab, "--orphan-timeout", "2", build=build)
        expires(server)
        keeps_while_connected(server)
        server.stop()
        server = memserver.MemServer(lab, "--orphan-timeout", "0", build=build)
        c = server.client(name="now", reserve=SLAB)
        c.alloc(3)
        c.close()
        proto.wait_for("no orphan at all", lambda: not server.named("now"), within=2)
        proto.wait_for("its memory", lambda: server.state()["memory_committed"] == 0)
        server.stop()
