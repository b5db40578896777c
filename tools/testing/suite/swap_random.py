# SPDX-License-Identifier: GPL-2.0
"""200 MiB of verified data, accessed at random in 128 MiB of memory, swapping over TCP."""

GROUP = "swap"
KERNELS = ("lean",)
MEM = 128
TIMEOUT = 400


def test(lab):
    server = lab.rswapd(memory="384M")
    device = lab.attach(server, size="384M", name="r0")
    # Without receive reserves even this can wedge, as it does on stock
    lab.client.run("sysctl -w vm.min_free_kbytes=16384")
    lab.swapon(device)
    hog = lab.client.hog(200, passes=1,
                         pattern="random")
    hog.wait(timeout=TIMEOUT)
    stats = lab.rswapctl("stats r0 --json").out["io"]
    kinds = {kind["kind"]: kind for kind in stats}
    assert kinds["write"]["bytes"] > 100 << 20, kinds["write"]
    assert all(kind["errors"] == 0 for kind in kinds.values()), kinds
    lab.client.run(f"swapoff {device}")
    lab.detach("r0")
