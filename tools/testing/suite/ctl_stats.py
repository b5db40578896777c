# SPDX-License-Identifier: GPL-2.0
"""The statistics count what was done, by kind, in total and in intervals, and histograms agree with the counters."""

import json

GROUP = "functional"
SHARED = True
ORDER = ("p50", "p90", "p99", "p99.9", "max")


def by_kind(stats):
    """The entries of one device's statistics by kind, judged by themselves."""
    kinds = {entry["kind"]: entry for entry in stats["io"]}
    assert list(kinds) == ["demand-read", "bulk-read", "write", "trim"], list(kinds)
    for entry in kinds.values():
        assert sum(bucket["count"] for bucket in entry["histogram"]) == entry["ios"], entry
        latencies = [entry["latency_ns"][name] for name in ORDER]
        if not entry["ios"]:
            assert latencies == [None] * len(ORDER), entry
            continue
        assert latencies == sorted(latencies) and latencies[0] > 0, entry
        highest = max(bucket["from_ns"] for bucket in entry["histogram"])
        # The end of the highest bucket, which is at most a quarter wider than its beginning
        assert highest < entry["latency_ns"]["max"] <= max(highest * 5 // 4, 320), entry
    return kinds


def counts(entry):
    return entry["ios"], entry["bytes"], entry["errors"]


def totals(lab, device):
    kinds = by_kind(lab.rswapctl("stats r0 --json").out)
    assert all(counts(entry) == (0, 0, 0) for entry in kinds.values()), kinds
    client = lab.client
    client.run(f"dd if=/dev/zero of={device} bs=64k count=32 oflag=direct")
    client.run(f"dd if={device} of=/dev/null bs=4k count=100 iflag=direct")
    # Never written, so that the server is not asked
    client.run(f"dd if={device} of=/dev/null bs=4k skip=4096 count=10 iflag=direct")
    client.run(f"blkdiscard -o 0 -l 1048576 {device}")
    kinds = by_kind(lab.rswapctl("stats r0 --json").out)
    assert counts(kinds["write"]) == (32, 2 << 20, 0), kinds["write"]
    assert counts(kinds["demand-read"]) == (100, 400 << 10, 0), kinds["demand-read"]
    assert counts(kinds["trim"]) == (1, 1 << 20, 0), kinds["trim"]
    assert all(entry["inflight"] == 0 for entry in kinds.values()), kinds

    everybody = lab.rswapctl("stats --json").out
    assert [device["name"] for device in everybody] == ["r0", "other"], everybody
    assert all(entry["ios"] == 0 for entry in by_kind(everybody[1]).values()), everybody
    text = lab.rswapctl("stats r0").out.splitlines()
    assert text[0] == "r0 (rswap0), since it was attached", text
    assert text[2].split()[:6] == ["demand-read", "100", "400", "KiB", "0", "0"], text


def intervals(lab, device):
    job = lab.client.start_job("exec rswapctl stats r0 --watch 0.5 --json")
    job.wait_output(r"(?:[^\n]*\n){2}")
    lab.client.run(f"dd if={device} of=/dev/null bs=4k count=50 iflag=direct")
    before = job.out.count("\n")
    job.wait_output(r"(?:[^\n]*\n){%d}" % (before + 2))
    # The watched device goes: the last word is an error
    lab.detach("r0")
    job.wait(check=False)
    assert job.rc == 3, (job.rc, job.out)
    *lines, last = [json.loads(line) for line in job.out.splitlines()]
    assert last["error"]["errno"] == "ENODEV", last
    assert all(0.4 < line["interval"] for line in lines), lines
    reads = sum(by_kind(line)["demand-read"]["ios"] for line in lines)
    assert reads == 50, f"{reads} reads in {len(lines)} intervals"
    assert sum(by_kind(line)["write"]["ios"] for line in lines) == 0, lines


def test(lab):
    # Slabs of 8 MiB: the device has one that is never written
    server = lab.rswapd(memory="64M", args="--slab-size 8M")
    device = lab.attach(size="32M", name="r0")
    lab.attach(size="16M", name="other")
    totals(lab, device)
    intervals(lab, device)
    lab.detach("other")
    assert server.stop() == 0
