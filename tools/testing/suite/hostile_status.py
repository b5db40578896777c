# SPDX-License-Identifier: GPL-2.0
"""A request that the server answers with an error fails alone, with the right errno; the device goes on and loses nothing.

Every status for every operation; one of two writes at the same time; a slab that could not be had is asked
for again; what was written before is still there.
"""
from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 180

OPS = {"read": proto.READ, "write": proto.WRITE, "alloc": proto.SLAB_ALLOC, "trim": proto.TRIM}


def each(lab):
    for op, code in OPS.items():
        state = {}

        def attack(conn, hdr, _body, code=code, state=state):
            if hdr.op != code or "status" not in state:
                return False
            conn.reply(hdr, state.pop("status"))
            return True

        with hostile.Meeting(lab, attack) as meeting:
            for status in range(1, len(proto.STATUSES)):
                lab.log(f"{op} answered {proto.STATUSES[status]}")
                state["status"] = status
                hostile.io_failed(meeting.io(op), "ENOSPC" if status == proto.NOSPACE else "EIO")
                assert not state, f"no {op} has come"
            meeting.live()
            meeting.read_right(65536)
            if op == "alloc":
                assert hostile.show(lab, "r0")["slabs_mapped"] == hostile.Meeting.MAPPED
            result = meeting.io(op)
            assert result.rc == 0, f"{op} fails for good: {result.out}"
            stats = lab.rswapctl("stats r0 --json").out
            errors = {io["kind"]: io["errors"] for io in stats["io"]}
            kind = {"read": "demand-read", "write": "write", "trim": "trim"}.get(op)
            assert errors == {k: 9 if k == kind else 0 for k in errors}, errors


def full(lab):
    """A server without memory for a slab: the administrator is told which server and slab."""
    mark = lab.client.mark()

    def attack(conn, hdr, _body):
        if hdr.op != proto.SLAB_ALLOC:
            return False
        conn.reply(hdr, proto.NOSPACE)
        return True
    with hostile.Meeting(lab, attack, extra="--thin") as meeting:
        hostile.io_failed(meeting.io("alloc"), "ENOSPC")
        hostile.logged(lab, mark, rf"rswap: r0: {meeting.server.url} is full: no memory for slab 4$")
        # Not written, so it reads as zeroes
        lab.client.run(f"dd if={meeting.device} bs=1M skip=4 count=1 iflag=direct status=none | "
                       "cmp -n 1048576 - /dev/zero")
        meeting.live()


def part(lab):
    """Of sixteen parts of one read or write any one fails: all of it fails, in whatever order they end."""
    def attack(conn, hdr, body):
        if hdr.op != code:
            return False
        conn.held.append(conn.good(hdr, body) if hdr.offset != bad else proto.pack_reply(hdr, proto.IO))
        if len(conn.held) == 16:
            order(conn.held)
            conn.send(b"".join(conn.held))
            conn.held.clear()
        return True

    for op in ("read", "write"):
        code = OPS[op]
        for order in (list, list.reverse):
            for number in (0, 7, 15):
                lab.log(f"{op} of 16 parts, part {number} fails, {order.__name__}")
                bad = number * 4096
                with hostile.Meeting(lab, attack, max_io=4096) as meeting:
                    hostile.io_failed(meeting.io(op, length=65536))
                    meeting.live()


def alone(lab):
    """Of two writes outstanding at the same time one fails."""
    held = []

    def attack(conn, hdr, body):
        if hdr.op != proto.WRITE or hdr.length != 8192:
            return False
        held.append((hdr, body))
        if len(held) == 2:
            for sent, data in held:
                if sent.offset:
                    conn.reply(sent, proto.IO)
                else:
                    conn.send(conn.good(sent, data))
            held.clear()
        return True

    with hostile.Meeting(lab, attack) as meeting:
        good = lab.client.start_job(f"dd if=/tmp/data of={meeting.device} bs=8k count=1 oflag=direct status=none")
        bad = lab.client.start_job(f"dd if=/tmp/data of={meeting.device} bs=8k seek=4 count=1 oflag=direct "
                                   "status=none")
        hostile.io_failed(bad.wait(check=False))
        assert good.wait(check=False).rc == 0, good.out
        meeting.read_right(8192)
        meeting.live()


def across_slabs(lab):
    """A read, write or trim that crosses into another slab fails if either half does."""
    for op in ("read", "write", "trim"):
        for slab in (0, 1):
            def attack(conn, hdr, _body, code=OPS[op], slab=slab):
                if hdr.op != code or hdr.slab != slab:
                    return False
                conn.reply(hdr, proto.IO)
                return True
            lab.log(f"{op} across slabs, the half in slab {slab} fails")
            with hostile.Meeting(lab, attack) as meeting:
                hostile.io_failed(meeting.io(op, offset=(1 << 20) - (32 << 10), length=65536))
                meeting.live()


def test(lab):
    hostile.load(lab)
    each(lab)
    part(lab)
    across_slabs(lab)
    full(lab)
    alone(lab)
    hostile.usable(lab)
