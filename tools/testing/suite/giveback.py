# SPDX-License-Identifier: GPL-2.0
"""Memory that the client trims, by discard or by freeing swap, is given back by the server's process."""

import signal

GROUP = "swap"
KERNELS = ("lean",)
SHARED = True
MEM = 160
TIMEOUT = 180


def rss(lab):
    """Return the resident bytes of rswapd in the server guest."""
    out = lab.server.run("grep VmRSS /proc/$(pidof rswapd)/status").out
    return int(out.split()[1]) << 10


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="320M")
    device = lab.attach(server, size="256M", name="r0")
    before = rss(lab)
    client.run(f"dd if=/dev/zero of={device} bs=1M count=64 oflag=direct")
    assert server.state()["memory_held"] == 64 << 20
    assert rss(lab) > before + (60 << 20)
    client.run(f"blkdiscard {device}")
    assert server.state()["memory_held"] == 0
    assert rss(lab) < before + (4 << 20), (before, rss(lab))

    # Swap slots: the kernel discards clusters that were freed
    client.run(f"mkswap {device} && swapon -d {device}")
    hog = client.hog(190, passes=1, pattern="sequential", extra="--hold")
    hog.wait_holding(timeout=120)
    used = server.state()["memory_held"]
    assert used > 40 << 20, used
    hog.kill(signal.SIGUSR1)
    hog.wait(timeout=120)
    client.run("swapoff -a")
    # swapoff of an area that nobody uses discards nothing more: look at the
    # server before the device goes
    held = server.state()["memory_held"]
    assert held < used // 2, (held, used)
    lab.detach("r0")
    assert server.state()["memory_held"] == 0
    assert server.stop() == 0
