# SPDX-License-Identifier: GPL-2.0
"""A slow or stalled peer costs rswapd little, disturbs nobody, and is dropped in time.

A client that does not read its replies stops being read from, and gets every one of them later; one
that stops in the middle of a message, or never says HELLO, is dropped; what half a WRITE left behind
is harmless; a client that is merely quiet stays.
"""
import fcntl
import os
import socket
import subprocess
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
STALL = 3


def cpu(server):
    """Seconds of processor time it has used."""
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slow_reader(server):
    """64 MiB of replies for a client that reads none; then all of them, in one piece and right."""
    with server.client(name="slow", depth=64, reserve=SLAB) as c, server.client(name="quick") as other:
        c.alloc(0)
        other.alloc(0)
        data = os.urandom(SLAB)
        c.write(0, 0, data)
        rss = server.rss()
        tags = [c.start(proto.READ, length=SLAB) for _ in range(64)]
        busy = cpu(server)
        # Meanwhile others are served, and nothing piles up
        for _ in range(200):
            other.write(0, 0, data[:65536])
            assert other.read(0, 0, 65536) == data[:65536]
        assert server.rss() - rss < 8 << 20, "replies that nobody reads take memory"
        assert cpu(server) - busy < 2, "the server spins"
        sent = server.named("slow")["bytes_out"]
        assert sent < 60 * SLAB, "the replies went somewhere although nobody read"
        for tag in tags:
            assert c.finish(tag)[1] == data
        c.bye()
        other.bye()


def impatient(server):
    """More requests than the depth while replies are on their way wait for their turn; none is lost.

    The server cannot tell whether a reply that is half sent was received."""
    with server.client(depth=32) as c:
        c.alloc(0)
        c.write(0, 0, b"i" * SLAB)
        reads = [c.start(proto.READ, length=SLAB) for _ in range(32)]
        proto.wait_for("replies to get stuck", lambda: 0 < server.named("test")["bytes_out"] < 31 * SLAB)
        time.sleep(0.2)
        more = [c.start(proto.PING) for _ in range(100)]
        for tag in reads:
            assert c.finish(tag)[1] == b"i" * SLAB
        for tag in more:
            c.finish(tag)
        c.bye()


def stops_reading(server):
    """A client that sends for ever and never reads is not read from for ever."""
    with server.client(name="flood", depth=16) as c:
        c.alloc(0)
        c.sock.settimeout(1)
        request = b"".join(proto.pack_hdr(proto.READ, tag=t, length=SLAB) for t in range(1))
        sent = 0
        try:
            while sent < 512 << 20:
                c.send(request * 4096)
                sent += 4096 * len(request)
        except (TimeoutError, ConnectionError):
            pass
        assert sent < 512 << 20, "the server took 512 MiB of requests without an answer being read"
        state = server.named("flood")
        assert not state or state["reads"] < 1000, state


def trickle(server):
    """Requests that come byte by byte, headers cut anywhere, are requests."""
    with server.client() as c:
        c.alloc(0)
        data = os.urandom(4096)
        stream = (proto.pack_hdr(proto.WRITE, tag=1, offset=4096, length=4096, body=4096) + data +
                  proto.pack_hdr(proto.READ, tag=2, offset=4096, length=4096))
        for i in range(0, 100):
            c.send(stream[i:i + 1])
        c.send(stream[100:4100])
        time.sleep(0.05)
        for i in range(4100, len(stream)):
            c.send(stream[i:i + 1])
        assert proto.recv_message(c.sock)[0].status == proto.OK
        assert proto.recv_message(c.sock)[1] == data
        c.bye()


