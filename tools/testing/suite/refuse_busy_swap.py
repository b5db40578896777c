# SPDX-License-Identifier: GPL-2.0
"""Swap is not detached unless forced; forced, even with the server stopped, it returns soon, and what was swapped out reads as an error."""
import time

from lab import hostile

GROUP = "refusal"
FULL_KERNELS = ("debug",)
MEM = 160
TIMEOUT = 240

RC_IN_USE = 4
# The driver waits 5 s for an answer to its farewell; seconds of the lean kernel
BOUND = 9


def test(lab):
    hostile.load(lab)
    client = lab.client
    server = lab.rswapd(memory="384M", args="--orphan-timeout 1")
    device = lab.attach(server, size="320M", name="r0", extra="--timeout 3600")
    lab.swapon(device)
    # Memory that holds still: under pressure the tool, too, would wait for memory that the server holds up
    client.run("mkdir /tmp/big && mount -t tmpfs -o size=400M big /tmp/big && "
               "i=0; while [ $i -lt 90 ]; do cat /bin/busybox || exit 1; i=$((i+1)); done >/tmp/big/file",
               timeout=120)
    swapped = int(client.run("awk '/rswap/ { print $4 }' /proc/swaps").out)
    assert swapped > 30000, f"only {swapped} kB are swapped out"
    hostile.refused(lab, "detach r0", RC_IN_USE, "device is in use: swapoff or umount it first", "EBUSY",
                    empty=False)

    lab.server.run("kill -STOP $(pidof rswapd)")
    started = time.monotonic()
    lab.detach("r0", force=True)
    took = time.monotonic() - started
    assert took < BOUND * client.scale, f"forced detach took {took:.1f} s"
    lab.log(f"forced detach took {took:.1f} s")
    hostile.nothing_left(lab)

    # What is gone is gone, and reads as an error; all else goes on
    result = client.run("cat /tmp/big/file >/dev/null", timeout=60, check=False)
    hostile.io_failed(result)
    client.run("dmesg | grep 'Read-error -5 on swap space rswap'")
    client.run("rm /tmp/big/file && dd if=/bin/busybox of=/tmp/big/file && cmp /bin/busybox /tmp/big/file")
    lab.server.run("kill -CONT $(pidof rswapd)")
    hostile.proto.wait_for("the server to get its memory back",
                           lambda: not server.state()["memory_committed"], 15)
    again = lab.attach(server, size="64M", name="r0")
    assert again != device, "the number of a device that is still open was given away"
    # Of the programs, all in memory too, only those in use are sure to be left
    client.run(f"dd if=/bin/busybox of={again} bs=64k count=4 oflag=direct && "
               f"dd if={again} bs=64k count=4 iflag=direct | cmp -n 262144 - /bin/busybox")
    lab.detach("r0")
