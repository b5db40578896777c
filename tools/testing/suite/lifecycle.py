# SPDX-License-Identifier: GPL-2.0
"""Devices come and go by name, several at once, over IPv4, IPv6 and the loop transport, and say what they are."""

GROUP = "functional"
SHARED = True
SERVER_MEM = 768


def test(lab):
    server = lab.rswapd(memory="512M")
    client = lab.client
    a = lab.attach(server, size="64M", name="alpha")
    b = lab.attach(server.url(ipv6=True), size="100M", name="beta",
                   extra="--connections 5 --queue-depth 7 --timeout 11")
    c = lab.attach("loop://", size="20M", extra="--thin")
    assert (a, b, c) == ("/dev/rswap0", "/dev/rswap1", "/dev/rswap2"), (a, b, c)

    devices = lab.rswapctl("list --json").out
    assert [d["name"] for d in devices] == ["alpha", "beta", "r2"], devices
    show = lab.rswapctl("show beta --json").out
    for key, value in {"device": "/dev/rswap1", "size": 100 << 20, "connections": 5,
                       "queue_depth": 7, "timeout": 11, "thin": False,
                       "state": "live", "in_use": 0, "slab_size": 64 << 20,
                       "slabs": 2, "slabs_mapped": 0, "max_io": 1 << 20,
                       "server_limit": 512 << 20}.items():
        assert show[key] == value, (key, value, show)
    # The target of the design: a thousandth of the device, for a device of 1 GiB
    assert 0 < show["memory"] <= (1 << 30) // 1000, show
    assert client.run("cat /sys/block/rswap1/rswap/name").out == "beta\n"
    assert client.run("cat /sys/block/rswap1/rswap/state").out == "live\n"
    assert client.run("cat /sys/block/rswap1/size").out == f"{100 << 11}\n"
    assert client.run("cat /sys/block/rswap1/queue/logical_block_size").out == "4096\n"

    held = {entry["name"]: entry for entry in server.state()["clients"]}
    assert held["alpha"]["connections"] == 2, held
    assert held["beta"]["connections"] == 5, held

    # One block in each of its slabs
    client.run(f"dd if=/dev/zero of={b} bs=4k count=1 oflag=direct && "
               f"dd if=/dev/zero of={b} bs=4k count=1 seek=20000 oflag=direct")
    assert lab.rswapctl("show beta --json").out["slabs_mapped"] == 2
    lab.detach("rswap1")
    assert client.run(f"test -e {b}", check=False).rc != 0
    assert [d["name"] for d in lab.rswapctl("list --json").out] == \
        ["alpha", "r2"]
    assert {entry["name"] for entry in server.state()["clients"]} == {"alpha"}

    # Name and number are free again
    assert lab.attach(server, size="64M", name="beta") == b
    for name in ("alpha", "beta", "r2"):
        lab.detach(name)
    assert lab.rswapctl("list --json").out == []
    state = server.state()
    assert state["clients"] == [] and state["memory_committed"] == 0, state
    assert server.stop() == 0
