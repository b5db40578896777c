# SPDX-License-Identifier: GPL-2.0
"""The QEMU machine protocol over a connected socket, just enough of it."""

import json
import socket
import threading


class QMP:
    """One monitor connection; commands may come from any thread."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.lock = threading.Lock()
        self.greeted = False

    def _message(self):
        while b"\n" not in self.buffer:
            piece = self.sock.recv(65536)
            if not piece:
                raise OSError("QEMU closed its monitor")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def _reply(self):
        while True:
            message = self._message()
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise OSError(message["error"]["desc"])

    def _send(self, command, arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.sock.sendall(json.dumps(request).encode() + b"\n")
        return self._reply()

    def command(self, name, /, timeout=5, **arguments):
        """Run one command and return its answer; OSError if it fails."""
        arguments = {k.replace("_", "-"): v for k, v in arguments.items()}
        with self.lock:
            self.sock.settimeout(timeout)
            try:
                if not self.greeted:
                    self._message()
                    self._send("qmp_capabilities", {})
                    self.greeted = True
                return self._send(name, arguments)
            except socket.timeout as error:
                raise OSError(f"QEMU did not answer {name}") from error

    def human(self, line):
        """Run a human monitor command and return its text."""
        return self.command("human-monitor-command", command_line=line)
