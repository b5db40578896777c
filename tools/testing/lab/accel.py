# SPDX-License-Identifier: GPL-2.0
"""Which accelerator works here.

/dev/kvm may exist, accept KVM_CREATE_VM, and still never boot a kernel, so the
only probe that counts is a kernel's first line on its console.
"""

import hashlib
import json
import os
import re
import select
import subprocess
import time
from pathlib import Path

from .paths import CACHE, KERNELS, kernel_image

PROBE_SECONDS = 10
TCG = ("-accel", "tcg,thread=multi", "-cpu", "max")
KVM = ("-accel", "kvm", "-cpu", "host")
# Two clocks told a busy machine's guest how fast its processor counts, and one was wrong,
# perhaps by a factor of a hundred. It believes one of them.
CLOCK = re.compile(r"tsc: PIT calibration deviates from HPET")
# How often a test is run again. A breakpoint killed two guests in a row on a busy machine.
AGAIN = 2
HUNG = "said nothing more in the middle of its kernel's boot"
FAILURES = (
    # The kernel patches its code with a breakpoint, and takes it away; another CPU of
    # the guest may run it afterwards, from a translation that should have gone.
    (re.compile(r"\] Oops: int3: "),
     "QEMU ran a breakpoint that had gone, and the guest died of it: once more"),
    # The CPUs of a guest wait for each other when it changes how memory is mapped.
    (re.compile(HUNG), "a guest hung before its kernel had booted: once more"),
    # Without a word: what the breakpoints above do before there is a handler for them.
    (re.compile(r"QEMU exit status 0\) while waiting for guest \w+ to boot"),
     "a guest's processor was reset before its kernel had booted: once more"),
)


def failure(kernel, text):
    """Return what to say if TEXT tells of a failure of TCG, "" otherwise.

    KERNEL is the name of the guest's kernel. What a kernel of ours does wrong it does
    again, and is not excused for ever.
    """
    told = next((told for pattern, told in FAILURES if pattern.search(text)), "")
    return told if told and kernel in KERNELS and arguments(kernel_image(kernel)) == TCG else ""


def _boots(kernel):
    """Return True if KERNEL says something under KVM before the deadline."""
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
               "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-m", "128", *KVM, "-kernel", str(kernel),
               "-append", "console=ttyS0 panic=-1", "-serial", "stdio"]
    deadline = time.monotonic() + PROBE_SECONDS
    said = b""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as qemu:
        try:
            while b"Linux version" not in said:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([qemu.stdout], [], [], left)[0]:
                    return False
                piece = os.read(qemu.stdout.fileno(), 4096)
                if not piece:
                    return False
                said += piece
            return True
        finally:
            qemu.kill()


def arguments(kernel):
    """Return QEMU's accelerator arguments for KERNEL.

    The answer is kept per boot of this machine and kernel image;
    RSWAP_ACCEL=tcg or kvm overrides the probe.
    """
    forced = os.environ.get("RSWAP_ACCEL")
    if forced:
        return KVM if forced == "kvm" else TCG
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    digest = hashlib.sha256(Path(kernel).read_bytes()).hexdigest()
    cache = CACHE / "kvm-probe.json"
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        known = {}
    key = f"{boot} {digest}"
    if key not in known:
        known = {k: v for k, v in known.items() if k.startswith(boot)}
        known[key] = _boots(kernel)
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary = cache.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(known))
        temporary.replace(cache)
    return KVM if known[key] else TCG
