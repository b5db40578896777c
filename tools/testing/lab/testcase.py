# SPDX-License-Identifier: GPL-2.0
"""Finding tests and what they ask for."""

import fnmatch
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from . import storm
from .errors import Fail
from .session import Spec

GROUPS = ("meta", "host", "functional", "refusal", "swap", "exhaust", "storm", "module", "boot", "long")
DEFAULTS = {
    "GROUP": None, "KERNELS": ("lean", "debug"), "TOPOLOGY": "pair", "TIMEOUT": 120,
    "MEM": 256, "SERVER_MEM": 512, "CPUS": 2, "NIC": "virtio-net-pci",
    "HOSTNET": False, "CMDLINE": "", "FIO": False, "SHARED": False,
    "MTU": 9000, "KMEMLEAK": False, "AUTOBOOT": True, "FULL_ONLY": False,
    "FULL_KERNELS": (), "FULL_TIMEOUT": 0, "ALLOW_DMESG": (), "WEDGES": (), "ATTEMPTS": 3,
    "ALONE": False,
}


@dataclass
class TestCase:
    """One test on one kernel; ASKS holds its constants, defaults filled in.

    @full: the long form of the run was asked for
    @cells, @runs: of storms, as in Lab
    """
    module: ModuleType
    name: str
    kernel: str
    asks: dict
    full: bool = False
    cells: str = ""
    runs: int = 0

    @property
    def id(self):
        """Name in results and on the command line."""
        return f"{self.asks['GROUP']}/{self.name}[{self.kernel}]"

    @property
    def title(self):
        """What the test proves."""
        return self.module.__doc__.strip().splitlines()[0]

    @property
    def must_wedge(self):
        """True if this is a negative control: a kernel that cannot do it."""
        return self.kernel in self.asks["WEDGES"]

    @property
    def alone(self):
        """True if nothing else may run meanwhile.

        What it finds is a matter of timing; or its guests are busy all the time, and two
        sets of those take longer together than one after the other; or the kernel is so
        slow that a device's timeout could pass.
        """
        return (self.asks["ALONE"] or self.kernel == "debug"
                or self.asks["GROUP"] in ("swap", "storm"))

    @property
    def timeout(self):
        """Its TIMEOUT in this run, seconds of the lean kernel."""
        return self.full and self.asks["FULL_TIMEOUT"] or self.asks["TIMEOUT"]

    def test(self, lab):
        """Do what the module says: its test(), or its cells."""
        if hasattr(self.module, "test"):
            self.module.test(lab)
        else:
            storm.run(lab, self.module.CHECK, getattr(self.module, "FULL", ()))

    @property
    def spec(self):
        """The guests it wants."""
        a = self.asks
        return Spec(topology=a["TOPOLOGY"], kernel=self.kernel, memory=a["MEM"],
                    server_memory=a["SERVER_MEM"], cpus=a["CPUS"], nic=a["NIC"],
                    hostnet=a["HOSTNET"], cmdline=a["CMDLINE"], fio=a["FIO"],
                    mtu=a["MTU"], kmemleak=a["KMEMLEAK"])

    @property
    def directory(self):
        """Name of its directory below build/lab."""
        return f"{self.name}.{self.kernel}"

    def seed(self, run_seed):
        """Return the test's own seed, the same when it is run alone."""
        digest = hashlib.sha256(f"{run_seed} {self.id}".encode()).digest()
        return int.from_bytes(digest[:4], "little")

    def matches(self, pattern):
        """True if PATTERN (a name, group, id or glob of these) names the test."""
        whole = f"{self.asks['GROUP']}/{self.name}"
        return any(pattern == name or fnmatch.fnmatchcase(name, pattern)
                   for name in (self.name, self.asks["GROUP"], whole, self.id,
                                f"{self.name}[{self.kernel}]"))


def load(path):
    """Import the test file PATH and return its cases; Fail if it is malformed."""
    spec = importlib.util.spec_from_file_location(f"suite_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Fail(f"{path}: {type(error).__name__}: {error}") from error
    constants = {k: v for k, v in vars(module).items()
                 if k.isupper() and not k.startswith("_")}
    cells = constants.get("CHECK"), constants.get("FULL", ())
    defaults = DEFAULTS | storm.asks(*cells) if cells[0] else DEFAULTS
    asks = {k: constants.get(k, default) for k, default in defaults.items()}
    if not (module.__doc__ or "").strip():
        raise Fail(f"{path}: no docstring that says what the test proves")
    if callable(getattr(module, "test", None)) == bool(cells[0]):
        raise Fail(f"{path}: either a function test(lab) or cells, CHECK")
    if asks["GROUP"] not in GROUPS:
        raise Fail(f"{path}: GROUP must be one of {', '.join(GROUPS)}")
    if asks["TOPOLOGY"] == "host":
        asks["KERNELS"] = ("host",)
    return [TestCase(module, path.stem, kernel, asks) for kernel in asks["KERNELS"]]


def discover(directory):
    """Return every case below DIRECTORY, in the order to run them in."""
    cases = []
    for path in sorted(Path(directory).glob("*.py")):
        if not path.name.startswith("_"):
            cases += load(path)
    order = {group: i for i, group in enumerate(GROUPS)}
    return sorted(cases, key=lambda c: (order[c.asks["GROUP"]], c.kernel, c.name))


def units(cases):
    """Split CASES into lists to be run by one worker: those that share guests."""
    shared, result = {}, []
    for case in cases:
        if not case.asks["SHARED"]:
            result.append([case])
        elif case.spec in shared:
            shared[case.spec].append(case)
        else:
            shared[case.spec] = [case]
            result.append(shared[case.spec])
    return result
