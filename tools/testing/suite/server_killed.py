# SPDX-License-Identifier: GPL-2.0
"""A server that is killed costs its data and nothing else: I/O fails, processes that need it die, the machine lives."""

import re

GROUP = "swap"
KERNELS = ("lean",)
MEM = 160
TIMEOUT = 180
ALLOW_DMESG = ((r"invoked oom-killer|Out of memory: Killed process \d+ \(hog\)",
                "memory that cannot be swapped out any more cannot be freed"),)


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="384M")
    device = lab.attach(server, size="320M", name="r0")
    lab.swapon(device)
    hog = client.hog(220, passes=50, extra="")
    client.poll("test $(awk '/rswap/ { print $4 }' /proc/swaps) -gt 40000",
                timeout=120)
    lab.server.run("kill -9 $(pidof rswapd)")
    # The hog touches what is gone (SIGBUS), or needs memory that can no longer
    # be freed (the OOM killer); nothing else dies
    result = hog.job.wait(timeout=60, check=False)
    assert result.rc != 0 and re.search(r"killed by signal [79]\b", hog.job.out), hog.job.out
    show = lab.rswapctl("show r0 --json").out
    assert show["state"] == "failed" and show["error"], show
    client.run("dmesg | grep 'rswap: r0: lost tcp://'")
    client.run("dmesg | grep -E '(Read|Write)-error -5 on swap space rswap'")
    assert client.run(f"dd if={device} of=/dev/null bs=4096 count=1 iflag=direct",
                      check=False).rc != 0
    client.run(f"swapoff {device}", timeout=60)
    # What has failed has ended too
    inflight = client.read(f"/sys/block/{device.removeprefix('/dev/')}/inflight").split()
    assert inflight == ["0", "0"], f"reads and writes in flight for ever: {inflight}"
    lab.detach("r0")
    # The machine and the driver are fine
    server = lab.rswapd(memory="128M")
    device = lab.attach(server, size="64M", name="r0")
    client.run(f"dd if=/dev/zero of={device} bs=1M count=8 oflag=direct")
    lab.detach("r0")
