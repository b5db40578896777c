# SPDX-License-Identifier: GPL-2.0
"""One guest: a QEMU process, its console, and the agent inside it."""

import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

from . import accel, dmesg
from .errors import Fail, GuestDied
from .monitor import Progress, Workload
from .paths import initramfs, kernel_image
from .qmp import QMP

Result = namedtuple("Result", "rc out")
FRAME = struct.Struct("<III")   # length, id, type: struct frame in guest/agent.h
PUT = struct.Struct("<QII")     # offset, mode, path length: struct put
PUT_PIECE = 512 << 10
FIRST_PROCESS = " as init process"
CHANNELS = ("console", "agent", "progress", "verdict")
# Without rootfstype the programs themselves would be on tmpfs, and swapped out.
BASE_CMDLINE = ("console=ttyS0 rootfstype=ramfs loglevel=7 printk.time=1 rdinit=/init panic=-1 "
                "oops=panic panic_on_warn=1 hung_task_panic=1 "
                "net.ifnames=0 random.trust_cpu=on")
OOPS = re.compile(r"\] (?:Oops|BUG|Kernel panic)\b")
# KASAN and lockdep cost about this factor under TCG.
DEBUG_SLOWDOWN = 4


def slowdown(kernel):
    """Return the factor on every deadline; RSWAP_SLOW is one for busy machines."""
    factor = float(os.environ.get("RSWAP_SLOW", "1"))
    return factor * (DEBUG_SLOWDOWN if kernel == "debug" else 1)


@dataclass
class Card:
    """A network card: QEMU -netdev text, and the guest's side of it.

    @wire: the socket that the text names by its number, if it does
    """
    netdev: str
    mac: str
    ipv4: str = ""
    ipv6: str = ""
    model: str = "virtio-net-pci"
    wire: socket.socket = None


@dataclass
class Config:
    """What to boot. Memory is in MiB; CMDLINE is appended to the standard one.

    ACCEL is QEMU's arguments that choose an accelerator; none: what works here.
    """
    name: str
    directory: Path
    kernel: str = "lean"
    memory: int = 256
    cpus: int = 2
    cmdline: str = ""
    cards: list = field(default_factory=list)
    hotplug: bool = False       # the cards can be taken out and put in
    images: tuple = ()
    boot_timeout: float = 120
    boot_silence: float = 30    # seconds of it that tell that the kernel hangs
    accel: tuple = ()


class Job:
    """A command in the guest; rc is None while it runs, -N if signal N ended it."""

    def __init__(self, vm, number, command):
        self.vm = vm
        self.number = number
        self.command = command
        self.rc = None
        self.data = bytearray()

    @property
    def out(self):
        """What the command has printed so far, stdout and stderr together."""
        return self.data.decode(errors="replace")

    def wait(self, timeout=30, check=True):
        """Wait for the end (Fail after TIMEOUT s) and return a Result."""
        return self.vm.wait(self, timeout, check)

    def kill(self, sig=signal.SIGKILL):
        """Send a signal to the command's process group."""
        self.vm.send("K", self.number, struct.pack("<i", sig))

    def wait_output(self, pattern, timeout=30):
        """Wait until the output matches PATTERN; return the match."""
        self.vm.wait_until(lambda: re.search(pattern, self.out)
                           or self.rc is not None, timeout,
                           lambda: f"'{self.command}' to print /{pattern}/: {self.out[-2000:]}")
        match = re.search(pattern, self.out)
        if not match:
            raise Fail(f"'{self.command}' ended with {self.rc} before it printed "
                       f"/{pattern}/:\n{self.out[-2000:]}")
        return match


