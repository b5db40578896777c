# SPDX-License-Identifier: GPL-2.0
"""What is sent while a card is reset is sent or freed: its sender gets the memory back."""

import re

GROUP = "functional"
KERNELS = ("lean",)
NIC = "e1000"
MTU = 1500
TIMEOUT = 180
ALONE = True            # a matter of timing
# With a link, or nothing is sent.
RESETS = """
for mtu in $(seq 1401 1412); do
    until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do sleep 0.05; done
    sleep 0.2
    ip link set eth0 mtu $mtu || exit 1
done
"""


def test(lab):
    mac = lab.server.read("/sys/class/net/eth0/address").strip()
    flood = lab.client.start_job(f"exec flood --kind udp --to 10.77.0.1 --mac {mac} --size 1000 "
                                 "--rate 0 --seconds 600 --drain")
    flood.wait_output("sent", 15)
    lab.client.run(RESETS, timeout=100)
    flood.kill(15)
    flood.wait(30)
    lab.log(flood.out.splitlines()[-1])
    kept = int(re.search(r"(\d+) bytes not sent", flood.out).group(1))
    assert kept == 0, f"the card keeps {kept} bytes of what it should have sent"
    lab.client.poll("ping -c 1 -W 1 10.77.0.1", timeout=15)
