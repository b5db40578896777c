# SPDX-License-Identifier: GPL-2.0
"""What is sent while a card is reset is sent or freed soon after: nothing stays in its rings."""

import re

GROUP = "functional"
KERNELS = ("lean",)
NIC = "e1000"
MTU = 1500
TIMEOUT = 240
ALONE = True            # a matter of timing
RESETS = 12
# A ring that is full before it is cleaned would stop the sender.
RATE = 3000
# Once there is a link, before the driver finds that nothing is sent and resets the card again.
DRAIN = 3
HAS_LINK = '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ]'


def test(lab):
    mac = lab.server.read("/sys/class/net/eth0/address").strip()
    for mtu in range(1401, 1401 + RESETS):
        flood = lab.client.start_job(f"exec flood --kind udp --to 10.77.0.1 --mac {mac} "
                                     f"--size 1000 --rate {RATE} --seconds 60 --drain {DRAIN}")
        flood.wait_output("sent", 15)
        lab.client.run(f"ip link set eth0 mtu {mtu} && sleep 0.2")
        lab.client.poll(HAS_LINK, timeout=30)
        flood.kill(15)
        flood.wait(30)
        kept = int(re.search(r"(\d+) bytes not sent", flood.out).group(1))
        assert kept == 0, f"after a reset the card keeps {kept} bytes of what it should have sent"
    lab.client.poll("ping -c 1 -W 1 10.77.0.1", timeout=15)
