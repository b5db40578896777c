# SPDX-License-Identifier: GPL-2.0
"""What can go wrong in a test, as exceptions."""


class Fail(Exception):
    """The test failed; the text says why."""


class GuestDied(Fail):
    """The guest ended (panic, reset, QEMU gone) before its session did."""


class Wedged(Fail):
    """A workload made no progress though nothing stood in its way."""


class Skip(Exception):
    """The test cannot run here; allowed only if skips.list names it."""