def half_written(server):
    """WRITE, cut off in the middle: other blocks are untouched, these are old or new, and can be reused."""
    c = server.client(reserve=SLAB)
    c.alloc(0)
    c.write(0, 0, b"o" * SLAB)
    writer = server.again(c)
    writer.send(proto.pack_hdr(proto.WRITE, tag=1, offset=65536, length=131072, body=131072) + b"n" * 70000)
    proto.wait_for("the bytes", lambda: server.named("test")["bytes_in"] > SLAB + 70000)
    writer.close()
    proto.wait_for("the end", lambda: server.named("test")["connections"] == 1)
    after = c.read(0, 0, SLAB)
    assert after[:65536] == b"o" * 65536 and after[65536 + 131072:] == b"o" * (SLAB - 65536 - 131072)
    assert set(after[65536:65536 + 131072]) <= set(b"on"), "half a WRITE left bytes that nobody wrote"
    assert server.named("test")["writes"] == 1
    c.write(0, 65536, b"w" * 131072)
    assert c.read(0, 65536, 131072) == b"w" * 131072
    # The same into a slab that was never written: only what came costs memory
    c.trim(0, 0, SLAB)
    writer = server.again(c)
    writer.send(proto.pack_hdr(proto.WRITE, tag=1, length=SLAB, body=SLAB) + b"n" * 8192)
    proto.wait_for("2 blocks", lambda: server.named("test")["held_bytes"] == 8192)
    writer.close()
    proto.wait_for("the end", lambda: server.named("test")["connections"] == 1)
    assert server.named("test")["held_bytes"] == 8192
    c.bye()
    c.close()


def half_closed(server):
    """A peer that shuts its sending side gets all its answers."""
    with server.client() as c:
        c.alloc(0)
        c.write(0, 0, b"h" * SLAB)
        tags = [c.start(proto.READ, length=SLAB) for _ in range(16)]
        c.sock.shutdown(socket.SHUT_WR)
        for tag in tags:
            assert c.finish(tag)[1] == b"h" * SLAB
        c.closed()


def dropped(server):
    """The server was started with --stall-timeout 3 and --hello-timeout 3."""
    quiet = server.client(name="quiet")
    quiet.alloc(0)
    stalled = {
        "no HELLO": (server.client(hello=False), b""),
        "half a HELLO": (server.client(hello=False), proto.pack_hdr(proto.HELLO, body=120) + bytes(30)),
        "half a header": (server.again(quiet), b"RSW"),
        "half a WRITE": (server.again(quiet), proto.pack_hdr(proto.WRITE, length=8192, body=8192) + b"x" * 5000),
        "half a refused WRITE": (server.again(quiet), proto.pack_hdr(proto.WRITE, slab=1, length=8192,
                                                                     body=8192) + b"x" * 5000),
    }
    deaf = server.again(quiet)
    for _ in range(64):
        deaf.start(proto.READ, length=SLAB)
    start = time.monotonic()
    for conn, data in stalled.values():
        conn.send(data)
    for what, (conn, _) in stalled.items():
        try:
            conn.closed(within=STALL + 4)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
        assert time.monotonic() - start > STALL - 0.2, f"{what}: dropped too early"
        conn.close()
    proto.wait_for("the deaf one to be dropped", lambda: server.named("quiet")["connections"] == 1)
    assert time.monotonic() - start > STALL - 0.2
    assert "stalled in the middle of a message" in server.out and "no HELLO in time" in server.out
    assert "does not take its replies" in server.out
    quiet.ping()
    assert quiet.list() == [0]
    quiet.bye()


def unread_log(build):
    """Nobody reads the log, and its pipe is full: the server goes on."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", memserver.binary(build), "--listen",
                                "tcp://127.0.0.1:0", "--memory", "64M"], stderr=subprocess.PIPE,
                               env=memserver.environment())
    try:
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        address = ("127.0.0.1", int(process.stderr.readline().rsplit(b":", 1)[1]))
        for _ in range(70):
            with proto.Client(address, hello=False) as c:
                c.send(b"no rswap" * 8)
                c.closed()
        with proto.Client(address) as c:
            c.alloc(0)
            c.write(0, 0, b"log " * 1024)
            assert c.read(0, 0, 4096) == b"log " * 1024
            c.bye()
        process.terminate()
        assert process.wait(20) == 0
        assert b"does not speak rswap" in process.stderr.read()
    finally:
        process.kill()
        process.wait(20)
        process.stderr.close()


def test(lab):
    for build in memserver.BUILDS:
        unread_log(build)
        server = memserver.MemServer(lab, "--orphan-timeout", "0", build=build)
        trickle(server)
        half_written(server)
        half_closed(server)
        slow_reader(server)
        impatient(server)
        server.alive()
        server.stop()
        server = memserver.MemServer(lab, "--stall-timeout", str(STALL), "--hello-timeout", str(STALL),
                                     "--orphan-timeout", "0", build=build)
        dropped(server)
        stops_reading(server)
        server.alive()
        server.stop()
