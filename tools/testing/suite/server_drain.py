# SPDX-License-Identifier: GPL-2.0
"""A server told to stop warns its client, serves on until the client has left, and then ends well."""

GROUP = "functional"
SHARED = True


def test(lab):
    client = lab.client
    server = lab.rswapd(memory="256M")
    device = lab.attach(server, size="128M", name="r0")
    client.run("dd if=/dev/urandom of=/tmp/data bs=1M count=4")
    client.run(f"dd if=/tmp/data of={device} bs=1M oflag=direct")
    lab.server.run("kill -TERM $(pidof rswapd)")
    client.poll("dmesg | grep 'rswap: r0: .* is going away'")
    # What is there is served; more cannot be had
    client.run(f"dd if={device} bs=1M count=4 iflag=direct | cmp - /tmp/data")
    client.run(f"dd if=/tmp/data of={device} bs=1M seek=8 oflag=direct")
    assert client.run(f"dd if=/tmp/data of={device} bs=1M seek=100 oflag=direct",
                      check=False).rc != 0
    result = lab.rswapctl(f"attach {server.url()} --size 64M", check=False)
    assert result.rc != 0, result
    lab.detach("r0")
    client.run("rm /tmp/data")
    assert server.job.wait(timeout=30).rc == 0
