# SPDX-License-Identifier: GPL-2.0
"""Two machines swap to one server at once, and neither ever sees a byte of the other."""

GROUP = "swap"
TOPOLOGY = "trio"
MEM = 128
SERVER_MEM = 640
KERNELS = ("lean",)
TIMEOUT = 360


def test(lab):
    server = lab.rswapd(memory="512M")
    clients = (lab.client, lab.client2)
    # The first fills its device with a mark and leaves; the second gets the
    # same memory of the server and must find nothing there
    device = lab.attach(server, size="256M", name="mark", vm=clients[0])
    clients[0].run("yes MARK-OF-THE-FIRST | dd of=/tmp/mark bs=1M count=1 iflag=fullblock")
    clients[0].run(f"for i in $(seq 0 63); do dd if=/tmp/mark of={device} bs=1M "
                   "seek=$i oflag=direct 2>/dev/null || exit 1; done")
    assert server.state()["memory_held"] == 64 << 20
    other = lab.attach(server, size="256M", name="mark", vm=clients[1])
    clients[1].run(f"dd if={other} bs=1M count=64 | cmp -n {64 << 20} - /dev/zero")
    lab.detach("mark", vm=clients[0])
    clients[1].run(f"dd if=/dev/urandom of={other} bs=4096 count=1 oflag=direct")
    clients[1].run("echo 3 > /proc/sys/vm/drop_caches")
    assert clients[1].run(f"dd if={other} bs=1M count=64 | grep -c MARK-OF",
                          check=False).out.strip().endswith("0")
    lab.detach("mark", vm=clients[1])

    hogs = []
    for vm in clients:
        device = lab.attach(server, size="256M", name="r0", vm=vm)
        vm.run(f"mkswap {device} && swapon {device}")
        hogs.append(vm.hog(160, passes=1, pattern="random"))
    for hog in hogs:
        hog.wait(timeout=300)
    for vm in clients:
        vm.run("swapoff -a", timeout=60)
        lab.detach("r0", vm=vm)
    assert server.state()["memory_held"] == 0
