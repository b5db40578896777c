# SPDX-License-Identifier: GPL-2.0
"""A reply that answers no request, or another one, or comes twice, is found out; replies in any order and notices are not.

Tags that are not outstanding, replies for another extent or operation, second replies, replies to a write
whose body has not been sent yet; and what an honest server may do: reverse order, notices at any time.
"""
from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 240

NONE, EXTENT, OTHER = "reply to no request", "reply for another extent", "reply with another operation"


def instead(**change):
    """Answer with another header, changed by functions of the right value; body as announced."""
    def strike(conn, hdr, body):
        fields = {name: function(getattr(hdr, name)) for name, function in change.items()}
        data = conn.good(hdr, body)[32:]
        conn.send(proto.pack_reply(hdr, body=data, **fields))
    return strike


def longer(conn, hdr, _body):
    conn.send(proto.pack_reply(hdr, body=bytes(8192), length=8192))


def other_op(op, data=b"", **fields):
    return lambda conn, hdr, body: conn.send(proto.pack_reply(hdr, body=data, op=op, **fields))


def unasked(conn, hdr, body):
    """A reply to a request of the past, then the right one."""
    old = next(sent for sent in conn.server.seen if sent.op == proto.WRITE)
    conn.send(proto.pack_reply(old))
    conn.send(conn.good(hdr, body))


def foreign(conn, hdr, body):
    """Right, but on the other connection."""
    other = next(c for c in conn.server.conns if c is not conn)
    other.send(conn.good(hdr, body))


BROKEN = [
    ("read", proto.READ, NONE, instead(tag=lambda tag: tag ^ 1)),
    ("read", proto.READ, NONE, instead(tag=lambda tag: tag ^ 0x10000)),
    ("read", proto.READ, NONE, instead(tag=lambda tag: tag ^ 0x80000000)),
    ("read", proto.READ, NONE, instead(tag=lambda _: 31)),
    ("read", proto.READ, NONE, instead(tag=lambda _: 32)),
    ("read", proto.READ, NONE, instead(tag=lambda _: 0xffff)),
    ("read", proto.READ, NONE, instead(tag=lambda _: 0xffffffff)),
    ("write", proto.WRITE, NONE, instead(tag=lambda tag: tag + 0x10000)),
    ("alloc", proto.SLAB_ALLOC, NONE, instead(tag=lambda tag: tag + 1)),
    ("write", proto.WRITE, NONE, unasked),
    ("read", proto.READ, NONE, foreign),
    ("read", proto.READ, EXTENT, instead(slab=lambda slab: slab + 1)),
    ("read", proto.READ, EXTENT, instead(offset=lambda offset: offset + 4096)),
    ("read", proto.READ, EXTENT, instead(offset=lambda offset: offset + (1 << 40))),
    ("read", proto.READ, EXTENT, longer),
    ("write", proto.WRITE, EXTENT, instead(slab=lambda slab: slab + 1)),
    ("write", proto.WRITE, EXTENT, instead(length=lambda length: length - 1)),
    ("alloc", proto.SLAB_ALLOC, EXTENT, instead(slab=lambda slab: slab + 1)),
    ("trim", proto.TRIM, EXTENT, instead(length=lambda length: 2 * length)),
    ("read", proto.READ, OTHER, other_op(proto.WRITE)),
    ("read", proto.READ, OTHER, other_op(proto.PING)),
    ("write", proto.WRITE, OTHER, other_op(proto.READ, bytes(4096))),
    ("write", proto.WRITE, OTHER, other_op(proto.SLAB_ALLOC)),
    ("alloc", proto.SLAB_ALLOC, OTHER, other_op(proto.READ, bytes(4096), length=4096)),
    ("alloc", proto.SLAB_ALLOC, OTHER, other_op(proto.BYE)),
]


def broken(lab, reasons):
    for op, code, reason, strike in hostile.some(lab, BROKEN):
        lab.log(f"{op}: {reason}")
        with hostile.Meeting(lab, hostile.once(code, strike)) as meeting:
            hostile.io_failed(meeting.io(op))
            meeting.failed("EPROTO")
            assert reasons() == [f"r0 {reason}"]


