# SPDX-License-Identifier: GPL-2.0
"""The driver itself refuses parameters that make no sense, without the tool that would have refused them before.

By the kernel command line, each with its reason; what is right beside them is attached.
"""
from lab import hostile

GROUP = "boot"
KERNELS = ("lean",)
TOPOLOGY = "client"
AUTOBOOT = False

SIZE = "size is not a multiple of the page size"
NAME = "name may hold letters, digits and -_.: only"
BAD = [
    (",size=1M", "no URL: tcp://ADDRESS:PORT or loop:// expected"),
    ("loop://", "size is zero"),
    ("loop://,size=0", "size is zero"),
    ("loop://,size=1", SIZE),
    ("loop://,size=4097", SIZE),
    ("loop://,size=1025T", "size is beyond what the protocol can address"),
    ("loop://,size=1M,connections=1", "connections must be 2 to 16"),
    ("loop://,size=1M,connections=17", "connections must be 2 to 16"),
    ("loop://,size=1M,depth=0", "queue depth must be 1 to 1024"),
    ("loop://,size=1M,depth=1025", "queue depth must be 1 to 1024"),
    ("loop://,size=1M,timeout=0", "timeout must be 1 to 3600 seconds"),
    ("loop://,size=1M,timeout=3601", "timeout must be 1 to 3600 seconds"),
    ("loop://,size=1M,name=a/b", NAME),
    ("loop://,size=1M,name=a;b", NAME),
]
GOOD = ["loop://,size=4K,connections=2,depth=1,timeout=1,name=least",
        "loop://,size=1M,connections=16,depth=1024,timeout=3600,thin,name=most"]


def test(lab):
    # No more than 16: what the driver takes
    lab.boot("client", cmdline=" ".join(f"rswap.attach={text}" for text in [p for p, _ in BAD] + GOOD))
    client = lab.client
    client.poll("test -b /dev/rswap0 && test -b /dev/rswap1")
    log = client.run("dmesg").out
    for parameters, why in BAD:
        assert f"rswap: attach={parameters}: given up: {why} (" in log, f"{parameters}: not \"{why}\""
    found = {d["name"]: d["size"] for d in lab.rswapctl("list --json").out}
    assert found == {"least": 4096, "most": 1 << 20}, found
    for name in found:
        lab.detach(name)
    hostile.usable(lab)
