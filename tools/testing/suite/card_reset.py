# SPDX-License-Identifier: GPL-2.0
"""What is sent while a card is reset is sent or freed soon after: nothing is lost in its rings."""

import re
import signal

GROUP = "functional"
KERNELS = ("lean",)
NIC = "e1000"
MTU = 1500
TIMEOUT = 240
ALONE = True            # a matter of timing
RESETS = 12
# The longest: it takes a while to clean, and is not full before, which would stop the sender.
RING = 4096
# Seconds, once there is a link.
DRAIN = 3
HAS_LINK = '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ]'


def test(lab):
    client = lab.client
    mac = lab.server.read("/sys/class/net/eth0/address").strip()
    rings = client.start_job(f"exec nicdo eth0 ring={RING}")
    rings.wait_output("ready", 15)
    rings.kill(signal.SIGUSR1)
    rings.wait(30)
    for mtu in range(1401, 1401 + RESETS):
        client.poll(HAS_LINK, timeout=30)
        flood = client.start_job(f"exec flood --kind udp --to 10.77.0.1 --mac {mac} --size 1000 "
                                 f"--rate 0 --seconds 60 --drain {DRAIN}")
        flood.wait_output("sent", 15)
        client.run(f"ip link set eth0 mtu {mtu} && sleep 0.2")
        client.poll(HAS_LINK, timeout=30)
        flood.kill(signal.SIGTERM)
        flood.wait(30)
        kept = int(re.search(r"(\d+) bytes not sent", flood.out).group(1))
        assert kept == 0, f"after a reset the card keeps {kept} bytes of what it should have sent"
    client.poll("ping -c 1 -W 1 10.77.0.1", timeout=15)
