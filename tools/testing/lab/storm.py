# SPDX-License-Identifier: GPL-2.0
"""Storms: swap over a network while unrelated traffic takes the memory.

A cell is one combination of back end, traffic, card, memory and so on. In it
the client guest's processes use more memory than there is, the server guest
sends packets that nobody there wants, and then stops. The client survives if
the hog ends with every byte right; it is wedged if the hog stands still though
the traffic has stopped.
"""

import re
import time
from dataclasses import dataclass, replace

from . import accel, backends, dmesg
from .errors import Fail, GuestDied, Wedged
from .session import server_address

CLIENT = "10.77.0.2"
CLIENT_MAC = "52:54:00:77:00:02"
TO = f"--to {CLIENT} --mac {CLIENT_MAC}"
RESERVES = "/sys/kernel/mm/mem_reserve"
EXPECTED = ((r": page allocation failure: ",
             "that is what a storm is about: packets are dropped, and the kernel says so"),)

TRAFFIC_SECONDS = 15    # at most; it stops earlier when the hog stands still
FULL_TRAFFIC_SECONDS = 30
STILL_SECONDS = 10      # before the traffic stops
HOG_SECONDS = 300
PROBE_PORT = 30000
PROBES = 500
PROBE_RATE = 2000
PROBE_STILL = 0.7       # seconds; the sink tells ten times in one
PROBE_ROUNDS = 8
# At the least, of packets or of what is held of them, before a storm deserves the name.
ARRIVED = 100
# Of the drops that /proc/net/netvm counts, those of what swap itself receives or sends.
OWN_DROPS = ("drop_ofo", "drop_copy")
# Registered with the first memalloc socket.
NETWORK_RESERVES = ("netvm_rx", "netvm_skb")
# What per-CPU lists and caches may still hold after the storm, compared with before.
LEAK_KIB = 6 << 10
LEAK_SKBS = 1024
# Over everything that swaps, with every card that QEMU has and the kernels know.
BACKENDS = ("rswap", "nbd", "nvme", "nfs")
NICS = ("virtio-net-pci", "e1000", "e1000e", "vmxnet3", "rtl8139")
# Runs of a cell in the long form: timing decides wedges.
RUNS = 8
# A test's TIMEOUT
SECONDS = 400

SURVIVED, WEDGED, OOM_KILLED, DIED, FAILED = "survived", "wedged", "OOM", "died", "failed"
OUTCOMES = (SURVIVED, WEDGED, OOM_KILLED, DIED, FAILED)


@dataclass(frozen=True)
class Traffic:
    """What is sent, and what becomes of it in the client.

    @sinks: options of a sink in the client, each
    @floods: options of a flood in the server, each
    @setup: shell commands in the client, when the sinks are there
    @images: what the client needs to boot with
    @seen: a shell command in the client that prints how much of it has arrived, and
        counts nothing else; a line for each kind of it. None: what the sinks hold tells
    """
    sinks: tuple = ()
    floods: tuple = ()
    setup: str = ""
    images: tuple = ()
    seen: str = ""


# Column NAME of the lines "PROTOCOL:".
SNMP = ("awk '$1 == \"{0}:\" {{ if (!c) {{ for (i = 2; i <= NF; i++) if ($i == \"{1}\") c = i }} "
        "else print $c }}' /proc/net/snmp /proc/net/netstat")
# Pages that UDP sockets hold.
UDP_PAGES = "awk '/^UDP:/ { print $NF }' /proc/net/sockstat"
# How often ARP has asked for a neighbour: a table for each CPU, in hexadecimal.
NEIGHBOURS = ("tail -n +2 /proc/net/stat/arp_cache | (n=0; while read -r _ _ _ _ lookups _; "
              "do n=$((n + 0x$lookups)); done; echo $n)")
