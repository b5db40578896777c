# SPDX-License-Identifier: GPL-2.0
"""What the kernel counts while it swaps, and how the counts belong together.

A page swapped is counted in /proc/vmstat, and again by whatever carries it: a
block device's sectors, the bytes of a cgroup, of a mount, of rswap. Whichever way
the pages take, these are the same pages.
"""

import re

from .errors import Fail

PAGE = 4096
SECTOR = 512


def vmstat(vm):
    """Return /proc/vmstat as a dictionary."""
    return {name: int(value) for name, value in
            re.findall(r"^(\w+) (\d+)$", vm.read("/proc/vmstat"), re.M)}


def used(vm):
    """Return the KiB used of each swap space, by its path."""
    return {fields[0]: int(fields[3]) for fields in
            (line.split() for line in vm.read("/proc/swaps").splitlines()[1:])}


def device_bytes(vm, path):
    """Return (bytes read, bytes written) of a block device, as /proc/diskstats says."""
    name = path.removeprefix("/dev/")
    fields = re.search(rf"^ *\d+ +\d+ {name} (.*)$", vm.read("/proc/diskstats"), re.M)
    numbers = [int(field) for field in fields.group(1).split()]
    return numbers[2] * SECTOR, numbers[6] * SECTOR


def cgroup_bytes(vm, cgroup, path):
    """Return (bytes read, bytes written) that a cgroup's io.stat says of a block device."""
    number = vm.read(f"/sys/block/{path.removeprefix('/dev/')}/dev").strip()
    found = re.search(rf"^{number} rbytes=(\d+) wbytes=(\d+)", vm.read(f"{cgroup}/io.stat"), re.M)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def mount_bytes(vm, where):
    """Return (bytes read, bytes written) by direct I/O at an NFS mount."""
    stats = re.search(rf"mounted on {where} with fstype nfs.*?^\s*bytes:\s*(.*?)$",
                      vm.read("/proc/self/mountstats"), re.M | re.S)
    numbers = [int(field) for field in stats.group(1).split()]
    return numbers[2], numbers[3]


def smb_bytes(vm):
    """Return (bytes read, bytes written) of the files of the only SMB mount."""
    stats = re.search(r"Bytes read: (\d+)\s+Bytes written: (\d+)", vm.read("/proc/fs/cifs/Stats"))
    return int(stats.group(1)), int(stats.group(2))


def request_bytes(lab, name):
    """Return (bytes read, bytes written) of rswap device NAME, as rswapctl says."""
    kinds = {kind["kind"]: kind["bytes"] for kind in lab.rswapctl(f"stats {name} --json").out["io"]}
    return sum(kinds[kind] for kind in kinds if kind.endswith("read")), kinds["write"]


class Ledger:
    """Counts from one moment on, in bytes.

    @others: functions that each return (bytes read, bytes written), by a name
    """

    def __init__(self, vm, **others):
        self.vm = vm
        self.others = others
        # What was written before, mkswap's page for one, is there by now
        vm.run("sync")
        self.before = self._read()

    def _read(self):
        stat = vmstat(self.vm)
        counts = {"vmstat": (stat["pswpin"] * PAGE, stat["pswpout"] * PAGE),
                  "pgpg": (stat["pgpgin"] << 10, stat["pgpgout"] << 10)}
        return counts | {name: read() for name, read in self.others.items()}

    def deltas(self):
        """Return what was counted since, by name: (bytes read, bytes written)."""
        after = self._read()
        return {name: tuple(b - a for a, b in zip(self.before[name], after[name]))
                for name in after}

    def agree(self, *names, least=1 << 20):
        """Wait until all that is NAMEd counts the same pages as vmstat, and return both counts.

        Some count a page when it is asked for, some when it has been moved: in the
        end it is the same. At LEAST so many bytes must have gone each way.
        """
        found = {}

        def equal(_):
            found.update(self.deltas())
            return all(found[name] == found["vmstat"] for name in names)

        try:
            self.vm.poll("true", equal, timeout=10)
        except Fail as error:
            raise Fail(f"bytes (in, out) that should be those of vmstat: {found}") from error
        if min(found["vmstat"]) < least:
            raise Fail(f"too little was swapped to prove anything: {found['vmstat']}")
        return found["vmstat"]
