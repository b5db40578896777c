# SPDX-License-Identifier: GPL-2.0
"""Attaching to a server of another protocol version fails and names both versions, however the server says it.

By status VERSION, with the highest version that it speaks; by another version in the header of its
answer; by granting a version that was not offered.
"""
from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True

RC_REFUSED = 6


def refusal(**changes):
    """A hook that answers HELLO with other fields in header (hdr) and body, and closes."""
    fields = changes.pop("hdr", {})

    def hello(sock, _number, hdr, _body):
        sock.sendall(proto.pack_reply(hdr, body=proto.pack_hello_reply(**changes), **fields))
        sock.recv(4096)
    return hello


def test(lab):
    hostile.load(lab)
    cases = [
        ("status VERSION, old server", refusal(hdr=dict(status=proto.VERSION_MISMATCH), version=0), 0),
        ("status VERSION, new server", refusal(hdr=dict(status=proto.VERSION_MISMATCH), version=7), 7),
        ("header of version 2", refusal(hdr=dict(version=2), version=2), 2),
        ("header of version 0", refusal(hdr=dict(version=0), version=0), 0),
        ("grants version 2", refusal(version=2), 2),
        ("grants version 65535", refusal(version=65535), 65535),
        # A refusal has the layout of HELLO in every version to come, whatever the header's version
        ("header of version 9, status VERSION",
         refusal(hdr=dict(version=9, status=proto.VERSION_MISMATCH), version=9), 9),
    ]
    for what, hello, version in cases:
        lab.log(f"{what}:")
        with hostile.Server(hello=hello) as server:
            error = hostile.attach_refused(
                lab, server.url, RC_REFUSED,
                f"version mismatch: server speaks {version}, this driver {proto.VERSION}",
                "EPROTONOSUPPORT", within=10)
        assert "update the older" in error["hint"], error
    hostile.usable(lab)
