# SPDX-License-Identifier: GPL-2.0
"""The module loads and unloads again and again, leaks nothing, and stays while one is attached."""

GROUP = "module"
KERNELS = ("debug",)
KMEMLEAK = True


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="256M")
    for _ in range(3):
        client.run("test -d /sys/module/rswap || insmod /lib/modules/rswap.ko")
        device = lab.attach(server, size="64M")
        client.run(f"dd if=/dev/urandom of={device} bs=64k count=4 oflag=direct")
        lab.attach("loop://", size="16M")
        # An attached device holds the module
        assert client.run("rmmod rswap", check=False).rc != 0
        lab.detach("r0")
        assert client.run("rmmod rswap", check=False).rc != 0
        lab.detach("r1")
        client.run("rmmod rswap")
        assert server.state()["clients"] == []

    client.run("insmod /lib/modules/rswap.ko attach=loop://,size=16M,name=param")
    client.poll("test -b /dev/rswap0")
    lab.detach("param")
    client.run("rmmod rswap")
    # Nonsense parameters do not keep it from loading, and are named
    client.run("insmod /lib/modules/rswap.ko attach=nowhere,size=16M")
    client.poll("dmesg | grep 'attach=nowhere,size=16M: given up'")
    client.run("rmmod rswap && insmod /lib/modules/rswap.ko")