# Neighbour solicitations that came.
SOLICITED = "awk '/Icmp6InNeighborSolicits/ { print $2 }' /proc/net/snmp6"
# KiB that packet sockets hold of the flood's experimental ethertype.
RAW_KIB = "awk '$4 == \"88b5\" { n += $7 } END { print int(n / 1024) }' /proc/net/packet"
# Packets that came to a slow interface's queue and left it, or found it full.
SLOW = "cd /sys/class/net/slow0/statistics && echo $(($(cat tx_packets) + $(cat tx_dropped)))"
FORCED = "--rcvbuf 67108864"
UNDRAINED = f"--kind udp --sockets 64 {FORCED}"
UDP = f"--kind udp {TO} --ports 64"
# Nothing but these numbers bounds a tap's or a queue's memory: 16 MiB or so.
TAP = "--kind packet --rcvbuf 8388608"
LENGTH = "--length 6000"
FRAGMENTS = 32 << 20

TRAFFIC = {
    "none": Traffic(),
    "udp": Traffic((UNDRAINED,), (f"{UDP} --size 1400",)),
    # Without force a socket holds net.core.rmem_default, some 200 KiB.
    "udp-default": Traffic(("--kind udp --sockets 64",), (f"{UDP} --size 1400",)),
    "small": Traffic((UNDRAINED,), (f"{UDP} --size 18",)),
    "jumbo": Traffic((UNDRAINED,), (f"{UDP} --size 8900",)),
    "udp6": Traffic((UNDRAINED,), (f"--kind udp6 --to fd77::2 --mac {CLIENT_MAC} --ports 64 "
                                   "--size 1400",)),
    # To a VLAN that a cell or its back end has to make.
    "udp-vlan": Traffic((UNDRAINED,), (f"--kind udp --to {backends.VLAN}.2 --mac {CLIENT_MAC} "
                                       "--vlan 5 --ports 64 --size 1400",)),
    "frag4": Traffic((), (f"--kind frag4 {TO} --size 1400",),
                     f"sysctl -w net.ipv4.ipfrag_high_thresh={FRAGMENTS} net.ipv4.ipfrag_time=60",
                     seen=SNMP.format("Ip", "ReasmReqds")),
    "frag6": Traffic((), (f"--kind frag6 --to fd77::2 --mac {CLIENT_MAC} --size 1400",),
                     f"sysctl -w net.ipv6.ip6frag_high_thresh={FRAGMENTS} "
                     "net.ipv6.ip6frag_time=60",
                     seen="awk '/Ip6ReasmReqds/ { print $2 }' /proc/net/snmp6"),
    "tcp": Traffic((f"--kind tcp --sockets 512 {FORCED}",),
                   (f"--kind tcp --to {CLIENT} --ports 512 --size 1400",)),
    "tcp6": Traffic((f"--kind tcp --sockets 512 {FORCED}",),
                    ("--kind tcp --to fd77::2 --ports 512 --size 1400",)),
    # From the server to a program that connected, as one that attaches a device would.
    "unread": Traffic((f"--kind flusher --sockets 12 --to {server_address()} --port 7700 {FORCED}",),
                      (f"--kind serve --to {CLIENT} --port 7700 --ports 12 --size 1400",)),
    "nfqueue": Traffic((f"--kind nfqueue --port 0 {LENGTH} {FORCED}",), (f"{UDP} --size 1400",), """
        nft add table ip storm
        nft 'add chain ip storm in { type filter hook input priority 0; }'
        nft add rule ip storm in udp dport 20000-20063 queue num 0""", ("nft",),
                       seen="awk '{ print $8 }' /proc/net/netfilter/nfnetlink_queue"),
    # Of each kind that the filter drops for a reason of its own.
    "queued": Traffic((f"--kind nfqueue --port 0 --length 16000 {FORCED}",), (
        f"{UDP} --size 1400",
        f"--kind frag4 {TO} --size 1400",
        f"--kind icmp {TO} --size 1400",
        "--kind ns --known --to fd77::1:0:2 --mac 33:33:ff:00:00:02 --size 1000",
        f"--kind proto {TO} --size 1400"), """
        nft add table inet storm
        nft 'add chain inet storm in { type filter hook prerouting priority -450; }'
        nft add rule inet storm in udp dport 20000-20063 queue num 0
        nft add rule inet storm in 'ip frag-off & 0x3fff != 0' queue num 0
        nft add rule inet storm in icmp type echo-request queue num 0
        nft add rule inet storm in icmpv6 type nd-neighbor-solicit queue num 0
        nft add rule inet storm in ip protocol 253 queue num 0""", ("nft",),
                      seen="awk '{ print $8 }' /proc/net/netfilter/nfnetlink_queue"),
    # The second tap hears nothing but the flood.
    "packet": Traffic((TAP, "--kind packet --proto 0x88b5"), (f"--kind raw {TO} --size 1400",),
                      seen=RAW_KIB),
    # No flood: they hear what the swap device receives.
    "packet-ip": Traffic((f"{TAP} --proto 0x800",)),
    "raw-ip": Traffic(("--kind raw --proto 6 --rcvbuf 8388608",)),
    "forward": Traffic((f"--kind tun --rate 20 {LENGTH}",),
                       (f"--kind udp --to 10.99.0.2 --mac {CLIENT_MAC} --size 1400",), """
        sysctl -w net.ipv4.ip_forward=1
        ip addr add 10.99.0.1/24 dev slow0""", seen=SNMP.format("Ip", "ForwDatagrams")),
    "forward6": Traffic((f"--kind tun --rate 20 {LENGTH}",),
                        (f"--kind udp6 --to fd99::2 --mac {CLIENT_MAC} --size 1400",), """
        sysctl -w net.ipv6.conf.all.forwarding=1
        ip -6 addr add fd99::1/64 dev slow0""",
                        seen="awk '/Ip6OutForwDatagrams/ { print $2 }' /proc/net/snmp6"),
    "bridge": Traffic((f"--kind tap --rate 20 {LENGTH}",),
                      ("--kind udp --to 10.77.0.99 --mac 52:54:00:99:00:01 --size 1400",), f"""
        brctl addbr br0
        ip addr flush dev eth0
        brctl addif br0 eth0
        brctl addif br0 slow0
        ip link set br0 address {CLIENT_MAC}
        ip link set br0 up
        ip addr add {CLIENT}/24 dev br0""", seen=SLOW),
    # No flood: what is mirrored is what the swap device receives.
    "mirror": Traffic((f"--kind tap --rate 20 {LENGTH}",), (), """
        /bin/tc qdisc add dev eth0 clsact
        /bin/tc filter add dev eth0 ingress matchall action mirred egress mirror dev slow0
        /bin/tc filter add dev eth0 egress matchall action mirred egress mirror dev slow0""", ("tc",)),
    "multicast": Traffic((f"{UNDRAINED} --group 239.7.7.7",),
                         ("--kind udp --to 239.7.7.7 --mac 01:00:5e:07:07:07 --ports 64 "
                          "--size 1400",)),
    "arp": Traffic((), (f"--kind arp --to {CLIENT}",), seen=NEIGHBOURS),
    "arp-known": Traffic((), (f"--kind arp --known --to {CLIENT}",), seen=NEIGHBOURS),
    # Somebody whom the client knows asks for addresses that nobody has.
    "arp-foreign": Traffic((), ("--kind arp --known --to 10.77.0.99",)),
    "ns": Traffic((), ("--kind ns --to fd77::2 --mac 33:33:ff:00:00:02 --size 0",),
                  seen=SOLICITED),
    "ns-known": Traffic((), ("--kind ns --known --to fd77::2 --mac 33:33:ff:00:00:02 --size 0",),
                        seen=SOLICITED),
    # Of the group of the client's address, which it hears.
    "ns-foreign": Traffic((), ("--kind ns --known --to fd77::1:0:2 --mac 33:33:ff:00:00:02 --size 0",),
                          seen=SOLICITED),
    # The answers go back to where they are dropped, and are sent again after a second.
    "syn": Traffic(("--kind tcp --sockets 16",), (f"--kind syn {TO} --ports 16",), f"""
        sysctl -w net.ipv4.tcp_max_syn_backlog=65536 net.ipv4.tcp_syncookies=0
        ip route add 10.78.0.0/16 via {server_address()}""",
                   seen=SNMP.format("TcpExt", "TCPSynRetrans")),
    "icmp": Traffic((), (f"--kind icmp {TO} --size 1400",),
                    seen=SNMP.format("Icmp", "InEchos")),
    # Errors about what the swap device sends, and about what nobody has sent.
    "error": Traffic((), (f"--kind error {TO}", f"--kind error --other {TO}"),
                     seen=SNMP.format("Icmp", "InDestUnreachs")),
    "error6": Traffic((), (f"--kind error6 --to fd77::2 --mac {CLIENT_MAC}",
                           f"--kind error6 --other --to fd77::2 --mac {CLIENT_MAC}"),
                      seen="awk '/Icmp6InPktTooBigs/ { print $2 }' /proc/net/snmp6"),
}


