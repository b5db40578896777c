# SPDX-License-Identifier: GPL-2.0
"""Reads, writes, discards, zeroing and flushes do what a block device must, over slab borders too."""

GROUP = "functional"
SHARED = True
MEM = 384       # the loop transport lends half of it
SLAB = 64       # MiB


def exercise(lab, device, size, held):
    """Try every operation with data of SIZE MiB; HELD() is what the server stores."""
    client = lab.client
    half = size // 2
    client.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={size}")

    # Across a slab border, with requests that straddle it
    start = SLAB * 1024 - half * 1024 - 16      # KiB
    client.run(f"dd if=/tmp/data of={device} bs=256k seek={start * 1024} "
               "oflag=direct,seek_bytes conv=fsync")
    client.run("echo 3 > /proc/sys/vm/drop_caches")
    client.run(f"dd if={device} bs=256k skip={start * 1024} count={4 * size} "
               "iflag=direct,skip_bytes | cmp - /tmp/data")
    assert held() in (None, size << 20), held()
    # The neighbourhood, in the slab that exists and in the one that does not
    client.run(f"dd if={device} bs=1M skip={SLAB - size - 1} count={half} | "
               f"cmp -n {half << 20} - /dev/zero")
    client.run(f"dd if={device} bs=1M skip={SLAB + half} count={half} | "
               f"cmp -n {half << 20} - /dev/zero")

    # A discard over the border: zeroes, and the memory is back
    client.run(f"dd if=/tmp/data of={device} bs=1M seek={SLAB - half} oflag=direct")
    client.run(f"blkdiscard -o {(SLAB << 20) - (half << 19)} -l {half << 20} {device}")
    client.run("echo 3 > /proc/sys/vm/drop_caches")
    client.run(f"dd if={device} bs=4096 skip={((SLAB << 20) - (half << 19)) >> 12} "
               f"count={half << 8} | cmp -n {half << 20} - /dev/zero")
    client.run(f"dd if={device} bs=4096 skip={(SLAB - half) << 8} count={half << 7} | "
               f"cmp -n {half << 19} - /tmp/data")
    client.run(f"blkdiscard {device}")
    assert held() in (None, 0), held()

    # A file system: all kinds of bios, and fsync
    client.run(f"mke2fs -b 4096 -F {device} && mkdir -p /tmp/mnt && "
               f"mount -t ext4 -o discard {device} /tmp/mnt")
    client.run("cp /tmp/data /tmp/mnt/a && sync && cp /tmp/mnt/a /tmp/mnt/b && "
               "umount /tmp/mnt && echo 3 > /proc/sys/vm/drop_caches")
    client.run(f"mount -t ext4 -o ro {device} /tmp/mnt && cmp /tmp/mnt/a /tmp/data && "
               "cmp /tmp/mnt/b /tmp/data && umount /tmp/mnt")
    client.run(f"mkswap {device} && swapon {device} && swapoff {device}")
    # Beyond the end
    assert client.run(f"dd if=/tmp/data of={device} bs=1M seek=200 count=1 oflag=direct",
                      check=False).rc != 0
    client.run("rm -r /tmp/data /tmp/mnt")


def test(lab):
    size = 8 if lab.kernel == "lean" else 2
    server = lab.rswapd(memory="256M")
    exercise(lab, lab.attach(server, size="128M", name="tcp"), size,
             lambda: server.state()["memory_held"])
    lab.detach("tcp")
    exercise(lab, lab.attach("loop://", size="128M", name="loop"),
             size, lambda: None)
    lab.detach("loop")
    assert server.stop() == 0
