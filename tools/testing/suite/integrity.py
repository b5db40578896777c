# SPDX-License-Identifier: GPL-2.0
"""fio finds every byte it wrote: random offsets, 4 KiB to 1 MiB, both transports, three devices at once; blkid knows what is on them."""

GROUP = "functional"
FIO = True
MEM = 512
SERVER_MEM = 640
TIMEOUT = 240

FIO_JOB = """
[global]
ioengine=libaio
direct=1
iodepth=16
rw=randwrite
bsrange=4k-1m
blockalign=4k
size={size}m
verify=crc32c
verify_fatal=1
do_verify=1
verify_backlog=64
randseed={seed}
group_reporting=0
"""


def test(lab):
    size = 64 if lab.kernel == "lean" else 6
    server = lab.rswapd(memory="384M")
    devices = [lab.attach(server, size="100M", name="one"),
               lab.attach(server, size="100M", name="two",
                          extra="--connections 6 --queue-depth 4"),
               lab.attach("loop://", size="100M", name="three")]
    job = FIO_JOB.format(size=size, seed=lab.rng.randrange(1 << 31))
    for device in devices:
        job += f"[{device.removeprefix('/dev/')}]\nfilename={device}\n"
    # Mixed readers and writers on a part of its own, with small blocks
    job += (f"[mixed]\nfilename={devices[0]}\noffset={size}m\nsize=4m\nrw=randrw\n"
            "bs=4k\nbsrange=4k-4k\n")
    lab.client.put(job.encode(), "/tmp/job")
    out = lab.client.run("fio --output-format=terse --terse-version=3 /tmp/job",
                         timeout=TIMEOUT).out
    rows = [line.split(";") for line in out.splitlines() if line.startswith("3;")]
    assert len(rows) == 4, out
    assert all(row[4] == "0" for row in rows), out
    for name, device in zip(("one", "two", "three"), devices):
        stats = lab.rswapctl(f"stats {name} --json").out
        kinds = {kind["kind"]: kind for kind in stats["io"]}
        assert kinds["write"]["bytes"] >= size << 20, kinds["write"]
        assert kinds["demand-read"]["bytes"] >= size << 20, kinds["demand-read"]
        assert all(kind["errors"] == 0 and kind["inflight"] == 0
                   for kind in kinds.values()), kinds
        lab.client.run(f"mkswap -L tag-{name} {device}")
        out = lab.client.run(f"blkid {device}").out
        assert f'LABEL="tag-{name}"' in out and 'TYPE="swap"' in out, out
        lab.detach(name)
