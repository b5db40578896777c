# SPDX-License-Identifier: GPL-2.0
"""A cgroup swaps within its limits, and everything that counts swapped pages counts the same."""

import re

from lab.swapstat import Ledger, cgroup_bytes, device_bytes, request_bytes

GROUP = "swap"
KERNELS = ("lean", "debug")
FULL_KERNELS = ("debug",)
MEM = 192
TIMEOUT = 240
CGROUP = "/sys/fs/cgroup/box"
CPUS = 2
FREED = 64 * 4096                       # bytes in swap_slots_cache.slots_ret
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
    hog = client.hog(SIZE, passes=1, cgroup=CGROUP, seed=lab.rng.getrandbits(32))
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
                           f"exec hog --size {LIMIT + SWAP_LIMIT + 16} --passes 1")
    result = job.wait(timeout=150, check=False)
    assert result.rc == 1 and "killed by signal 9" in result.out, result
    assert field(client, "memory.events", "oom_kill") == 1
    # Reclaim stops without asking for more when what it wrote last just filled the limit
    peak, events = number(client, "memory.swap.peak"), field(client, "memory.swap.events", "max")
    lab.log(f"memory.swap.peak {peak}, swap refused {events} times")
    assert peak <= SWAP_LIMIT << 20 and (events > 0 or peak == SWAP_LIMIT << 20), (peak, events)


def test(lab):
    client = lab.client
    client.run(f"""set -e
        echo '+memory +io' > /sys/fs/cgroup/cgroup.subtree_control
        mkdir {CGROUP}
        echo {LIMIT}M > {CGROUP}/memory.max
        echo {SWAP_LIMIT}M > {CGROUP}/memory.swap.max""")
    lab.rswapd(memory="128M")
    device = lab.attach(size="96M", name="r0")
    lab.swapon(device)
    ledger = Ledger(client, device=lambda: device_bytes(client, device),
                    cgroup=lambda: cgroup_bytes(client, CGROUP, device),
                    requests=lambda: request_bytes(lab, "r0"))
    names = ("pgpg", "device", "cgroup", "requests")
    limited(lab)
    lab.log(f"{ledger.agree(*names)} bytes (in, out), and so say {names}")
    refused(lab)
    ledger.agree(*names)
    client.run(f"swapoff {device}")
    lab.detach("r0")
