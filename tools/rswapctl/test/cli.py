#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Usage: cli.py RSWAPCTL

The command line of rswapctl as far as it goes without a driver: what is printed
where, exit codes, JSON errors, and what a static binary may load.
"""

import json
import os
import shutil
import subprocess
import sys

TOOL = os.path.abspath(sys.argv[1])
SANITIZED = "asan" in os.path.basename(TOOL)
results = []


def run(*args, **kwargs):
    """Run the tool; return (exit code, standard output, standard error)."""
    done = subprocess.run([TOOL, *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, **kwargs)
    return done.returncode, done.stdout, done.stderr


class Skip(Exception):
    """The test cannot be made here, and why."""


def test(function):
    """Run a test at once and remember how it went."""
    try:
        function()
        results.append(f"ok {len(results) + 1} {function.__doc__}")
    except Skip as reason:
        results.append(f"ok {len(results) + 1} {function.__doc__} # SKIP {reason}")
    except AssertionError as error:
        results.append(f"not ok {len(results) + 1} {function.__doc__}\n# {error}")


def refuse(args, message, code=2, hint=None):
    """ARGS must fail with CODE, the message on standard error, text and JSON."""
    command = args[0] if args and not args[0].startswith("-") else None
    rc, out, err = run(*args)
    lines = err.splitlines()
    assert (rc, out) == (code, ""), f"{args}: exit {rc}, stdout {out!r}"
    assert lines[0].endswith(message), f"{args}: {lines[0]!r}, not {message!r}"
    rc, out, err = run(*args, "--json")
    assert (rc, out) == (code, ""), f"{args} --json: exit {rc}, stdout {out!r}"
    error = json.loads(err)["error"]
    assert error["message"] == message, f"{args} --json: {error}"
    assert error["exit_code"] == code, f"{args} --json: {error}"
    assert error.get("command") == command or code == 2, f"{args} --json: {error}"
    if hint:
        assert error["hint"] == hint, f"{args} --json: {error}"
        assert lines[1] == f"rswapctl: hint: {hint}", f"{args}: {lines}"


def loaded():
    """Is there an rswap driver in this kernel?"""
    return os.path.isdir("/sys/module/rswap")


@test
def usage():
    """Wrong command lines are refused with a hint"""
    tool = "rswapctl --help explains the commands"
    for args, message in (
            ([], "the command is missing"),
            (["nonesuch"], '"nonesuch" is no command'),
            (["-x"], '"-x" is no command')):
        rc, out, err = run(*args)
        assert (rc, out) == (2, ""), f"{args}: {rc} {out!r}"
        assert err == f"rswapctl: {message}\nrswapctl: hint: {tool}\n", err
    for command in ("detach", "show"):
        refuse([command], "DEVICE is missing", hint=f"rswapctl {command} --help explains the options")
        refuse([command, "a", "b"], '"b" is one argument too many')
        refuse([command, ""], '"" is no device: give a name, an index or /dev/rswapN')
        refuse([command, "/dev/null"], "/dev/null is not a block device")
    refuse(["attach"], "URL is missing")
    refuse(["list", "a"], '"a" is one argument too many')
    refuse(["stats", "a", "b"], '"b" is one argument too many')
    refuse(["list", "--size=1"], '"--size=1" is not an option of this command')
    refuse(["detach", "r0", "--forceful"], '"--forceful" is not an option of this command')
    rc, out, err = run("attach", "tcp://h", "--size")
    assert (rc, out) == (2, "") and "--size needs an argument" in err, err


@test
def attach_arguments():
    """attach refuses wrong arguments before it asks the kernel"""
    loop = ["attach", "loop://", "--size"]
    refuse(["attach", "loop://"], "--size is missing: say how much to attach, such as --size 1G")
    refuse(loop + ["0"], 'size "0" is zero: give a positive size, such as 1G')
    refuse(loop + ["-1G"], 'size "-1G" is negative: give a positive size, such as 1G')
    refuse(loop + ["1G", "--connections", "1"],
           'number of connections "1" is not a number from 2 to 16')
    refuse(loop + ["1G", "--queue-depth", "1025"],
           'queue depth "1025" is not a number from 1 to 1024')
    refuse(loop + ["1G", "--timeout", "0"],
           'timeout in seconds "0" is not a number from 1 to 3600')
    refuse(loop + ["1G", "--name", "3"],
           'name "3" could be mistaken for a device number: choose another')
    refuse(["attach", "tcp:h", "--size", "1G"],
           'URL "tcp:h": the scheme is missing: write tcp://HOST:PORT or loop://')
    refuse(["stats", "--watch", "0"],
           'interval "0" is not a number of seconds from 0.1 to 86400')


@test
def json_escapes():
    """What the user typed is escaped in JSON"""
    rc, out, err = run("attach", 'a"\\\n\x01\udcff', "--size", "1G", "--json")
    assert (rc, out) == (2, ""), f"{rc} {out!r}"
    message = json.loads(err)["error"]["message"]
    assert message.startswith('URL "a"\\\n\x01\ufffd": '), repr(message)


@test
def helps():
    """Help and version go to standard output and succeed"""
    rc, out, err = run("--version")
    assert (rc, err) == (0, "") and out.startswith("rswapctl "), out
    for args in (["--help"], ["-h"], ["attach", "--help"], ["attach", "-h", "tcp://x"],
                 ["stats", "r0", "--help"]):
        rc, out, err = run(*args)
        assert (rc, err) == (0, "") and out.startswith("Usage: rswapctl "), f"{args} {out!r}"
        assert max(map(len, out.splitlines())) <= 80, f"{args}: a line is too long"


@test
def full():
    """Output that cannot be written is a failure"""
    with open("/dev/full", "w") as full_device:
        done = subprocess.run([TOOL, "--help"], stdout=full_device,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1, done.returncode
    assert done.stderr == "rswapctl: cannot write the output: No space left on device\n", done.stderr


@test
def no_driver():
    """Without a driver every command says so"""
    if loaded():
        raise Skip("this kernel has the driver")
    hint = "modprobe rswap, or build the kernel with CONFIG_RSWAP"
    for args in (["list"], ["show", "r0"], ["stats"], ["stats", "r0", "--watch", "1"],
                 ["detach", "/dev/rswap0"], ["attach", "loop://", "--size", "1G"],
                 ["attach", "tcp://127.0.0.1", "--size", "1G"]):
        refuse(args, "the rswap driver is not loaded", 8, hint)


def traced(name, *strace):
    """Resolve NAME in a network namespace of its own; return the files opened."""
    done = subprocess.run(
        ["unshare", "-rn", "strace", "-f", "-qq", "-e", "trace=openat,open", *strace,
         TOOL, "attach", f"tcp://{name}", "--size", "1G"],
        capture_output=True, text=True, timeout=60)
    return [line.split('"')[1] for line in done.stderr.splitlines() if 'open' in line and '"' in line]


@test
def static():
    """A numeric address needs no file, and a name loads no shared object"""
    if SANITIZED:
        raise Skip("sanitizers need a dynamic binary")
    with open(TOOL, "rb") as binary:
        assert b"/ld-linux" not in binary.read(4096), "the binary is not static"
    if not shutil.which("strace") or subprocess.run(
            ["unshare", "-rn", "strace", "-qq", "true"], capture_output=True).returncode:
        raise Skip("strace or name spaces are missing")
    for address in ("10.1.2.3:9400", "[fd77::1]:9400"):
        files = [name for name in traced(address) if not name.startswith(("/sys/", "/proc/"))]
        assert not files, f"{address}: opens {files}"
    files = traced("nonesuch.invalid")
    assert "/etc/hosts" in files, f"strace saw {files}"
    assert not [name for name in files if ".so" in name], f"opens {files}"


print("KTAP version 1")
print(f"1..{len(results)}")
print("\n".join(results))
sys.exit(any(line.startswith("not ok") for line in results))
