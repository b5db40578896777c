# SPDX-License-Identifier: GPL-2.0
"""A swap file on SMB holds what a cgroup swaps to it, in order and at random.

Only a cgroup is short of memory: the connection of a mount on SMB is not one that
swap may rely on, and without memory it stands still.
"""

from lab import backends
from lab.swapstat import Ledger, smb_bytes

GROUP = "swap"
KERNELS = ("lean",)
MEM = 192
TIMEOUT = 240
FULL_TIMEOUT = 600
AUTOBOOT = False
CGROUP = "/sys/fs/cgroup/box"
LIMIT = 24                              # MiB of memory


def test(lab):
    over = 128 if lab.full else 16      # MiB that the hog has more than the cgroup may
    lab.start("server", images=backends.Smb.server_images)
    lab.boot("client")
    client = lab.client
    client.run(f"""set -e
        echo +memory > /sys/fs/cgroup/cgroup.subtree_control
        mkdir {CGROUP}
        echo {LIMIT}M > {CGROUP}/memory.max""")
    backend = backends.make(lab, "smb", over + 48)
    backend.attach()
    assert "vers=3.1.1,cache=none," in client.run("grep ' /mnt cifs' /proc/mounts").out
    backend.swapon()
    for pattern in ("sequential", "random"):
        ledger = Ledger(client, smb=lambda: smb_bytes(client))
        client.hog(LIMIT + over, passes=1, pattern=pattern, cgroup=CGROUP,
                   seed=lab.rng.getrandbits(32)).wait(timeout=120)
        lab.log(f"{pattern}: {ledger.agree('smb', least=over << 19)} bytes (in, out)")
    backend.swapoff()
    backend.detach()
    problems = lab.session.close()
    assert not problems, problems
