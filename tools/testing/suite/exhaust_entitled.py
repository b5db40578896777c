# SPDX-License-Identifier: GPL-2.0
"""Without memory, __GFP_MEMALLOC gets what is reserved, all of it and no more; nothing else gets any."""

import re

from lab import storm
from lab.exhaust import MODULE, MOST_FREE, TOOK

GROUP = "exhaust"
# The stock kernel reserves nothing
KERNELS = ("lean",)
MEM = 192
ALLOW_DMESG = storm.EXPECTED

TRIED = re.compile(r"exhaust: (.+): (\d+) pages and (\d+) packets of a reserve, "
                   r"(\d+) unmarked, (\d+) others")
UNENTITLED = ("GFP_ATOMIC", "PF_MEMALLOC", "OOM victim")
# So many sk_buffs fit into a page
PACKED = 16


def reserve(lab, name, what):
    """Return a number of a reserve."""
    return int(lab.client.read(f"{storm.RESERVES}/{name}/{what}"))


def test(lab):
    client = lab.client
    lab.rswapd(memory="64M")
    device = lab.attach(size="32M", name="r0")
    # The second of the two
    client.poll(f"test -d {storm.RESERVES}/netvm_skb")
    start = client.mark()
    client.run(f"insmod {MODULE} entitled=1 patience=1", timeout=60)
    log = "\n".join(client.lines[start:])
    tried = {who: tuple(map(int, numbers)) for who, *numbers in TRIED.findall(log)}
    lab.log(f"(pages, packets, unmarked, others): {tried}")
    assert int(TOOK.search(log).group(2)) <= MOST_FREE, "memory was not out"
    assert set(tried) == {*UNENTITLED, "__GFP_MEMALLOC"}, log
    for who, (pages, packets, unmarked, others) in tried.items():
        assert unmarked == 0 and others <= MOST_FREE, (who, tried)
        assert who not in UNENTITLED or pages == packets == 0, (who, tried)

    pages, packets, *_ = tried["__GFP_MEMALLOC"]
    rx, skb = (reserve(lab, name, "pages") for name in ("netvm_rx", "netvm_skb"))
    # A ring may have had some
    assert rx / 2 <= pages <= rx and skb <= packets <= skb * PACKED, (tried, rx, skb)
    for name in ("netvm_rx", "netvm_skb"):
        assert reserve(lab, name, "high_water") == reserve(lab, name, "pages"), name

    client.run("rmmod exhaust")
    # As much as takes the rings once round
    client.run(f"dd if={device} of=/dev/null bs=4k count=1000 iflag=direct")
    storm.check_reserves(lab)
    lab.detach("r0")
