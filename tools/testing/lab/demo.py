# SPDX-License-Identifier: GPL-2.0
"""The demonstration: a small machine works on more data than it has memory."""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from . import host, runner
from .errors import Fail
from .lab import Lab
from .monitor import collect_evidence
from .paths import BUILD
from .session import Session, Spec

SLAB = 64               # MiB, rswapd's default
SERVER_SYSTEM = 128     # MiB for the server's kernel, root file system and rswapd
SAMPLE = ("cat /proc/meminfo /proc/vmstat; echo '---'; "
          "rswapctl stats r0 --json 2>/dev/null")
VARIABLES = (
    ("MEM", 128, int, "memory of the small machine, MiB"),
    ("WORKLOAD", 300, int, "memory its processes use, MiB of random data"),
    ("PROCS", 1, int, "number of these processes"),
    ("PATTERN", "sequential", str, "order of access: sequential or random (slower)"),
    ("PASSES", 1, int, "times every page is written, and verified"),
    ("KERNEL", "lean", str, "kernel of the small machine: lean or debug"),
    ("SEED", None, int, "of the data and the order"),
)


def add_arguments(commands):
    """Add the command "demo" to the command line."""
    table = "\n".join(f"  {name:9} {text} (default "
                      f"{'random' if default is None else default})"
                      for name, default, _, text in VARIABLES)
    parser = commands.add_parser(
        "demo", help="the demonstration (make run)",
        description=__doc__ + "\n\nAs variables of `make run` or of the environment, "
        "or as options:\n\n" + table,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default, kind, _ in VARIABLES:
        parser.add_argument(f"--{name.lower()}", type=kind, metavar=name,
                            default=os.environ.get(name) or default)
    parser.set_defaults(function=run)


def mib(pages):
    """Return MiB of a number of 4 KiB pages."""
    return pages / 256


def duration(nanoseconds):
    """Return a time for people."""
    if nanoseconds is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds} ns"


class Sampler:
    """Asks the guest and the server how they are, without ever waiting for them."""

    def __init__(self, lab, daemon):
        self.lab = lab
        self.daemon = daemon
        self.job = self.server_job = None
        self.asked = self.answered = time.monotonic()
        self.guest, self.server, self.latency = {}, {}, {}
        self.rate = {"pswpin": 0.0, "pswpout": 0.0}
        self.peak = {"pswpin": 0.0, "pswpout": 0.0, "swap": 0, "held": 0}
        self.first = None

    def poll(self):
        """Take in answers that have come, ask again."""
        if self.job and self.job.rc is not None:
            self._guest_answer(self.job.out)
            self.job = None
        if self.server_job and self.server_job.rc is not None:
            if self.server_job.rc == 0:
                self.server = json.loads(self.server_job.out)
                self.peak["held"] = max(self.peak["held"], self.server["memory_held"])
            self.server_job = None
        if not self.job and time.monotonic() - self.asked >= 1:
            self.asked = time.monotonic()
            self.job = self.lab.client.start_job(SAMPLE)
            self.server_job = self.server_job or self.lab.server.start_job(
                f"sockcat {self.daemon.control}")

    def _guest_answer(self, out):
        text, _, stats = out.partition("---\n")
        values = {}
        for line in text.splitlines():
            words = line.replace(":", "").split()
            if len(words) >= 2 and words[1].isdigit():
                values[words[0]] = int(words[1])
        now = time.monotonic()
        if "pswpin" not in values or "MemFree" not in values:
            return
        if self.guest:
            seconds = now - self.answered
            for key in self.rate:
                self.rate[key] = mib(values[key] - self.guest[key]) / seconds
                self.peak[key] = max(self.peak[key], self.rate[key])
        self.first = self.first or values
        self.guest, self.answered = values, now
        self.peak["swap"] = max(self.peak["swap"], self.swap_used())
        try:
            self.latency = fault_latency(json.loads(stats))
        except ValueError:
            pass    # the guest was too busy to answer; the next sample may

    def swap_used(self):
        """Return the swap in use, MiB."""
        return (self.guest.get("SwapTotal", 0) - self.guest.get("SwapFree", 0)) // 1024

    def silence(self):
        """Return the seconds since the guest answered last."""
        return time.monotonic() - self.answered

    def moved(self, key):
        """Return the MiB that went over KEY since the first sample."""
        return mib(self.guest[key] - self.first[key]) if self.first else 0


