# SPDX-License-Identifier: GPL-2.0
"""rswapd refuses a wrong command line, or a system that lacks something, with a message that says what to do.

Each refusal has its documented exit status; --help and --version work; sizes mean what they say; the
service manager is told when the server is ready and when it stops.
"""
import ctypes
import os
import signal
import socket
import struct

from lab import memserver, proto
from lab.host import free_port

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

LISTEN = ("--listen", "tcp://127.0.0.1:0")
MEMORY = ("--memory", "64M")

# Arguments, exit status, words that the message must have
WRONG = [
    ((), 2, "give at least one --listen"),
    (LISTEN, 2, "give --memory SIZE"),
    (MEMORY, 2, "give at least one --listen"),
    ((*LISTEN, "--memory", "0"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "-1"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "1.5G"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "8GB"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "8 "), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "99999999999999999999"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "9999999999T"), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", ""), 2, "give a size like 8G"),
    ((*LISTEN, "--memory", "63M"), 2, "less than one slab of 64M"),
    ((*LISTEN, *MEMORY, "--slab-size", "3M"), 2, "a power of two from 1M to 1G"),
    ((*LISTEN, *MEMORY, "--slab-size", "512K"), 2, "a power of two from 1M to 1G"),
    ((*LISTEN, *MEMORY, "--slab-size", "2G"), 2, "a power of two from 1M to 1G"),
    ((*LISTEN, *MEMORY, "--threads", "0"), 2, "a number from 1 to 256"),
    ((*LISTEN, *MEMORY, "--threads", "2x"), 2, "a number from 1 to 256"),
    ((*LISTEN, *MEMORY, "--max-conns", "65"), 2, "a number from 1 to 64"),
    ((*LISTEN, *MEMORY, "--max-clients", "-3"), 2, "a number from 1 to 100000"),
    ((*LISTEN, *MEMORY, "--orphan-timeout", "soon"), 2, "a number from 0"),
    ((*LISTEN, *MEMORY, "--drain-timeout", ""), 2, "a number from 0"),
    ((*LISTEN, *MEMORY, "--hello-timeout", "0"), 2, "a number from 1"),
    ((*LISTEN, *MEMORY, "--stall-timeout", "0"), 2, "a number from 1"),
    ((*LISTEN, *MEMORY, "--what"), 2, "rswapd --help"),
    ((*LISTEN, *MEMORY, "extra"), 2, "extra: unexpected"),
    ((*LISTEN, "--memory"), 2, "rswapd --help"),
    (("--listen", "127.0.0.1:9400", *MEMORY), 2, "must begin with tcp://"),
    (("--listen", "udp://127.0.0.1:9400", *MEMORY), 2, "must begin with tcp://"),
    (("--listen", "tcp://localhost:9400", *MEMORY), 2, "must be numeric"),
    (("--listen", "tcp://127.0.0.1:65536", *MEMORY), 2, "from 0 to 65535"),
    (("--listen", "tcp://127.0.0.1:", *MEMORY), 2, "from 0 to 65535"),
    (("--listen", "tcp://127.0.0.1:-1", *MEMORY), 2, "from 0 to 65535"),
    (("--listen", "tcp://127.0.0.1:94 00", *MEMORY), 2, "from 0 to 65535"),
    (("--listen", "tcp://::1:9400", *MEMORY), 2, "in brackets"),
    (("--listen", "tcp://[::1", *MEMORY), 2, "for IPv6"),
    (("--listen", "tcp://[::1]9400", *MEMORY), 2, "for IPv6"),
    (("--listen", "tcp://[127.0.0.1]:9400", *MEMORY), 2, "must be numeric"),
    (("--listen", "tcp://", *MEMORY), 2, "must be numeric"),
    (("--listen", "tcp://192.0.2.1:0", *MEMORY), 4, "does not have that address"),
    (LISTEN * 17 + MEMORY, 2, "16 already"),
]


