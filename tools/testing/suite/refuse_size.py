# SPDX-License-Identifier: GPL-2.0
"""A size that makes no sense, or that no server can give, is refused with the reason; nothing is reserved anywhere.

Zero, negative, not whole pages, garbage, overflow; more than the server has, more than it has left, more
than 2^20 slabs; and the loop transport's own limit.
"""
import re

from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True

RC_FAILED, RC_USAGE, RC_REFUSED = 1, 2, 6
NUMBER = 'size "{}" is not a number: give one with K, M, G or T, such as 1G'
WHOLE = 'size "{}" is not a whole number: use a smaller unit, such as 1536M for one and a half G'
SUFFIX = 'size "{}" has the unknown suffix "{}": use K, M, G or T (powers of 1024)'
LARGE = 'size "{}" is too large for a block device: it must be below 8388608T'
PAGES = 'size "{}" is not a multiple of the page size, 4096 bytes: the next multiple is {}'
ZERO = 'size "{}" is zero: give a positive size, such as 1G'
NEGATIVE = 'size "{}" is negative: give a positive size, such as 1G'
SIZES = [
    ("0", ZERO.format("0")), ("0G", ZERO.format("0G")), ("00", ZERO.format("00")),
    ("-1", NEGATIVE.format("-1")), ("-1G", NEGATIVE.format("-1G")), ("-0", NEGATIVE.format("-0")),
    ("1", PAGES.format("1", 4096)), ("4095", PAGES.format("4095", 4096)),
    ("4097", PAGES.format("4097", 8192)), ("1K", PAGES.format("1K", 4096)),
    ("garbage", NUMBER.format("garbage")), ("''", NUMBER.format("")), ("+1G", NUMBER.format("+1G")),
    ("' 1G'", NUMBER.format(" 1G")), ("0x1000", SUFFIX.format("0x1000", "x1000")),
    ("1Q", SUFFIX.format("1Q", "Q")), ("1GB", SUFFIX.format("1GB", "GB")),
    ("1G1", SUFFIX.format("1G1", "G1")), ("1.5G", WHOLE.format("1.5G")), ("1,5G", WHOLE.format("1,5G")),
    ("8388608T", LARGE.format("8388608T")), ("9223372036854775808", LARGE.format("9223372036854775808")),
    ("18446744073709551616", LARGE.format("18446744073709551616")),
    ("99999999999999999999999999G", LARGE.format("99999999999999999999999999G")),
]


def nonsense(lab):
    for size, message in SIZES:
        hostile.attach_refused(lab, "loop://", RC_USAGE, message, size=size)
    hostile.refused(lab, "attach loop:// --name r0", RC_USAGE,
                    "--size is missing: say how much to attach, such as --size 1G")
    # Within what a block device can be, but not in the protocol: 2^20 slabs of 1 GiB
    hostile.attach_refused(lab, "loop://", RC_FAILED, "size is beyond what the protocol can address",
                           "EINVAL", size="1025T")


def too_large(lab):
    """The server's memory, counted in its slabs, is the limit."""
    server = lab.rswapd(memory="64M", args="--slab-size 1M")
    attach = dict(server=server, name="r0")
    hostile.attach_refused(lab, server.url(), RC_REFUSED, "server full: 64 of 64 MiB free, 65 wanted",
                           "ENOSPC", size="65M")
    hostile.attach_refused(lab, server.url(), RC_REFUSED, "server full: 64 of 64 MiB free, 1048576 wanted",
                           "ENOSPC", size="1T")
    assert server.state()["clients"] == [] and not server.state()["memory_committed"], server.state()
    lab.attach(size="64M", **attach)
    error = hostile.attach_refused(lab, server.url(), RC_REFUSED, "server full: 0 of 64 MiB free, 1 wanted",
                                   "ENOSPC", size="4K", name="second", empty=False)
    assert "--thin" in error["hint"], error
    state = server.state()
    assert [client["name"] for client in state["clients"]] == ["r0"], state
    # Thin: attached, and the error comes when a slab is needed
    device = lab.attach(server, size="1M", name="second", extra="--thin")
    result = hostile.dd_write(lab, device, length=4096, source="/dev/zero")
    hostile.io_failed(result, "ENOSPC")
    lab.detach("second")
    lab.detach("r0")
    hostile.nothing_left(lab)
    state = server.state()
    assert state["clients"] == [] and not state["memory_committed"], state
    lab.attach(size="64M", **attach)
    lab.detach("r0")
    assert server.stop() == 0


def too_many_slabs(lab):
    """rswapd refuses; so does the driver, whatever the server says."""
    server = lab.rswapd(memory="4M", args="--slab-size 1M")
    hostile.attach_refused(lab, server.url(), RC_REFUSED,
                           "server refused: too many slabs, connections or clients", "EUSERS",
                           size=str((1 << 40) + 4096), extra="--thin")
    assert server.stop() == 0
    with hostile.Server() as fake:
        hostile.attach_refused(lab, fake.url, RC_FAILED, "more than 1048576 slabs of 1048576 bytes",
                               "EINVAL", size=str((1 << 40) + 4096), extra="--thin")
        assert [hdr.op for hdr in fake.seen] == [proto.BYE], fake.seen
        # One page less is a device
        device = lab.attach(fake.url, size=str(1 << 40), name="r0", extra="--thin")
        lab.client.run(f"dd if=/bin/busybox of={device} bs=4k count=1 seek={(1 << 28) - 1} oflag=direct")
        assert hostile.show(lab, "r0")["slabs_mapped"] == 1
        lab.detach("r0")


def loop(lab):
    hostile.attach_refused(lab, "loop://", RC_REFUSED,
                           re.compile(r"server full: (\d+) of \1 MiB free, 65536 wanted"), "ENOSPC", size="64G")


def test(lab):
    hostile.load(lab)
    nonsense(lab)
    too_large(lab)
    too_many_slabs(lab)
    loop(lab)
    hostile.usable(lab)