def twice(lab, reasons):
    """The first reply counts; the second is one too many, though the first was right."""
    def strike(conn, hdr, body):
        conn.send(conn.good(hdr, body) * 2)
    for op, code in (("read", proto.READ), ("write", proto.WRITE), ("trim", proto.TRIM)):
        lab.log(f"{op}: answered twice")
        with hostile.Meeting(lab, hostile.once(code, strike)) as meeting:
            result = meeting.io(op)
            if op == "read":
                meeting.right(result)
            else:
                assert result.rc == 0, result.out
            meeting.failed("EPROTO")
            assert reasons() == [f"r0 {NONE}"]


def before_the_body(lab, reasons):
    """A write may be answered before its body is out; it ends when both are done, and the stream goes on."""
    answered = []

    def early(conn, hdr):
        if hdr.op == proto.WRITE and hdr.length == 1 << 20 and not answered:
            answered.append(hdr)
            conn.reply(hdr, status)

    def attack(_conn, hdr, _body):
        return hdr in answered    # it has been answered

    for status, errno in ((proto.OK, None), (proto.IO, "EIO"), (proto.NOSPACE, "ENOSPC")):
        lab.log(f"write: answered by {proto.STATUSES[status]} before its body")
        answered.clear()
        with hostile.Meeting(lab, attack, early) as meeting:
            result = meeting.io("write", length=1 << 20)
            assert answered, "no write of 1 MiB came"
            if errno:
                hostile.io_failed(result, errno)
            else:
                assert result.rc == 0, result.out
            meeting.read_right()
            meeting.live()
    lab.log("write: answered before its body and after it")
    answered.clear()
    status = proto.OK
    with hostile.Meeting(lab, None, early) as meeting:
        assert meeting.io("write", length=1 << 20).rc == 0
        meeting.failed("EPROTO")
    assert reasons() == [f"r0 {NONE}"]


def any_order(lab):
    """Sixteen reads outstanding, answered in reverse, then at random."""
    def collect(conn, hdr, _body):
        if hdr.op != proto.READ:
            return False
        conn.held.append(hdr)
        if len(conn.held) == 16:
            order(conn.held)
            conn.send(b"".join(conn.good(held) for held in conn.held))
            conn.held = []
        return True

    for order in (list.reverse, lab.rng.shuffle):
        with hostile.Meeting(lab, collect, max_io=4096) as meeting:
            meeting.read_right(length=65536)
            meeting.live()


def notices(lab, reasons):
    """Every notice is accepted between any two replies, and told to the administrator."""
    every = (proto.pack_hdr(proto.PRESSURE) + proto.pack_hdr(proto.MOVE, slab=3)
             + proto.pack_hdr(proto.GOING_AWAY))

    def strike(conn, hdr, body):
        conn.send(every + conn.good(hdr, body) + every)
    mark = lab.client.mark()
    with hostile.Meeting(lab, hostile.once(proto.READ, strike)) as meeting:
        meeting.read_right()
        for text in ("is short of memory", "would like to be rid of slab 3",
                     "is going away: detach, or lose what it holds"):
            hostile.logged(lab, mark, rf"rswap: r0: {meeting.server.url} {text}$")
        meeting.read_right()
        meeting.live()

    def flood(conn, hdr, body):
        conn.send(every * 5000 + conn.good(hdr, body))
    mark = lab.client.mark()
    with hostile.Meeting(lab, hostile.once(proto.READ, flood)) as meeting:
        meeting.read_right()
        meeting.live()
    assert len(lab.client.lines) - mark < 200, "notices flood the log"
    assert reasons() == []


def test(lab):
    hostile.load(lab)
    reasons = hostile.protocol_errors(lab)
    broken(lab, reasons)
    twice(lab, reasons)
    before_the_body(lab, reasons)
    any_order(lab)
    notices(lab, reasons)
    hostile.quiet(lab)
    hostile.usable(lab)
