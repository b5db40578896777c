# SPDX-License-Identifier: GPL-2.0
"""Where things are."""

import os
from pathlib import Path

TESTING = Path(__file__).resolve().parents[1]
ROOT = TESTING.parents[1]
BUILD = Path(os.environ.get("RSWAP_BUILD", ROOT / "build"))
CACHE = Path(os.environ.get("RSWAP_CACHE", Path.home() / ".cache" / "rswap"))

KERNELS = {
    "lean": BUILD / "bzImage",
    "debug": BUILD / "bzImage.debug",
    "stock": BUILD / "bzImage.stock",
}


def kernel_image(name):
    """Return the image of kernel NAME; RSWAP_KERNEL_<NAME> overrides it."""
    return Path(os.environ.get(f"RSWAP_KERNEL_{name.upper()}", KERNELS[name]))


def initramfs(*names):
    """Return the paths of the named images ("initramfs", "fio", ...)."""
    return [BUILD / f"{name}.cpio.gz" for name in names]
