# SPDX-License-Identifier: GPL-2.0
"""Guests that belong together, and the links between them."""

import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import Fail, GuestDied
from .paths import initramfs, kernel_image
from .vm import VM, Card, Config

TOPOLOGIES = {
    "host": (),
    "client": ("client",),
    "pair": ("server", "client"),
    "trio": ("server", "client", "client2"),
}
HOST_ADDRESS = "10.0.2.2"     # this machine's loopback, seen from a guest
# KASAN's shadow and a bigger kernel: what the debug kernel needs on top, MiB.
DEBUG_MEMORY = 192


@dataclass(frozen=True)
class Spec:
    """What a test asks for; equal specifications may share guests.

    @topology: a key of TOPOLOGIES
    @kernel: "lean", "debug" or "stock", of the clients
    @memory, @server_memory: MiB
    @nic: QEMU device model of the client's card on the private link
    @hostnet: give the client a card by which it reaches HOST_ADDRESS too
    @cmdline: appended to the client's kernel command line
    @fio: have fio in the client (needs 384 MiB or more)
    @mtu: of the private links; 1500 is much slower without a card's offloads
    @kmemleak: have it on the debug kernel, at three times the cost
    @lossy: the private links drop what the receiver has no room for, as wires do;
        others let the sender wait, which in a storm stops the sender's QEMU
    @links: private links of a pair, each with a card at both ends
    @hotplug: the client's cards can be taken out and put in
    """
    topology: str = "pair"
    kernel: str = "lean"
    memory: int = 256
    server_memory: int = 512
    cpus: int = 2
    nic: str = "virtio-net-pci"
    hostnet: bool = False
    cmdline: str = ""
    fio: bool = False
    mtu: int = 9000
    kmemleak: bool = False
    lossy: bool = False
    links: int = 1
    hotplug: bool = False


def wire_pair():
    """Return two connected sockets: frames sent to one come out of the other, or are lost."""
    ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for end in ends:
        end.bind(("127.0.0.1", 0))
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    ends[0].connect(ends[1].getsockname())
    ends[1].connect(ends[0].getsockname())
    return ends


def link_number(role):
    """Return the number of ROLE's private link to the server."""
    return 1 if role == "client2" else 0


def server_address(role="client", ipv6=False):
    """Return the server's address as ROLE sees it."""
    link = link_number(role)
    if ipv6:
        return f"fd77:{link}::1" if link else "fd77::1"
    return f"10.77.{link}.1"


