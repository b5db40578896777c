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

from .paths import CACHE, kernel_image

PROBE_SECONDS = 10
TCG = ("-accel", "tcg,thread=multi", "-cpu", "max")
KVM = ("-accel", "kvm", "-cpu", "host")
STRAY_TOLD = "QEMU ran a breakpoint that had gone, and the guest died of it: once more"
STRAY = re.compile(r"\] Oops: int3: ")


def stray_breakpoint(kernel, text):
    """Return True if TEXT tells that TCG ran a breakpoint that was not there any more.

    KERNEL is the name of the guest's kernel.

    The kernel patches its code with one, and takes it away; another CPU of the guest
    may run it afterwards, from a translation that should have gone.
    """
    return bool(STRAY.search(text)) and arguments(kernel_image(kernel)) == TCG


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
