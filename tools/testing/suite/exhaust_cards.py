# SPDX-License-Identifier: GPL-2.0
"""Without memory, what the other tests do over virtio-net can be done over every card."""

from dataclasses import replace
from pathlib import Path

from lab import testcase
from lab.storm import NICS

GROUP = "exhaust"
ALONE = True
FULL_ONLY = True
HERE = Path(__file__)
MATRIX = "exhaust_matrix"


def load(name):
    """Return the test NAME of the suite."""
    return testcase.load(HERE.with_name(f"{name}.py"))[0].module


def cells():
    """Yield, of every other card, the cells over virtio-net of the other tests' short form."""
    for name in sorted(path.stem for path in HERE.parent.glob("exhaust_*.py")):
        for cell in () if name in (HERE.stem, MATRIX) else getattr(load(name), "CHECK", ()):
            for nic in NICS[1:] if cell.nic == NICS[0] else ():
                # rtl8139 has no buffers for longer frames
                if nic != "rtl8139" or cell.mtu <= 3600:
                    yield replace(cell, nic=nic, wedges=False, runs=1)


KNOWN = {replace(cell, needs=()) for cell in load(MATRIX).CHECK}
CHECK = tuple(cell for cell in cells() if replace(cell, needs=()) not in KNOWN)
