# SPDX-License-Identifier: GPL-2.0
"""The control socket of rswapd answers each connection with the true state, for its owner only.

The document is JSON with the documented members and exact counts; the socket has mode 0600, is
removed at the end, replaces a stale one but neither a living server's nor a file; readers that do not
read cannot block the server. With --json each line of the log is JSON too.
"""
import json
import os
import socket
import stat

from lab import memserver, proto
from lab.host import free_port

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
MEMBERS = {"version", "protocol", "pid", "uptime", "draining", "threads", "connections", "slab_size",
           "memory_limit", "memory_committed", "memory_held", "clients"}
CLIENT_MEMBERS = {"name", "id", "connections", "orphan", "slabs", "reserved_bytes", "held_bytes", "reads",
                  "writes", "trims", "bytes_in", "bytes_out", "errors"}


def document(server):
    empty = server.state()
    assert set(empty) == MEMBERS, set(empty) ^ MEMBERS
    assert empty["clients"] == [] and empty["pid"] == server.pid and not empty["draining"]
    assert empty["memory_limit"] == 64 * SLAB and empty["memory_committed"] == 0
    name = 'quote " and \\ and space'
    with server.client(name=name, reserve=2 * SLAB) as c:
        for slab in range(3):
            c.alloc(slab)
        for i in range(5):
            c.write(0, i * 4096, b"w" * 4096)
        c.read(0, 0, 65536)
        c.read(1, 0, 4096)
        c.trim(0, 0, 4096)
        c.trim(0, 0, SLAB)
        c.write(2, 0, b"2" * 8192)
        c.status(proto.READ, slab=9, length=4096)
        c.status(proto.SLAB_ALLOC, slab=10 ** 6)
        more = server.again(c)
        state = server.state()
        assert state["connections"] == 2 and state["memory_committed"] == 3 * SLAB
        assert state["memory_held"] == 8192
        (me,) = state["clients"]
        assert set(me) == CLIENT_MEMBERS, set(me) ^ CLIENT_MEMBERS
        hello = 2 * (32 + 120)
        wrote = 5 * 4096 + 8192
        requests = 3 + 5 + 2 + 2 + 1 + 2
        assert me == dict(name=name, id=c.id.hex()[:8], connections=2, orphan=False, slabs=3,
                          reserved_bytes=2 * SLAB, held_bytes=8192, reads=2, writes=6, trims=2, errors=2,
                          bytes_in=me["bytes_in"], bytes_out=me["bytes_out"]), me
        # HELLO itself is counted only once the client is known; all else to the byte
        assert me["bytes_in"] + hello >= requests * 32 + wrote >= me["bytes_in"] - hello
        assert me["bytes_out"] == 2 * 96 + requests * 32 + 65536 + 4096, me
        more.close()
        c.bye()
    assert server.state()["uptime"] > 0


def unread(lab, build):
    """Control connections that nobody reads, or that come in crowds."""
    server = memserver.MemServer(lab, "--max-clients", "2000", build=build)
    clients = [server.client(name="n" * 32, size=4096) for _ in range(1500)]
    assert len(json.dumps(server.state())) > 300000
    deaf = []
    for _ in range(20):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(server.path))
        deaf.append(sock)
    clients[0].ping()
    server.client().bye()
    # The deaf ones are given up after 5 s; then there is room again
    for sock in deaf[10:]:
        sock.close()
    proto.wait_for("an answer", lambda: answers(server), within=15)
    for sock in deaf[:10]:
        sock.close()
    for c in clients:
        c.close()
    proto.wait_for("all to leave", lambda: not server.state()["clients"])
    server.stop()


def answers(server):
    try:
        return server.state()
    except (OSError, ValueError):
        return None


def files(lab, build):
    binary, env = memserver.binary(build), memserver.environment()

    def attempt(path):
        return lab.spawn(binary, "--listen", f"tcp://127.0.0.1:{free_port()}", "--memory", "64M",
                         "--control", path, env=env)

    server = memserver.MemServer(lab, build=build)
    mode = os.stat(server.path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
    second = attempt(server.path)
    assert second.wait(20, check=False) == 4 and "a running server answers there" in second.out, second.out
    server.state()
    server.process.kill()
    server.process.wait(20, check=False)
    assert server.path.exists()
    third = attempt(server.path)
    proto.wait_for("the new server", lambda: answers(server))
    third.kill(15)
    assert third.wait(20, check=False) == 0 and not server.path.exists()

    plain = lab.tmp / f"file{build}"
    plain.write_text("keep me")
    for path, words in ((plain, "is not a socket"), (lab.tmp / "no" / "dir", "create its directory"),
                        ("/" + "x" * 200, "too long")):
        process = attempt(path)
        assert process.wait(20, check=False) == 4 and words in process.out, process.out
    assert plain.read_text() == "keep me"


def json_log(lab, build):
    server = memserver.MemServer(lab, "--json", build=build)
    server.client(name='a"b\\c').bye()
    with server.client(hello=False) as c:
        c.send(b"\xff" * 64)
        c.closed()
    server.stop()
    lines = [json.loads(line) for line in server.out.splitlines()]
    assert all(set(line) == {"time", "level", "peer", "message"} for line in lines)
    assert any('client a"b\\c connected' in line["message"] for line in lines), lines
    assert any(line["level"] == "warning" and line["peer"].startswith("127.0.0.1:") for line in lines)


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, build=build)
        document(server)
        server.stop()
        files(lab, build)
        json_log(lab, build)
        unread(lab, build)