class Session:
    """The guests of one Spec. SOCKETS is a short path for unix sockets."""

    def __init__(self, spec, directory, sockets):
        self.spec = spec
        self.directory = Path(directory)
        self.sockets = Path(sockets)
        self.vms = {}
        self._wires = {}
        self._starting = []

    # -- configuration ------------------------------------------------------

    def _link(self, link, server):
        path = self.sockets / f"link{link}"
        host = 1 if server else 2
        prefix = f"fd77:{link}" if link else "fd77:"
        wire = None
        netdev = (f"stream,id={{id}},server={'on' if server else 'off'},"
                  f"addr.type=unix,addr.path={path}")
        if self.spec.lossy:
            wire = self._wire(link)[0 if server else 1]
            netdev = f"dgram,id={{id}},local.type=fd,local.str={wire.fileno()}"
        return Card(
            netdev=netdev, wire=wire,
            mac=f"52:54:00:77:{link:02x}:{host:02x}",
            ipv4=f"10.77.{link}.{host}/24",
            ipv6=f"{prefix}:{':' if link else ''}{host}/64",
            model="virtio-net-pci" if server else self.spec.nic)

    def _wire(self, link):
        if link not in self._wires:
            self._wires[link] = wire_pair()
        return self._wires[link]

    def _cards(self, role):
        roles = TOPOLOGIES[self.spec.topology]
        if role == "server":
            links = max(len(roles) - 1, self.spec.links)
            return [self._link(link, server=True) for link in range(links)]
        first = link_number(role)
        cards = [self._link(link, server=False) for link in range(first, first + self.spec.links)
                 if "server" in roles]
        if self.spec.hostnet or not cards:
            cards.append(Card(netdev="user,id={id},ipv6=off",
                              mac=f"52:54:00:88:00:{2 + link_number(role):02x}",
                              ipv4="10.0.2.15/24"))
        return cards

    def config(self, role, **overrides):
        """Return the VM configuration of ROLE; keywords replace its fields.

        Images are added to those that it needs in any case.
        """
        spec = self.spec
        kernel, memory, images = spec.kernel, spec.memory, ()
        if role == "server":
            # The server is not what is under test: the fast kernel will do.
            kernel = "lean" if kernel_image("lean").exists() else spec.kernel
            memory = spec.server_memory
        elif spec.fio:
            images += ("fio",)
        cmdline = spec.cmdline if role != "server" else ""
        if kernel == "debug":
            memory += DEBUG_MEMORY
            if not spec.kmemleak:
                cmdline += " kmemleak=off"
        if initramfs(f"modules-{kernel}")[0].exists():
            images += (f"modules-{kernel}",)
        images += tuple(overrides.pop("images", ()))
        config = Config(name=role, directory=self.directory, kernel=kernel,
                        memory=memory, cpus=spec.cpus, cards=self._cards(role),
                        cmdline=cmdline, images=images,
                        hotplug=spec.hotplug and role != "server")
        return replace(config, **overrides)

    # -- life ---------------------------------------------------------------

    def start(self, role, **overrides):
        """Let ROLE begin to boot; boot() waits for it."""
        if role in self.vms:
            raise Fail(f"guest {role} runs already")
        self._launch(self.config(role, **overrides))

    def _launch(self, config):
        if config.name.startswith("client") and "server" in TOPOLOGIES[self.spec.topology]:
            self._await_link(config.name)
        self.vms[config.name] = VM(config).start()
        self._starting.append(self.vms[config.name])

    def _ready(self):
        """Wait for those that start, and return them."""
        started, self._starting = self._starting, []
        for vm in started:
            vm.ready()
        return started

    def boot(self, *roles, **overrides):
        """Boot ROLES (default: all of the topology) at once, wait for all that start."""
        for role in roles or TOPOLOGIES[self.spec.topology]:
            self.start(role, **overrides)
        started = self._ready()
        if any(vm.clock_is_wrong for vm in started):
            for vm in started:
                vm.destroy()
            if "server" in (vm.name for vm in started):
                self._remove_links()
            for vm in started:
                self._launch(vm.config)
            started = self._ready()
        for vm in started:
            vm.run("for i in $(ip -o -4 addr | awk '/ 10\\.77\\./ { print $2 }'); do "
                   f"ip link set $i mtu {self.spec.mtu}; done")
        for vm in started:
            self._check_link(vm)
            # The debug kernel's driver is a module; the others have it built in
            vm.run("for m in /lib/modules/rswap.ko; do test ! -e $m || insmod $m; done")

    def _check_link(self, vm):
        """Wait until the link of client VM carries packets: e1000 takes a second."""
        if vm.name != "server" and "server" in self.vms:
            vm.poll(f"ping -c 1 -W 1 {server_address(vm.name)}", timeout=15)

    def _await_link(self, role):
        """QEMU does not retry a link: the server's end must be there first."""
        if self.spec.lossy:
            return
        path = self.sockets / f"link{link_number(role)}"
        deadline = time.monotonic() + 10
        while not path.exists():
            if time.monotonic() > deadline:
                raise Fail(f"no link {path}: boot the server before {role}")
            time.sleep(0.01)

    @property
    def pids(self):
        """Process ids of the guests."""
        return {vm.pid for vm in self.vms.values()}

    def reboot(self, role, **overrides):
        """End ROLE in order and boot it again, perhaps configured otherwise."""
        self.vms.pop(role).end()
        self.boot(role, **overrides)

    def leaks(self):
        """Return kmemleak's complaints about the guests that have it.

        An object is reported when two scans in a row, at least five seconds
        after it was allocated, found no reference to it.
        """
        complaints = []
        for vm in self.vms.values():
            if vm.config.kernel != "debug" or not self.spec.kmemleak or not vm.alive:
                continue
            out = vm.run("echo scan > /sys/kernel/debug/kmemleak && sleep 6 && "
                         "echo scan > /sys/kernel/debug/kmemleak && "
                         "cat /sys/kernel/debug/kmemleak", timeout=60).out
            if "unreferenced object" in out:
                complaints.append(f"{vm.name}: kmemleak:\n{out[:8000]}")
        return complaints

    def close(self):
        """End every guest in order; return what was wrong, as a list of texts."""
        problems = []
        try:
            problems += self.leaks()
        except Fail as error:
            problems.append(str(error))
        for role in [r for r in self.vms if r != "server"] + ["server"]:
            vm = self.vms.pop(role, None)
            if not vm:
                continue
            try:
                vm.end()
            except (Fail, GuestDied) as error:
                problems.append(str(error))
        self.destroy()
        return problems

    def destroy(self):
        """End every guest now. Idempotent."""
        for vm in self.vms.values():
            vm.destroy()
        self.vms.clear()
        self._starting.clear()
        for end in (end for pair in self._wires.values() for end in pair):
            end.close()
        self._wires.clear()
        self._remove_links()

    def _remove_links(self):
        for path in self.sockets.glob("link*"):
            path.unlink()
