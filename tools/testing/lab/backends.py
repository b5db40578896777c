# SPDX-License-Identifier: GPL-2.0
"""Swap over rswap and over everything else that swaps over a network.

Each back end serves memory of the server guest by the server that people use
(rswapd, nbdkit, nvmet, knfsd, ksmbd) and swaps to it in the client guest. zram needs
no server: it is the control that tells what the machine could do without a
network.
"""

from .errors import Fail
from .session import server_address

SLAB = 64                   # MiB, rswapd's default
VLAN = "10.78.5"
VLAN_MAC = "02:00:00:00:00:05"
BRIDGE_MAC = "02:00:00:00:00:42"
NBD_PORT = 10809
NVME_PORT = 4420
NVMET = "/sys/kernel/config/nvmet"
MOUNTD_PORT = 20048
LEASE = 10                  # seconds that knfsd keeps what a silent client has opened
SMB_USER, SMB_PASSWORD = "root", "lab"
FOREVER = 2000000000        # seconds since 1970, for entries of knfsd's caches
# NFSEXP_INSECURE_PORT, _NOSUBTREECHECK and _FSID; root is not squashed.
EXPORT_FLAGS = 0x2 | 0x400 | 0x2000
RSIZE = 262144              # and wsize; by itself knfsd offers as much only if it has more memory


class Backend:
    """One way to swap: attach() it, swap to .path, detach() it.

    @server_images, @server_cmdline: what the server guest needs to boot with
    @hog_extra: options of the hog that suit it
    """
    server_images = ()
    server_cmdline = ""
    hog_extra = ""

    def __init__(self, lab, size):
        """SIZE is in MiB."""
        self.lab = lab
        self.size = size
        self.path = None

    def attach(self):
        """Set server and client up; self.path can be swapped to afterwards."""
        raise NotImplementedError

    def _make_file(self, path):
        """Make a file there that can be swapped to, none of it in the page cache."""
        self.path = path
        self.lab.client.run(
            f"dd if=/dev/zero of={path} bs=1M count={self.size} && chmod 600 {path} && "
            "sync && echo 3 > /proc/sys/vm/drop_caches", timeout=120)

    def swapon(self):
        """Make it swap space and use it."""
        self.lab.client.run(f"mkswap {self.path} && swapon {self.path}", timeout=60)

    def swapoff(self):
        """Stop using it: what is still swapped out comes back."""
        self.lab.client.run(f"swapoff {self.path}", timeout=120)

    def detach(self):
        """Undo attach(), so that memory can be compared with before."""


class Rswap(Backend):
    """rswapd and the driver.

    @attach_extra: options of "rswapctl attach"
    """
    attach_extra = ""

    def attach(self):
        # The server lends whole slabs.
        self.lab.rswapd(memory=f"{-(-self.size // SLAB) * SLAB}M")
        self.path = self.lab.attach(size=f"{self.size}M", name="storm", extra=self.attach_extra)

    def detach(self):
        self.lab.detach("storm")


class RswapIPv6(Rswap):
    """The same over IPv6."""

    def attach(self):
        server = self.lab.rswapd(memory=f"{-(-self.size // SLAB) * SLAB}M")
        url = f"tcp://[{server_address(ipv6=True)}]:{server.port}"
        self.path = self.lab.attach(url, size=f"{self.size}M", name="storm")


class RswapVlan(Rswap):
    """The same in a VLAN, whose device in the client has an address of its own."""

    def attach(self):
        for vm, address in ((self.lab.server, f"{VLAN}.1"), (self.lab.client, f"{VLAN}.2")):
            vm.run("ip link add link eth0 name vlan5 type vlan id 5 && "
                   f"ip addr add {address}/24 dev vlan5")
        self.lab.client.run(f"ip link set vlan5 address {VLAN_MAC}")
        for vm in (self.lab.server, self.lab.client):
            vm.run("ip link set vlan5 up")
        server = self.lab.rswapd(memory=f"{-(-self.size // SLAB) * SLAB}M")
        self.path = self.lab.attach(f"tcp://{VLAN}.1:{server.port}", size=f"{self.size}M",
                                    name="storm")


def make_bridge(client):
    """Put a bridge, whose address is not its card's, over the card of CLIENT."""
    address = f"{server_address()[:-1]}2/24"
    client.run(f"""set -e
        ip addr del {address} dev eth0
        brctl addbr br0
        ip link set br0 address {BRIDGE_MAC}
        brctl addif br0 eth0
        ip link set br0 up
        ip addr add {address} dev br0""")


class RswapBridge(Rswap):
    """The same over a bridge."""

    def attach(self):
        make_bridge(self.lab.client)
        super().attach()


