#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Usage: manpage.py RSWAPCTL

The man page, --help, the completion and the source must name the same commands,
options, limits, exit codes, states and kinds of I/O; examples must be true.
"""

import os
import re
import shutil
import subprocess
import sys

TOOL = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
UAPI = os.path.join(TOP, "../../kernel/include/uapi/linux")
failures = []


def read(path):
    """Return the text of a file, named relative to the tool's directory."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def tool_help(*args):
    """Return what the tool prints with ARGS and --help."""
    return subprocess.run([TOOL, *args, "--help"], capture_output=True, text=True,
                          check=True).stdout


def same(what, have, want):
    """Note a failure unless both are equal."""
    if have != want:
        failures.append(f"{what}: {have} is not {want}")


def flags(text):
    """The options in lines such as "  --size SIZE  ..." as {(name, argument)}."""
    return set(re.findall(r"^  --([a-z-]+) ?([A-Z]*)\b", text, re.M))


PAGE = read("rswapctl.8")
COMMANDS = re.findall(r"^  ([a-z]+) ", tool_help().split("Commands:")[1].split("Options:")[0], re.M)


def page_section(command):
    """The man page's subsection on COMMAND, as source."""
    return re.search(rf"^\.Ss {command}\n(.*?)^\.S[sh] ", PAGE, re.M | re.S).group(1)


def check_options():
    """Options and their arguments, command by command."""
    synopsis = PAGE.split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
    for command in COMMANDS:
        wanted = flags(tool_help(command)) - {("help", "")}
        listed = {(n, a or "") for n, a in re.findall(
            r"^\.It Fl -([a-z-]+)(?: Ar ([A-Z]+))?$", page_section(command), re.M)}
        same(f"man page, {command}", listed, wanted)
        block = re.search(rf"^\.Cm {command}\n(.*?)^\.Nm", synopsis, re.M | re.S).group(1)
        shown = {(n, a or "") for n, a in re.findall(
            r"Fl -([a-z-]+)(?: Ar ([A-Z]+))?", block)}
        same(f"synopsis, {command}", shown, wanted)
        same(f"completion, {command}", complete("rswapctl", command, "--"),
             {f"--{name}" for name, _ in flags(tool_help(command))})
    same("completion, commands", complete("rswapctl", ""),
         set(COMMANDS) | {"--help", "--version"})


def complete(*words):
    """What bash offers after WORDS, the last of which is being typed."""
    script = (f". {TOP}/rswapctl.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              "COMP_LINE=\"$*\"; compopt() { :; }; _rswapctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
    out = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True,
                         text=True, check=True).stdout
    return set(out.split())


def defines(path):
    """The decimal #defines of a header."""
    return dict(re.findall(r"^#define (\w+)\s+(\d+)$", read(path), re.M))


def check_numbers():
    """Limits, defaults and the port, against headers and driver."""
    uapi = defines(f"{UAPI}/rswap.h")
    driver = defines("../../drivers/block/rswap/rswap.h")
    port = defines(f"{UAPI}/rswap_proto.h")["RSWAP_PORT"]
    text = " ".join(tool_help("attach").split())
    page = " ".join(page_section("attach").split())
    same("port in the page", f".Ar PORT is {port} unless given" in page, True)
    same("port in the help", f"the port being {port} unless given" in text, True)
    for limit, default, low in (("RSWAP_MAX_CONNECTIONS", "RSWAP_DEFAULT_CONNECTIONS", 2),
                                ("RSWAP_MAX_QUEUE_DEPTH", "RSWAP_DEFAULT_DEPTH", 1),
                                ("RSWAP_MAX_TIMEOUT", "RSWAP_DEFAULT_TIMEOUT", 1)):
        for where, words in (("help", text), ("man page", page)):
            same(f"{limit} in the {where}", f"{low} to {uapi[limit]}" in words, True)
        same(f"{default} in the help", f"(default {driver[default]})" in text, True)
        same(f"{default} in the man page", f"The default is {driver[default]}." in page, True)
    same("length of names", f"up to {uapi['RSWAP_MAX_NAME']} letters" in page, True)


def check_lists():
    """Exit codes, states, kinds of I/O."""
    codes = set(re.findall(r"^\tRC_\w+ = (\d),$", read("rswapctl.h"), re.M))
    same("exit codes", set(re.findall(r"^\.It (\d)$", PAGE, re.M)), codes)
    spec = read("../../Documentation/netlink/specs/rswap.yaml")
    source = read("decode.c")
    for name, mark in (("state", "states[]"), ("io-kind", "names[IO_KINDS]")):
        block = re.search(rf"name: {name}\n.*?entries:\n(.*?)\n  -\n|name: {name}\n.*?entries:\n(.*?)\n\n",
                          spec, re.S)
        entries = re.findall(r"name: ([a-z-]+)", block.group(1) or block.group(2))
        named = re.findall(r'= "([a-z-]+)"', source.split(mark)[1].split("};")[0])
        same(f"{name} in the source", named, entries)
        for entry in entries:
            same(f"{name} {entry} in the man page", bool(re.search(rf"\b{entry}\b", PAGE)), True)


def check_json():
    """The members of JSON objects that the source writes are in the man page."""
    for path in ("device.c", "stats.c", "error.c"):
        for key in re.findall(r'json_\w+\(&?j, "(\w+)"', read(path)):
            same(f"JSON member {key} in the man page",
                 bool(re.search(rf"^\.(Li|Ar|Pf).*\b{key}\b", PAGE, re.M)), True)


def check_page():
    """mandoc and man find nothing to say about the page."""
    page = os.path.join(TOP, "rswapctl.8")
    if shutil.which("mandoc"):
        out = subprocess.run(["mandoc", "-T", "lint", page], capture_output=True, text=True).stdout
        # Whether other manuals are installed says nothing about this one
        lines = [line for line in out.splitlines() if "referenced manual not found" not in line]
        same("mandoc -T lint", lines, [])
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                              env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
        same("man --warnings", done.stderr, "")


CHECKS = [check_options, check_numbers, check_lists, check_json, check_page]
print(f"KTAP version 1\n1..{len(CHECKS)}")
status = 0
for number, check in enumerate(CHECKS, 1):
    del failures[:]
    check()
    for failure in failures:
        print(f"# {failure}")
    print(f"{'not ok' if failures else 'ok'} {number} {check.__doc__}")
    if failures:
        status = 1
sys.exit(status)
