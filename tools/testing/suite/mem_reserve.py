# SPDX-License-Identifier: GPL-2.0
"""The network's reserves are there when a device is, are small, and refuse sizes that make no sense."""

from lab import backends

GROUP = "functional"
AUTOBOOT = False
TIMEOUT = 240

SYSCTL = "/proc/sys/net/core/netvm_rx_pages"
MOST = 256      # pages, 1 MiB
OTHERS = ("nbd", "nvme", "nfs")


def reserve(vm, name, what):
    """Return a number of a reserve, 0 if there is none."""
    path = f"/sys/kernel/mm/mem_reserve/{name}/{what}"
    return int(vm.run(f"cat {path} 2>/dev/null || echo 0").out)


def pages(vm):
    """Return the pages of both reserves of the network."""
    return reserve(vm, "netvm_rx", "pages"), reserve(vm, "netvm_skb", "pages")


def check_size(lab, name, backend):
    """The reserves of a machine that has no device but BACKEND are small."""
    backend.attach()
    backend.swapon()        # waits for the reserves
    rx, skb = pages(lab.client)
    lab.log(f"{name}: netvm_rx {rx} pages, netvm_skb {skb} pages")
    assert rx and skb and rx + skb <= MOST, (name, rx, skb)
    backend.swapoff()
    backend.detach()


def test(lab):
    # Red zones make the objects of the debug kernel bigger, and it has no NVMe and NFS
    names = () if lab.kernel == "debug" else OTHERS
    others = {name: backends.make(lab, name, 32) for name in names}
    lab.start("server", images=backends.Nbd.server_images,
              cmdline=" ".join(backend.server_cmdline for backend in others.values()))
    lab.boot("client")
    for name, backend in others.items():
        check_size(lab, name, backend)
        lab.reboot("client")

    client = lab.client
    server = lab.rswapd(memory="64M")
    lab.attach(size="32M", name="r0", extra="--connections 2")
    client.poll("test $(cat /sys/kernel/mm/mem_reserve/netvm_skb/pages) -gt 0")
    rx, skb = pages(client)
    lab.log(f"netvm_rx {rx} pages, netvm_skb {skb} pages")
    assert rx >= 64 and skb > 0, (rx, skb)
    assert lab.kernel == "debug" or rx + skb <= MOST, (rx, skb)
    # Others may have left buffers in use; nobody has used more than there are
    for name, size in (("netvm_rx", rx), ("netvm_skb", skb)):
        assert reserve(client, name, "high_water") <= size

    shown = {r["name"]: r for r in lab.rswapctl("show r0 --json").out["reserves"]}
    assert shown["netvm_rx"]["pages"] == rx and shown["netvm_skb"]["pages"] == skb, shown
    assert f"netvm_rx, {rx} pages" in lab.rswapctl("show r0").out

    for bad in ("-1", "1", "63", "100000000", "many"):
        result = client.run(f"echo {bad} > {SYSCTL}", check=False)
        assert result.rc != 0 and "Invalid argument" in result.out, (bad, result)
    assert client.read(SYSCTL).strip() == "0" and pages(client) == (rx, skb)
    assert "netvm_rx_pages=63 refused" in client.run("dmesg").out

    client.run(f"echo 400 > {SYSCTL}")
    assert pages(client)[0] == 400
    client.run(f"echo 0 > {SYSCTL}")
    assert pages(client) == (rx, skb)
    lab.detach("r0")
    # They stay for a while: the next connection may have no memory for them
    assert pages(client) == (rx, skb)
    assert server.stop() == 0
