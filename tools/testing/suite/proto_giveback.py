# SPDX-License-Identifier: GPL-2.0
"""TRIM, FREE and BYE give memory back to the machine, and the count of bytes held is exact.

Measured from outside, by the resident size of the process, and by what rswapd itself reports; a slab
that is only allocated, or only read, costs nothing.
"""
from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

MIB = 1 << 20
SLACK = 4 * MIB


def fill(c, slab, length=64 * MIB):
    for offset in range(0, length, MIB):
        c.write(slab, offset, b"\x5a" * MIB)


def giveback(server, check_rss):
    base = server.rss()

    def held(expect):
        got = server.named("g")["held_bytes"]
        assert got == expect, f"{got} bytes held instead of {expect}"
        assert server.state()["memory_held"] == expect
        if check_rss:
            # FREE and TRIM answer when it is done: no waiting here
            rss = server.rss() - base
            assert abs(rss - expect) < SLACK, (f"{rss} bytes more are resident while {expect} are held\n"
                                               f"{server.mappings(MIB)}")

    with server.client(name="g", size=256 * MIB) as c:
        for slab in range(3):
            c.alloc(slab)
        held(0)
        for offset in range(0, 64 * MIB, MIB):
            assert not any(c.read(0, offset, MIB))
        held(0)
        fill(c, 0)
        fill(c, 1)
        held(128 * MIB)
        fill(c, 0)
        held(128 * MIB)
        c.trim(0, 0, 64 * MIB)
        held(64 * MIB)
        c.trim(0, 0, 64 * MIB)
        held(64 * MIB)
        assert not any(c.read(0, 5 * MIB, MIB))
        held(64 * MIB)
        # Every other block, one at a time: nothing is kept for its neighbours
        for block in range(0, 4096, 2):
            c.trim(1, block * 4096, 4096)
        held(64 * MIB - 8 * MIB)
        c.trim(1, 4096, 4096)
        held(64 * MIB - 8 * MIB - 4096)
        c.write(1, 0, b"x" * 12288)
        held(64 * MIB - 8 * MIB + 8192)
        # Of the first 75 blocks, 37 odd ones are left, and 0 and 2
        c.trim(1, 0, 75 * 4096)
        held(64 * MIB - 8 * MIB + 8192 - 39 * 4096)
        c.free(1)
        held(0)
        fill(c, 2, 32 * MIB)
        held(32 * MIB)
        c.bye()
    if check_rss:
        assert server.rss() - base < SLACK, "memory is resident after BYE"
    assert server.state()["memory_held"] == 0


def sparse(server, check_rss):
    """One block here and there: exactly that much, also across words of the bitmap."""
    base = server.rss()
    with server.client(name="g", size=64 * MIB) as c:
        c.alloc(0)
        blocks = [0, 1, 63, 64, 65, 127, 128, 4095, 8191, 16383]
        for n, block in enumerate(blocks, 1):
            c.write(0, block * 4096, b"b" * 4096)
            assert server.named("g")["held_bytes"] == n * 4096
        if check_rss:
            assert server.rss() - base < SLACK, "a block costs more than a block"
        c.write(0, 60 * 4096, b"c" * 10 * 4096)
        assert server.named("g")["held_bytes"] == (len(blocks) + 7) * 4096
        c.trim(0, 62 * 4096, 66 * 4096)
        assert server.named("g")["held_bytes"] == (len(blocks) + 7 - 9) * 4096
        c.bye()


def test(lab):
    for build in memserver.BUILDS:
        server = memserver.MemServer(lab, build=build, memory="256M", slab="64M")
        giveback(server, check_rss=build == memserver.PLAIN)
        sparse(server, check_rss=build == memserver.PLAIN)
        server.stop()