def run(lab, build, *args, wrap=()):
    process = lab.spawn(*wrap, memserver.binary(build), *args, env=memserver.environment())
    return process.wait(20, check=False), process.out


def refusals(lab, build):
    for args, status, words in WRONG:
        rc, out = run(lab, build, *args)
        assert rc == status and words in out, f"{args}: exit {rc}: {out}"
        assert out.count("\n") <= 2, f"{args}: more than a message: {out}"
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(1)
        port = sock.getsockname()[1]
        rc, out = run(lab, build, "--listen", f"tcp://127.0.0.1:{port}", *MEMORY)
        assert rc == 4 and "Address already in use" in out and "choose another" in out, out


def no_uring():
    """Make io_uring_setup() fail with EPERM in this process, as containers do."""
    libc = ctypes.CDLL(None, use_errno=True)
    # ld nr; jeq 425: ret ERRNO|EPERM; ret ALLOW
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filters))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def system(lab, build):
    script = ("import os,sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[2]); "
              "import proto_cli; proto_cli.no_uring(); os.execv(sys.argv[3], sys.argv[3:])")
    here = os.path.dirname(os.path.abspath(__file__))
    rc, out = run(lab, build, *LISTEN, *MEMORY, wrap=("python3", "-c", script, here, os.path.dirname(here)))
    assert rc == 5 and "kernel.io_uring_disabled=0" in out, f"exit {rc}: {out}"
    rc, out = run(lab, build, *LISTEN, *MEMORY, "--threads", "8", wrap=("prlimit", "--nofile=32:32"))
    assert rc == 1 and "raise ulimit -n" in out, f"exit {rc}: {out}"


def good(lab, build):
    rc, out = run(lab, build, "--help")
    assert rc == 0 and out.startswith("usage: rswapd") and "--orphan-timeout" in out
    rc, out = run(lab, build, "--version")
    assert rc == 0 and out.startswith("rswapd 1.") and "protocol 1" in out
    sizes = [("1g", "1M", 1 << 30, 1 << 20), ("1048576K", "1048576", 1 << 30, 1 << 20),
             ("3221225472", "1G", 3 << 30, 1 << 30), ("1T", "64m", 1 << 40, 64 << 20)]
    for memory, slab, limit, slab_size in sizes:
        server = memserver.MemServer(lab, build=build, memory=memory, slab=slab)
        state = server.state()
        assert (state["memory_limit"], state["slab_size"]) == (limit, slab_size), state
        assert ("more than this machine has" in server.out) == (memory == "1T")
        server.stop()
    # Several addresses, of both families on one port
    port = free_port()
    process = lab.spawn(memserver.binary(build), "-l", f"tcp://0.0.0.0:{port}", "-l", f"tcp://[::]:{port}",
                        "-m", "64M", env=memserver.environment())
    proto.wait_for("both", lambda: process.out.count("listening on") == 2)
    for address in (("127.0.0.1", port), ("::1", port)):
        with proto.Client(address) as c:
            c.bye()
    process.kill(signal.SIGTERM)
    assert process.wait(20, check=False) == 0, process.out


def notified(lab, build):
    """READY=1 when it serves, STOPPING=1 when it begins to drain; by path and by abstract name."""
    for name in (str(lab.tmp / f"notify{build}"), f"@rswapd-test-{os.getpid()}{build}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.bind(name.replace("@", "\0"))
            process = lab.spawn(memserver.binary(build), *LISTEN, *MEMORY,
                                env=dict(memserver.environment(), NOTIFY_SOCKET=name))
            assert sock.recv(100) == b"READY=1"
            process.kill(signal.SIGTERM)
            assert sock.recv(100) == b"STOPPING=1"
            assert process.wait(20, check=False) == 0, process.out


def test(lab):
    for build in memserver.BUILDS:
        refusals(lab, build)
        system(lab, build)
        good(lab, build)
        notified(lab, build)
