# SPDX-License-Identifier: GPL-2.0
"""Servers that misbehave, on this machine's loopback, and what is left of a guest that meets them.

Listener accepts connections and hands each to a function, in a thread of its own.  Server is a
Listener that speaks the protocol honestly, from memory, until a test changes a field of its answer
to HELLO or sets a hook.  The functions below them ask the guest what has become of its devices.
"""

import json
import re
import shlex
import socket
import struct
import threading
import time

from . import proto
from .errors import Fail
from .session import HOST_ADDRESS

SLAB = 1 << 20
ZEROES = bytes(proto.BLOCK)
ERRORS = {"EIO": "Input/output error", "ENOSPC": "No space left on device",
          "ETIMEDOUT": "Connection timed out", "ENODATA": "No data available"}


class Listener:
    """Accepts on a free port of 127.0.0.1; a context manager.

    @serve: called with each socket and its number, from 0, in a thread; what it returns from is
    closed; an OSError means that the peer has gone, anything else fails the test
    @accept: False: listen, and never accept
    """

    def __init__(self, serve=None, accept=True, backlog=32):
        self.serve = serve or self.serve_one
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.sockets, self.threads, self.problems = [], [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.url = f"tcp://{HOST_ADDRESS}:{self.port}"
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        if accept:
            self.acceptor.start()

    def serve_one(self, sock, number):
        """What subclasses do with a connection."""
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if self.problems and not kind:
            raise Fail(f"the fake server failed: {self.problems[0]!r}") from self.problems[0]

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                number = len(self.sockets)
                self.sockets.append(sock)
                thread = threading.Thread(target=self._one, args=(sock, number), daemon=True)
                self.threads.append(thread)
            thread.start()

    def _one(self, sock, number):
        try:
            self.serve(sock, number)
        except OSError:
            pass
        except Exception as error:    # the test's thread is another one: tell it at the end
            self.problems.append(error)
        finally:
            sock.close()

    def stop(self):
        """Close everything and wait for the threads."""
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            sockets, threads = list(self.sockets), list(self.threads)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in threads:
            thread.join(10)
            if thread.is_alive():
                self.problems.append(Fail("a thread of the fake server does not end"))


def reset(sock):
    """Close so that the peer gets RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Conn:
    """One connection to a Server after HELLO: @lane, @client (its id), @number."""

    def __init__(self, server, sock, number, hello):
        self.server, self.sock, self.number = server, sock, number
        self.lane, self.client = hello.lane, hello.id
        self.held = []

    def send(self, data):
        """Send bytes as they are."""
        self.sock.sendall(data)

    def send_dripping(self, data, rng, whole=96):
        """Send the first bytes one by one, the others in small pieces."""
        for i in range(min(whole, len(data))):
            self.send(data[i:i + 1])
            time.sleep(0.001)    # lets each byte travel alone
        done = whole
        while done < len(data):
            size = rng.randrange(1, 999)
            self.send(data[done:done + size])
            done += size

    def reply(self, hdr, status=proto.OK, body=b"", **changes):
        """Answer a request, perhaps with other fields."""
        self.send(proto.pack_reply(hdr, status, body, **changes))

    def good(self, hdr, body=b""):
        """The honest answer's bytes; does what the request asks for."""
        status, data = self.server.execute(self.client, hdr, body)
        return proto.pack_reply(hdr, status, data)


class Server(Listener):
    """Honest, from memory, but for what is set here.

    @reply: fields of the answer to HELLO that differ (see proto.pack_hello_reply)
    @hello: called as hello(sock, number, hdr, body): answers HELLO itself and ends the connection
    @early: called as early(conn, hdr) when the header of a request has come, before its body
    @attack: called as attack(conn, hdr, body) for a request; True: it has been dealt with
    @seen: headers of all requests after HELLO
    """

    def __init__(self, attack=None, early=None, hello=None, **reply):
        self.reply = dict(slab_size=SLAB, depth=32) | reply
        self.attack, self.early, self.hello = attack, early, hello
        self.slabs = set()       # (client, slab)
        self.blocks = {}         # (client, slab, offset) -> block; absent: zeroes
        self.seen = []
        self.conns = []
        super().__init__()

    def execute(self, client, hdr, body):
        """Do what an honest server does; return status and body of the reply."""
        offsets = range(hdr.offset, hdr.offset + hdr.length, proto.BLOCK)
        keys = [(client, hdr.slab, offset) for offset in offsets]
        with self.lock:
            if hdr.op == proto.SLAB_ALLOC:
                self.slabs.add((client, hdr.slab))
            elif hdr.op == proto.BYE:
                self.slabs = {key for key in self.slabs if key[0] != client}
                self.blocks = {key: b for key, b in self.blocks.items() if key[0] != client}
            elif (client, hdr.slab) not in self.slabs:
                return proto.NOSLAB, b""
            elif hdr.op == proto.READ:
                return proto.OK, b"".join(self.blocks.get(key, ZEROES) for key in keys)
            else:
                for i, key in enumerate(keys):
                    self.blocks.pop(key, None)
                    if hdr.op == proto.WRITE:
                        self.blocks[key] = body[i * proto.BLOCK:(i + 1) * proto.BLOCK]
        return proto.OK, b""

    def serve_one(self, sock, number):
        hdr, body = proto.recv_message(sock)
        assert hdr.op == proto.HELLO and len(body) == proto.HELLO_BODY.size, hdr
        if self.hello and self.hello(sock, number, hdr, body) is not False:
            return
        fields = dict(self.reply)
        hello = proto.unpack_hello(body)
        fields["depth"] = min(fields["depth"], hello.depth)
        conn = Conn(self, sock, number, hello)
        self.conns.append(conn)
        conn.reply(hdr, body=proto.pack_hello_reply(**fields))
        while True:
            self._request(conn)

    def _request(self, conn):
        hdr = proto.unpack_hdr(proto.recv_exact(conn.sock, proto.HDR.size))
        assert hdr.magic == proto.MAGIC and hdr.version == proto.VERSION and not hdr.flags, hdr
        assert hdr.body == (hdr.length if hdr.op == proto.WRITE else 0), hdr
        with self.lock:
            self.seen.append(hdr)
        if self.early:
            self.early(conn, hdr)
        body = proto.recv_exact(conn.sock, hdr.body) if hdr.body else b""
        attack = self.attack
        if not attack or not attack(conn, hdr, body):
            conn.send(conn.good(hdr, body))

    def stall(self):
        """For hooks: do nothing until the test is over; then the connection ends."""
        self.stopped.wait()
        raise ConnectionAbortedError


# -- what the guest says ----------------------------------------------------


def load(lab):
    """Make sure that the driver is there: the debug kernel has it as a module."""
    lab.client.run("test -d /sys/module/rswap || insmod /lib/modules/rswap.ko")


def some(lab, cases):
    """All CASES; of them on the debug kernel, which is slow, every fourth, from one that the seed chooses."""
    return cases[lab.rng.randrange(4)::4] if lab.kernel == "debug" else cases


def nothing_left(lab, vm=None):
    """Assert that no device is attached, listed, or in /dev."""
    out = (vm or lab.client).run("rswapctl list --json; ls -d /dev/rswap[0-9]* /sys/block/rswap* "
                                 "2>/dev/null; true").out.strip()
    assert out == "[]", f"left behind: {out}"


def usable(lab, name="r0"):
    """Assert that the driver and NAME can be used: attach, write, read back, detach."""
    lab.client.run(f"set -e; d=$(rswapctl attach loop:// --size 1M --thin --name {name}); "
                   "dd if=/bin/busybox of=$d bs=64k count=4 oflag=direct status=none; "
                   "dd if=$d bs=64k count=4 iflag=direct status=none | cmp -n 262144 - /bin/busybox; "
                   f"rswapctl detach {name}")
    nothing_left(lab)


def error_of(result):
    """The error in what `rswapctl ... --json` has printed; it must be the only thing."""
    try:
        return json.loads(result.out)["error"]
    except (ValueError, KeyError, TypeError):
        raise Fail(f"rc {result.rc} and no error in JSON, but {result.out!r}") from None


def refused(lab, args, rc, message, errno=None, within=None, empty=True, timeout=60):
    """Assert that `rswapctl ARGS` ends with RC, MESSAGE and ERRNO, WITHIN s, and leaves nothing.

    MESSAGE is the exact text, or a compiled regular expression of all of it.
    EMPTY: no device was attached before, so none may be now.
    """
    started = time.monotonic()
    result = lab.rswapctl(f"{args} --json", check=False, timeout=timeout)
    took = time.monotonic() - started
    assert result.rc != 0, f"rswapctl {args} should have failed: {result.out}"
    error = error_of(result)
    said = error["message"]
    fits = message.fullmatch(said) if isinstance(message, re.Pattern) else message == said
    assert fits, f"rswapctl {args} said {said!r}, not {message!r}"
    assert (result.rc, error["exit_code"]) == (rc, rc), f"rswapctl {args}: rc {result.rc}, {error}"
    assert error.get("errno") == errno, f"rswapctl {args}: {error}, not {errno}"
    if within:
        assert took < within * lab.client.scale, f"rswapctl {args} took {took:.1f} s"
    if empty:
        nothing_left(lab)
    lab.log(f"rswapctl {args}: rc {rc}: {said}")
    return error


def attach_refused(lab, url, rc, message, errno=None, size="8M", extra="", name="r0", **checks):
    """refused() for attach."""
    return refused(lab, f"attach {shlex.quote(url)} --size {size} --name {name} {extra}".strip(), rc,
                   message, errno, **checks)


def show(lab, name):
    """What `rswapctl show` says about a device."""
    return lab.rswapctl(f"show {name} --json").out


def await_failed(lab, name, error):
    """Wait until the session of a device has failed; assert by which error."""
    found = proto.wait_for(f"{name} to fail", lambda: _failed(lab, name), within=30 * lab.client.scale)
    assert found["error"] == error, f"{name} failed by {found['error']}, not {error}"


def _failed(lab, name):
    found = show(lab, name)
    return found if found["state"] == "failed" else None


def dd_read(lab, device, offset=0, length=4096, timeout=30):
    """Read with O_DIRECT, in one operation, into /tmp/got; return the Result, its output empty on success."""
    return lab.client.run(f"dd if={device} of=/tmp/got bs={length} skip={offset} count=1 "
                          "iflag=direct,fullblock,skip_bytes status=none", check=False, timeout=timeout)


def dd_write(lab, device, offset=0, length=4096, timeout=30, source="/tmp/data"):
    """Write the first LENGTH bytes of a file with O_DIRECT, in one operation."""
    return lab.client.run(f"dd if={source} of={device} bs={length} seek={offset} count=1 iflag=fullblock "
                          "oflag=direct,seek_bytes status=none", check=False, timeout=timeout)


def io_failed(result, errno="EIO"):
    """Assert that dd failed by ERRNO and not by anything else."""
    assert result.rc != 0, "I/O that must fail has succeeded"
    assert ERRORS[errno] in result.out, f"dd failed by {result.out!r}, not {errno}"


class Meeting:
    """A device on a Server that is honest until `with` is entered, and is detached after it.

    Before: it is attached, its first MAPPED slabs exist, and its first DATA bytes are those of
    /tmp/data in the guest.  After: it can be detached without force, and nothing is left.
    """

    MAPPED, DATA, SIZE = 4, 64 << 10, 8 << 20

    def __init__(self, lab, attack=None, early=None, extra="--timeout 30", mapped=MAPPED, **reply):
        self.lab, self.extra, self.mapped = lab, extra, mapped
        self.attack, self.early = attack, early
        self.server = Server(**reply)

    def __enter__(self):
        self.server.__enter__()
        try:
            self.device = self.lab.attach(self.server.url, size=str(self.SIZE), name="r0", extra=self.extra)
            blocks = "".join(f"dd if=/dev/zero of={self.device} bs=4k seek={i * SLAB // 4096} count=1 "
                             "oflag=direct status=none; " for i in range(self.mapped))
            self.lab.client.run(f"set -e; test -s /tmp/data || dd if=/dev/urandom of=/tmp/data bs=64k "
                                f"count=128 status=none; {blocks}"
                                f"dd if=/tmp/data of={self.device} bs=64k count=1 oflag=direct status=none")
        except BaseException:
            self.server.stop()
            raise
        self.server.attack, self.server.early = self.attack, self.early
        return self

    def __exit__(self, kind, value, trace):
        if not kind:
            self.lab.detach("r0")
            nothing_left(self.lab)
        self.server.__exit__(kind, value, trace)

    def io(self, op, offset=0, length=4096, timeout=30):
        """One direct operation: "read", "write" to a slab that exists, "alloc" (a write to one that does not)
        or "trim"; return a Result."""
        if op == "read":
            return dd_read(self.lab, self.device, offset, length, timeout=timeout)
        if op == "trim":
            return self.lab.client.run(f"blkdiscard -o {offset} -l {length} {self.device}", check=False,
                                       timeout=timeout)
        return dd_write(self.lab, self.device, (4 * SLAB if op == "alloc" else 0) + offset, length,
                        timeout=timeout)

    def read_right(self, length=4096):
        """Assert that a read succeeds, with the right bytes."""
        self.right(self.io("read", length=length), length)

    def right(self, result, length=4096):
        """Assert that a read into /tmp/got has succeeded, with the right bytes."""
        assert result.rc == 0, f"the read failed: {result.out}"
        self.lab.client.run(f"cmp -n {length} /tmp/got /tmp/data")

    def failed(self, error):
        """Assert that the session ends by ERROR, and that later I/O fails at once."""
        await_failed(self.lab, "r0", error)
        io_failed(self.io("read"))

    def live(self):
        """Assert that the session lives."""
        found = show(self.lab, "r0")
        assert (found["state"], found["error"]) == ("live", None), found


def once(op, strike):
    """A hook: for the first request OP call strike(conn, hdr, body), which deals with it."""
    struck = []

    def attack(conn, hdr, body):
        if hdr.op != op or struck:
            return False
        struck.append(hdr)
        strike(conn, hdr, body)
        return True
    return attack


def protocol_errors(lab):
    """Collect, from now on, why the driver calls servers broken; return a function that tells.

    By tracepoint, because messages of the log are rate-limited.
    """
    tracing = "/sys/kernel/tracing"
    lab.client.run(f"echo 1 > {tracing}/events/rswap/rswap_protocol_error/enable; : > {tracing}/trace")

    def reasons():
        text = lab.client.run(f"cat {tracing}/trace; : > {tracing}/trace").out
        return re.findall(r"rswap_protocol_error: (\S+ .*)", text)
    return reasons


def quiet(lab):
    """Undo protocol_errors()."""
    lab.client.run("echo 0 > /sys/kernel/tracing/events/rswap/rswap_protocol_error/enable")


def logged(lab, mark, pattern, timeout=10):
    """Wait until the console since MARK has a line that matches PATTERN; return it."""
    vm = lab.client
    vm.wait_until(lambda: any(re.search(pattern, line) for line in vm.lines[mark:]), timeout,
                  lambda: f"the console to say /{pattern}/")
    return next(line for line in vm.lines[mark:] if re.search(pattern, line))