def fault_latency(stats):
    """Return {"p50": ns, "p99": ns, ...} of demand reads from rswapctl's document."""
    return next(io["latency_ns"] for io in stats["io"] if io["kind"] == "demand-read")


class View:
    """Prints the state: in place on a terminal, else a line every two seconds."""

    def __init__(self, options, out=sys.stdout):
        self.options = options
        self.out = out
        self.tty = out.isatty()
        self.height = 0
        self.started = time.monotonic()
        self.printed = 0.0

    def show(self, hog, sampler):
        """Print what is known now, if it is time to."""
        now = time.monotonic()
        if now - self.printed < (1 if self.tty else 2):
            return
        self.printed = now
        facts = self._facts(hog, sampler)
        lines = self._page(facts) if self.tty else [self._line(facts)]
        if self.height:
            self.out.write(f"\x1b[{self.height}F\x1b[J")
        self.out.write("\n".join(lines) + "\n")
        self.out.flush()
        self.height = len(lines) if self.tty else 0

    def _facts(self, hog, sampler):
        o = self.options
        touched, verified = (int(hog.values.get(k, 0)) for k in ("touched", "verified"))
        guest, server = sampler.guest, sampler.server
        silent = sampler.silence()
        return {
            "time": time.monotonic() - self.started,
            "done": (touched + verified) / (2 * o.passes * o.workload * 256),
            "written": mib(touched), "verified": mib(verified),
            "free": guest.get("MemFree", 0) // 1024,
            "total": guest.get("MemTotal", 0) // 1024, "swap": sampler.swap_used(),
            "out": sampler.rate["pswpout"], "in": sampler.rate["pswpin"],
            "p50": duration(sampler.latency.get("p50")),
            "p99": duration(sampler.latency.get("p99")),
            "held": server.get("memory_held", 0) >> 20,
            "limit": server.get("memory_limit", 0) >> 20,
            "silent": f" (no answer for {silent:.0f} s)" if silent > 3 else "",
        }

    @staticmethod
    def _line(f):
        return ("{time:4.0f} s {done:4.0%}  written {written:.0f}, verified {verified:.0f} MiB  "
                "free {free} MiB, swap {swap} MiB, out {out:.1f} in {in:.1f} MiB/s  "
                "fault p50 {p50} p99 {p99}  server holds {held} MiB{silent}").format(**f)

    @staticmethod
    def _page(f):
        bar = "#" * int(40 * f["done"])
        return [part.format(**f) for part in (
            f"  [{bar:40}] {{done:4.0%}} after {{time:.0f}} s",
            "  data     written {written:.0f} MiB, verified {verified:.0f} MiB",
            "  client   {free} MiB free of {total}, {swap} MiB of swap in use{silent}",
            "  swap     out {out:6.1f} MiB/s   in {in:6.1f} MiB/s",
            "  faults   half within {p50}, 99 of 100 within {p99}",
            "  server   holds {held} MiB of the {limit} it lends")]


