# SPDX-License-Identifier: GPL-2.0
"""Processes 16 times the CPUs, together 4 times the memory, swap over TCP and find every byte right."""

GROUP = "swap"
MEM = 128
SERVER_MEM = 896
KERNELS = ("lean",)
TIMEOUT = 300


def test(lab):
    server = lab.rswapd(memory="640M")
    device = lab.attach(server, size="640M", name="r0")
    lab.swapon(device)
    # At random nothing is found to read ahead, which takes four times as long
    pattern = "random" if lab.full else "sequential"
    hog = lab.client.hog(512, procs=32, passes=1, pattern=pattern)
    hog.wait(timeout=TIMEOUT)
    lab.client.run(f"swapoff {device}")
    lab.detach("r0")
