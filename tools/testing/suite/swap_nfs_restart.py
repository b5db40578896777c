# SPDX-License-Identifier: GPL-2.0
"""A swap file on NFS outlives a server that has forgotten its clients, while it is written and while it is read."""

import re
import signal
import time
from collections import Counter

from lab import Fail, backends, swapstat
from lab.storm import check_reserves

GROUP = "swap"
KERNELS = ("lean",)
MEM = 96
SERVER_MEM = 512
TIMEOUT = 240
FULL_TIMEOUT = 1200
AUTOBOOT = False

SIZE = 64                   # MiB of the swap file
OVER = 16                   # that the writing hog has more than there is memory
HELD = 16                   # that the reading hog has in swap space
STILL = 4                   # seconds without a page tell that the server is needed
CGROUP = "/sys/fs/cgroup/box"
TRACE = "/sys/kernel/tracing"
# What the client does about what it had opened: in the server's grace period, or later
RECOVERY = ("nfs4_open_reclaim", "nfs4_open_expired")


def still(hog, seconds):
    """Wait until HOG has stood still for so long: it waits for the server."""
    deadline = time.monotonic() + 40 + seconds
    while hog.vm.progress.since_moved("hog", hog.started) < seconds:
        if hog.job.rc is not None or time.monotonic() > deadline:
            raise Fail(f"the hog does not need the server, at {hog.values}")
        time.sleep(0.2)


def restart(backend, hog):
    """The server stops, and starts again with nothing but the file."""
    backend.stop_server()
    still(hog, STILL)
    backend.start_server()


def cut(backend, hog):
    """The cable is out for longer than the lease lasts, and the server forgets what it may then.

    By itself knfsd does so only if somebody else wants the file, or memory is short.
    """
    lab = backend.lab
    lab.client.set_link(0, False)
    still(hog, backends.LEASE + STILL)
    lab.server.run("for c in /proc/fs/nfsd/clients/*/ctl; do test ! -e $c || echo expire > $c; done")
    lab.client.set_link(0, True)


def go_on(hog):
    """Wait until HOG moves again; return the seconds that it took."""
    before, started = hog.values, time.monotonic()
    while hog.values == before:
        hog.check_progress(wedge=60)
        time.sleep(0.2)
    return time.monotonic() - started


def writing(lab, backend, outage):
    """OUTAGE while a hog has more than there is memory; return the seconds until it went on."""
    client = lab.client
    available = int(client.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo").out) >> 10
    hog = client.hog(available + OVER, passes=1, pattern="sequential", extra="--loop",
                     seed=lab.rng.getrandbits(32))
    client.poll("true", lambda _: swapstat.used(client)[backend.path] > OVER << 9, timeout=60)
    outage(backend, hog)
    seconds = go_on(hog)
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=120)
    return seconds


def reading(lab, backend, outage):
    """OUTAGE while a hog looks at its memory, all of it swapped out; return as writing()."""
    client = lab.client
    hog = client.hog(HELD, passes=1, extra="--hold", cgroup=CGROUP, seed=lab.rng.getrandbits(32))
    hog.wait_holding()
    client.run(f"echo {HELD}M > {CGROUP}/memory.reclaim", check=False)
    before = swapstat.vmstat(client)
    hog.kill(signal.SIGUSR1)
    outage(backend, hog)
    seconds = go_on(hog)
    hog.wait(timeout=120)
    after = swapstat.vmstat(client)
    read, written = (after[key] - before[key] for key in ("pswpin", "pswpout"))
    assert read > HELD << 7, f"{read} pages read: too few of the hog's were in swap space"
    assert not written, f"{written} pages written when none had to be"
    return seconds


def recovered(client):
    """Return what the client did since the last time about what it had opened, and how often."""
    out = client.run(f"cat {TRACE}/trace && echo > {TRACE}/trace").out
    return Counter(re.findall(r"(nfs4_open_\w+: error=\S+ \(\w+\))", out))


def outages(lab, name):
    """A swap file of back end NAME goes through each kind of outage, written and read."""
    client = lab.client
    backend = backends.make(lab, name, SIZE)
    backend.attach()
    backend.swapon()
    for outage in (restart, cut) if lab.full else (restart,):
        for way in (writing, reading):
            seconds = way(lab, backend, outage)
            did = recovered(client)
            lab.report(f"{name}, {outage.__name__} while {way.__name__}: went on after "
                       f"{seconds:.0f} s, {dict(did)}")
            # NFS 3 has no state
            assert did or backend.version == "3", "the server had forgotten nothing"
            check_reserves(lab)
    backend.swapoff()
    backend.detach()


def boot(lab, images):
    """Boot both guests; the client has a cgroup and traces its recovery."""
    lab.start("server", images=images)
    lab.boot("client")
    lab.client.run(f"""set -e
        echo +memory > /sys/fs/cgroup/cgroup.subtree_control
        mkdir {CGROUP}
        mount -t tracefs none {TRACE} 2>/dev/null || true
        for event in {' '.join(RECOVERY)}; do echo 1 > {TRACE}/events/nfs4/$event/enable; done""")


def test(lab):
    # What NFS 3 needs besides is installed for the long tests only
    for names, images in ((("nfs", "nfs4.0", "nfs4.2"), ()), (("nfs3",), ("nfs3",))) \
            if lab.full else ((("nfs",), ()),):
        boot(lab, images)
        for name in names:
            outages(lab, name)
        problems = lab.session.close()
        assert not problems, problems