def mixed(*names):
    """Return the sum of the traffic NAMES; its rate is that of each."""
    parts = [TRAFFIC[name] for name in names]
    return Traffic(sum((p.sinks for p in parts), ()), sum((p.floods for p in parts), ()),
                   "\n".join(p.setup for p in parts if p.setup),
                   sum((p.images for p in parts), ()),
                   "\n".join(p.seen or UDP_PAGES for p in parts))


# Requests for the bridge's own address go to a port that nobody drains too.
TRAFFIC["bridge-arp"] = replace(TRAFFIC["bridge"], sinks=(f"--kind tap --rate 0 {LENGTH}",),
                                floods=TRAFFIC["arp"].floods, seen=NEIGHBOURS)
# Fragments within their usual bound, or zram's machine would be too small.
TRAFFIC["mix"] = replace(mixed("udp", "frag4", "arp", "icmp"), setup="")


@dataclass(frozen=True)
class Cell:
    """One combination.

    @backend: a key of backends.BACKENDS
    @traffic: a key of TRAFFIC
    @nic: QEMU's model of the client's card
    @memory: MiB of the client; @hog: MiB that its processes use; @procs: their number
    @rate: packets per second of each flood, 0 for as many as possible
    @pattern: of the hog; "random" finds nothing to read ahead and takes four times as long
    @wedges: a negative control, known to wedge a kernel that cannot do it
    @event: a kind of Storm (lab/events.py) in which more happens, None for no more
    @runs: of it in the long form
    """
    backend: str
    traffic: str
    nic: str = "virtio-net-pci"
    memory: int = 128
    hog: int = 200
    procs: int = 1
    rate: int = 5000
    mtu: int = 1500
    pattern: str = "sequential"
    wedges: bool = False
    event: type = None
    runs: int = RUNS

    def storm(self, lab, directory):
        """Return one run of the cell, to be run."""
        return (self.event or Storm)(lab, self, directory)

    def __str__(self):
        rate = f"{self.rate}/s" if self.rate else "max"
        if self.traffic == "none":
            rate = "-"
        return (f"{self.backend:5} {self.nic:14} {self.traffic:11} {rate:>8} "
                f"{self.hog:3} in {self.memory:3} MB {self.procs:2} procs mtu {self.mtu} {self.pattern} "
                f"{self.event.NAME if self.event else ''}").rstrip()


