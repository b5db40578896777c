# SPDX-License-Identifier: GPL-2.0
"""A server whose replies and notices break any rule of a header is found out: I/O fails, nothing hangs or leaks.

Every rule, against requests outstanding of every operation.  Each time the driver names the reason, the
I/O gets EIO and never wrong data, the session fails by EPROTO, and the device can be detached.
"""
from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 240

OPS = {"read": proto.READ, "write": proto.WRITE, "alloc": proto.SLAB_ALLOC, "trim": proto.TRIM}
PAGE = bytes(range(256)) * 16
BIG = proto.MAX_IO + 4096


def instead(**fields):
    """Answer with another header, and the right body."""
    return lambda conn, hdr, body: conn.send(proto.pack_reply(hdr, body=conn.good(hdr, body)[32:], **fields))


def claim(data=b"", **fields):
    """Answer with another header, which announces what it says, followed by DATA."""
    return lambda conn, hdr, body: conn.send(proto.pack_hdr(
        **dict(op=hdr.op, tag=hdr.tag, slab=hdr.slab, offset=hdr.offset, length=hdr.length,
               flags=proto.F_REPLY) | fields) + data)


def notice(op, **fields):
    return lambda conn, hdr, body: conn.send(proto.pack_hdr(op, **fields))


EVERY = ("read", "write", "alloc", "trim")
CASES = [
    (EVERY, "bad magic", instead(magic=0)),
    (("read",), "bad magic", instead(magic=0x50575253)),
    (EVERY, "bad version", instead(version=2)),
    (("read",), "bad version", instead(version=0)),
    (EVERY, "unknown flags", instead(flags=3)),
    (("read",), "unknown flags", instead(flags=0x81)),
    (EVERY, "unknown operation", instead(op=13)),
    (("read",), "unknown operation", instead(op=0)),
    (("read",), "unknown operation", instead(op=255)),
    (("read",), "unknown operation", instead(op=proto.HELLO)),
    (("read",), "unknown operation", instead(op=proto.SLAB_LIST)),
    (("read",), "unknown operation", instead(op=proto.PRESSURE)),
    (EVERY, "unknown status", claim(status=10)),
    (("read",), "unknown status", claim(status=255)),
    (("read",), "oversized body", claim(length=BIG, body=BIG)),
    (("read",), "oversized body", claim(body=0xffffffff)),
    (("read",), "body differs from length", claim(PAGE * 2, body=8192)),
    (("read",), "body differs from length", claim(PAGE[:4095], body=4095)),
    (("read",), "body differs from length", claim(body=0)),
    (("read",), "body differs from length", claim(PAGE, body=4096, status=proto.IO)),
    (("write", "alloc", "trim"), "unexpected body", claim(PAGE, body=4096)),
    (("write",), "unexpected body", claim(body=0xffffffff)),
    (("read",), "request from the server", claim(flags=0)),
    (("read",), "request from the server", notice(0)),
    (("read",), "request from the server", notice(13)),
    (("write",), "request from the server", notice(proto.HELLO, body=120)),
    (("read",), "notice with stray fields", notice(proto.PRESSURE, tag=1)),
    (("read",), "notice with stray fields", notice(proto.PRESSURE, status=1)),
    (("read",), "notice with stray fields", notice(proto.MOVE, offset=4096)),
    (("read",), "notice with stray fields", notice(proto.GOING_AWAY, length=4096)),
    (("read",), "notice with a slab", notice(proto.PRESSURE, slab=1)),
    (("read",), "notice with a slab", notice(proto.GOING_AWAY, slab=1)),
    (("read",), "notice with a body", notice(proto.MOVE, slab=1, body=4)),
]


def test(lab):
    hostile.load(lab)
    reasons = hostile.protocol_errors(lab)
    mark = lab.client.mark()
    for op, reason, strike in hostile.some(lab, [(op, reason, strike) for ops, reason, strike in CASES
                                                 for op in ops]):
        lab.log(f"{op}: {reason}")
        with hostile.Meeting(lab, hostile.once(OPS[op], strike)) as meeting:
            hostile.io_failed(meeting.io(op))
            meeting.failed("EPROTO")
            assert reasons() == [f"r0 {reason}"]
    hostile.logged(lab, mark, r"rswap: r0: tcp://\S+ broke the protocol: .+$")
    hostile.logged(lab, mark, r"rswap: r0: lost tcp://\S+: \S+; I/O fails from now on$")
    hostile.quiet(lab)
    hostile.usable(lab)
