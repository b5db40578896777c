# SPDX-License-Identifier: GPL-2.0
"""With only what PF_MEMALLOC may use, NVMe/TCP connects again when the connection is lost, and
so does NBD, by a program.
"""

from lab.exhaust import Dry

GROUP = "exhaust"
LOSE = """set -e
cd /sys/kernel/config/nvmet/ports/1/subsystems
rm lab
sleep 1
ln -s /sys/kernel/config/nvmet/subsystems/lab lab"""
CHECK = (
    Dry("nbd-persist", "none", module="count=100 interval=20 leave=128 patience=60",
        during="kill -9 $(pidof nbdkit)", logs=("nbd0: reconnected socket",)),
    Dry("nvme", "none", module="count=100 interval=20 leave=128 patience=60", during=LOSE,
        logs=("nvme0: Successfully reconnected",)),
)
