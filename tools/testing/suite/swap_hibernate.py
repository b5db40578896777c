# SPDX-License-Identifier: GPL-2.0
"""Hibernation is refused before anything is frozen, with a reason, while rswap or a file on NFS is swap space."""

import signal

from lab import backends

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
TIMEOUT = 180
OVER = 16       # MiB that the hog has more than there is memory
REFUSED = "PM: hibernation: refused: swap space {} is on another machine"
REFUSED_BY_DRIVER = "rswap: no hibernation while {} ("
SWAP_OPS = "/sys/module/rswap/parameters/swap_ops"


def hibernate(client):
    """Try to; return what is said, by the shell and by the kernel."""
    client.run("dmesg -c > /dev/null")
    # Without an image the machine goes on, and so does this
    result = client.run("echo disk > /sys/power/state", timeout=60, check=False)
    assert result.rc, "no error, and yet the machine is there"
    return result.out, client.run("dmesg").out


def refuse(lab, name, refused=REFUSED):
    """Swap to back end NAME, try to hibernate, see it REFUSED, and swap on."""
    client = lab.client
    backend = backends.make(lab, name, OVER + 48)
    backend.attach()
    backend.swapon()
    available = int(client.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo").out) >> 10
    hog = client.hog(available + OVER, passes=1, pattern="sequential", extra="--hold",
                     seed=lab.rng.getrandbits(32))
    hog.wait_holding(timeout=90)
    error, log = hibernate(client)
    assert "resource busy" in error, error
    assert refused.format(backend.path.rsplit("/", 1)[1]) in log, log
    assert "Freezing" not in log, log
    # A program that writes the image itself gets no further
    snapshot = client.run("cat /dev/snapshot", check=False)
    assert snapshot.rc and "resource busy" in snapshot.out, snapshot
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=60)
    backend.swapoff()
    backend.detach()


def test(lab):
    for name in ("rswap", "nfs"):
        refuse(lab, name)
    # mm cannot know where the bios of a block device go
    lab.client.run(f"echo N > {SWAP_OPS}")
    refuse(lab, "rswap", REFUSED_BY_DRIVER)
    lab.client.run(f"echo Y > {SWAP_OPS}")
    # Nothing is in the way any more, except that there is nowhere to write to, and
    # maybe too little memory for a copy of what is in use
    error, log = hibernate(lab.client)
    assert "Preallocating image memory" in log and "refused" not in log, (error, log)
    lab.client.run("true")
