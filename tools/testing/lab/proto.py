# SPDX-License-Identifier: GPL-2.0
"""The rswap wire protocol in Python, for tests.

A transcription of kernel/include/uapi/linux/rswap_proto.h that packs and unpacks both directions, so
that a test can be a client of rswapd or a (hostile) server of the kernel driver.  Nothing here
validates: tests send what they like.  Client is a plain blocking client with the checks that every
test wants: a reply must echo its request, and must come once.
"""
import os
import socket
import struct
import time
from collections import namedtuple

MAGIC = 0x50575352
VERSION = 1
PORT = 9400
BLOCK = 4096
MAX_IO = 1 << 20
MAX_CONTROL = 4096
SLAB_MIN, SLAB_MAX = 1 << 20, 1 << 30
MAX_SLABS = 1 << 20
MAX_CONNS = 64
MAX_DEPTH = 1024

(HELLO, BYE, PING, SLAB_ALLOC, SLAB_FREE, SLAB_LIST, READ, WRITE, TRIM,
 PRESSURE, MOVE, GOING_AWAY) = range(1, 13)
OPS = {HELLO: "HELLO", BYE: "BYE", PING: "PING", SLAB_ALLOC: "SLAB_ALLOC", SLAB_FREE: "SLAB_FREE",
       SLAB_LIST: "SLAB_LIST", READ: "READ", WRITE: "WRITE", TRIM: "TRIM", PRESSURE: "PRESSURE",
       MOVE: "MOVE", GOING_AWAY: "GOING_AWAY"}
NOTICES = (PRESSURE, MOVE, GOING_AWAY)

(OK, PROTO, VERSION_MISMATCH, AUTH, NOSPACE, LIMIT, NOSLAB, RANGE, DRAINING, IO) = range(10)
STATUSES = ["OK", "PROTO", "VERSION", "AUTH", "NOSPACE", "LIMIT", "NOSLAB", "RANGE", "DRAINING", "IO"]

F_REPLY = 1
DEMAND, BULK = 0, 1

# Factor on every deadline, for machines that are busy with something else
SLOW = float(os.environ.get("RSWAP_SLOW", "1"))

HDR = struct.Struct("<IBBBBIIQII")
HELLO_BODY = struct.Struct("<HHB3sQ16s32s32sQQII")
HELLO_REPLY = struct.Struct("<H2sIQ16sIIQQI4s")
assert (HDR.size, HELLO_BODY.size, HELLO_REPLY.size) == (32, 120, 64)

Hdr = namedtuple("Hdr", "magic version op flags status tag slab offset length body")
Hello = namedtuple("Hello", "version_min version_max lane reserved0 features id key name size "
                   "reserve max_io depth")
HelloReply = namedtuple("HelloReply", "version reserved0 slab_size features server_id max_io depth "
                        "memory_limit memory_free slabs_present reserved1")


def pack_hdr(op, tag=0, slab=0, offset=0, length=0, body=0, flags=0, status=0, magic=MAGIC,
             version=VERSION):
    """A header of either direction; body is the number of bytes that follow."""
    return HDR.pack(magic, version, op, flags, status, tag, slab, offset, length, body)


def unpack_hdr(data):
    return Hdr._make(HDR.unpack(data))


def pack_hello(id, key, size, reserve=0, name="test", lane=DEMAND, max_io=MAX_IO, depth=64,
               version_min=VERSION, version_max=VERSION, features=0, reserved0=bytes(3)):
    """The body of a HELLO request; name may be bytes, to be hostile."""
    if isinstance(name, str):
        name = name.encode()
    return HELLO_BODY.pack(version_min, version_max, lane, reserved0, features, id, key, name, size,
                           reserve, max_io, depth)


def unpack_hello(data):
    return Hello._make(HELLO_BODY.unpack(data))


def pack_hello_reply(version=VERSION, slab_size=64 << 20, features=0, server_id=b"S" * 16,
                     max_io=MAX_IO, depth=64, memory_limit=1 << 30, memory_free=1 << 30,
                     slabs_present=0, reserved0=bytes(2), reserved1=bytes(4)):
    """The body of the reply to HELLO."""
    return HELLO_REPLY.pack(version, reserved0, slab_size, features, server_id, max_io, depth,
                            memory_limit, memory_free, slabs_present, reserved1)


def unpack_hello_reply(data):
    return HelloReply._make(HELLO_REPLY.unpack(data))


def pack_reply(hdr, status=OK, body=b"", **changes):
    """The whole reply to the request hdr; changes overwrite fields of the header."""
    fields = dict(op=hdr.op, tag=hdr.tag, slab=hdr.slab, offset=hdr.offset, length=hdr.length,
                  flags=F_REPLY, status=status, body=len(body))
    fields.update(changes)
    return pack_hdr(**fields) + body


def recv_exact(sock, size):
    """size bytes; ConnectionError if the peer ends before."""
    data = bytearray(size)
    view = memoryview(data)
    got = 0
    while got < size:
        n = sock.recv_into(view[got:])
        if not n:
            raise ConnectionError(f"the peer closed after {got} of {size} bytes")
        got += n
    return bytes(data)


