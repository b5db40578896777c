# SPDX-License-Identifier: GPL-2.0
"""swapon() over a network fails while there is no room for the reserves, and works when there is."""

from lab.exhaust import MODULE, OUT

GROUP = "exhaust"
KERNELS = ("lean",)
MEM = 192

SYSCTL = "/proc/sys/net/core/netvm_rx_pages"
PAGES = "/sys/kernel/mm/mem_reserve/netvm_rx/pages"
LEFT = 3000     # pages: plenty for all but the reserve
WANTED = 5000


def test(lab):
    client = lab.client
    lab.rswapd(memory="64M")
    # A size for later: there is no socket yet that needs a reserve
    client.run(f"echo {WANTED} > {SYSCTL}")
    start = client.mark()
    job = client.start_job(f"insmod {MODULE} leave={LEFT} refund=0 patience=20")
    client.wait_until(lambda: OUT.search("\n".join(client.lines[start:])), 30,
                      lambda: f"memory to be out: {job.out}")
    device = lab.attach(size="32M", name="r0")
    client.run(f"mkswap {device}")
    refused = client.run(f"swapon {device}", check=False)
    assert refused.rc != 0 and "Cannot allocate memory" in refused.out, refused
    assert len(client.read("/proc/swaps").splitlines()) == 1
    client.wait(job, 60)
    client.run("rmmod exhaust")
    client.run(f"swapon {device}")
    assert int(client.read(PAGES)) == WANTED
    client.run(f"swapoff {device} && echo 0 > {SYSCTL}")
    lab.detach("r0")
