# SPDX-License-Identifier: GPL-2.0
"""The VM lab: boots guests, runs commands and workloads in them, judges them."""

from .errors import Fail, GuestDied, Skip, Wedged

__all__ = ["Fail", "GuestDied", "Skip", "Wedged"]