def recv_message(sock):
    """The next message: its header and its body."""
    hdr = unpack_hdr(recv_exact(sock, HDR.size))
    if hdr.magic != MAGIC or hdr.body > MAX_IO:
        raise ConnectionError(f"the peer sent no message: {hdr}")
    return hdr, recv_exact(sock, hdr.body) if hdr.body else b""


class Refused(Exception):
    """A request was answered with another status than OK."""

    def __init__(self, hdr, body=b""):
        self.status, self.hdr, self.body = hdr.status, hdr, body
        super().__init__(f"{OPS.get(hdr.op, hdr.op)}: {STATUSES[hdr.status]}")


class Client:
    """One connection of one client.

    Requests are sent by start(), which returns the tag, and answered by finish(tag), in any order;
    call() is both.  Notices that come in between are collected in notices.
    """

    def __init__(self, address, id=None, key=None, size=256 << 20, hello=True, timeout=20, **hello_args):
        self.id = os.urandom(16) if id is None else id
        self.key = os.urandom(32) if key is None else key
        self.size, self.hello_args = size, hello_args
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout * SLOW)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect(address)
        self.tag = 0
        self.pending = {}               # tag -> header as sent
        self.done = {}                  # tag -> reply that nobody asked for yet
        self.notices = []
        self.reply = None               # of HELLO
        if hello:
            try:
                self.hello()
            except BaseException:
                self.sock.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def hello(self, **changes):
        args = dict(id=self.id, key=self.key, size=self.size)
        args.update(self.hello_args)
        args.update(changes)
        hdr, body = self.call(HELLO, data=pack_hello(**args), check=False)
        if len(body) != HELLO_REPLY.size:
            raise AssertionError(f"the reply to HELLO has {len(body)} bytes")
        self.reply = unpack_hello_reply(body)
        if hdr.status:
            raise Refused(hdr, body)
        return self.reply

    def send(self, data):
        self.sock.sendall(data)

    def start(self, op, slab=0, offset=0, length=0, data=b"", **hdr_args):
        self.tag = (self.tag + 1) & 0xffffffff
        hdr = pack_hdr(op, tag=self.tag, slab=slab, offset=offset, length=length, body=len(data), **hdr_args)
        self.pending[self.tag] = unpack_hdr(hdr)
        self.send(hdr + data)
        return self.tag

    def receive(self):
        """Take one message and file it; AssertionError if it answers nothing that was asked."""
        hdr, body = recv_message(self.sock)
        if not hdr.flags & F_REPLY:
            assert hdr.op in NOTICES and not hdr.tag and not hdr.body, f"strange notice {hdr}"
            self.notices.append(hdr)
            return
        sent = self.pending.pop(hdr.tag, None)
        assert sent, f"reply to a request that was not made: {hdr}"
        assert (hdr.op, hdr.slab, hdr.offset, hdr.length) == \
            (sent.op, sent.slab, sent.offset, sent.length), f"{sent} was answered by {hdr}"
        self.done[hdr.tag] = hdr, body

    def finish(self, tag, check=True):
        while tag not in self.done:
            self.receive()
        hdr, body = self.done.pop(tag)
        if check and hdr.status:
            raise Refused(hdr, body)
        return hdr, body

    def call(self, op, check=True, **args):
        return self.finish(self.start(op, **args), check)

    def status(self, op, **args):
        """Make a request; only its status matters."""
        return self.call(op, check=False, **args)[0].status

    def ping(self):
        self.call(PING)

    def alloc(self, slab):
        self.call(SLAB_ALLOC, slab=slab)

    def free(self, slab):
        self.call(SLAB_FREE, slab=slab)

    def read(self, slab, offset, length):
        return self.call(READ, slab=slab, offset=offset, length=length)[1]

    def write(self, slab, offset, data):
        self.call(WRITE, slab=slab, offset=offset, length=len(data), data=data)

    def trim(self, slab, offset, length):
        self.call(TRIM, slab=slab, offset=offset, length=length)

    def list(self, start=0):
        """All slabs from number start on, following the pages of the list."""
        slabs = []
        while True:
            body = self.call(SLAB_LIST, slab=start)[1]
            part = struct.unpack(f"<{len(body) // 4}I", body)
            slabs.extend(part)
            if len(body) < MAX_CONTROL:
                return slabs
            start = part[-1] + 1

    def bye(self):
        self.call(BYE)

    def closed(self, within=5):
        """Wait until the server closes; AssertionError if it does not.

        Notices and replies to what was asked may come before, and are filed."""
        self.sock.settimeout(within * SLOW)
        try:
            while True:
                self.receive()
        except ConnectionError:
            return
        except TimeoutError:
            raise AssertionError(f"the server did not close within {within} s") from None


def wait_for(what, condition, within=10):
    """Poll condition() until it is true; AssertionError naming what, if it does not come."""
    end = time.monotonic() + within * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {within} s for {what}"
        time.sleep(0.02)
