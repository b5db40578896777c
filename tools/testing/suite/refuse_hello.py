# SPDX-License-Identifier: GPL-2.0
"""Attaching to a server whose answer to HELLO is a refusal, or breaks any rule, fails with the reason and leaves nothing.

Every field of the answer wrong in every way, every status that refuses, and connections of one device
that reach different servers.
"""
import socket

from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 180

RC_REFUSED = 6
ELSE = "server answers HELLO with something else"
NONSENSE = "server answers HELLO with a status that means nothing there"
BEYOND = "server grants what was not asked for (depth {})"
SLABS = "server offers slabs of {} bytes"
REQUESTS = "server offers requests of {} bytes"
RESERVED = "server answers HELLO with reserved bytes set"

# Fields of the reply's body, and what is said of them; all EPROTO
BODIES = [
    (dict(slab_size=0), SLABS.format(0)),
    (dict(slab_size=3 << 20), SLABS.format(3 << 20)),
    (dict(slab_size=(1 << 20) + 4096), SLABS.format((1 << 20) + 4096)),
    (dict(slab_size=1 << 19), SLABS.format(1 << 19)),
    (dict(slab_size=1 << 31), SLABS.format(1 << 31)),
    (dict(slab_size=0xffffffff), SLABS.format(0xffffffff)),
    (dict(max_io=0), REQUESTS.format(0)),
    (dict(max_io=2048), REQUESTS.format(2048)),
    (dict(max_io=4097), REQUESTS.format(4097)),
    (dict(max_io=proto.MAX_IO + 4096), REQUESTS.format(proto.MAX_IO + 4096)),
    (dict(max_io=0xfffff000), REQUESTS.format(0xfffff000)),
    (dict(depth=0), BEYOND.format(0)),
    (dict(depth=17), BEYOND.format(17)),
    (dict(depth=0xffffffff), BEYOND.format(0xffffffff)),
    (dict(features=1), BEYOND.format(16)),
    (dict(features=1 << 63), BEYOND.format(16)),
    (dict(reserved0=b"\0\1"), RESERVED),
    (dict(reserved1=b"\0\0\0\1"), RESERVED),
]

# Fields of the reply's header
HEADERS = [
    (dict(magic=0x50575353), "what answers there is not an rswap server"),
    (dict(op=proto.PING), ELSE),
    (dict(op=0), ELSE),
    (dict(op=255), ELSE),
    (dict(flags=0), ELSE),
    (dict(flags=3), ELSE),
    (dict(tag=1), ELSE),
    (dict(slab=1), ELSE),
    (dict(offset=4096), ELSE),
    (dict(length=4096), ELSE),
    (dict(status=10), ELSE),
    (dict(status=255), ELSE),
    (dict(body=0), ELSE),
    (dict(body=63), ELSE),
    (dict(body=65), ELSE),
    (dict(body=0xffffffff), ELSE),
]

STATUSES = [
    (proto.PROTO, "server refused: it says our request breaks the protocol", "EPROTO"),
    (proto.AUTH, "server refused: it knows this client by another key", "EACCES"),
    (proto.NOSPACE, "server full: 3 of 5 MiB free, 8 wanted", "ENOSPC"),
    (proto.LIMIT, "server refused: too many slabs, connections or clients", "EUSERS"),
    (proto.DRAINING, "server refused: it is shutting down", "ESHUTDOWN"),
]
# Statuses that make no sense in an answer to HELLO
STRANGE = (proto.NOSLAB, proto.RANGE, proto.IO)


def answer(fields=None, **header):
    """A hook that answers HELLO with these fields of the reply, and of the header, and waits for the client to go."""
    def hello(sock, _number, hdr, _body):
        reply = proto.pack_hello_reply(**dict(slab_size=1 << 20, depth=16) | (fields or {}))
        head = proto.pack_hdr(**dict(op=hdr.op, tag=hdr.tag, flags=proto.F_REPLY, body=len(reply)) | header)
        sock.sendall(head + reply)
        sock.recv(4096)
    return hello


def first_connection(lab):
    for fields, message in hostile.some(lab, BODIES):
        with hostile.Server(hello=answer(fields)) as server:
            hostile.attach_refused(lab, server.url, RC_REFUSED, message, "EPROTO",
                                   extra="--queue-depth 16", within=10)
    for header, message in hostile.some(lab, HEADERS):
        with hostile.Server(hello=answer(**header)) as server:
            hostile.attach_refused(lab, server.url, RC_REFUSED, message, "EPROTO", within=10)
    for status, message, errno in STATUSES:
        memory = dict(memory_free=3 << 20, memory_limit=5 << 20)
        with hostile.Server(hello=answer(memory, status=status)) as server:
            hostile.attach_refused(lab, server.url, RC_REFUSED, message, errno, within=10)
    for status in STRANGE:
        with hostile.Server(hello=answer(status=status)) as server:
            hostile.attach_refused(lab, server.url, RC_REFUSED, NONSENSE, "EPROTO", within=10)


def second_connection(lab):
    """The first connection is good; the second must reach the same server."""
    different = "connections reach different servers"
    cases = [
        (answer(dict(server_id=b"T" * 16)), different, "EPROTO"),
        (answer(dict(slab_size=2 << 20)), different, "EPROTO"),
        (answer(dict(depth=0)), BEYOND.format(0), "EPROTO"),
        (answer(status=proto.AUTH), STATUSES[1][1], "EACCES"),
        (answer(status=proto.LIMIT), STATUSES[3][1], "EUSERS"),
    ]
    for hook, message, errno in cases:
        def hello(sock, number, hdr, body, hook=hook):
            return hook(sock, number, hdr, body) if number == 1 else False
        with hostile.Server(hello=hello) as server:
            hostile.attach_refused(lab, server.url, RC_REFUSED, message, errno, within=10)
            # The first connection has taken its leave, so that the server keeps nothing
            assert [hdr.op for hdr in server.seen] == [proto.BYE], server.seen


def lost_while_attaching(lab):
    """The first connection dies while the second is being made."""
    def hello(_sock, number, _hdr, _body):
        if number == 1:
            server.conns[0].sock.shutdown(socket.SHUT_RDWR)
            server.stopped.wait(1)    # the loss arrives before the answer
        return False
    with hostile.Server(hello=hello) as server:
        hostile.attach_refused(lab, server.url, 5, "connection lost while attaching", "ECONNRESET",
                               within=15)


def least_of_all(lab):
    """Connections may grant different max_io and depth: the device keeps to the least max_io."""
    def hello(sock, number, hdr, body):
        server.reply["max_io"] = 4096 if number == 1 else 65536
        return False
    with hostile.Server(hello=hello) as server:
        device = lab.attach(server.url, size="8M", name="r0")
        assert hostile.show(lab, "r0")["max_io"] == 4096
        lab.client.run(f"dd if=/bin/busybox of={device} bs=64k count=1 oflag=direct")
        assert {hdr.length for hdr in server.seen if hdr.op == proto.WRITE} == {4096}, server.seen
        lab.detach("r0")


def test(lab):
    hostile.load(lab)
    first_connection(lab)
    second_connection(lab)
    lost_while_attaching(lab)
    least_of_all(lab)
    hostile.usable(lab)
