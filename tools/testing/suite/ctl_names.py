# SPDX-License-Identifier: GPL-2.0
"""rswapctl resolves names, tries each address, finds a device by every kind of name, and undoes an attach it cannot finish."""

GROUP = "functional"
SHARED = True


def addresses(lab, server):
    client = lab.client
    # Nobody has the first address, which libc prefers to the other because it
    # shares more bits with 10.77.0.2; "multi" makes it return both
    client.put(b"10.77.0.3 many\n10.77.0.1 many\n10.77.0.1 one\n", "/etc/hosts")
    client.put(b"multi on\n", "/etc/host.conf")
    try:
        out = lab.rswapctl(f"attach tcp://one:{server.port} --size 8M --name one").out
        assert out == "/dev/rswap0\n", out
        url = lab.rswapctl("show one --json").out["url"]
        assert url == f"tcp://10.77.0.1:{server.port}", url
        out = lab.rswapctl(f"attach tcp://many:{server.port} --size 8M --name many").out
        # Standard error first: what was tried and failed
        assert out.count("\n") == 2, out
        note, path = out.splitlines()
        assert path == "/dev/rswap1", out
        assert note.startswith(f"rswapctl: attach: tcp://10.77.0.3:{server.port}: no "), note
        assert note.endswith(f"; trying tcp://10.77.0.1:{server.port}"), note
    finally:
        client.run("rm /etc/hosts /etc/host.conf")


def names(lab):
    client = lab.client
    client.run("ln -s /dev/rswap1 /tmp/link && mknod /tmp/node b $(sed 's/:/ /' /sys/block/rswap1/dev)")
    for which in ("many", "1", "rswap1", "/dev/rswap1", "/tmp/link", "/tmp/node"):
        assert lab.rswapctl(f"show {which} --json").out["name"] == "many", which
    for which, rc in (("r7", 3), ("7", 3), ("/dev/rswap7", 3), ("/dev/null", 2), ("/dev/gone", 3)):
        result = lab.rswapctl(f"show {which}", check=False)
        assert result.rc == rc, (which, result)
    lab.detach("/tmp/link")
    assert lab.rswapctl("show /tmp/node", check=False).rc == 3
    client.run("rm /tmp/link /tmp/node")
    lab.detach("one")


def unfinished(lab, server):
    """Whatever fails after the kernel has attached, nothing stays attached."""
    client = lab.client
    url = server.url()
    result = client.run(f"rswapctl attach {url} --size 8M > /dev/full", check=False)
    assert result.rc == 1, result
    assert result.out == "rswapctl: attach: cannot write the output: No space left on device\n", result
    assert lab.rswapctl("list --json").out == []
    # A /dev in which no node appears
    client.run("mount -t tmpfs none /dev")
    try:
        result = client.run(f"rswapctl attach {url} --size 8M", check=False, timeout=60)
    finally:
        client.run("umount /dev")
    assert result.rc == 1 and "did not appear within 10 s, detached again" in result.out, result
    assert lab.rswapctl("list --json").out == []
    assert server.state()["clients"] == [], server.state()


def test(lab):
    server = lab.rswapd(memory="64M", args="--slab-size 8M")
    addresses(lab, server)
    names(lab)
    unfinished(lab, server)
    assert server.stop() == 0
