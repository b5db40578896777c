# SPDX-License-Identifier: GPL-2.0
"""Reserves are for the memalloc sockets that there are: those whose owner only closes them count no more."""

from lab import backends

GROUP = "functional"
KERNELS = ("lean",)
TIMEOUT = 180
AUTOBOOT = False
RESERVES = "/sys/kernel/mm/mem_reserve"


def test(lab):
    lab.start("server", images=backends.Nbd.server_images)
    lab.boot("client")
    backend = backends.make(lab, "nbd", 64)
    sizes = []
    for _ in range(4):
        backend.attach()
        backend.swapon()        # waits for the reserves
        sizes.append(lab.client.run(f"cat {RESERVES}/netvm_*/pages").out.split())
        backend.swapoff()
        backend.detach()
    lab.log(f"pages: {sizes}")
    assert sizes[0] == sizes[-1], f"each connection leaves something behind: {sizes}"
