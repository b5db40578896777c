# SPDX-License-Identifier: GPL-2.0
"""Swap files on NFS 4.0 and 4.1, in the long form 4.2 and 3 too, hold what is swapped to them, in order and at random."""

from lab import backends
from lab.swapstat import Ledger, mount_bytes

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
SERVER_MEM = 640
TIMEOUT = 240
FULL_TIMEOUT = 900
AUTOBOOT = False
VERSIONS = ("nfs4.0", "nfs")


def swap(lab, name, patterns):
    """Hogs of PATTERNS swap to back end NAME."""
    client = lab.client
    available = int(client.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo").out) >> 10
    over = 128 if lab.full else 32
    backend = backends.make(lab, name, over + 48)
    backend.attach()
    assert f",vers={backend.version}," in client.run("grep ' /mnt nfs' /proc/mounts").out
    backend.swapon()
    for pattern in patterns:
        ledger = Ledger(client, mount=lambda: mount_bytes(client, "/mnt"))
        client.hog(available + over, passes=1, pattern=pattern, seed=lab.rng.getrandbits(32)) \
            .wait(timeout=120)
        lab.log(f"{name} {pattern}: {ledger.agree('mount', least=over << 19)} bytes (in, out)")
    backend.swapoff()
    backend.detach()


def test(lab):
    # What NFS 3 needs besides is installed for the long tests only
    long = (((*VERSIONS, "nfs4.2"), ()), (("nfs3",), ("nfs3",)))
    for names, images in long if lab.full else ((VERSIONS, ()),):
        lab.start("server", images=images)
        lab.boot("client")
        for name in names:
            both = lab.full or name == "nfs"
            swap(lab, name, ("sequential", "random") if both else ("sequential",))
        problems = lab.session.close()
        assert not problems, problems
