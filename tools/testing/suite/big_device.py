# SPDX-License-Identifier: GPL-2.0
"""Devices beyond 4 GiB keep their offsets apart; a thin one says so when the server is full, and goes on."""

GROUP = "functional"
KERNELS = ("lean",)
SHARED = True
GIB = 1 << 30


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="256M")      # four slabs
    device = lab.attach(server, size="16G", name="big", extra="--thin")
    assert client.run("cat /sys/block/rswap0/size").out == f"{16 * GIB // 512}\n"
    places = [0, 4 * GIB - 4096, 4 * GIB, 16 * GIB - (1 << 20)]
    for n, place in enumerate(places):
        client.run(f"dd if=/dev/urandom of=/tmp/data{n} bs=4096 count=1")
        client.run(f"dd if=/tmp/data{n} of={device} bs=4096 seek={place // 4096} "
                   "oflag=direct")
    for n, place in enumerate(places):
        client.run(f"dd if={device} bs=4096 skip={place // 4096} count=1 "
                   f"iflag=direct | cmp - /tmp/data{n}")
    # All four slabs are in use: a fifth cannot be had ...
    result = client.run(f"dd if=/tmp/data0 of={device} bs=4096 seek={8 * GIB // 4096} "
                        "oflag=direct", check=False)
    assert result.rc != 0 and "No space left" in result.out, result
    client.run("dmesg | grep 'rswap: big: .* is full: no memory for slab 128'")
    assert server.state()["memory_committed"] == 256 << 20
    # ... which hurts nobody else, and reads as zeroes
    client.run(f"dd if={device} bs=4096 skip={8 * GIB // 4096} count=1 iflag=direct | "
               "cmp -n 4096 - /dev/zero")
    client.run(f"dd if={device} bs=4096 count=1 iflag=direct | cmp - /tmp/data0")
    client.run("rm /tmp/data?")
    lab.detach("big")
    assert server.state()["memory_committed"] == 0
    assert server.stop() == 0
