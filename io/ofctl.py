"""What ``ovs-ofctl`` does for us: reads flows, names errors, encodes what our encoder doesn't know."""

from __future__ import annotations

import fcntl
import os
import re
import select
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ovn_rules.io.flows import Flow, parse_dump
from ovn_rules.io.openflow_encode import FLOW_MOD, VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovs.poller import Poller

ENCODE_TIMEOUT = 10.0
"""Seconds that ovs-ofctl may take to encode flows."""
_PATIENCE = 0.005
"""Seconds between two looks whether it has given up without connecting."""
_PIPE_SIZE = 1 << 20


class ReadError(Exception):
    """The flows could not be read; the text is what ovs-ofctl said."""


class FlowReader:
    """A running ``ovs-ofctl dump-flows``, in OpenFlow 1.3: its text is the canonical form of a flow.

    Args:
        socket_path: The bridge's management socket.
        table: The table to read, or None for all.

    Raises:
        ReadError: ovs-ofctl can't be run.
    """

    def __init__(self, socket_path: str, table: int | None = None) -> None:
        """Starts the process."""
        read = ["ovs-ofctl", "-O", "OpenFlow13", "--no-names", "--no-stats", "dump-flows", f"unix:{socket_path}"]
        try:
            self._process = subprocess.Popen(
                [*read, *([] if table is None else [f"table={table}"])],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise ReadError(f"can't run ovs-ofctl: {error.strerror}") from None
        self._pipes = {pipe: bytearray() for pipe in (self._process.stdout, self._process.stderr) if pipe}
        self._open = list(self._pipes)
        for pipe in self._open:
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError):  # a large pipe saves wake-ups; an unprivileged user may have a lower limit
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_SIZE)

    def run(self) -> list[Flow] | None:
        """The flows, or None while they are still coming.

        Raises:
            ReadError: ovs-ofctl failed.
        """
        for pipe in self._open[:]:
            with suppress(BlockingIOError):
                while chunk := os.read(pipe.fileno(), _PIPE_SIZE):
                    self._pipes[pipe] += chunk
                self._open.remove(pipe)
        if self._open:
            return None
        flows, complaint = (data.decode(errors="replace") for data in self._pipes.values())
        self.close()
        if self._process.returncode:
            raise ReadError(_complaint(complaint))
        return list(parse_dump(flows.splitlines()))

    def wait(self, poller: Poller) -> None:
        """Wakes the poller when ``run`` has something to do."""
        for pipe in self._open:
            poller.fd_wait(pipe.fileno(), select.POLLIN)

    def close(self) -> None:
        """Ends the process."""
        if self._open:
            self._process.kill()
        for pipe in self._pipes:
            pipe.close()
        self._process.wait()


