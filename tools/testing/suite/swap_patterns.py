# SPDX-License-Identifier: GPL-2.0
"""300 MiB of verified data in 128 MiB of memory, swapping over TCP; so many at random only in the long form."""

GROUP = "swap"
KERNELS = ("lean",)
MEM = 128
TIMEOUT = 400


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="384M")
    device = lab.attach(server, size="384M", name="r0")
    lab.swapon(device)
    written = 0
    for pattern, size in (("sequential", 300), ("random", 300 if lab.full else 180)):
        client.hog(size, passes=1, pattern=pattern).wait(timeout=280)
        kinds = {kind["kind"]: kind for kind in lab.rswapctl("stats r0 --json").out["io"]}
        # What is free without the hog is much less than the machine has
        assert kinds["write"]["bytes"] - written > size - 128 << 20, kinds["write"]
        written = kinds["write"]["bytes"]
        assert all(kind["errors"] == 0 for kind in kinds.values()), kinds
    client.run(f"swapoff {device}")
    lab.detach("r0")
