# SPDX-License-Identifier: GPL-2.0
"""What a test gets: guests, servers, devices, and a place for its files."""

import json
import random
import re
import signal
import socket
import time

from .errors import Fail
from .host import Process, free_port
from .paths import BUILD
from .session import HOST_ADDRESS, server_address

PORT = 9400


def read_socket(path, timeout=5):
    """Return what a unix socket of this machine says until it closes."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        sock.connect(str(path))
        data = b""
        while piece := sock.recv(65536):
            data += piece
    return data.decode()


class Rswapd:
    """A running rswapd, in the server guest or beside QEMU on the loopback."""

    def __init__(self, lab, job, where, control, port):
        self.lab = lab
        self.job = job
        self.where = where
        self.control = control
        self.port = port

    def url(self, role="client", ipv6=False):
        """Return the URL by which ROLE ("host", "client", ...) reaches it."""
        if self.where == "host":
            host = HOST_ADDRESS if role != "host" else "127.0.0.1"
        else:
            host = server_address(role, ipv6)
        return f"tcp://[{host}]:{self.port}" if ":" in host else f"tcp://{host}:{self.port}"

    def state(self):
        """Return the JSON document of the control socket."""
        if self.where == "host":
            return json.loads(read_socket(self.control))
        return json.loads(self.lab.server.run(f"sockcat {self.control}").out)

    @property
    def out(self):
        """What it has logged so far."""
        return self.job.out

    @property
    def rc(self):
        """Exit code, None while it runs."""
        return self.job.rc

    def kill(self, sig=signal.SIGKILL):
        """Send a signal."""
        self.job.kill(sig)

    def stop(self, timeout=30):
        """SIGTERM, wait, and return the exit code; Fail if it does not end."""
        self.job.kill(signal.SIGTERM)
        self.job.wait(timeout, check=False)
        return self.job.rc

    def _await(self, timeout=15):
        """Wait until it answers on its control socket."""
        deadline = time.monotonic() + timeout
        while True:
            if self.job.rc is not None:
                raise Fail(f"rswapd ended at once with {self.job.rc}:\n{self.out}")
            try:
                return self.state()
            except (OSError, ValueError, Fail) as error:
                if time.monotonic() > deadline:
                    raise Fail(f"rswapd does not answer on {self.control}: {error}\n"
                               f"{self.out}") from error
            time.sleep(0.1)


class Lab:
    """The interface of a test to everything around it.

    @name: id of the test, @kernel: the kernel under test
    @seed, @rng: the test's random seed and a generator made from it
    @dir: directory of its logs, kept; @tmp: directory of its files, removed
    @full: the long form of the run was asked for
    @cells, @runs: of storms, which cells (a regular expression), and how often
        each (0: as often as they say)
    @report: prints a text among the results at once, whatever becomes of the test
    """

    def __init__(self, name, kernel, seed, session, directory, tmp):
        self.name = name
        self.kernel = kernel
        self.seed = seed
        self.rng = random.Random(seed)
        self.session = session
        self.dir = directory
        self.tmp = tmp
        self.full, self.cells, self.runs = False, "", 0
        self.report = self.log
        self.notes = []
        self._servers = []
        self._processes = []

    def log(self, text):
        """Note TEXT: kept in the log, shown when the test fails."""
        self.notes.append(text)
        with open(self.dir / "log", "a", encoding="utf-8") as log:
            log.write(text + "\n")

    # -- guests -------------------------------------------------------------

    def vm(self, role):
        """Return guest ROLE, which must run."""
        if role not in self.session.vms:
            raise Fail(f"the test has no guest '{role}': its TOPOLOGY is "
                       f"'{self.session.spec.topology}'")
        return self.session.vms[role]

    @property
    def client(self):
        """The guest under test."""
        return self.vm("client")

    @property
    def client2(self):
        """The other client of topology "trio"."""
        return self.vm("client2")

    @property
    def server(self):
        """The guest that lends its memory."""
        return self.vm("server")

    def start(self, role, **overrides):
        """Let a guest of a test with AUTOBOOT = False begin to boot; boot() waits for it."""
        self.session.start(role, **overrides)

    def boot(self, *roles, **overrides):
        """Boot guests of a test with AUTOBOOT = False; see Session.boot()."""
        self.session.boot(*roles, **overrides)

    def reboot(self, role="client", **overrides):
        """Boot a guest again, e.g. with cmdline="..."; see vm.Config."""
        self.session.reboot(role, **overrides)

    # -- programs on this machine -------------------------------------------

    def spawn(self, *command, env=None):
        """Start a program on this machine; return its Process."""
        log = self.dir / f"spawn{len(self._processes)}.log"
        process = Process(command, log, env)
        self._processes.append(process)
        return process

    # -- rswap --------------------------------------------------------------

    def rswapd(self, memory="256M", where=None, args="", port=None):
        """Start rswapd and wait until it answers; return it as an Rswapd.

        WHERE is "server" (the guest; the default if there is one) or "host".
        """
        where = where or ("server" if "server" in self.session.vms else "host")
        number = len(self._servers)
        if where == "host":
            control, port = self.tmp / f"rswapd{number}.sock", port or free_port()
            job = self.spawn(BUILD / "bin" / "rswapd", "--listen", f"tcp://127.0.0.1:{port}",
                             "--memory", memory, "--control", control, *args.split())
        else:
            control, port = f"/run/rswapd{number}.sock", port or PORT + number
            job = self.server.start_job(
                f"exec rswapd --listen tcp://0.0.0.0:{port} --listen tcp://[::]:{port} "
                f"--memory {memory} --control {control} {args}")
        daemon = Rswapd(self, job, where, control, port)
        self._servers.append(daemon)
        daemon._await()
        return daemon

    def rswapd_state(self):
        """Return the state of the rswapd started last."""
        if not self._servers:
            raise Fail("the test started no rswapd")
        return self._servers[-1].state()

    def rswapctl(self, args, vm=None, check=True, timeout=30):
        """Run rswapctl ARGS in a guest (default: client); return a Result.

        With "--json" in ARGS and rc 0, out is the parsed document.
        """
        result = (vm or self.client).run(f"rswapctl {args}", timeout, check)
        if result.rc == 0 and "--json" in args.split():
            result = result._replace(out=json.loads(result.out))
        return result

    def attach(self, server=None, size="256M", name=None, extra="", vm=None):
        """Attach a device in a guest; return its path, e.g. "/dev/rswap0".

        SERVER is an Rswapd (default: the one started last) or a URL.
        """
        vm = vm or self.client
        server = server or (self._servers[-1] if self._servers else None)
        if server is None:
            raise Fail("attach: the test started no rswapd and gave no URL")
        url = server if isinstance(server, str) else server.url(vm.name)
        named = f"--name {name} " if name else ""
        out = self.rswapctl(f"attach '{url}' --size {size} {named}{extra}", vm).out
        device = re.search(r"/dev/rswap\d+", out)
        if not device:
            raise Fail(f"rswapctl attach printed no block device: {out!r}")
        return device.group()

    def detach(self, name, force=False, vm=None, check=True):
        """Detach a device by its name ("r0") in a guest."""
        return self.rswapctl(f"detach {name}{' --force' if force else ''}", vm, check)

    def swapon(self, device, vm=None):
        """Make DEVICE swap space and use it."""
        (vm or self.client).run(f"mkswap {device} && swapon {device}")

    # -- the end ------------------------------------------------------------

    def leftovers(self):
        """Return what the test left in its guests, as a list of texts."""
        found = []
        for vm in self.session.vms.values():
            if not vm.alive:
                continue
            swaps = vm.run("tail -n +2 /proc/swaps").out.strip()
            devices = vm.run("cd /sys/block && ls -d rswap[0-9]* 2>/dev/null",
                             check=False).out.strip()
            if swaps:
                found.append(f"{vm.name}: swap left on: {swaps}")
            if devices:
                found.append(f"{vm.name}: devices left: {devices}")
            running = [job.command for job in list(vm._jobs.values())]
            if running:
                found.append(f"{vm.name}: commands left running: {running}")
        return found

    def stop_processes(self):
        """End what the test started, without ceremony."""
        for server in self._servers:
            if server.where != "host" and server.rc is None and self.session.vms \
                    and server.job.vm.alive:
                server.job.kill()
                server.job.wait(10, check=False)
        for process in self._processes:
            process.stop()
