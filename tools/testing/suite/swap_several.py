# SPDX-License-Identifier: GPL-2.0
"""rswap, NFS and zram at once: priorities are kept, and each is switched off under load without losing a byte."""

import re
import signal
import time

from lab import Fail, backends, swapstat

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
AUTOBOOT = False
TIMEOUT = 300
SIZES = {"rswap": 8, "nfs": 48, "zram": 48}       # MiB
OVER = 12       # MiB that the hog has more than there is memory
EQUAL = 10
HIGHER = 20


def swapon(lab, backend, priority):
    """Swap to BACKEND, which mkswap has seen."""
    # Not busybox's, which knows no priorities
    lab.client.run(f"/bin/swapon -p {priority} {backend.path}")


def fill(lab, hog, first, others):
    """Wait until OTHERS have been filled to some extent; FIRST, of higher priority, came first."""
    deadline = time.monotonic() + 120 * lab.client.scale
    while True:
        used = swapstat.used(lab.client)
        below = [used[other.path] for other in others]
        if sum(below) > 1 << 10 and used[first.path] < first.size * 1024 * 3 // 4:
            raise Fail(f"lower priorities are used before the higher one is full: {used}")
        if sum(below) > 6 << 10:
            break
        if time.monotonic() > deadline:
            raise Fail(f"too little swap space is used: {used}")
        hog.check_progress()
        time.sleep(0.2)
    lab.log(f"used: {used}")
    assert min(below) >= sum(below) // 4, f"of equal priority, and not both used: {used}"


def swapoff(lab, hog, backend):
    """Switch BACKEND off while the hog runs, and on again."""
    client = lab.client
    used = swapstat.used(client)[backend.path]
    before = int(hog.values["touched"])
    client.run(f"swapoff {backend.path}", timeout=120)
    assert backend.path not in swapstat.used(client)
    assert hog.job.rc is None, f"the hog ended: {hog.job.out}"
    lab.log(f"{backend.path}: {used} KiB used before swapoff, the hog wrote "
            f"{int(hog.values['touched']) - before} pages meanwhile")
    assert used > 2 << 10, f"{used} KiB of {backend.path} used: its swapoff proves nothing"
    swapon(lab, backend, EQUAL)


def test(lab):
    lab.start("server")
    lab.boot("client", images=("swapon",))
    client = lab.client
    devices = {name: backends.make(lab, name, size) for name, size in SIZES.items()}
    for backend in devices.values():
        backend.attach()
        client.run(f"mkswap {backend.path}")
    for name, backend in devices.items():
        swapon(lab, backend, HIGHER if name == "rswap" else EQUAL)
    told = dict(re.findall(r"^(\S+)\s.*\s(-?\d+)$", client.read("/proc/swaps"), re.M))
    assert told[devices["rswap"].path] == str(HIGHER), told
    available = int(client.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo").out) >> 10
    hog = client.hog(available + OVER, passes=1, extra="--loop --same",
                     seed=lab.rng.getrandbits(32))
    first, *others = devices.values()
    fill(lab, hog, first, others)
    for backend in devices.values():
        swapoff(lab, hog, backend)
        # It is used again before the next one goes
        client.poll("true", lambda _, path=backend.path: swapstat.used(client)[path] > 2 << 10,
                    timeout=60)
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=120)
    for backend in devices.values():
        backend.swapoff()
        backend.detach()
