# SPDX-License-Identifier: GPL-2.0
"""No memory at all, for certain: what a storm does by chance.

The module exhaust.ko takes every page and every free object that can be had
without a reserve, and does to a device what reclaim does to swap space: writes with
PF_MEMALLOC, by swap operations if it has them, here followed by reads. What
gets through then got through on reserves alone, and what does not stands still at
once and for ever, so one run tells what takes a storm many. Traffic, loss and the
like go on meanwhile, and what must be true after a storm must be true after this.
"""

import re
import signal
import time
from dataclasses import dataclass

from .errors import Fail, Wedged
from .monitor import collect_evidence
from .storm import ARRIVED, RESERVES, Cell, Storm, foreign_drops

MODULE = "/lib/modules/exhaust.ko"
CHANGED = re.compile(r"nicdo: \S+ (.*) took .*, free: (\d+) KiB")
OUT = re.compile(r"exhaust: memory is out: (\d+) pages free")
HOW = re.compile(r"transfers are .*")
TOOK = re.compile(r"exhaust: took (\d+) pages, left (\d+) free on average")
DONE = re.compile(r"exhaust: (\d+) of (\d+) done, (\d+) errors, (\d+) wrong, longest (\d+) ms")
REFUSED = re.compile(r"exhaust: (\d+) times a file system had no memory for a transfer")
STUCK = re.compile(r"exhaust: (stuck after \d+ of \d+)")
# Pages that others free and that are not taken at once, on average.
MOST_FREE = 64
# KiB, less than the min watermark, and what is free when a card has been changed.
DRY = 1200
STILL_DRY = 4096
SECONDS = 300
# What mkswap makes of a file: next to nothing. It must be swapped to, or its file
# system does not know that the connection is one to swap over.
FILE_KIB = 40
# For the module: long enough for traffic to matter; enough at a time to fill a ring.
LONG = "count=200 interval=10 depth=4"
BUSY = "count=200 depth=8 pages=8"
NO_WORKER = "exhaust: no worker is left"
# On the client: of IPv4, any route makes what sockets know obsolete.
NEW_ROUTE = "ip route add blackhole 203.0.113.0/24"
TRACE = "/sys/kernel/tracing"
# These are no drops of a packet that comes in.
WITHOUT_REASON = ("passed", "drop_copy")
# What is looked at when it stands still.
STATE = ("grep . /sys/kernel/mm/mem_reserve/*/* /proc/net/netvm; cat /proc/net/tcp; "
         "cat /proc/net/arp /proc/net/stat/arp_cache /proc/net/stat/ndisc_cache; ip -6 neigh; "
         "/bin/tc -s qdisc show dev eth0 2>/dev/null; grep Icmp6 /proc/net/snmp6; "
         "cat /proc/net/snmp /proc/net/netstat /proc/net/dev")
# Of the server then.
SERVER_STATE = ("ip link show dev eth0; ip neigh; ip -6 neigh; "
                "/bin/tc -s filter show dev eth0 egress 2>/dev/null; "
                "cat /proc/net/igmp6 /proc/net/snmp /proc/net/dev; grep Icmp6 /proc/net/snmp6")


@dataclass(frozen=True)
class Dry(Cell):
    """A cell in which memory is out altogether.

    @module: parameters of the module
    @netem: what the links do to packets, both ways, in the words of tc
    @client: shell commands there, before
    @after: shell commands there, that undo them, or fail if there was no effect
    @ahead: seconds of traffic before memory is out
    @server: options of a sink in the server
    @during: shell commands in the server, once memory is out
    @lasts: memory must be out until they are done
    @unplugged: seconds for which the client's cable is out then
    @change: what guest/nicdo.c does to the card of the client then
    @most: pages of netvm_rx that receive rings may hold, if the reserve is not
        to be the only limit
    @images: what the client and server need to boot with
    @needs: counters of /proc/net/netvm that the run must move, by ARRIVED if there is
        a flood; of those that count packets on their way in, the drop reason must be
        seen too
    @logs: regular expressions, of what the client's kernel must say
    """
    memory: int = 192
    hog: int = 64           # twice this is the size of the device
    module: str = ""
    netem: str = ""
    client: str = ""
    after: str = ""
    ahead: float = 0
    server: str = ""
    during: str = ""
    lasts: bool = False
    unplugged: int = 0
    change: str = ""
    most: int = 0
    images: tuple = ()
    needs: tuple = ()
    logs: tuple = ()

    def storm(self, lab, directory):
        """Return one run of the cell, to be run."""
        return Exhaustion(lab, self, directory)

    def __str__(self):
        told = (self.module, f"netem {self.netem}" if self.netem else "", self.change)
        return " ".join((super().__str__(), "dry", *filter(None, told)))


