# SPDX-License-Identifier: GPL-2.0
"""zswap in front of swap space writes back to it what it has no room for; every byte verified."""

import signal

from lab import backends
from lab.swapstat import Ledger, device_bytes, mount_bytes, vmstat

GROUP = "swap"
KERNELS = ("lean", "debug")
FULL_KERNELS = ("debug",)
MEM = 192
TIMEOUT = 240
CGROUP = "/sys/fs/cgroup/box"
LIMIT, SIZE = 16, 48        # MiB: memory, the hog
ZSWAP = "/sys/kernel/debug/zswap"


def back_end(lab, name):
    """zswap in front of back end NAME."""
    client = lab.client
    backend = backends.make(lab, name, 96)
    backend.attach()
    backend.swapon()
    client.run(f"mkdir {CGROUP} && echo {LIMIT}M > {CGROUP}/memory.max")
    if name == "nfs":
        ledger = Ledger(client, carried=lambda: mount_bytes(client, "/mnt"))
    else:
        ledger = Ledger(client, carried=lambda: device_bytes(client, backend.path))
    before = vmstat(client)
    written = int(client.read(f"{ZSWAP}/written_back_pages"))
    # An eighth is left of it when it is compressed, but it is not nothing
    hog = client.hog(SIZE, passes=1, extra="--distinct 64 --hold", cgroup=CGROUP,
                     seed=lab.rng.getrandbits(32))
    hog.wait_holding(timeout=150)
    client.poll(f"echo {SIZE}M > {CGROUP}/memory.reclaim; "
                f"test $(cat {CGROUP}/memory.current) -le {LIMIT << 20}", timeout=60)
    written = int(client.read(f"{ZSWAP}/written_back_pages")) - written
    after = vmstat(client)
    counts = {key: after[key] - before[key] for key in ("zswpout", "zswpin", "zswpwb")}
    lab.log(f"{name}: {written} pages written back, {counts}, {ledger.deltas()}")
    assert written > 256 and counts["zswpwb"] >= written, (written, counts)
    # What is compressed and what is written back come home alike
    stored = int(client.read(f"{ZSWAP}/stored_pages"))
    client.run(f"echo max > {CGROUP}/memory.max")
    backend.swapoff()
    found = vmstat(client)["zswpin"] - after["zswpin"]
    assert found >= stored > 256 and int(client.read(f"{ZSWAP}/stored_pages")) == 0, (found, stored)
    _, out = ledger.agree("carried")
    assert out >= written * 4096, (out, written)
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=60)
    backend.detach()
    client.poll(f"rmdir {CGROUP}", timeout=10)


def test(lab):
    client = lab.client
    client.run("""set -e
        echo +memory > /sys/fs/cgroup/cgroup.subtree_control
        cd /sys/module/zswap/parameters
        echo 1 > max_pool_percent
        echo Y > enabled""")
    # The debug kernel has no NFS
    for name in ("rswap",) if lab.kernel == "debug" else ("rswap", "nfs"):
        back_end(lab, name)
    client.run("echo N > /sys/module/zswap/parameters/enabled")