@dataclass
class Run:
    """What became of one run of a cell: one of OUTCOMES, and why."""
    outcome: str
    seconds: float
    text: str = ""
    facts: str = ""


def check_reserves(lab, network=True):
    """All that was borrowed has been given back, and never more than there is.

    NETWORK: somebody swaps over one, so that the reserves for that must be there.
    Returns the high-water marks, as text.
    """
    client, told = lab.client, []
    names = client.run(f"ls {RESERVES} 2>/dev/null", check=False).out.split()
    if network and lab.kernel != "stock" and not set(NETWORK_RESERVES) <= set(names):
        raise Fail(f"of the reserves {NETWORK_RESERVES} there are only {names}")
    for name in names:
        client.poll(f"cat {RESERVES}/{name}/used", lambda used: int(used.out) == 0, timeout=10)
        values = {key: int(client.read(f"{RESERVES}/{name}/{key}"))
                  for key in ("pages", "high_water", "failures")}
        if values["high_water"] > values["pages"]:
            raise Fail(f"reserve {name} was exceeded: {values}")
        told.append(f"{name} {values['high_water']}/{values['pages']} pages, "
                    f"{values['failures']} failures")
    return "; ".join(told)


def foreign_drops(counters):
    """Return how many packets COUNTERS of /proc/net/netvm say were dropped that were not swap's."""
    return sum(count for name, count in counters.items()
               if name.startswith("drop_") and name not in OWN_DROPS)