@cache
def error_name(error: bytes) -> str:
    """What ovs-ofctl calls an OpenFlow error, such as ``OFPBMC_BAD_PREREQ``.

    Args:
        error: The error message's body: type, code and, for type 0xffff, the experimenter.
    """
    kind, code = struct.unpack_from("!HH", error)
    error = error[: 8 if kind == _EXPERIMENTER else 4]
    message = struct.pack("!BBHI", VERSION, _ERROR, 8 + len(error), 0) + error
    said = subprocess.run(
        ["ovs-ofctl", "ofp-print", message.hex()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.search(r"[A-Z]+_[A-Z_]+$", said.partition("\n")[0])
    return found[0] if found else f"OpenFlow error type {kind} code {code}"


_ERROR, _EXPERIMENTER = 1, 0xFFFF


class Assembled(NamedTuple):
    """What became of each line: the flow_mod message, or why ovs-ofctl refused it."""

    messages: dict[int, bytes]
    refused: dict[int, str]


def assemble(lines: Sequence[str]) -> Assembled:
    """Encodes lines of ``ovs-ofctl add-flows`` by having ovs-ofctl send them to a socket of ours.

    Takes about 10 ms, and as much again for each line that is refused.

    Args:
        lines: ``add table=…`` and ``delete_strict table=…`` lines.
    """
    messages: dict[int, bytes] = {}
    refused = {i: "a line break in a flow" for i, line in enumerate(lines) if "\n" in line}
    todo = [i for i in range(len(lines)) if i not in refused]
    while todo:
        sent, error = _send_to_us([lines[i] for i in todo])
        if not error and len(sent) == len(todo):
            messages = dict(zip(todo, sent, strict=True))
            break
        found = re.search(r"-:(\d+): (.*)", error)
        if found and int(found[1]) <= len(todo):
            refused[todo.pop(int(found[1]) - 1)] = found[2]
        elif len(todo) == 1:
            refused[todo.pop()] = error or "ovs-ofctl sent nothing for it"
        else:  # the message names no line: each by itself
            for i in todo:
                one = assemble([lines[i]])
                messages.update(dict.fromkeys([i] * len(one.messages), one.messages.get(0, b"")))
                refused.update(dict.fromkeys([i] * len(one.refused), one.refused.get(0, "")))
            break
    return Assembled(messages, refused)


def _send_to_us(lines: Sequence[str]) -> tuple[list[bytes], str]:
    """Runs ovs-ofctl against a socket of ours; the flow_mods it sent, and what it complained of."""
    with tempfile.TemporaryDirectory(prefix="ovn-rules-") as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder, "switch")
        server.bind(str(path))
        server.listen()
        text = Path(folder, "flows")
        text.write_text("".join(f"{line}\n" for line in lines))
        complaints = Path(folder, "complaints")
        try:
            with text.open() as flows, complaints.open("w") as stderr:
                process = subprocess.Popen(
                    ["ovs-ofctl", "-O", "OpenFlow14", "--no-names", "add-flows", f"unix:{path}", "-"],
                    stdin=flows,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                )
        except OSError as error:
            return [], f"can't run ovs-ofctl: {error.strerror}"
        try:
            sent = _collect(server, process)
        finally:
            process.kill()
            process.wait()
        return sent, _complaint(complaints.read_text()) if process.returncode else ""


def _collect(server: socket.socket, process: subprocess.Popen[bytes]) -> list[bytes]:
    """The flow_mods that ovs-ofctl sends until it ends."""
    sent: list[bytes] = []
    server.settimeout(_PATIENCE)
    end = time.monotonic() + ENCODE_TIMEOUT
    while process.poll() is None and time.monotonic() < end:
        with suppress(TimeoutError, ConnectionError):
            peer, _ = server.accept()
            with peer:
                peer.settimeout(ENCODE_TIMEOUT)
                sent += _play_switch(peer)
    return sent


def _complaint(error: str) -> str:
    """What ovs-ofctl said last, without the log lines and hex dumps around it."""
    lines = error.strip().splitlines() or ["ovs-ofctl failed"]
    return next((line for line in reversed(lines) if line.startswith("ovs-ofctl: ")), lines[-1])


_HELLO, _BARRIER_REQUEST, _BARRIER_REPLY = 0, 20, 21


def _play_switch(peer: socket.socket) -> list[bytes]:
    """Answers ovs-ofctl just enough to make it send its flow_mods, until it hangs up."""
    peer.sendall(struct.pack("!BBHIHHI", VERSION, _HELLO, 16, 0, 1, 8, 1 << VERSION))
    sent, data = [], b""
    while chunk := peer.recv(1 << 16):
        data += chunk
        while len(data) >= 8 and len(data) >= (length := int.from_bytes(data[2:4], "big")) >= 8:
            message, data = data[:length], data[length:]
            kind, xid = message[1], message[4:8]
            if kind == FLOW_MOD:
                sent.append(message)
            elif kind == _BARRIER_REQUEST:
                peer.sendall(struct.pack("!BBH", VERSION, _BARRIER_REPLY, 8) + xid)
    return sent
