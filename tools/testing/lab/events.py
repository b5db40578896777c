# SPDX-License-Identifier: GPL-2.0
"""Kinds of storm in which something happens to the client besides the traffic."""

import re
import signal
import time
from dataclasses import replace

from . import storm
from .errors import Fail, Wedged
from .monitor import collect_evidence

TO_SECOND = "--interface eth1 --to 10.77.1.2 --mac 52:54:00:77:01:02"
AFTERMATH = 6           # seconds of traffic after it
PATIENCE = 60           # seconds that what happens may take, memory being out
HOG_DIES_SECONDS = 120
SOME_SWAP = 1 << 10     # KiB
STRESS_SECONDS = 60


class Eventful(storm.Storm):
    """Something happens once, when the hog has more than there is; the traffic lasts until then."""

    TRAFFIC_SECONDS = 120
    happened = None

    def _happen(self):
        raise NotImplementedError

    def _ripe(self):
        kib = int(self.hog.values.get("touched", 0)) << 2
        return kib > self.before[0] and self._traffic_runs()

    def _watch(self):
        super()._watch()
        if self.happened is None:
            if self._ripe():
                self.happened = time.monotonic()
                self._happen()
        elif time.monotonic() - self.happened > AFTERMATH and self._traffic_runs():
            self._stop_traffic()

    def _settle(self):
        if self.happened is None:
            raise Fail(f"'{self.NAME}' did not happen: the storm was over before "
                       f"the hog had more memory than there is")


class Change(Eventful):
    """The card is changed by nicdo, in STEPS."""

    STEPS = ""

    def _prepare(self):
        super()._prepare()
        self.job = self.lab.client.start_job(f"exec nicdo eth0 {self.STEPS}")
        self.job.wait_output("ready", 15)

    def _happen(self):
        self.job.kill(signal.SIGUSR1)

    def _settle(self):
        super()._settle()
        self.job.wait(PATIENCE)
        self.lab.log(self.job.out)


class DownUp(Change):
    """The link is taken down and up."""
    NAME, STEPS = "down-up", "down sleep=2 up"


class RingMtu(Change):
    """Shorter rings and a smaller MTU, and longer and bigger ones again."""
    NAME, STEPS = "ring-mtu", "ring=128 mtu=1400 sleep=2 mtu=1500 ring=256"


class Unplug(Eventful):
    """The card that brings the traffic is taken out; swap has another."""

    NAME = "unplug"
    SPEC = {"hotplug": True, "links": 2}
    CARD = 1
    FLOODS = (f"--kind udp {TO_SECOND} --ports 64 --size 1400",)
    gone = None

    def __init__(self, *args):
        super().__init__(*args)
        self.traffic = replace(self.traffic, floods=self.FLOODS, seen=storm.UDP_PAGES)

    def _happen(self):
        self.lab.client.unplug(self.CARD)

    def _watch(self):
        super()._watch()
        if self.happened and not self.gone and not self.lab.client.has_card(self.CARD):
            self.gone = time.monotonic()

    def _settle(self):
        super()._settle()
        client = self.lab.client
        if not self.gone:
            client.wait_until(lambda: not client.has_card(self.CARD), PATIENCE,
                              lambda: "the guest to let go of the card")
            self.gone = time.monotonic()
        self.lab.log(f"the card was gone after {self.gone - self.happened:.1f} s")
        client.run(f"test ! -e /sys/class/net/eth{self.CARD}")


