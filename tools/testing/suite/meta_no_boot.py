# SPDX-License-Identifier: GPL-2.0
"""A guest that never boots, or whose kernel hangs, fails its test in time; so does one without a kernel.

Guests of which one has misjudged its clock are booted again.
"""

import os

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

# A shell that waits on the console for input nobody will give.
MUTE = '''
TOPOLOGY = "client"
AUTOBOOT = False
def test(lab):
    lab.boot("client", cmdline="rdinit=/bin/sh", boot_timeout=6)
'''
# Its CPUs stop in the middle of the kernel's boot: QEMU may be to blame, twice.
HUNG = '''
import threading, time
TOPOLOGY = "client"
AUTOBOOT = False
def stop(session):
    while not ("client" in session.vms and session.vms["client"].lines):
        time.sleep(0.01)
    session.vms["client"].qmp.command("stop")
def test(lab):
    threading.Thread(target=stop, args=[lab.session], daemon=True).start()
    lab.boot("client", boot_silence=4)
'''
CLOCK = '''
import re
from lab import accel, vm
TOPOLOGY = "pair"
AUTOBOOT = False
def test(lab):
    start, started = vm.VM.start, []
    vm.VM.start = lambda self: started.append(self.name) or start(self)
    accel.CLOCK = re.compile("Linux version")
    lab.boot()
    assert started == ["server", "client"] * 2, started
    accel.CLOCK = re.compile("no such line")
    lab.reboot()
    assert started == ["server", "client"] * 2 + ["client"], started
'''
NO_KERNEL = '''
TOPOLOGY = "client"
KERNELS = ("stock",)
def test(lab):
    pass
'''


def test(lab):
    os.environ["RSWAP_KERNEL_STOCK"] = str(lab.tmp / "none")
    try:
        run = meta.run(lab, {"mute": MUTE, "hung": HUNG, "clock": CLOCK, "no_kernel": NO_KERNEL},
                       "mute", "hung", "clock", "--kernel", "lean")
        assert "s for guest client to boot" in run.failed("mute")
        assert "in the middle of its kernel's boot" in run.failed("hung")
        run.passed("clock")
        assert run.out.count("hung before its kernel had booted: once more") == 2
        (lab.tmp / "suite").rename(lab.tmp / "first")
        run = meta.run(lab, {"no_kernel": NO_KERNEL}, "--kernel", "stock")
        assert "is missing" in run.failed("no_kernel")
    finally:
        del os.environ["RSWAP_KERNEL_STOCK"]
