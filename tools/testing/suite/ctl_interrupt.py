# SPDX-License-Identifier: GPL-2.0
"""A signal ends "rswapctl attach" at once, while it waits for a server that says nothing, and leaves no device."""

import signal
import time

GROUP = "functional"
SHARED = True

# Two of the driver's bounds for HELLO, so that only the signal can have been it
PATIENCE = 10


def test(lab):
    client = lab.client
    assert lab.rswapctl("list --json").out == []
    silent = lab.server.start_job("exec nc -ll -p 9999 -e sleep 1000")
    lab.server.poll("grep -q ':270F .* 0A' /proc/net/tcp /proc/net/tcp6")
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        job = client.start_job("exec rswapctl attach tcp://10.77.0.1:9999 --size 8M")
        client.poll("grep -q ':270F 01' /proc/net/tcp")
        start = time.monotonic()
        job.kill(sig)
        job.wait(PATIENCE, check=False)
        assert job.rc == -sig, (sig, job.rc, job.out)
        assert time.monotonic() - start < 3, f"signal {sig} took {time.monotonic() - start:.1f} s"
        assert job.out == "rswapctl: attach: interrupted, nothing is attached\n", job.out
        assert lab.rswapctl("list --json").out == []
        client.poll("! grep -q ':270F 01' /proc/net/tcp")
    silent.kill()

    # The driver is none the worse for it
    server = lab.rswapd(memory="64M", args="--slab-size 8M")
    lab.attach(size="8M", name="r0")
    lab.detach("r0")
    assert server.stop() == 0