class VM:
    """A running guest. start() returns at once; ready() waits for the agent."""

    def __init__(self, config):
        self.config = config
        self.name = config.name
        self.scale = slowdown(config.kernel)
        self.console_path = config.directory / f"{config.name}.console"
        self.lines = []
        self.progress = Progress()
        self.verdicts = []
        self.release = None
        self.clean_end = False
        self.boot_seconds = None
        self.changed = threading.Condition()
        self._jobs = {}
        self._next = 1
        self._buffers = {name: b"" for name in CHANNELS}
        self._dead = None
        self._spoke = 0.0
        self._qemu = None
        self._reader = None
        self._sending = threading.Lock()

    # -- life ---------------------------------------------------------------

    def _command(self, far):
        """Return QEMU's command line; FAR maps channels to QEMU's sockets."""
        c = self.config
        kernel = kernel_image(c.kernel)
        nets = "".join(f" lab.net={n.mac},{n.ipv4},{n.ipv6}" for n in c.cards)
        # qboot goes straight to the kernel; interpreting AML, most of it for
        # hot-plug, is what a debug kernel's boot would otherwise spend its time on.
        args = ["qemu-system-x86_64", "-name", f"rswap-lab-{c.name}",
                "-machine", "q35,sata=off,smbus=off,usb=off,vmport=off",
                "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support="
                + ("on" if c.hotplug else "off"),
                "-bios", "qboot.rom",
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                *(c.accel or accel.arguments(kernel)), "-smp", str(c.cpus), "-m", str(c.memory),
                "-kernel", str(kernel), "-initrd", str(self._initrd()),
                "-append", f"{BASE_CMDLINE} lab.name={c.name}{nets} {c.cmdline}".strip()]
        for name, sock in far.items():
            args += ["-chardev", f"socket,id={name},fd={sock.fileno()}"]
        args += ["-mon", "chardev=qmp,mode=control", "-serial", "chardev:console",
                 "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
        for name in ("agent", "progress", "verdict"):
            args += ["-device", f"virtserialport,chardev={name},name={name}"]
        for i, card in enumerate(c.cards):
            slot = ""
            if c.hotplug:
                args += ["-device", f"pcie-root-port,id=slot{i},chassis={i + 1}"]
                slot = f",bus=slot{i}"
            args += ["-netdev", card.netdev.format(id=f"net{i}"),
                     "-device", f"{card.model},netdev=net{i},mac={card.mac},id=nic{i}{slot}"]
        return args

    def _initrd(self):
        """Return one file that holds every image of the configuration."""
        images = initramfs("initramfs", *self.config.images)
        if len(images) == 1:
            return images[0]
        path = self.config.directory / f"{self.name}.initrd"
        path.write_bytes(b"".join(image.read_bytes() for image in images))
        return path

    def start(self):
        """Start QEMU. Call from the thread that outlives the guest."""
        c = self.config
        for needed in (kernel_image(c.kernel), *initramfs("initramfs", *c.images)):
            if not needed.exists():
                raise Fail(f"{needed} is missing: build it first")
        c.directory.mkdir(parents=True, exist_ok=True)
        near, far = {}, {}
        for name in (*CHANNELS, "qmp"):
            near[name], far[name] = socket.socketpair()
        command = self._command(far)
        self.command_line = " ".join(command)
        wires = [card.wire for card in c.cards if card.wire]
        self._log = open(self.console_path, "w", encoding="utf-8")
        self._stderr = open(c.directory / f"{self.name}.qemu", "w+", encoding="utf-8")
        self._started = time.monotonic()
        self._qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            pass_fds=[s.fileno() for s in (*far.values(), *wires)], stdin=subprocess.DEVNULL,
            stdout=self._stderr, stderr=self._stderr, start_new_session=True)
        for sock in far.values():
            sock.close()
        self._near = near
        self.qmp = QMP(near["qmp"])
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def ready(self, timeout=None):
        """Wait until the agent answers; Fail if the guest never boots."""
        timeout = timeout or self.config.boot_timeout * self.scale
        self.wait_until(lambda: self.release or self._hung(), timeout,
                        lambda: f"guest {self.name} to boot", scaled=False)
        if not self.release:
            raise Fail(f"guest {self.name} {accel.HUNG}")
        return self

    def _hung(self):
        """True if the kernel has fallen silent before it started its first process."""
        silence = time.monotonic() - self._spoke
        return (self.lines and silence > self.config.boot_silence * self.scale
                and not any(FIRST_PROCESS in line for line in self.lines))

    @property
    def clock_is_wrong(self):
        """True if time in the guest may pass many times as fast as it should."""
        return any(accel.CLOCK.search(line) for line in self.lines)

    @property
    def pid(self):
        """Process id of QEMU."""
        return self._qemu.pid

    @property
    def alive(self):
        """True while QEMU runs and its channels are open."""
        return self._dead is None

    def end(self, timeout=20):
        """End the session in order: the guest's own verdict, then power off.

        Fail if the guest does not give the verdict. The guest is gone
        afterwards in any case.
        """
        try:
            job = self._new_job("(end of session)")
            self.send("E", job.number, b"")
            self.wait(job, timeout, check=True)
            self.wait_until(lambda: any(v.startswith("guest: end") for v in self.verdicts),
                            5, lambda: f"the verdict of guest {self.name}")
            self.clean_end = True
        finally:
            self.destroy()

    def destroy(self):
        """End QEMU, whatever state the guest is in. Idempotent."""
        if not self._qemu:
            return
        if self._qemu.poll() is None:
            try:
                self.qmp.command("quit", timeout=2)
                self._qemu.wait(3)
            except (OSError, ValueError, subprocess.TimeoutExpired):
                self._qemu.kill()
        self._qemu.wait()
        if self._reader is not threading.current_thread():
            self._reader.join(5)
        for sock in self._near.values():
            sock.close()
        self._log.close()
        self._stderr.close()
        (self.config.directory / f"{self.name}.initrd").unlink(missing_ok=True)

    # -- the reader thread --------------------------------------------------

    def _read(self):
        sel = selectors.DefaultSelector()
        for name in CHANNELS:
            sel.register(self._near[name], selectors.EVENT_READ, name)
        while sel.get_map():
            for key, _ in sel.select():
                try:
                    piece = key.fileobj.recv(1 << 16)
                except OSError:
                    piece = b""
                if not piece:
                    sel.unregister(key.fileobj)
                    continue
                with self.changed:
                    self._buffers[key.data] += piece
                    getattr(self, f"_got_{key.data}")()
                    self.changed.notify_all()
        self._qemu.wait()
        with self.changed:
            self._flush_console()
            self._dead = f"guest {self.name} ended (QEMU exit status {self._qemu.returncode})"
            self.changed.notify_all()

    def _take_lines(self, name):
        *lines, self._buffers[name] = self._buffers[name].split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]

    def _got_console(self):
        now = time.monotonic() - self._started
        for line in self._take_lines("console"):
            self.lines.append(line)
            self._spoke = time.monotonic()
            self._log.write(f"{now:9.3f} {line}\n")
        self._log.flush()

    def _flush_console(self):
        if self._buffers["console"]:
            self._buffers["console"] += b"\n"
            self._got_console()

    def _got_progress(self):
        for line in self._take_lines("progress"):
            self.progress.line(line)

    def _got_verdict(self):
        self.verdicts += self._take_lines("verdict")

    def _got_agent(self):
        buffer = self._buffers["agent"]
        while len(buffer) >= FRAME.size:
            length, number, kind = FRAME.unpack_from(buffer)
            if len(buffer) < FRAME.size + length:
                break
            body = buffer[FRAME.size:FRAME.size + length]
            buffer = buffer[FRAME.size + length:]
            job = self._jobs.get(number)
            if chr(kind) == "H":
                self.release = body.decode()
                self.boot_seconds = time.monotonic() - self._started
            elif job and chr(kind) == "O":
                job.data += body
            elif job and chr(kind) == "X":
                job.rc = struct.unpack("<i", body)[0]
                del self._jobs[number]
        self._buffers["agent"] = buffer

    # -- commands -----------------------------------------------------------

    def wait_until(self, condition, timeout, what, scaled=True):
        """Wait until CONDITION() holds; WHAT() describes it if it never does."""
        deadline = time.monotonic() + timeout * (self.scale if scaled else 1)
        with self.changed:
            while not condition():
                if self._dead:
                    raise GuestDied(f"{self._dead} while waiting for {what()}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Fail(f"waited {timeout * (self.scale if scaled else 1):.0f} s for {what()}")
                self.changed.wait(min(left, 0.5))

    def _new_job(self, command):
        with self.changed:
            job = Job(self, self._next, command)
            self._jobs[job.number] = job
            self._next += 1
        return job

    def send(self, kind, number, body):
        """Send one frame to the agent."""
        try:
            with self._sending:
                self._near["agent"].sendall(FRAME.pack(len(body), number, ord(kind)) + body)
        except OSError as error:
            raise GuestDied(f"guest {self.name} has gone: {error}") from error

    def start_job(self, command):
        """Start a shell command and return its Job."""
        job = self._new_job(command)
        self.send("R", job.number, command.encode())
        return job

    def wait(self, job, timeout=30, check=True):
        """Wait for JOB; Fail after TIMEOUT s or, with CHECK, if it failed."""
        self.wait_until(lambda: job.rc is not None, timeout,
                        lambda: f"'{job.command}' in {self.name}; so far it printed:\n{job.out[-2000:]}")
        if check and job.rc:
            raise Fail(f"'{job.command}' in {self.name} ended with {job.rc}:\n{job.out[-4000:]}")
        return Result(job.rc, job.out)

    def run(self, command, timeout=30, check=True):
        """Run a shell command and return Result(rc, out).

        TIMEOUT is in seconds of the lean kernel; the debug kernel gets more.
        """
        job = self.start_job(command)
        try:
            return self.wait(job, timeout, check)
        except Fail:
            if job.rc is None and self.alive:
                job.kill()
            raise

    def put(self, data, path, mode=0o644):
        """Write DATA (bytes, or a Path of the host) to PATH in the guest."""
        if isinstance(data, Path):
            data = data.read_bytes()
        name = path.encode()
        for offset in range(0, max(len(data), 1), PUT_PIECE):
            job = self._new_job(f"put {path}")
            self.send("P", job.number, PUT.pack(offset, mode, len(name)) + name
                      + data[offset:offset + PUT_PIECE])
            self.wait(job, 30, check=False)
            if job.rc:
                raise Fail(f"put {path} in {self.name}: {os.strerror(job.rc)}")

    def read(self, path):
        """Return the text of a file in the guest."""
        return self.run(f"cat {path}").out

    def poll(self, command, condition=lambda result: result.rc == 0, timeout=30,
             interval=0.2):
        """Run COMMAND until CONDITION(result) holds; Fail after TIMEOUT s."""
        deadline = time.monotonic() + timeout * self.scale
        while True:
            result = self.run(command, timeout=timeout, check=False)
            if condition(result):
                return result
            if time.monotonic() > deadline:
                raise Fail(f"{self.name}: '{command}' never became true in {timeout} s; "
                           f"last: rc {result.rc}, {result.out[-2000:]}")
            time.sleep(interval)

    def workload(self, command, verdict, source=None):
        """Start a command judged by progress and by its VERDICT line (a regex).

        SOURCE is what its progress is called, if not as the command.
        """
        return Workload(self, command, verdict, source)

    def hog(self, size, procs=1, pattern="random", passes=2, seed=None, extra="", cgroup=""):
        """Start the verifying memory hog: SIZE MiB in PROCS processes, in a CGROUP (a path)."""
        seed = "" if seed is None else f"--seed {seed}"
        enter = f"echo 0 > {cgroup}/cgroup.procs && " if cgroup else ""
        return self.workload(
            f"{enter}exec hog --size {size} --procs {procs} --pattern {pattern} "
            f"--passes {passes} {seed} {extra}", r"^hog: verified \d+ pages, 0 bad$", "hog")

    # -- looking in from outside --------------------------------------------

    def tail(self, count=25):
        """Return the last lines of the console."""
        return "\n".join(f"  {self.name}| {line}" for line in self.lines[-count:])

    def note(self, text):
        """Write TEXT into the console log, for its readers."""
        with self.changed:
            self._log.write(f"{time.monotonic() - self._started:9.3f} {text}\n")
            self._log.flush()

    def last_words(self, start=0):
        """Return the first complaint since START and the first oops, with what follows, and the end."""
        shown = self.lines[start:]
        first = next((i for i, line in enumerate(shown) if dmesg.scan([line])), len(shown))
        oops = next((i for i, line in enumerate(shown) if OOPS.search(line)), len(shown))
        parts = [f"{self.console_path}:"]
        for i in sorted({first, oops}):
            if i < len(shown) - 25:
                parts += [f"  {self.name}| {line}" for line in shown[i:i + 8]]
                parts.append(f"  {self.name}| [...]")
        return "\n".join(parts + [self.tail(25)])

    def mark(self):
        """Return a position in the console, for scan()."""
        return len(self.lines)

    def scan(self, start=0, allow=()):
        """Return the kernel's anomalies since position START."""
        return dmesg.scan(self.lines[start:], allow)

    def sysrq(self, key):
        """Inject a SysRq over the serial console: works without user space."""
        self.qmp.command("chardev-send-break", id="console")
        time.sleep(0.2)
        self._near["console"].sendall(key.encode())

    def set_link(self, index, up):
        """Plug or unplug the cable of network card INDEX."""
        self.qmp.command("set_link", name=f"nic{index}", up=up)

    def unplug(self, index):
        """Ask the guest, which has hotplug, to let go of network card INDEX."""
        self.qmp.command("device_del", id=f"nic{index}")

    def has_card(self, index):
        """True until the guest has let go of network card INDEX."""
        devices = self.qmp.command("qom-list", path="/machine/peripheral")
        return f"nic{index}" in [device["name"] for device in devices]

    def plug(self, index):
        """Put in network card INDEX again; the guest gives it no address."""
        card = self.config.cards[index]
        self.qmp.command("device_add", driver=card.model, netdev=f"net{index}", mac=card.mac,
                         id=f"nic{index}", bus=f"slot{index}")
