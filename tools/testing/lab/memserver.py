# SPDX-License-Identifier: GPL-2.0
"""rswapd on this machine's loopback, for tests that speak the protocol by hand."""

import json
import os
import re
import signal
from pathlib import Path

from . import proto
from .errors import Fail
from .lab import read_socket
from .paths import BUILD

PLAIN, ASAN, TSAN = "", ".asan", ".tsan"
BUILDS = (PLAIN, ASAN)
SANITIZER_EXIT = 99


def binary(build=PLAIN):
    """Return the path of a build of rswapd; Fail, saying what to do, if it is not there."""
    path = BUILD / "bin" / f"rswapd{build}"
    if not path.exists():
        raise Fail(f"{path} is missing: make -C tools/rswapd all asan")
    return path


def environment():
    """Environment in which a sanitizer's complaint is an exit status of its own."""
    options = f"exitcode={SANITIZER_EXIT}:detect_leaks=1:abort_on_error=0"
    return dict(os.environ, ASAN_OPTIONS=options, TSAN_OPTIONS=options, UBSAN_OPTIONS=options)


class MemServer:
    """A server that listens on a port of its own choice.

    @lab: the test's lab, @build: which binary, @args: further arguments
    @host: what to listen on; address is where it can be reached then
    """

    def __init__(self, lab, *args, build=PLAIN, memory="64M", slab="1M", host="127.0.0.1", wrap=()):
        MemServer.count = getattr(MemServer, "count", 0) + 1
        self.path = lab.tmp / f"control{MemServer.count}"
        url = f"tcp://[{host}]:0" if ":" in host else f"tcp://{host}:0"
        self.process = lab.spawn(*wrap, binary(build), "--listen", url, "--memory", memory, "--slab-size",
                                 slab, "--control", self.path, *args, env=environment())
        found = proto.wait_for("rswapd to listen", self._listening, within=30)
        self.address = (host, int(found.group(1)))

    def _listening(self):
        if self.process.rc is not None:
            raise Fail(f"rswapd ended with {self.process.rc}:\n{self.process.out}")
        return re.search(r"listening on tcp://\S*:(\d+)", self.process.out)

    @property
    def pid(self):
        """Process id."""
        return self.process.pid

    @property
    def out(self):
        """What it has logged so far."""
        return self.process.out

    def client(self, **args):
        """Return a connection of a new client, or of the one whose id and key are given."""
        return proto.Client(self.address, **args)

    def again(self, client, **args):
        """Return a further connection of the same client."""
        return proto.Client(self.address, **dict(client.hello_args, id=client.id, key=client.key,
                                                 size=client.size, **args))

    def state(self):
        """The document of the control socket."""
        return json.loads(read_socket(self.path))

    def named(self, name):
        """What the document says of the client NAME, or None."""
        found = [c for c in self.state()["clients"] if c["name"] == name]
        return found[0] if found else None

    @staticmethod
    def _resident(smaps):
        """Resident bytes of the first mapping in SMAPS."""
        return int(re.search(r"^Rss:\s+(\d+) kB", smaps, re.M).group(1)) << 10

    def rss(self):
        """Resident bytes of the process."""
        return self._resident(Path(f"/proc/{self.pid}/smaps_rollup").read_text())

    def mappings(self, least):
        """Return those of which LEAST bytes are resident, as smaps has them."""
        text = Path(f"/proc/{self.pid}/smaps").read_text()
        return "\n".join(mapping for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text)
                         if self._resident(mapping) >= least)

    def alive(self):
        """Assert that it still runs and serves a new client."""
        assert self.process.rc is None, f"rswapd ended with {self.process.rc}:\n{self.out[-3000:]}"
        with self.client() as client:
            client.alloc(0)
            client.write(0, 0, b"alive!!!" * 512)
            assert client.read(0, 0, 4096) == b"alive!!!" * 512
            client.bye()

    def stop(self, expect=0, sig=signal.SIGTERM, timeout=30):
        """End it; assert the exit status, and that no sanitizer complained."""
        self.process.kill(sig)
        rc = self.process.wait(timeout, check=False)
        assert rc == expect, f"rswapd ended with {rc} instead of {expect}:\n{self.out[-6000:]}"
        assert "Sanitizer" not in self.out and "runtime error" not in self.out, self.out[-6000:]
