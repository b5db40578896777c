# SPDX-License-Identifier: GPL-2.0
"""swapon() over a network fails while there is no room for the reserves, and works when there is."""

from lab.exhaust import MODULE, OUT
from lab.storm import RESERVES

GROUP = "exhaust"
KERNELS = ("lean",)
MEM = 192

SYSCTL = "/proc/sys/net/core/netvm_rx_pages"
LEFT = 3000     # pages: plenty for all but the reserve
WANTED = 5000
ALSO_TOO_MANY = 4000


def sizes(vm):
    """Return the pages of both reserves of the network."""
    return tuple(int(vm.read(f"{RESERVES}/{name}/pages")) for name in ("netvm_rx", "netvm_skb"))


def test(lab):
    client = lab.client
    lab.rswapd(memory="64M")
    lab.attach(size="32M", name="r0")
    client.poll(f"test -d {RESERVES}/netvm_skb")
    lab.detach("r0")
    small = sizes(client)
    # A size for later: there is no socket now that needs a reserve
    client.run(f"echo {WANTED} > {SYSCTL}")
    start = client.mark()
    job = client.start_job(f"insmod {MODULE} leave={LEFT} refund=0 patience=20")
    client.wait_until(lambda: OUT.search("\n".join(client.lines[start:])), 30,
                      lambda: f"memory to be out: {job.out}")
    device = lab.attach(size="32M", name="r0", extra="--connections 2")
    client.run(f"mkswap {device}")
    # There is room for the other reserve
    client.poll("dmesg | grep 'netvm: no memory for the reserves of 2 sockets'")
    before = sizes(client)
    assert before[0] == small[0] and before[1] > small[1], (small, before)

    refused = client.run(f"swapon {device}", check=False)
    assert refused.rc != 0 and "Cannot allocate memory" in refused.out, refused
    assert len(client.read("/proc/swaps").splitlines()) == 1
    assert sizes(client) == before
    refused = client.run(f"echo {ALSO_TOO_MANY} > {SYSCTL}", check=False)
    assert refused.rc != 0 and "Cannot allocate memory" in refused.out, refused
    assert int(client.read(SYSCTL)) == WANTED and sizes(client) == before
    assert job.rc is None, "there was memory again"

    client.wait(job, 60)
    client.run("rmmod exhaust")
    client.run(f"swapon {device}")
    assert sizes(client) == (WANTED, before[1])
    client.run(f"swapoff {device} && echo 0 > {SYSCTL}")
    lab.detach("r0")
