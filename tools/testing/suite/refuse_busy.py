# SPDX-License-Identifier: GPL-2.0
"""A device in use is not detached unless forced; a forced detach fails its I/O and returns soon, whatever the server does.

In use: held open, mounted, swapped to.  Forced: idle, under heavy I/O, with a server that is stopped, or
that leaves every request unanswered.  The server gets its memory back as soon as it can hear of it.
"""
import re
import signal
import time

from lab import hostile, proto

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True
TIMEOUT = 240

RC_IN_USE = 4
IN_USE = "device is in use: swapoff or umount it first"
# The driver waits 5 s for an answer to its farewell; seconds of the lean kernel
BOUND = 9


def busy(lab, name="r0"):
    for which in (name, "0", "/dev/rswap0"):
        error = hostile.refused(lab, f"detach {which}", RC_IN_USE, IN_USE, "EBUSY", within=5, empty=False)
        assert "--force" in error["hint"], error
    assert hostile.show(lab, name)["state"] == "live"


def forced(lab, bound=BOUND):
    """Detach with force; Fail if it takes longer than BOUND."""
    started = time.monotonic()
    lab.detach("r0", force=True)
    took = time.monotonic() - started
    assert took < bound * lab.client.scale, f"forced detach took {took:.1f} s"
    lab.log(f"forced detach took {took:.1f} s")


def given_back(server, within=5):
    """Wait until the server holds nothing."""
    proto.wait_for("the server to get its memory back",
                   lambda: not server.state()["clients"] and not server.state()["memory_committed"], within)


def refused(lab):
    server = lab.rswapd(memory="64M", args="--slab-size 1M")
    device = lab.attach(server, size="32M", name="r0")

    lab.log("held open")
    job = lab.client.start_job(f"exec sleep 1000 < {device}")
    lab.client.poll("rswapctl show r0 --json | grep '\"in_use\":1,'")
    busy(lab)
    job.kill()
    job.wait(check=False)
    lab.detach("r0")
    hostile.nothing_left(lab)
    given_back(server)

    lab.log("mounted")
    device = lab.attach(server, size="32M", name="r0")
    lab.client.run(f"mke2fs -b 4096 {device} >/dev/null && mkdir -p /tmp/mnt && mount -t ext4 {device} /tmp/mnt && "
                   "cp /bin/busybox /tmp/mnt/")
    busy(lab)
    lab.client.run("cmp /bin/busybox /tmp/mnt/busybox && umount /tmp/mnt")
    lab.detach("r0")
    given_back(server)

    lab.log("swapped to")
    device = lab.attach(server, size="32M", name="r0")
    lab.swapon(device)
    busy(lab)
    lab.client.run(f"swapoff {device}")
    lab.detach("r0")
    given_back(server)
    hostile.nothing_left(lab)
    assert server.stop() == 0


def idle(lab):
    """Who holds the device gets errors from then on; the name is free at once, the number after the close."""
    with hostile.Server() as server:
        device = lab.attach(server.url, size="8M", name="r0")
        lab.client.run("mkfifo /tmp/go")
        job = lab.client.start_job(f"exec 5<{device}; head -c 4096 <&5 >/dev/null && echo before; cat /tmp/go; "
                                   "head -c 4096 <&5 >/dev/null; dd bs=4k skip=1 count=1 <&5 2>&1 | "
                                   "grep records; echo after")
        job.wait_output("before")
        forced(lab, bound=4)
        hostile.nothing_left(lab)
        assert server.seen[-1].op == proto.BYE, server.seen
        again = lab.attach(server.url, size="8M", name="r0")
        assert again == "/dev/rswap1", again
        lab.client.run("echo > /tmp/go; rm /tmp/go")
        out = job.wait(check=False).out
        assert "after" in out and "0+0 records out" in out, f"a detached device can be read: {out}"
        lab.detach("r0")
        # The last close of the first gives its number back
        assert lab.attach(server.url, size="8M", name="r0") == device
        lab.detach("r0")


def blkio(lab, device, size):
    """Heavy I/O from eight processes, until it fails."""
    job = lab.client.start_job(f"blkio {device} {size} 8 0 {lab.rng.getrandbits(32)}")
    lab.client.poll("rswapctl stats r0 --json | grep -E '\"ios\":[0-9]{3,}'")
    return job


def judged(job, errno="EIO"):
    """Every process of blkio has ended by a clean error, one at least by ERRNO, and no read had wrong bytes."""
    result = job.wait(timeout=30, check=False)
    assert result.rc == 0 and " failed 8 bad 0" in result.out, result.out
    errors = set(re.search(r"^blkio: errors (.*)$", result.out, re.M).group(1).split())
    # Of a disk that has gone, the block layer says that nothing fits on it (EINVAL: discards)
    assert errors <= {errno, "EIO", "ENOSPC", "EINVAL", "ENXIO"} and errno in errors, errors


def heavy(lab):
    server = lab.rswapd(memory="64M", args="--slab-size 1M --orphan-timeout 1")
    for number in range(3):
        lab.log(f"heavy I/O, {number}")
        device = lab.attach(server, size="32M", name="r0", extra="--connections 4 --queue-depth 8")
        job = blkio(lab, device, 32 << 20)
        forced(lab)
        judged(job)
        hostile.nothing_left(lab)
        given_back(server)

    lab.log("heavy I/O, server stopped")
    device = lab.attach(server, size="32M", name="r0", extra="--timeout 3600 --queue-depth 2")
    job = blkio(lab, device, 32 << 20)
    server.kill(signal.SIGSTOP)
    forced(lab)
    judged(job, "ETIMEDOUT")
    hostile.nothing_left(lab)
    server.kill(signal.SIGCONT)
    given_back(server, within=15)
    assert server.stop() == 0


def hung(lab):
    """Nobody answers: direct reads that take every tag, and writes back from the page cache."""
    def attack(conn, hdr, _body):
        if hdr.op == proto.SLAB_ALLOC or not armed:
            return False
        conn.server.stall()
    for what, command in (
            ("reads", "for i in 1 2 3 4; do dd if={} of=/dev/null bs=4k count=1 iflag=direct 2>&1 & done; wait"),
            ("writes", "dd if=/dev/zero of={} bs=4k count=256 conv=fsync 2>&1; echo ended")):
        lab.log(f"no answer to {what}")
        armed = []
        with hostile.Server(attack) as server:
            device = lab.attach(server.url, size="8M", name="r0", extra="--timeout 3600 --queue-depth 1")
            lab.client.run(f"dd if=/bin/busybox of={device} bs=64k count=1 oflag=direct status=none")
            armed.append(True)
            job = lab.client.start_job(command.format(device))
            proto.wait_for("I/O to hang", lambda: len(server.seen) > 2, 10 * lab.client.scale)
            lab.client.poll("rswapctl stats r0 --json | grep -E '\"inflight\":[1-9]'")
            forced(lab)
            out = job.wait(timeout=20, check=False).out
            assert hostile.ERRORS["ETIMEDOUT"] in out or hostile.ERRORS["EIO"] in out, out
            hostile.nothing_left(lab)


def test(lab):
    hostile.load(lab)
    refused(lab)
    idle(lab)
    heavy(lab)
    hung(lab)
    hostile.usable(lab)