class UnplugSwap(Unplug):
    """The card by which the client swaps is taken out: the hog dies, nothing else does."""

    NAME = "unplug-swap"
    SPEC = {"hotplug": True}
    CARD = 0
    FLOODS = storm.TRAFFIC["udp"].floods
    ALLOW = (*storm.EXPECTED,
             (r"invoked oom-killer|Out of memory: Killed process \d+ \(hog\)",
              "memory that cannot be swapped out any more cannot be freed"))
    OOM = re.compile(r"Out of memory: Killed process \d+ \((?!hog\))")

    def _prepare(self):
        self.backend.attach_extra = "--timeout 5"
        super()._prepare()

    def _weather(self):
        self._start_hog(self.cell.hog)
        self._start_traffic()
        client, deadline = self.lab.client, time.monotonic() + HOG_DIES_SECONDS
        # Standing still is what it should do until the server counts as lost.
        while self.hog.job.rc is None and time.monotonic() < deadline:
            self._watch()
            with client.changed:
                client.changed.wait(0.5)
        if self.hog.job.rc is None:
            raise Wedged(f"the hog did not die in {HOG_DIES_SECONDS} s, at {self.hog.values}\n"
                         + collect_evidence(client))
        self.lab.log(f"the hog ended with {self.hog.job.rc}: {self.hog.job.out[-300:]}")

    def _settle(self):
        super()._settle()
        client = self.lab.client
        client.plug(self.CARD)
        client.poll(f"test -e /sys/class/net/eth{self.CARD}")
        client.run(f"ip addr add {storm.CLIENT}/24 dev eth{self.CARD} && "
                   f"ip link set eth{self.CARD} mtu {self.cell.mtu} up")

    def _detach(self):
        self.lab.detach("storm", force=True)


class Swapoff(storm.Storm):
    """swapoff while the traffic holds the memory that it needs, and again when it does not."""

    NAME = "swapoff"
    TRAFFIC_SECONDS = 120
    ALLOW = (*storm.EXPECTED,
             (r"invoked oom-killer|Out of memory: Killed process \d+ \(swapoff\)",
              "swapoff offers itself when the memory does not suffice"))
    OOM = re.compile(r"Out of memory: Killed process \d+ \((?!swapoff\))")

    def _weather(self):
        # All of it fits when the sockets are closed, and not before.
        self._start_hog((self.before[0] >> 10) - 8, extra="--hold")
        self._start_traffic()
        self.hog.wait_holding()
        # The storm may need longer for its part of the memory than the hog
        self.lab.client.poll("true", lambda _: self._swapped() >= SOME_SWAP, timeout=60)
        swapped = self._swapped()
        if not self._traffic_runs():
            raise Fail("the storm was over before it had the hog's memory")
        job = self.lab.client.start_job(f"swapoff {self.backend.path}")
        deadline = time.monotonic() + AFTERMATH
        while job.rc is None and time.monotonic() < deadline:
            time.sleep(0.2)
        self._stop_traffic()
        self.lab.log(f"swapoff with {swapped} KiB in use ended with {job.rc} in the storm, "
                     f"{self._swapped()} KiB are left: {job.out}")

    def _swapped(self):
        return sum(map(int, re.findall(r"^/\S+\s+\S+\s+\d+\s+(\d+)",
                                       self.lab.client.read("/proc/swaps"), re.M)))

    def _settle(self):
        self.lab.client.poll("test $(wc -l < /proc/swaps) -eq 1 || "
                             f"swapoff {self.backend.path}", timeout=PATIENCE)
        self.hog.kill(signal.SIGUSR1)
        self.hog.wait()

    def _swapoff(self):
        """It is off."""


class StressNg(storm.Storm):
    """stress-ng as Neil Brown ran it against swap over NFS, and a small hog that verifies.

    Its workers grow until the OOM killer ends them, and are started again.
    """
    NAME = "stress-ng"
    ALLOW = (*storm.EXPECTED,
             (r"invoked oom-killer|Out of memory: Killed process \d+ \(stress-ng",
              "--bigheap grows until there is no memory"))
    OOM = re.compile(r"Out of memory: Killed process \d+ \((?!stress-ng)")
    SWAP = 256
    stress = None

    def _images(self):
        return ("stress-ng",)

    def _weather(self):
        self.stress = self.lab.client.start_job(
            f"exec stress-ng --brk 2 --stack 2 --bigheap 2 --timeout {STRESS_SECONDS} "
            "--temp-path /tmp --metrics-brief")
        self.stress.wait_output("dispatching hogs", 30)
        super()._weather()

    def _traffic_runs(self):
        return super()._traffic_runs() or self.stress.rc is None

    def _settle(self):
        self.stress.wait(PATIENCE, check=False)
        if "successful run completed" not in self.stress.out:
            raise Fail(f"stress-ng ended with {self.stress.rc}:\n{self.stress.out}")
        self.lab.log(self.stress.out)

    def facts(self):
        vm = self.lab.session.vms.get("client")
        killed = sum("Out of memory: Killed process" in line for line in vm.lines) if vm else 0
        return f"{super().facts()}, {killed} workers of stress-ng OOM-killed"