class Nbd(Backend):
    """nbdkit's memory, and the kernel's NBD client."""
    server_images = ("nbdkit",)

    def attach(self):
        self.server = self.lab.server.start_job(
            f"exec nbdkit --foreground --exit-with-parent --port {NBD_PORT} memory {self.size}M")
        self.lab.server.poll(f"netstat -ltn | grep -q :{NBD_PORT}", timeout=15)
        self.path = "/dev/nbd0"
        self.client = self.lab.client.start_job(
            f"exec nbdattach {self.path} {server_address()} {NBD_PORT}")
        self.client.wait_output("has [1-9][0-9]* bytes", 15)
        self.lab.client.poll("test $(cat /sys/block/nbd0/size) -gt 0", timeout=15)

    def detach(self):
        self.client.kill(15)
        self.client.wait(15, check=False)
        self.server.kill(15)
        self.server.wait(15, check=False)


class NbdPersist(Nbd):
    """The same with a server that is started again, and a client that connects again."""

    def attach(self):
        self.server = self.lab.server.start_job(
            f"truncate -s {self.size}M /tmp/disk; while :; do "
            f"nbdkit --foreground --exit-with-parent --port {NBD_PORT} file /tmp/disk; sleep 1; done")
        self.lab.server.poll(f"netstat -ltn | grep -q :{NBD_PORT}", timeout=15)
        self.path = "/dev/nbd0"
        self.client = self.lab.client.start_job(
            f"exec nbdattach {self.path} {server_address()} {NBD_PORT} persist")
        self.client.wait_output("has [1-9][0-9]* bytes", 15)


class Nvme(Backend):
    """nvmet on a RAM disk, and the kernel's NVMe/TCP initiator.

    @options: of the connection
    """
    options = ""

    def __init__(self, lab, size):
        super().__init__(lab, size)
        self.server_cmdline = f"brd.rd_nr=1 brd.rd_size={size << 10}"

    def attach(self):
        self.lab.server.run(f"""set -e
            mount -t configfs none /sys/kernel/config
            cd {NVMET}
            mkdir subsystems/lab ports/1
            echo 1 > subsystems/lab/attr_allow_any_host
            mkdir subsystems/lab/namespaces/1
            echo /dev/ram0 > subsystems/lab/namespaces/1/device_path
            echo 1 > subsystems/lab/namespaces/1/enable
            echo tcp > ports/1/addr_trtype
            echo ipv4 > ports/1/addr_adrfam
            echo {server_address()} > ports/1/addr_traddr
            echo {NVME_PORT} > ports/1/addr_trsvcid
            ln -s {NVMET}/subsystems/lab ports/1/subsystems/lab""")
        self.lab.client.run(
            f"echo transport=tcp,traddr={server_address()},trsvcid={NVME_PORT},nqn=lab,"
            f"reconnect_delay=1{self.options} > /dev/nvme-fabrics")
        self.path = "/dev/nvme0n1"
        self.lab.client.poll(f"test -b {self.path}", timeout=15)

    def detach(self):
        self.lab.client.run("echo 1 > /sys/class/nvme/nvme0/delete_controller")


class NvmeBridge(Nvme):
    """The same over a bridge, to which its sockets are bound."""
    options = ",host_iface=br0"

    def attach(self):
        make_bridge(self.lab.client)
        super().attach()


class Nfs(Backend):
    """knfsd exporting a tmpfs, and a swap file on NFS.

    knfsd asks rpc.mountd only what its caches do not hold, so the three
    entries that it will need are written there, for ever.

    @version: of the protocol
    """
    version = "4.1"

    def attach(self):
        # A server serves every version, one after the other
        if self.lab.server.run("test -d /export", check=False).rc:
            self._serve()
        self._mount()
        self._make_file("/mnt/swap")

    def _serve(self):
        self.lab.server.run(f"""set -e
            mkdir -p /export /var/lib/nfs/v4recovery
            mount -t tmpfs -o size={self.size + 16}m none /export
            mount -t nfsd none /proc/fs/nfsd
            echo {RSIZE} > /proc/fs/nfsd/max_block_size
            echo -3 > /proc/fs/nfsd/versions
            echo {LEASE} > /proc/fs/nfsd/nfsv4leasetime
            echo {LEASE} > /proc/fs/nfsd/nfsv4gracetime""")
        self.start_server()
        # Refused by a server that keeps no record of its clients: then it ends after a lease.
        self.lab.server.run("echo Y > /proc/fs/nfsd/v4_end_grace || true")

    def start_server(self):
        """Start what stop_server() has stopped: what is exported was forgotten."""
        self.lab.server.run(f"""set -e
            cd /proc/net/rpc
            echo 'nfsd {server_address()[:-1]}2 {FOREVER} lab' > auth.unix.ip/channel
            echo 'lab /export {FOREVER} {EXPORT_FLAGS} 65534 65534 0' > nfsd.export/channel
            echo 'lab 1 \\x00000000 {FOREVER} /export' > nfsd.fh/channel
            echo 8 > /proc/fs/nfsd/threads""")

    def stop_server(self):
        """Stop the server, which forgets its clients and closes their connections."""
        self.lab.server.run("echo 0 > /proc/fs/nfsd/threads")

    def _mount(self):
        address = server_address()
        self.lab.client.run(
            f"mkdir -p /mnt && mount -i -t nfs4 -o vers={self.version},addr={address},sec=sys,"
            f"hard,rsize={RSIZE},wsize={RSIZE} {address}:/ /mnt", timeout=60)

    def detach(self):
        self.lab.client.run("umount /mnt", timeout=60)