class Storm:
    """One run of a cell, in guests of its own.

    @NAME: of the kind of storm, in the table
    @SPEC: what the guests are asked for besides what the cell says
    @ALLOW: what the kernel may complain about, as in dmesg.scan()
    @OOM: a line by which the kernel says that the cell is lost
    @SWAP: MiB of swap space beyond the size of the hog
    @TRAFFIC_SECONDS: how long the traffic lasts at most, 0 for what is usual
    """
    NAME = ""
    SPEC = {}
    ALLOW = EXPECTED
    OOM = re.compile(r"Out of memory: Killed process")
    SWAP = 64
    TRAFFIC_SECONDS = 0

    def __init__(self, lab, cell, directory):
        self.lab = lab
        self.cell = cell
        self.directory = directory
        self.traffic = TRAFFIC[cell.traffic]
        # Twice what cannot be in memory: swap space that runs out is another test.
        self.backend = backends.make(lab, cell.backend, cell.hog + self.SWAP)
        self.sinks, self.floods = [], []
        self.hog = self.before = self.arrived_before = None
        self.reserves = ""

    def _images(self):
        """Return what both guests need to boot with."""
        return ()

    def _swapon(self):
        self.backend.swapon()

    def _swapoff(self):
        self.backend.swapoff()

    def _boot(self):
        session, cell, backend = self.lab.session, self.cell, self.backend
        session.spec = replace(session.spec, topology="pair", memory=cell.memory, nic=cell.nic,
                               mtu=cell.mtu, server_memory=backend.size + 384, lossy=True,
                               **self.SPEC)
        session.directory = self.directory
        images = self._images()
        session.start("server", images=(*images, *backend.server_images),
                      cmdline=backend.server_cmdline)
        session.boot("client", images=(*images, *self.traffic.images))

    def _usage(self):
        """Return (available KiB, sk_buffs in use) of the client.

        What reserves have is available, they outlive the sockets that they are for, and
        so is what is free for one processor.
        """
        out = self.lab.client.run("sync; echo 3 > /proc/sys/vm/drop_caches; cat /proc/meminfo; "
                                  "grep skbuff /proc/slabinfo; grep count: /proc/zoneinfo; "
                                  f"grep -s . {RESERVES}/*/pages || :").out
        available = int(re.search(r"MemAvailable:\s+(\d+)", out).group(1))
        available += sum(int(n) << 2 for n in re.findall(r"(?:/pages|count):\s*(\d+)", out))
        return available, sum(int(n) for n in re.findall(r"^skbuff\w*\s+(\d+)", out, re.M))

    def _prepare(self):
        for options in self.traffic.sinks:
            job = self.lab.client.start_job(f"exec sink {options}")
            job.wait_output("sockets, held", 15)
            self.sinks.append(job)
        if self.traffic.setup:
            self.lab.client.run(f"set -e\n{self.traffic.setup}")
        self.lab.client.poll(f"ping -c 1 -W 1 {server_address()}", timeout=15)
        self.backend.attach()
        self._swapon()

    def _start_traffic(self):
        seconds_at_most = self.TRAFFIC_SECONDS or (
            FULL_TRAFFIC_SECONDS if self.lab.full else TRAFFIC_SECONDS)
        for options in self.traffic.floods:
            self.floods.append(self.lab.server.start_job(
                f"exec flood {options} --rate {self.cell.rate} --seconds {seconds_at_most}"))

    def _traffic_runs(self):
        return any(job.rc is None for job in self.floods)

    def _stop_traffic(self):
        for job in self.floods:
            if job.rc is None:
                job.kill(15)
                job.wait(10, check=False)

    def sent(self):
        """Return the packets that the floods say they have sent."""
        counts = [re.findall(r"sent (\d+)", job.out) for job in self.floods]
        return sum(int(found[-1]) for found in counts if found)

    def held(self):
        """Return the KiB that the sinks say they have held at most."""
        held = [re.findall(r"held (\d+) bytes", job.out) for job in self.sinks]
        return sum(max(map(int, found)) for found in held if found) >> 10

    def facts(self):
        """Return what the floods sent, the sinks held and was used of the reserves, as text."""
        facts = f"{self.sent()} packets sent, {self.held()} KiB held in sockets"
        return "; ".join(filter(None, (facts, self.reserves)))

    def counters(self):
        """Return the counters of /proc/net/netvm, none on a kernel without them."""
        out = self.lab.client.run("cat /proc/net/netvm 2>/dev/null", check=False).out
        return {name: int(value) for name, value in re.findall(r"^(\w+)\s+(\d+)$", out, re.M)}

    def count_arrived(self):
        """Return how much of each kind of the traffic has arrived so far.

        What was dropped at once has arrived too; nobody knows of which kind it was.
        """
        seen = [self.held()]
        if self.traffic.seen:
            seen = map(int, self.lab.client.run(self.traffic.seen).out.split())
        dropped = foreign_drops(self.counters())
        return [count + dropped for count in seen]

    def _start_hog(self, size, passes=1, extra=""):
        cell = self.cell
        self.hog = self.lab.client.hog(size, procs=cell.procs, passes=passes,
                                       pattern=cell.pattern, seed=self.lab.rng.getrandbits(32),
                                       extra=f"{self.backend.hog_extra} {extra}")

    def _watch(self):
        """Called twice a second while the hog runs."""
        client = self.lab.client
        still = client.progress.since_moved("hog", self.hog.began)
        if still > STILL_SECONDS * client.scale and self._traffic_runs():
            self._stop_traffic()

    def _weather(self):
        """Hog and traffic together, then the hog alone."""
        self._start_hog(self.cell.hog)
        self._start_traffic()
        self.hog.wait(timeout=HOG_SECONDS, traffic=self._traffic_runs, each=self._watch)

    def _check_reception(self):
        """Ordinary sockets hear again what is sent to them.

        They are as long as may be: each takes all the pages that a ring has for one.
        The first packets find the emergency buffers that are still in a ring, and a
        busy machine may lose some; a stack that goes on dropping loses every time.
        """
        client = self.lab.client
        job = client.start_job(f"exec sink --kind udp --port {PROBE_PORT} --rcvbuf 4194304 "
                               "--drain")
        job.wait_output("sockets, held", 15)
        rounds = [self._probe(job)]
        while rounds[-1] < PROBES * 9 // 10:
            if len(rounds) == PROBE_ROUNDS:
                raise Fail(f"of {PROBES} packets in each round an ordinary socket received {rounds}")
            rounds.append(self._probe(job))
        job.kill(15)
        job.wait(10, check=False)

    def _probe(self, job):
        """Return how many of PROBES packets the sink JOB hears: until it hears no more."""
        def heard():
            return int(re.findall(r"read (\d+)", job.out)[-1])

        before = count = heard()
        self.lab.server.run(f"flood --kind udp {TO} --port {PROBE_PORT} --rate {PROBE_RATE} "
                            f"--size {self.cell.mtu - 100} --packets {PROBES}")
        moved = time.monotonic()
        while count - before < PROBES and time.monotonic() - moved < PROBE_STILL:
            time.sleep(0.1)
            if heard() != count:
                count, moved = heard(), time.monotonic()
        return count - before

    def _check_arrived(self):
        arrived = [now - before
                   for now, before in zip(self.count_arrived(), self.arrived_before)]
        if min(arrived, default=0) < ARRIVED:
            raise Fail(f"the traffic did not arrive: {arrived} of it, of each kind")
        self.lab.log(f"arrived: {arrived}")

    def _settle(self):
        """What is left to do when the storm is over, for kinds in which more happens."""

    def _detach(self):
        self.backend.detach()

    def _check_after(self):
        """What must be true when the storm is over."""
        if self.traffic.floods:
            self._check_arrived()
        self._stop_traffic()
        for job in self.sinks:
            job.kill(15)
            job.wait(30, check=False)
        self._settle()
        # What is received takes the last borrowed buffers out of the ring, what is
        # sent the last page out of a socket.
        self._check_reception()
        self._swapoff()
        self.reserves = check_reserves(self.lab, network=self.cell.backend != "zram")
        self._detach()
        # Fragments stay for their own minute
        if not self.cell.traffic.startswith(("frag", "mix")):
            self._check_leaks()

    def _check_leaks(self):
        """No page and no sk_buff is missing; RCU and deferred frees have a moment."""
        before, deadline = self.before, time.monotonic() + 15 * self.lab.client.scale
        while True:
            after = self._usage()
            if after[0] >= before[0] - LEAK_KIB and after[1] <= before[1] + LEAK_SKBS:
                break
            if time.monotonic() > deadline:
                raise Fail(f"leaked: (KiB available, sk_buffs) before the storm {before}, "
                           f"after it {after}")
            time.sleep(0.5)
        self.lab.log(f"(KiB available, sk_buffs) before the storm {before}, after it {after}")

    def _complaints(self):
        return [line for vm in self.lab.session.vms.values()
                for line in dmesg.scan(vm.lines, self.ALLOW)]

    def _killed(self):
        vm = self.lab.session.vms.get("client")
        return vm is not None and any(self.OOM.search(line) for line in vm.lines)

    def run(self):
        """Do it all and return a Run. Leaves no guest."""
        started, session = time.monotonic(), self.lab.session
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._boot()
            self.before = self._usage()
            self._prepare()
            self.arrived_before = self.count_arrived()
            self._weather()
            self._check_after()
            complaints = self._complaints()
            outcome, text = (FAILED, "\n".join(complaints)) if complaints else (SURVIVED, "")
            problems = session.close()
            if problems:
                outcome, text = FAILED, "\n".join(problems)
        except Wedged as error:
            outcome, text = WEDGED, str(error)
        except (Fail, AssertionError) as error:
            dead = isinstance(error, GuestDied)
            outcome = OOM_KILLED if self._killed() else DIED if dead else FAILED
            text = str(error) + "".join("\n" + vm.last_words() for vm in session.vms.values())
        finally:
            facts = self.facts()
            session.destroy()
        (self.directory / "outcome").write_text(f"{outcome}: {self.cell}\n{facts}\n{text}\n")
        return Run(outcome, time.monotonic() - started, text, facts)


