# SPDX-License-Identifier: GPL-2.0
"""Attaching and detaching need CAP_NET_ADMIN and CAP_SYS_ADMIN, both; looking needs neither."""
import json

from lab import hostile

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True

RC_PERMISSION = 7
NOT = "Operation not permitted"
BOTH = "CAP_SYS_ADMIN is needed as well as CAP_NET_ADMIN"
# Who, and what the kernel says to them
WEAK = [("net_admin", NOT), ("sys_admin", BOTH), ("net_admin sys_admin", NOT), ("-u 65534", NOT)]


def refused(lab, who, args, message):
    result = lab.client.run(f"dropcap {who} -- rswapctl {args} --json", check=False)
    error = hostile.error_of(result)
    assert (result.rc, error["message"], error["errno"]) == (RC_PERMISSION, message, "EPERM"), \
        f"{who}: {result.out}"
    assert error["hint"] == "CAP_NET_ADMIN and CAP_SYS_ADMIN are needed: run it as root", error


def test(lab):
    hostile.load(lab)
    with hostile.Server() as server:
        for who, message in WEAK:
            refused(lab, who, f"attach {server.url} --size 1M --name r0", message)
            hostile.nothing_left(lab)
        assert not server.sockets, "an attach that is not permitted has reached the server"
        device = lab.attach(server.url, size="1M", name="r0")
        whole = lab.rswapctl("list --json").out
        for who, message in WEAK:
            for args in ("detach r0", "detach 0 --force"):
                refused(lab, who, args, message)
            for args in ("list --json", "show r0 --json", "show 0", "stats r0 --json"):
                result = lab.client.run(f"dropcap {who} -- rswapctl {args}")
                if args == "list --json":
                    assert json.loads(result.out) == whole, result.out
        # The node is root's alone
        assert lab.client.run(f"dropcap -u 65534 -- dd if={device} of=/dev/null bs=4k count=1",
                              check=False).rc != 0
        # Without other capabilities it works
        lab.client.run("dropcap -- rswapctl detach r0")
    hostile.nothing_left(lab)
    hostile.usable(lab)