class Nfs40(Nfs):
    """The same by NFS 4.0, which has no sessions."""
    version = "4.0"


class Nfs42(Nfs):
    """The same by NFS 4.2."""
    version = "4.2"


class Nfs3(Nfs):
    """The same by NFS 3, whose mounts and locks are protocols of their own.

    knfsd does not start without a port mapper, and asks the mount daemon what the
    caches would say; nobody locks.
    """
    version = "3"
    server_images = ("nfs3",)

    def _serve(self):
        server = self.lab.server
        server.run(f"""set -e
            mkdir -p /export /var/lib/nfs /run/rpcbind
            touch /var/lib/nfs/etab /var/lib/nfs/rmtab
            echo '_rpc:x:65533:65534::/run/rpcbind:/bin/false' >> /etc/passwd
            mount -t tmpfs -o size={self.size + 16}m none /export
            mount -t nfsd none /proc/fs/nfsd
            echo {RSIZE} > /proc/fs/nfsd/max_block_size
            echo '/export {server_address()[:-1]}2(rw,insecure,no_root_squash,no_subtree_check,fsid=0)' \
                > /etc/exports""")
        self.daemons = [server.start_job("exec rpcbind -f -w")]
        server.poll("netstat -ltn | grep -q ':111 '", timeout=15)
        server.run("exportfs -a")
        self.start_server()
        self.daemons.append(server.start_job(f"exec rpc.mountd --foreground --port {MOUNTD_PORT}"))
        server.poll(f"netstat -ltn | grep -q :{MOUNTD_PORT}", timeout=15)

    def start_server(self):
        """The mount daemon says again what is exported."""
        self.lab.server.run("echo 8 > /proc/fs/nfsd/threads")

    def _mount(self):
        address = server_address()
        self.lab.client.run(
            f"mkdir -p /mnt && mount -i -t nfs -o vers=3,nolock,hard,proto=tcp,addr={address},"
            f"mountproto=tcp,mountaddr={address},mountport={MOUNTD_PORT},"
            f"rsize={RSIZE},wsize={RSIZE} {address}:/export /mnt", timeout=60)

    def detach(self):
        super().detach()
        for job in self.daemons:
            job.kill(15)
            job.wait(15, check=False)


class Smb(Backend):
    """ksmbd exporting a tmpfs, and a swap file on SMB 3.1.1."""
    server_images = ("ksmbd",)

    def attach(self):
        server, address = self.lab.server, server_address()
        server.run(f"""set -e
            mkdir -p /export /etc/ksmbd
            mount -t tmpfs -o size={self.size + 16}m none /export
            printf '[swap]\\npath = /export\\nwriteable = yes\\n' > /etc/ksmbd/ksmbd.conf
            ksmbd.adduser --add-user={SMB_USER} --password={SMB_PASSWORD}""")
        self.daemon = server.start_job("exec ksmbd.mountd --nodetach")
        server.poll("netstat -ltn | grep -q :445", timeout=15)
        self.lab.client.run(
            f"mkdir -p /mnt && mount -i -t cifs -o vers=3.1.1,ip={address},user={SMB_USER},"
            f"pass={SMB_PASSWORD},cache=none,hard //{address}/swap /mnt", timeout=60)
        self._make_file("/mnt/swap")

    def detach(self):
        self.lab.client.run("umount /mnt", timeout=60)
        self.lab.server.run("ksmbd.control --shutdown")
        self.daemon.wait(15, check=False)


class Zram(Backend):
    """No network at all, and pages that take no memory: what the machine can do."""
    hog_extra = "--same"

    def attach(self):
        self.path = "/dev/zram0"
        self.lab.client.run(f"echo {self.size}M > /sys/block/zram0/disksize")

    def detach(self):
        self.lab.client.run("echo 1 > /sys/block/zram0/reset")


BACKENDS = {"rswap": Rswap, "rswap6": RswapIPv6, "rswap-vlan": RswapVlan,
            "rswap-bridge": RswapBridge, "nbd": Nbd, "nbd-persist": NbdPersist,
            "nvme": Nvme, "nvme-bridge": NvmeBridge,
            "nfs": Nfs, "nfs3": Nfs3, "nfs4.0": Nfs40, "nfs4.2": Nfs42,
            "smb": Smb, "zram": Zram}


def make(lab, name, size):
    """Return back end NAME of SIZE MiB for the guests that LAB will boot."""
    if name not in BACKENDS:
        raise Fail(f"no back end '{name}'")
    return BACKENDS[name](lab, size)
