# SPDX-License-Identifier: GPL-2.0
"""The kernel that looks for mistakes finds none while it swaps over TCP; every byte verified."""

GROUP = "swap"
KERNELS = ("debug",)
MEM = 40
TIMEOUT = 240


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="256M")
    device = lab.attach(server, size="192M", name="r0")
    lab.swapon(device)
    available = int(client.run("awk '/MemAvailable/ { print $2 }' /proc/meminfo").out)
    # One process: of two, one may have ended before the other needs that much
    hog = client.hog((available >> 10) + 16, passes=1, pattern="sequential")
    hog.wait(timeout=TIMEOUT)
    kinds = {kind["kind"]: kind for kind in lab.rswapctl("stats r0 --json").out["io"]}
    assert kinds["write"]["bytes"] > 8 << 20, kinds["write"]
    assert kinds["demand-read"]["bytes"] > 8 << 20, kinds["demand-read"]
    assert all(kind["errors"] == 0 for kind in kinds.values()), kinds
    client.run(f"swapoff {device}", timeout=60)
    lab.detach("r0")