def run_cell(lab, cell, number=1):
    """Run CELL once in guests of its own; tell, and return the Run.

    Once more if it was QEMU that failed.
    """
    name = re.sub(r"\W+", "-", f"{cell}").strip("-")
    run = cell.storm(lab, lab.dir / f"{name}.{number}").run()
    excuse = accel.failure(lab.kernel, run.text) if run.outcome in (DIED, FAILED) else ""
    if excuse:
        lab.report(excuse)
        run = cell.storm(lab, lab.dir / f"{name}.{number}-again").run()
    why = ""
    if run.outcome not in (SURVIVED, WEDGED) and run.text:
        why = f": {run.text.splitlines()[0][:200]}"
    lab.report(f"{cell}: {run.outcome} in {run.seconds:.0f} s, {run.facts}{why}")
    return run


def row(cell, runs):
    """Return the line of CELL in the table of RUNS."""
    counts = [sum(run.outcome == outcome for run in runs) for outcome in OUTCOMES]
    told = ", ".join(f"{outcome} {n}" for outcome, n in zip(OUTCOMES, counts) if n)
    return f"{cell} | {told} of {len(runs)}"


def too_small(lab, cell):
    """True if zram dies too: then the cell says nothing about the network."""
    return run_cell(lab, replace(cell, backend="zram"), "control").outcome == OOM_KILLED


