# SPDX-License-Identifier: GPL-2.0
"""Attaching to an address where no rswap server answers fails with the reason, in bounded time, and leaves nothing.

Malformed URLs, unknown schemes and names, no route, nobody listening, and ports where something else
answers, says nothing, or closes: at once, or half-way through the answer to HELLO.
"""
import re
import socket

from lab import hostile, proto
from lab.host import free_port

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 180

RC_USAGE, RC_UNREACHABLE, RC_REFUSED = 2, 5, 6
SCHEME = "unknown scheme: use tcp://HOST:PORT or loop://"
URLS = [
    ("10.0.2.2:9400", "the scheme is missing: write tcp://HOST:PORT or loop://"),
    ("udp://10.0.2.2:9400", SCHEME),
    ("TCP://10.0.2.2:9400", SCHEME),
    ("://10.0.2.2:9400", SCHEME),
    ("tcp://", "the host is missing: write tcp://HOST:PORT"),
    ("tcp://:9400", "the host is missing: write tcp://HOST:PORT"),
    ("tcp://10.0.2.2:", "what follows the host must be a port, \":\" and 1 to 65535"),
    ("tcp://10.0.2.2:http", "what follows the host must be a port, \":\" and 1 to 65535"),
    ("tcp://10.0.2.2:0", "the port must be 1 to 65535"),
    ("tcp://10.0.2.2:65536", "the port must be 1 to 65535"),
    ("tcp://10.0.2.2:-1", "what follows the host must be a port, \":\" and 1 to 65535"),
    ("tcp://10.0.2.2:9400/", None),
    ("tcp://user@10.0.2.2:9400", "only a host and a port may follow tcp://"),
    ("tcp://fd77::1:9400", "write an IPv6 address in brackets: tcp://[ADDRESS]:PORT"),
    ("tcp://[fd77::1:9400", "\"]\" is missing after the IPv6 address"),
    ("tcp://[fd77::1]9400", "only a port, \":\" and 1 to 65535, may follow the host"),
    ("loop://somewhere", "nothing may follow loop://"),
]
NOT_RSWAP = "what answers there is not an rswap server"
CLOSED = "connection closed during HELLO: is this an rswap server?"
SILENT = "no answer to HELLO: is this an rswap server?"
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def malformed(lab):
    for url, why in URLS:
        if why is None:
            why = "what follows the host must be a port, \":\" and 1 to 65535"
        hostile.attach_refused(lab, url, RC_USAGE, f'URL "{url}": {why}')
    long = "tcp://" + "a" * 250
    hostile.attach_refused(lab, long, RC_USAGE, "the URL is longer than 255 bytes")
    hostile.attach_refused(lab, "tcp://[10.0.2.2]:9400", RC_USAGE,
                           '"10.0.2.2" is not an IPv6 address, or names an interface that does not exist')


def unreachable(lab):
    # The guest has neither name server nor hosts file
    error = hostile.attach_refused(lab, "tcp://no-such-host:9400", RC_UNREACHABLE,
                                   re.compile('cannot resolve "no-such-host": .+'), within=30)
    assert "numeric address" in error["hint"], error
    hostile.attach_refused(lab, "tcp://192.0.2.1:9400", RC_UNREACHABLE, "no route to this address",
                           "ENETUNREACH", within=5)
    # An address on the link that no machine has: ARP gives up
    lab.client.run("ip link add lab0 type dummy && ip addr add 10.99.0.1/24 dev lab0 && "
                   "ip link set lab0 up arp on")
    try:
        hostile.attach_refused(lab, "tcp://10.99.0.2:9400", RC_UNREACHABLE,
                               "no route to this address", "EHOSTUNREACH", within=15)
    finally:
        lab.client.run("ip link del lab0")
    hostile.attach_refused(lab, f"tcp://10.0.2.2:{free_port()}", RC_UNREACHABLE,
                           "connection refused: is rswapd running there?", "ECONNREFUSED", within=5)


def answer(text, close):
    """What a connection gets instead of an answer to HELLO."""
    def serve(sock, _number):
        sock.sendall(text)
        if not close:
            while sock.recv(4096):
                pass
        elif text:
            # What has not been read would turn the close into a reset
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    return serve


def strangers(lab):
    hello = proto.pack_reply(proto.unpack_hdr(proto.pack_hdr(proto.HELLO)), body=proto.pack_hello_reply())
    cases = [
        ("an HTTP server", answer(HTTP, True), RC_REFUSED, NOT_RSWAP, "EPROTO", 5),
        ("an HTTP server that waits", answer(HTTP, False), RC_REFUSED, NOT_RSWAP, "EPROTO", 5),
        # Shorter than a header: it could still become one
        ("an SSH server", answer(b"SSH-2.0-OpenSSH_9.2p1\r\n", False), RC_UNREACHABLE, SILENT,
         "ETIMEDOUT", 10),
        ("zeroes", answer(bytes(4096), False), RC_REFUSED, NOT_RSWAP, "EPROTO", 5),
        ("silence", answer(b"", False), RC_UNREACHABLE, SILENT, "ETIMEDOUT", 10),
        ("half a header", answer(hello[:16], True), RC_UNREACHABLE, CLOSED, "ECONNRESET", 5),
        ("a header and no body", answer(hello[:32], True), RC_UNREACHABLE, CLOSED, "ECONNRESET", 5),
        ("half a body", answer(hello[:70], True), RC_UNREACHABLE, CLOSED, "ECONNRESET", 5),
        ("half a body, then silence", answer(hello[:70], False), RC_UNREACHABLE, SILENT, "ETIMEDOUT", 15),
    ]
    for what, serve, rc, message, errno, within in cases:
        lab.log(f"{what}:")
        with hostile.Listener(serve) as server:
            hostile.attach_refused(lab, server.url, rc, message, errno, within=within)
            assert len(server.sockets) == 1, f"{what}: {len(server.sockets)} connections"
    lab.log("close at once:")
    with hostile.Listener(lambda sock, _number: sock.close()) as server:
        hostile.attach_refused(lab, server.url, RC_UNREACHABLE, CLOSED, "ECONNRESET", within=5)
    # Not before HELLO is there: QEMU's user network may refuse such a connection
    lab.log("reset:")
    with hostile.Listener(lambda sock, _number: sock.recv(1) and hostile.reset(sock)) as server:
        hostile.attach_refused(lab, server.url, RC_UNREACHABLE, CLOSED, "ECONNRESET", within=5)


def bounded(lab):
    """The session's timeout bounds the wait when it is shorter than the driver's own."""
    with hostile.Listener(answer(b"", False)) as server:
        hostile.attach_refused(lab, server.url, RC_UNREACHABLE, SILENT, "ETIMEDOUT",
                               extra="--timeout 1", within=4)


def test(lab):
    hostile.load(lab)
    malformed(lab)
    unreachable(lab)
    strangers(lab)
    bounded(lab)
    result = lab.rswapctl(f"attach tcp://10.0.2.2:{free_port()} --size 8M --name r0", check=False)
    assert result.rc == RC_UNREACHABLE and result.out == (
        "rswapctl: attach: connection refused: is rswapd running there?\n"
        "rswapctl: hint: start rswapd there, or give the port that it listens on\n"), result.out
    hostile.usable(lab)
