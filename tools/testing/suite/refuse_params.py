# SPDX-License-Identifier: GPL-2.0
"""Numbers of connections, queue depths and timeouts out of range are refused by name; the limits themselves work."""
from lab import hostile

GROUP = "refusal"
FULL_KERNELS = ("debug",)
TOPOLOGY = "client"
CPUS = 1        # see README.rst: many attaches
SHARED = True

RC_USAGE = 2
WHAT = {"--connections": ("number of connections", 2, 16), "--queue-depth": ("queue depth", 1, 1024),
        "--timeout": ("timeout in seconds", 1, 3600)}
BAD = {"--connections": ("0", "1", "17", "-2", "two", "''", "2.5", "4294967298", "2k"),
       "--queue-depth": ("0", "1025", "-1", "deep", "4294967297", "18446744073709551617"),
       "--timeout": ("0", "3601", "-1", "1s", "0x10")}


def out_of_range(lab):
    for option, values in BAD.items():
        what, least, most = WHAT[option]
        for value in values:
            hostile.refused(lab, f"attach loop:// --size 1M --name r0 {option}={value}", RC_USAGE,
                            f"""{what} "{value.strip("'")}" is not a number from {least} to {most}""")


def malformed(lab):
    for args, message in [
            ("attach --size 1M", "URL is missing"),
            ("attach loop:// loop:// --size 1M", '"loop://" is one argument too many'),
            ("attach loop:// --size 1M --depth 3", '"--depth" is not an option of this command'),
            ("attach loop:// --size 1M -x", '"-x" is not an option of this command'),
            ("attach loop:// --name r0 --size", "--size needs an argument")]:
        # --json stands before what is to be the last word
        result = lab.rswapctl(args.replace(" ", " --json ", 1), check=False)
        error = hostile.error_of(result)
        assert (result.rc, error["message"]) == (RC_USAGE, message), result.out
        hostile.nothing_left(lab)
    result = lab.rswapctl("attach-all", check=False)
    assert result.rc == RC_USAGE and '"attach-all" is no command' in result.out, result.out


def limits(lab):
    with hostile.Server() as server:
        for extra, wanted in (("--connections 2 --queue-depth 1 --timeout 1", (2, 1, 1)),
                              ("--connections 16 --queue-depth 1024 --timeout 3600", (16, 32, 3600))):
            server.conns.clear()
            device = lab.attach(server.url, size="8M", name="r0", extra=extra)
            found = hostile.show(lab, "r0")
            # The queue depth is what the server grants, 32 at most
            assert (found["connections"], found["queue_depth"], found["timeout"]) == wanted, found
            assert len(server.conns) == wanted[0]
            assert sorted(conn.lane for conn in server.conns) == [0, 1] if wanted[0] == 2 else \
                [conn.lane for conn in server.conns].count(0) == 8, server.conns
            out = lab.client.run(f"blkio {device} 8388608 4 20 {lab.rng.getrandbits(32)}").out
            assert " failed 0 bad 0" in out, out
            lab.detach("r0")
            hostile.nothing_left(lab)


def test(lab):
    hostile.load(lab)
    out_of_range(lab)
    malformed(lab)
    limits(lab)
    hostile.usable(lab)