def run_often(lab, cell):
    """Run CELL as often as it is to be run, once in the short form; return the list of Runs."""
    number = lab.runs or (cell.runs if lab.full else 1)
    runs = [run_cell(lab, cell, n) for n in range(1, number + 1)]
    if lab.full:
        lab.report(row(cell, runs))
    return runs


def controls(lab, cells):
    """The negative controls among CELLS must wedge: raise Wedged when each of them did."""
    unwedged, evidence = [], ""
    for cell in (c for c in cells if c.wedges):
        runs = run_often(lab, cell)
        wedged = [run for run in runs if run.outcome == WEDGED]
        if wedged:
            evidence = wedged[0].text
        else:
            unwedged.append(f"{row(cell, runs)}: {runs[-1].text}")
    if unwedged:
        raise Fail("negative controls that did not wedge:\n" + "\n".join(unwedged))
    if not evidence:
        raise Fail("there is no negative control among the cells")
    raise Wedged(evidence)


def survivals(lab, cells):
    """Every one of CELLS must survive every time."""
    lost = []
    for cell in cells:
        runs = run_often(lab, cell)
        bad = [run for run in runs if run.outcome != SURVIVED]
        if bad and all(run.outcome == OOM_KILLED for run in bad) and too_small(lab, cell):
            if lab.full:
                lab.report(f"{cell}: not counted, zram is OOM-killed too")
                continue
            lost.append(f"{cell}: zram is OOM-killed too: choose another cell")
        elif bad:
            lost.append(f"{row(cell, runs)}\n{bad[0].text}")
    if lost:
        raise Fail("\n".join(lost))


