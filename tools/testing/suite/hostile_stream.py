# SPDX-License-Identifier: GPL-2.0
"""A server may send its bytes in any pieces; one that stops, never reads, sends garbage, closes or resets fails I/O in bounded time.

Half a frame and then nothing, half a page, no answer at all: the timeout of the device ends the wait,
the I/O fails, the session fails, and the device can be detached.
"""
import socket
import time

from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 240

SECONDS = 2
SHORT = f"--timeout {SECONDS}"


def dripping(lab):
    """One byte at a time, then pieces of any size: as good as any other way."""
    def attack(conn, hdr, body):
        conn.send_dripping(conn.good(hdr, body), lab.rng)
        return True
    with hostile.Meeting(lab, attack) as meeting:
        meeting.read_right(65536)
        for op in ("write", "alloc", "trim"):
            result = meeting.io(op, offset=1 << 20 if op == "trim" else 0, length=65536)
            assert result.rc == 0, result.out
        meeting.read_right(65536)
        meeting.live()

    def hello(sock, number, hdr, body):
        wanted = proto.unpack_hello(body)
        data = proto.pack_reply(hdr, body=proto.pack_hello_reply(slab_size=hostile.SLAB,
                                                                 depth=min(32, wanted.depth)))
        for i in range(len(data)):
            sock.sendall(data[i:i + 1])
            time.sleep(0.001)
        sock.recv(4096)
    with hostile.Server(hello=hello) as server:
        lab.attach(server.url, size="1M", name="r0")
        lab.detach("r0", force=True)


def stops(lab):
    """The server says part of a reply, or nothing, and then no more."""
    cases = [
        ("read", proto.READ, 0, "no answer"),
        ("write", proto.WRITE, 0, "no answer"),
        ("alloc", proto.SLAB_ALLOC, 0, "no answer"),
        ("trim", proto.TRIM, 0, "no answer"),
        ("read", proto.READ, 1, "a byte"),
        ("read", proto.READ, 31, "all of a header but a byte"),
        ("read", proto.READ, 32, "a header and no page"),
        ("read", proto.READ, 32 + 2048, "half of a page"),
        ("read", proto.READ, 32 + 4095, "a page but its last byte"),
        ("write", proto.WRITE, 31, "all of a header but a byte"),
    ]
    for op, code, size, what in hostile.some(lab, cases):
        lab.log(f"{op}: {what}, then silence")

        def strike(conn, hdr, body, size=size):
            conn.send(conn.good(hdr, body)[:size])
            conn.server.stall()
        with hostile.Meeting(lab, hostile.once(code, strike), extra=SHORT) as meeting:
            started = time.monotonic()
            hostile.io_failed(meeting.io(op), "ETIMEDOUT")
            took = time.monotonic() - started
            assert SECONDS <= took < (SECONDS + 4) * lab.client.scale, f"gave up after {took:.1f} s"
            meeting.failed("ETIMEDOUT")


def waits_less(lab):
    """A server that is slow, but not slower than the timeout, loses nothing."""
    def strike(conn, hdr, body):
        conn.send(conn.good(hdr, body)[:2000])
        conn.server.stopped.wait(SECONDS / 2)
        conn.send(conn.good(hdr, body)[2000:])
    with hostile.Meeting(lab, hostile.once(proto.READ, strike), extra=SHORT) as meeting:
        meeting.read_right()
        meeting.live()


def never_reads(lab):
    """The socket fills up, and requests that are not even sent time out."""
    def early(conn, hdr):
        if hdr.op == proto.WRITE:
            conn.server.stall()
    with hostile.Meeting(lab, None, early, extra=SHORT, mapped=8) as meeting:
        for conn in meeting.server.conns:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        job = lab.client.start_job(f"dd if=/tmp/data of={meeting.device} bs=8M count=1 oflag=direct status=none")
        result = job.wait(timeout=30, check=False)
        hostile.io_failed(result, "ETIMEDOUT")
        meeting.failed("ETIMEDOUT")
        writes = [hdr for hdr in meeting.server.seen if hdr.op == proto.WRITE and hdr.length > 65536]
        assert len(writes) == 1, "the server has read more than one request"


def ends(lab):
    """The connection ends while sixteen reads are outstanding, or one has half arrived."""
    def close(sock):
        sock.shutdown(socket.SHUT_RDWR)

    def half_close(sock):
        sock.shutdown(socket.SHUT_WR)

    for way in (close, half_close, hostile.reset):
        def collect(conn, hdr, _body, way=way):
            if hdr.op != proto.READ:
                return False
            conn.held.append(hdr)
            if len(conn.held) == 16:
                way(conn.sock)
                conn.server.stall()
            return True
        lab.log(f"{way.__name__} with 16 requests outstanding")
        with hostile.Meeting(lab, collect, max_io=4096) as meeting:
            hostile.io_failed(meeting.io("read", length=65536))
            meeting.failed("ECONNRESET")

        for size in (16, 32, 2000):
            def truncate(conn, hdr, body, way=way, size=size):
                conn.send(conn.good(hdr, body)[:size])
                time.sleep(0.05)    # a reset throws away what is on its way
                way(conn.sock)
                conn.server.stall()
            lab.log(f"{way.__name__} after {size} bytes of a reply")
            with hostile.Meeting(lab, hostile.once(proto.READ, truncate)) as meeting:
                hostile.io_failed(meeting.io("read"))
                meeting.failed("ECONNRESET")

    lab.log("the idle connection ends")
    with hostile.Meeting(lab) as meeting:
        close(meeting.server.conns[1].sock)
        meeting.failed("ECONNRESET")


def garbage(lab, reasons):
    """Random bytes without end instead of an answer."""
    def strike(conn, _hdr, _body):
        while True:
            conn.send(lab.rng.randbytes(65536))
    with hostile.Meeting(lab, hostile.once(proto.READ, strike)) as meeting:
        hostile.io_failed(meeting.io("read"))
        meeting.failed("EPROTO")
    assert reasons() == ["r0 bad magic"]

    def after(conn, hdr, body):
        conn.send(conn.good(hdr, body) + lab.rng.randbytes(100))
    with hostile.Meeting(lab, hostile.once(proto.READ, after)) as meeting:
        meeting.read_right()
        meeting.failed("EPROTO")
    assert reasons() == ["r0 bad magic"]


def test(lab):
    hostile.load(lab)
    reasons = hostile.protocol_errors(lab)
    dripping(lab)
    stops(lab)
    waits_less(lab)
    never_reads(lab)
    ends(lab)
    assert reasons() == []
    garbage(lab, reasons)
    hostile.quiet(lab)
    hostile.usable(lab)
