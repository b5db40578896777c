# SPDX-License-Identifier: GPL-2.0
"""The module loads and unloads again and again, leaks nothing, and stays while one is attached or swapped to."""

import signal

GROUP = "module"
KERNELS = ("debug",)
KMEMLEAK = True

CGROUP = "/sys/fs/cgroup/box"
SIZE = 16   # MiB


def stays(client):
    """The module cannot be unloaded."""
    result = client.run("rmmod rswap", check=False)
    assert result.rc != 0 and "Resource temporarily unavailable" in result.out, result


def swapped(lab, server):
    """Swap space holds the module, and so does what is in it."""
    client = lab.client
    device = lab.attach(server, size="64M", name="r0")
    lab.swapon(device)
    stays(client)
    client.run(f"echo +memory > /sys/fs/cgroup/cgroup.subtree_control && mkdir {CGROUP}")
    hog = client.hog(SIZE, passes=1, extra="--hold", cgroup=CGROUP, seed=lab.rng.getrandbits(32))
    hog.wait_holding()
    client.poll(f"echo {SIZE}M > {CGROUP}/memory.reclaim; "
                f"test $(cat {CGROUP}/memory.swap.current) -ge {SIZE << 19}", timeout=60)
    stays(client)
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=60)
    client.poll(f"rmdir {CGROUP}", timeout=10)
    client.run(f"swapoff {device}")
    stays(client)
    lab.detach("r0")
    client.run("rmmod rswap")


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="256M")
    for _ in range(3):
        client.run("test -d /sys/module/rswap || insmod /lib/modules/rswap.ko")
        device = lab.attach(server, size="64M")
        client.run(f"dd if=/dev/urandom of={device} bs=64k count=4 oflag=direct")
        lab.attach("loop://", size="16M")
        # An attached device holds the module
        stays(client)
        lab.detach("r0")
        stays(client)
        lab.detach("r1")
        client.run("rmmod rswap")
        assert server.state()["clients"] == []

    client.run("insmod /lib/modules/rswap.ko")
    swapped(lab, server)

    client.run("insmod /lib/modules/rswap.ko attach=loop://,size=16M,name=param")
    client.poll("test -b /dev/rswap0")
    lab.detach("param")
    client.run("rmmod rswap")
    # Nonsense parameters do not keep it from loading, and are named
    client.run("insmod /lib/modules/rswap.ko attach=nowhere,size=16M")
    client.poll("dmesg | grep 'attach=nowhere,size=16M: given up'")
    client.run("rmmod rswap && insmod /lib/modules/rswap.ko")
