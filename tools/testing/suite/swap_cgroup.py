# SPDX-License-Identifier: GPL-2.0
"""A cgroup swaps within its limits, and everything that counts swapped pages counts the same."""

import re
import signal

from lab import backends
from lab.swapstat import PAGE, Ledger, cgroup_bytes, device_bytes, mount_bytes, request_bytes, vmstat

GROUP = "swap"
KERNELS = ("lean", "debug")
FULL_KERNELS = ("debug",)
# So much that all of the cgroup's memory may be on its way to swap space at the same time
MEM = 1200
TIMEOUT = 240
CGROUP = "/sys/fs/cgroup/box"
CPUS = 2
FREED = 64 * PAGE                       # bytes in swap_slots_cache.slots_ret
LIMIT, SWAP_LIMIT, SIZE = 16, 40, 48    # MiB: memory, swap, the hog
ALLOW_DMESG = ((r"hog invoked oom-killer", "a cgroup has no room for it"),)


def number(vm, name):
    """Return the number in file NAME of the cgroup."""
    return int(vm.read(f"{CGROUP}/{name}"))


def field(vm, name, key):
    """Return the number of KEY in file NAME of the cgroup."""
    return int(re.search(rf"\b{key}[ =](\d+)", vm.read(f"{CGROUP}/{name}")).group(1))


def limited(lab):
    """A hog that fits into both limits together swaps within them and ends well."""
    client = lab.client
    waited = field(client, "memory.pressure", "total")
    refaults = field(client, "memory.stat", "workingset_refault_anon")
    swaps = []
    hog = client.hog(SIZE, passes=1, pattern="sequential", cgroup=CGROUP,
                     seed=lab.rng.getrandbits(32))
    hog.wait(timeout=150, each=lambda: swaps.append(number(client, "memory.swap.current")))
    peaks = number(client, "memory.peak"), number(client, "memory.swap.peak")
    lab.log(f"memory.peak, memory.swap.peak: {peaks}; at most seen {max(swaps)}")
    assert peaks[0] <= LIMIT << 20 and peaks[1] <= SWAP_LIMIT << 20, peaks
    assert SIZE - LIMIT << 20 <= peaks[1] and max(swaps) <= peaks[1], (peaks, swaps)
    # Each CPU keeps a few freed slots for itself, and their charge
    client.poll(f"test $(cat {CGROUP}/memory.swap.current) -le {CPUS * FREED}", timeout=10)
    assert field(client, "memory.events", "oom_kill") == 0
    assert field(client, "memory.pressure", "total") > waited
    assert field(client, "memory.stat", "workingset_refault_anon") > refaults


def refused(lab):
    """A hog too big for both limits is killed, and nothing else is."""
    client = lab.client
    job = client.start_job(f"echo 0 > {CGROUP}/cgroup.procs && "
                           f"exec hog --size {LIMIT + SWAP_LIMIT + 16} --passes 1 --pattern sequential")
    result = job.wait(timeout=150, check=False)
    assert result.rc == 1 and "killed by signal 9" in result.out, result
    assert field(client, "memory.events", "oom_kill") == 1
    # Reclaim stops without asking for more when what it wrote last just filled the limit
    peak, events = number(client, "memory.swap.peak"), field(client, "memory.swap.events", "max")
    lab.log(f"memory.swap.peak {peak}, swap refused {events} times")
    assert peak <= SWAP_LIMIT << 20 and (events > 0 or peak == SWAP_LIMIT << 20), (peak, events)


def reclaimed_by_others(lab):
    """What another cgroup's task writes is on account of whose it is."""
    client = lab.client
    client.run(f"echo max > {CGROUP}/memory.max")
    hog = client.hog(LIMIT, passes=1, pattern="sequential", extra="--hold", cgroup=CGROUP,
                     seed=lab.rng.getrandbits(32))
    hog.wait_holding()
    before, own = vmstat(client)["pswpout"], number(client, "memory.current")
    client.run("grep -qx 0::/ /proc/self/cgroup")
    client.poll(f"echo {LIMIT}M > {CGROUP}/memory.reclaim; "
                f"test $(cat {CGROUP}/memory.current) -le {LIMIT << 19}", timeout=60)
    written = (vmstat(client)["pswpout"] - before) * PAGE
    lab.log(f"{written} bytes of the cgroup's {own} were written by the root cgroup")
    assert written >= LIMIT << 18, written
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=60)
    client.run(f"echo {LIMIT}M > {CGROUP}/memory.max")


def on(lab, name):
    """A cgroup that swaps to back end NAME."""
    client = lab.client
    backend = backends.make(lab, name, 96)
    backend.attach()
    backend.swapon()
    client.run(f"""set -e
        mkdir {CGROUP}
        echo {LIMIT}M > {CGROUP}/memory.max
        echo {SWAP_LIMIT}M > {CGROUP}/memory.swap.max""")
    if name == "nfs":
        others = {"mount": lambda: mount_bytes(client, "/mnt")}
    else:
        others = {"device": lambda: device_bytes(client, backend.path),
                  "cgroup": lambda: cgroup_bytes(client, CGROUP, backend.path),
                  "requests": lambda: request_bytes(lab, "storm")}
    # What else goes through the page cache of NFS is no swap
    names = (*others, "pgpg") if name == "rswap" else tuple(others)
    ledger = Ledger(client, **others)

    def agree():
        lab.log(f"{name}: {ledger.agree(*names)} bytes (in, out), and so say {names}")

    limited(lab)
    agree()
    reclaimed_by_others(lab)
    agree()
    refused(lab)
    agree()
    backend.swapoff()
    backend.detach()
    client.poll(f"rmdir {CGROUP}", timeout=10)


def test(lab):
    lab.client.run("echo '+memory +io' > /sys/fs/cgroup/cgroup.subtree_control")
    # The debug kernel has no NFS
    for name in ("rswap",) if lab.kernel == "debug" else ("rswap", "nfs"):
        on(lab, name)