class Exhaustion(Storm):
    """One run of a Dry cell, in guests of its own."""

    def __init__(self, lab, cell, directory):
        super().__init__(lab, cell, directory)
        self.told, self.moved = [], {}
        self.change = None

    @property
    def _is_file(self):
        return not self.backend.path.startswith("/dev/")

    def _tell(self, text):
        self.told.append(text)
        self.lab.log(text)

    def _images(self):
        tc = ("tc",) if self.cell.netem else ()
        return (*self.cell.images, *tc)

    def _swapon(self):
        """The module has a device to itself, and of a file what is not swap space."""
        if self._is_file:
            self.lab.client.run(f"mkswap {self.backend.path} {FILE_KIB} && "
                                f"swapon {self.backend.path}")

    def _swapoff(self):
        """So much is sent that sockets have other pages to write headers into.

        rswap writes by another socket than it reads by.
        """
        if self.cell.netem:
            for vm in (self.lab.client, self.lab.server):
                vm.run("/bin/tc qdisc del dev eth0 root")
        path = self.backend.path
        self.lab.client.run(f"dd if={path} of=/dev/null bs=4k count=500 iflag=direct")
        if self._is_file:
            self.lab.client.run(f"swapoff {path}")
        else:
            self.lab.client.run(f"dd if=/dev/zero of={path} bs=4k count=200 oflag=direct")

    def _prepare(self):
        cell = self.cell
        super()._prepare()
        if cell.netem:
            for vm in (self.lab.client, self.lab.server):
                vm.run(f"/bin/tc qdisc add dev eth0 root netem limit 10000 {cell.netem}")
        if cell.server:
            self.lab.server.start_job(f"exec sink {cell.server}").wait_output("sockets, held", 15)
        if cell.client:
            self.lab.client.run(f"set -e\n{cell.client}")
        if cell.change:
            self.change = self.lab.client.start_job(f"exec nicdo eth0 dry={DRY} {cell.change}")
            self.change.wait_output("ready", 15)

    def _weather(self):
        client, cell = self.lab.client, self.cell
        before = self.counters()
        if cell.needs:
            # Names of processes would have the scheduler's code patched.
            client.run(f"mount -t tracefs none {TRACE} 2>/dev/null; "
                       f"echo 0 > {TRACE}/options/record-cmd && "
                       f"echo 1 > {TRACE}/events/skb/kfree_skb/enable")
        start = client.mark()
        self._start_traffic()
        time.sleep(cell.ahead)
        if self.change:
            self.change.kill(signal.SIGUSR1)
        skip = f"skip={FILE_KIB // 4}" if self._is_file else ""
        job = client.start_job(f"insmod {MODULE} device={self.backend.path} {skip} {cell.module}")

        def told(pattern):
            return pattern.search("\n".join(client.lines[start:]))

        client.wait_until(lambda: told(OUT) or job.rc is not None, 30,
                          lambda: f"memory to be out: {job.out}")
        if cell.during and job.rc is None:
            during = self.lab.server.start_job(cell.during)
            self.lab.server.wait_until(
                lambda: during.rc is not None or told(STUCK), SECONDS,
                lambda: f"'{cell.during}' in the server; so far it printed:\n{during.out}")
            if during.rc:
                raise Fail(f"'{cell.during}' in the server ended with {during.rc}:\n{during.out}")
            if cell.lasts and told(DONE):
                raise Fail("the transfers were over before what happened in the server was")
        if cell.unplugged and job.rc is None:
            self._unplug()
        client.wait_until(lambda: told(STUCK) or told(DONE) or job.rc, SECONDS,
                          lambda: "the transfers to end or stand still")
        stuck = told(STUCK)
        if stuck:
            state = "\n".join(vm.run(command, check=False).out for vm, command in
                              ((client, STATE), (self.lab.server, SERVER_STATE)))
            said = "\n".join(client.lines[start:])
            raise Wedged(f"without memory, {self.backend.path} is {stuck.group(1)}\n{said}\n"
                         f"{state}\n" + collect_evidence(client))
        client.wait(job, 10)
        how, took, done, refused = told(HOW), told(TOOK), told(DONE), told(REFUSED)
        self._tell("; ".join(match.group() for match in (how, took, done, refused) if match))
        if int(took.group(2)) > MOST_FREE and "leave=" not in cell.module:
            raise Fail(f"memory was not out: {took.group()}")
        if done.group(1) != done.group(2) or (done.group(3), done.group(4)) != ("0", "0"):
            raise Fail(f"{done.group()}\n{client.run(STATE, check=False).out}")
        if refused and "leave=" not in cell.module:
            raise Fail(f"it got through, but not on reserves alone: {refused.group()}")
        if self.change:
            self._check_change()
        if cell.most:
            self._check_rings()
        said = "\n".join(client.lines)
        logs = (*cell.logs, NO_WORKER) if "workers=" in cell.module else cell.logs
        unsaid = [pattern for pattern in logs if not re.search(pattern, said)]
        if unsaid:
            raise Fail(f"the kernel did not say {unsaid}")
        client.run(f"set -e\nrmmod exhaust\n{cell.after}")
        self._check_counters(before)

    def _unplug(self):
        """Long enough for the kernel to notice, and to forget its neighbours."""
        self.lab.client.set_link(0, False)
        time.sleep(self.cell.unplugged)
        self.lab.client.set_link(0, True)

    def _check_change(self):
        """It was done while memory was out."""
        self.change.wait(60)
        self._tell(self.change.out)
        late = [step for step, free in CHANGED.findall(self.change.out) if int(free) > STILL_DRY]
        if late:
            raise Fail(f"done when there was memory again: {late}")

    def _check_counters(self, before):
        after = self.counters()
        self.moved = {name: value - before.get(name, 0) for name, value in after.items()
                      if value != before.get(name, 0)}
        self._tell(f"netvm: {self.moved}")
        least = ARRIVED if self.traffic.floods else 1
        missing = [name for name in self.cell.needs if self.moved.get(name, 0) < least]
        if missing and after:
            raise Fail(f"counters of /proc/net/netvm that did not move by {least}: {missing}; "
                       f"did: {self.moved}")
        if self.cell.needs and after:
            self._check_reasons()

    def _check_rings(self):
        """When nothing is on its way, what is in use is in rings, and next to nothing else."""
        used = int(self.lab.client.read(f"{RESERVES}/netvm_rx/used"))
        self._tell(f"netvm_rx: {used} pages in rings")
        if used > self.cell.most:
            raise Fail(f"rings hold {used} pages of netvm_rx, more than {self.cell.most}")

    def _check_arrived(self):
        """What arrived was dropped before those who would have taken it, if memory was out.

        Unless that is said to have passed.
        """
        if "leave=" in self.cell.module or "passed" in self.cell.needs:
            super()._check_arrived()
        elif self.counters() and foreign_drops(self.moved) < ARRIVED:
            raise Fail(f"the traffic did not arrive: {self.moved}")

    def _check_reasons(self):
        """Whoever listens to skb:kfree_skb was told why."""
        out = self.lab.client.run(f"echo 0 > {TRACE}/events/skb/kfree_skb/enable; "
                                  f"grep -o 'reason: NETVM_.*' {TRACE}/trace | sort | uniq -c").out
        self._tell(" ".join(out.split()))
        missing = [name for name in self.cell.needs if name not in WITHOUT_REASON
                   and f"NETVM_{name.removeprefix('drop_').upper()}" not in out]
        if missing:
            raise Fail(f"no drop reason was seen for {missing}, only: {out}")

    def facts(self):
        """Return what was noted of the run, as text."""
        return "; ".join(filter(None, (*self.told, self.reserves)))
