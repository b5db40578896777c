# SPDX-License-Identifier: GPL-2.0
"""A diskless machine attaches by its kernel command line, before its server is up, and says what it cannot make sense of."""

GROUP = "boot"
KERNELS = ("lean",)
AUTOBOOT = False
TIMEOUT = 180


def test(lab):
    lab.boot("server")
    lab.boot("client", cmdline="ip=10.77.0.2::::client:eth0:off "
             "rswap.attach=tcp://10.77.0.1:9400,size=128M,name=boot,"
             "connections=4,depth=32,timeout=20 "
             "rswap.attach=loop://,size=16M,thin "
             "rswap.attach=tcp://10.77.0.1:9400,size=12Q "
             "rswap.attach=tcp://10.77.0.1:9400,size=1M,colour=red")
    client = lab.client
    # Tried at least once while nobody answered
    client.poll("dmesg | grep 'rswap: boot: cannot attach'", timeout=60)
    assert client.run("ls /sys/block | grep -c rswap").out.strip() == "1"

    server = lab.rswapd(memory="256M", port=9400)
    client.poll("test -b /dev/rswap0 && test -b /dev/rswap1", timeout=60)
    log = client.run("dmesg | grep rswap").out
    assert "cannot make sense of 'size=12Q'" in log, log
    assert "cannot make sense of 'colour=red'" in log, log

    disks = {d["name"]: d for d in lab.rswapctl("list --json").out}
    assert set(disks) == {"boot", "r0"} or set(disks) == {"boot", "r1"}, disks
    device = disks["boot"]["device"]
    client.run("dd if=/dev/urandom of=/tmp/data bs=1M count=8")
    client.run(f"dd if=/tmp/data of={device} bs=1M seek=60 conv=fsync")
    client.run("echo 3 > /proc/sys/vm/drop_caches")
    client.run(f"dd if={device} bs=1M skip=60 count=8 | cmp - /tmp/data")
    held = server.state()["clients"][0]["held_bytes"]
    assert held == 8 << 20, held
    for name in disks:
        lab.detach(name)
