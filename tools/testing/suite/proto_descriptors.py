# SPDX-License-Identifier: GPL-2.0
"""Out of file descriptors, rswapd serves whom it has, does not spin, and recovers.

It knows how many connections its limit of open files allows and closes further ones at once; when
even accepting fails it tries again a second later, with the processor idle.
"""
import os
import resource
import signal
import time

from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

LIMIT = 64


def cpu(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd(server, count):
    """Open connections; those the server closed at once are not returned."""
    conns = [server.client(hello=False) for _ in range(count)]
    time.sleep(0.5)
    kept = []
    for c in conns:
        c.sock.settimeout(0)
        try:
            if c.sock.recv(1) == b"":
                c.close()
                continue
        except BlockingIOError:
            kept.append(c)
            continue
        except ConnectionError:
            c.close()
    return kept


def planned(lab, build):
    server = memserver.MemServer(lab, build=build, wrap=("prlimit", f"--nofile={LIMIT}:{LIMIT}"))
    good = server.client()
    good.alloc(0)
    for _ in range(3):
        kept = crowd(server, 2 * LIMIT)
        assert 8 <= len(kept) < LIMIT, f"{len(kept)} connections with {LIMIT} descriptors"
        good.ping()
        # The control socket still answers
        assert server.state()["connections"] == len(kept) + 1
        for c in kept:
            c.close()
        proto.wait_for("room", lambda: server.state()["connections"] == 1)
    assert "which is the most" in server.out
    good.bye()
    server.alive()
    server.stop()


def taken_away(lab, build):
    """The limit falls while it runs, so that accept itself fails, again and again."""
    server = memserver.MemServer(lab, build=build, wrap=("prlimit", "--nofile=256:256"))
    good = server.client()
    good.alloc(0)
    # A crowd that comes while it is stopped is more than it may accept when it goes on
    server.process.kill(signal.SIGSTOP)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (8, 256))
    waiting = [server.client(hello=False) for _ in range(300)]
    server.process.kill(signal.SIGCONT)
    proto.wait_for("accept to fail", lambda: "Too many open files" in server.out)
    before = cpu(server)
    time.sleep(2)
    assert cpu(server) - before < 0.5, "the server spins while it cannot accept"
    good.write(0, 0, b"serve me" * 512)
    assert good.read(0, 0, 4096) == b"serve me" * 512
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (256, 256))
    for c in waiting:
        c.close()
    proto.wait_for("room", lambda: server.state()["connections"] == 1)
    good.bye()
    server.alive()
    server.stop()


def test(lab):
    for build in memserver.BUILDS:
        planned(lab, build)
        taken_away(lab, build)
