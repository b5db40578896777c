# SPDX-License-Identifier: GPL-2.0
"""A name that is taken, too long, or has illegal characters is refused, as is a device that does not exist.

Also: an attach that fails sets its name free at once, and one name is given to one of many who ask.
"""
from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True

RC_USAGE, RC_NOT_FOUND, RC_IN_USE = 2, 3, 4
LENGTH = 'name "{}" must have 1 to 31 characters'
LETTERS = 'name "{}" must begin with a letter, a digit or _, and hold letters, digits and -_.: only'
NUMBER = 'name "{}" could be mistaken for a device number: choose another'
NAMES = [
    ("", LENGTH), ("n" * 32, LENGTH), ("n" * 300, LENGTH), ("a b", LETTERS), ("a/b", LETTERS),
    ("../x", LETTERS), (".", LETTERS), (".hidden", LETTERS), ("-r0", LETTERS), (":x", LETTERS),
    ("a\tb", LETTERS), ("naïve", LETTERS), ("a;reboot", LETTERS), ("a%s", LETTERS), ("0", NUMBER),
    ("17", NUMBER), ("rswap0", NUMBER), ("rswap17", NUMBER),
]


def bad(lab):
    for name, message in NAMES:
        hostile.refused(lab, f"attach loop:// --size 1M --thin --name='{name}'", RC_USAGE,
                        message.format(name))
    longest = "n" * 31
    for name in (longest, "a.b-c_d:e", "_", "r1x"):
        lab.attach("loop://", size="1M", name=name, extra="--thin")
        assert hostile.show(lab, name)["name"] == name
        lab.detach(name)


def taken(lab):
    first = lab.attach("loop://", size="1M", name="taken", extra="--thin")
    with hostile.Server() as server:
        for url in ("loop://", server.url):
            error = hostile.attach_refused(lab, url, RC_IN_USE, "name taken is taken by rswap0", "EEXIST",
                                           size="1M", name="taken", empty=False)
            assert "--name" in error["hint"], error
        assert not server.sockets, "a name that is taken was taken to the server"
        # The same server under another name is another device
        second = lab.attach(server.url, size="1M", name="other")
        assert second != first
        lab.detach("other")
    lab.detach("taken")
    assert lab.attach("loop://", size="1M", name="taken", extra="--thin") == first
    lab.detach("taken")


def while_attaching(lab):
    """A name is taken from the moment on that somebody tries to attach it; then it is free or used."""
    def hello(*_):
        server.stopped.wait(2 * lab.client.scale)
        return False
    with hostile.Server(hello=hello) as server:
        job = lab.client.start_job(f"rswapctl attach {server.url} --size 1M --name slow")
        proto.wait_for("the first attach to reach the server", lambda: server.sockets, 10 * lab.client.scale)
        hostile.attach_refused(lab, "loop://", RC_IN_USE, "name slow is taken by rswap0", "EEXIST",
                               size="1M", name="slow", empty=False)
        hostile.refused(lab, "detach slow", RC_IN_USE, "device is still being attached", "EBUSY", empty=False)
        hostile.refused(lab, "show slow", RC_IN_USE, "device is still being attached", "EAGAIN", empty=False)
        assert job.rc is None, "the first attach was over too early to prove anything"
        assert job.wait().out == "/dev/rswap0\n"
        lab.detach("slow")


def race(lab):
    """Eight attach the same name at once: one wins."""
    out = lab.client.run("for i in 1 2 3 4 5 6 7 8; do rswapctl attach loop:// --size 1M --thin --name race "
                         ">/tmp/race.$i 2>&1 & done; wait; cat /tmp/race.*; rm /tmp/race.*").out
    assert out.count("/dev/rswap0") == 1, out
    assert out.count("rswapctl: attach: name race is taken by rswap") == 7, out
    lab.detach("race")
    hostile.nothing_left(lab)


def unknown(lab):
    for command in ("detach", "detach --force", "show", "stats"):
        for which in ("nobody", "0", "17", "rswap3", "2147483647"):
            hostile.refused(lab, f"{command} {which}", RC_NOT_FOUND, "no such device", "ENODEV")
    hostile.refused(lab, "show /dev/null", RC_USAGE, "/dev/null is not a block device", "ENOTBLK")
    hostile.refused(lab, "detach /dev/ram0", RC_NOT_FOUND, "/dev/ram0 is not an rswap device", "ENODEV")
    hostile.refused(lab, "detach /dev/rswap0", RC_NOT_FOUND, "no such device", "ENODEV")
    hostile.refused(lab, "detach ''", RC_USAGE,
                    '"" is no device: give a name, an index or /dev/rswapN')
    hostile.refused(lab, "detach", RC_USAGE, "DEVICE is missing")


def test(lab):
    hostile.load(lab)
    bad(lab)
    taken(lab)
    while_attaching(lab)
    race(lab)
    unknown(lab)
    hostile.usable(lab, "nobody")
