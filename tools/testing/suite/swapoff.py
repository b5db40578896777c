# SPDX-License-Identifier: GPL-2.0
"""swapoff brings every page home, right to the byte."""

import signal

GROUP = "swap"
KERNELS = ("lean",)
MEM = 256
TIMEOUT = 240


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="384M")
    device = lab.attach(server, size="256M", name="r0")
    lab.swapon(device)
    # Fits into memory, but most of it is pushed out by a second hog that ends
    stay = client.hog(100, passes=1, extra="--hold")
    stay.wait_holding(timeout=120)
    push = client.hog(160, passes=1)
    push.wait(timeout=180)
    used = int(client.run("awk '/rswap/ { print $4 }' /proc/swaps").out)
    assert used > 20 << 10, f"{used} KiB of swap used: the test proves nothing"
    client.run(f"swapoff {device}", timeout=120)
    assert "rswap" not in client.read("/proc/swaps")
    lab.detach("r0")
    assert server.state()["memory_held"] == 0
    # All of it must be here now, and right
    stay.kill(signal.SIGUSR1)
    stay.wait(timeout=60)