class Demo:
    """One run of the demonstration."""

    def __init__(self, options):
        self.options = options
        self.directory = BUILD / "lab" / "demo"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.tmp = Path(tempfile.mkdtemp(prefix="rswap-lab-"))
        self.device_mib = -(-(options.workload + SLAB) // SLAB) * SLAB
        spec = Spec(topology="pair", kernel=options.kernel, memory=options.mem,
                    server_memory=self.device_mib + SERVER_SYSTEM)
        self.session = Session(spec, self.directory, self.tmp)
        self.lab = Lab("demo", options.kernel, options.seed, self.session,
                       self.directory, self.tmp)

    def prepare(self):
        """Boot both machines, lend, attach, swap on; return the server."""
        o = self.options
        print(f"A machine of {o.mem} MiB works on {o.workload} MiB of random data "
              f"({o.pattern} access, {o.procs} process{'es' if o.procs > 1 else ''}, "
              f"seed {o.seed}).")
        self.session.boot()
        client, server = self.lab.client, self.lab.server
        print(f"  booted   client ({client.release}) in {client.boot_seconds:.1f} s, "
              f"server in {server.boot_seconds:.1f} s")
        daemon = self.lab.rswapd(memory=f"{self.device_mib}M")
        device = self.lab.attach(daemon, size=f"{self.device_mib}M", name="r0")
        self.lab.swapon(device)
        print(f"  attached {device}, {self.device_mib} MiB at {daemon.url()}, swap is on")
        return daemon

    def work(self, daemon):
        """Run the workload under view; return (hog's result, sampler, seconds)."""
        o = self.options
        started = time.monotonic()
        hog = self.lab.client.hog(o.workload, o.procs, o.pattern, o.passes, o.seed)
        sampler, view = Sampler(self.lab, daemon), View(o)

        def each():
            sampler.poll()
            view.show(hog, sampler)

        # The wedge rule ends it; this is only against a crawl without end.
        result = hog.wait(timeout=60 + o.workload * o.passes, each=each)
        each()
        return result, sampler, time.monotonic() - started

    def finish(self, daemon):
        """Put everything away in order; Fail if anything is wrong."""
        self.lab.client.run("swapoff /dev/rswap0", timeout=120)
        self.lab.detach("r0")
        if daemon.stop():
            raise Fail(f"rswapd ended with {daemon.rc}:\n{daemon.out}")
        vms = list(self.session.vms.values())
        problems = self.session.close()
        for vm in vms:
            problems += vm.scan()
        if problems:
            raise Fail("\n".join(problems))

    def run(self):
        """Do it all; return the exit status."""
        try:
            daemon = self.prepare()
            result, sampler, seconds = self.work(daemon)
            self.finish(daemon)
        except (Fail, OSError) as error:
            print(f"\nFAILED: {error}")
            for vm in self.session.vms.values():
                print(vm.last_words())
            return 1
        finally:
            self.session.destroy()
            host.kill_descendants()
            shutil.rmtree(self.tmp, ignore_errors=True)
        self.summary(result, sampler, seconds)
        return 0

    def summary(self, result, sampler, seconds):
        """Print what happened."""
        peak, latency = sampler.peak, sampler.latency
        print()
        print(result.out.strip().splitlines()[-1])
        print(f"  {self.options.workload} MiB on {self.options.mem} MiB in {seconds:.1f} s; swapped out "
              f"{sampler.moved('pswpout'):.0f} MiB, in {sampler.moved('pswpin'):.0f} MiB")
        print(f"  peaks: {peak['swap']} MiB of swap, {peak['pswpout']:.1f} MiB/s out, "
              f"{peak['pswpin']:.1f} MiB/s in, {peak['held'] >> 20} MiB on the server")
        print(f"  a fault took {duration(latency.get('p50'))} (half of them), "
              f"{duration(latency.get('p99'))} (99 of 100)")
        print(f"  logs: {self.directory}")
        print("PASSED: every byte came back as it was written")


def run(options):
    """Run the demonstration with the command line's OPTIONS."""
    if options.seed is None:
        options.seed = random.SystemRandom().getrandbits(32)
    if options.pattern not in ("random", "sequential"):
        raise Fail(f"PATTERN is random or sequential, not {options.pattern}")
    if options.kernel not in ("lean", "debug"):
        raise Fail(f"KERNEL is lean or debug, not {options.kernel}")
    for name in ("mem", "workload", "procs", "passes"):
        if getattr(options, name) < 1:
            raise Fail(f"{name.upper()} must be at least 1")
    host.become_subreaper()
    runner.build_images()
    return Demo(options).run()
