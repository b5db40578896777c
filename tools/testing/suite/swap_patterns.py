# SPDX-License-Identifier: GPL-2.0
"""300 MiB of verified data in 128 MiB of memory, in ascending order and at random, swapping over TCP."""

GROUP = "swap"
KERNELS = ("lean",)
MEM = 128
TIMEOUT = 400


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="384M")
    device = lab.attach(server, size="384M", name="r0")
    lab.swapon(device)
    for pattern in ("sequential", "random"):
        client.hog(300, passes=1, pattern=pattern).wait(timeout=280)
        kinds = {kind["kind"]: kind for kind in lab.rswapctl("stats r0 --json").out["io"]}
        assert kinds["write"]["bytes"] > 100 << 20, kinds["write"]
        assert all(kind["errors"] == 0 for kind in kinds.values()), kinds
    client.run(f"swapoff {device}")
    lab.detach("r0")