def run(lab, check, full=()):
    """Run the cells CHECK, or CHECK and FULL in the long form, on lab.kernel.

    On the stock kernel those marked as negative controls, which must wedge
    there; on any other all of them, which must survive. Somebody may have asked
    for some of the cells only.
    """
    cells = [cell for cell in ((*check, *full) if lab.full else check)
             if re.search(lab.cells, str(cell))]
    if not cells:
        raise Fail(f"no cell of this test matches '{lab.cells}'")
    if lab.kernel == "stock":
        controls(lab, cells)
    else:
        survivals(lab, cells)


def seconds(cells):
    """Return the time that CELLS may take in the long form: a test's FULL_TIMEOUT."""
    return sum(cell.runs for cell in cells) * 120


def asks(check, full):
    """Return what a test with the cells CHECK and FULL asks for, unless it says otherwise.

    With negative controls among them the stock kernel too, in the long form if
    they are in FULL.
    """
    stock = ("stock",) if any(cell.wedges for cell in (*check, *full)) else ()
    late = () if any(cell.wedges for cell in check) else stock
    return {"KERNELS": ("lean", *stock), "WEDGES": stock, "FULL_KERNELS": late, "AUTOBOOT": False,
            "TIMEOUT": SECONDS, "FULL_TIMEOUT": seconds((*check, *full))}


def matrix(traffic, names=BACKENDS, nics=NICS, kind=Cell, **fields):
    """Return a cell of KIND for each of the back ends NAMES with each of NICS."""
    return tuple(kind(name, traffic, nic, **fields) for name in names for nic in nics)


def tables(traffic):
    """Return CHECK and FULL of a test of one kind of TRAFFIC.

    In the long form NBD must wedge in it on the stock kernel.
    """
    check = (Cell("rswap", traffic),)
    full = (Cell("nbd", traffic, hog=300, wedges=True),
            *matrix(traffic, nics=("virtio-net-pci", "e1000")))
    return check, full
