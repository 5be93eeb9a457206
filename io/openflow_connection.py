"""One OpenFlow 1.4 connection to a bridge, over the Unix socket that ovs-vswitchd keeps for it.

Non-blocking in the style of the ``ovs`` package: ``run`` moves bytes and gives what arrived, ``wait`` says
what to wake up for. It negotiates the version, answers echo requests, watches for changes that others make
to the flow tables and sends bundles; what the bundles hold is the caller's.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.io.ofctl import error_name
from ovn_rules.io.openflow_encode import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovs.poller import Poller

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
MULTIPART_REQUEST, MULTIPART_REPLY, BUNDLE_CONTROL, BUNDLE_ADD = 18, 19, 33, 34
FLOW_MONITOR = 16
OPEN, COMMIT, COMMIT_REPLY = 0, 4, 5
ATOMIC_ORDERED = 3
ABBREVIATED, PAUSED, RESUMED = 4, 5, 6
ALL_TABLES = 0xFF
ANY = 0xFFFFFFFF
WATCH_CHANGES = 0x0E
"""Flow monitor flags: flows added, removed and modified, from now on (OpenFlow 1.4, section 7.3.5.12)."""
CHUNK = 1 << 18
_HEADER = struct.Struct("!BBHI")


@dataclass(frozen=True, slots=True)
class Ready:
    """The switch speaks our version and reports changes (or said that it can't)."""

    monitored: bool


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another connection changed flows of this table; None when the switch lost count of them."""

    table: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The switch refused the message with this transaction id."""

    xid: int
    reason: str


@dataclass(frozen=True, slots=True)
class Committed:
    """The last bundle is done. Not ``ok``: the switch took none of it."""

    ok: bool
    reason: str = ""


Message = Ready | Foreign | Failed | Committed


class ConnectionLostError(Exception):
    """The connection is gone; the text says why."""


class Connection:
    """A connected socket; make one per connection, with a path like ``/run/openvswitch/br-int.mgmt``.

    Raises:
        OSError: Nothing listens there.
    """

    def __init__(self, path: str) -> None:
        """Connects and says hello."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._in = bytearray()
        self._out = bytearray()
        self._xid = 0
        self._bundle = 0
        self._commit_xid = -1
        self._monitor_xid = -1
        self._greeted = False
        # A hello with the bitmap of the one version spoken (OpenFlow 1.4, section 7.5.1).
        self._send(HELLO, struct.pack("!HHI", 1, 8, 1 << VERSION))

    def close(self) -> None:
        """Closes the socket; the connection is of no use afterwards."""
        self._socket.close()

    def next_xid(self) -> int:
        """A transaction id that no other message of this connection has."""
        self._xid = (self._xid + 1) & 0x7FFFFFFF
        return self._xid

    def send_bundle(self, messages: Iterable[bytes]) -> None:
        """Sends messages as one atomic, ordered bundle; a Committed message says how it went.

        The commit follows at once: a message that the switch can't take is left out with a Failed, one that
        it can't execute makes the whole bundle void (Failed and then ``Committed(ok=False)``).
        """
        self._bundle = (self._bundle + 1) & 0xFFFFFFFF
        self._send(BUNDLE_CONTROL, struct.pack("!IHH", self._bundle, OPEN, ATOMIC_ORDERED))
        prefix = struct.pack("!IHH", self._bundle, 0, ATOMIC_ORDERED)
        for message in messages:
            xid = int.from_bytes(message[4:8], "big")
            self._out += _HEADER.pack(VERSION, BUNDLE_ADD, 16 + len(message), xid)
            self._out += prefix
            self._out += message
        self._commit_xid = self._send(BUNDLE_CONTROL, struct.pack("!IHH", self._bundle, COMMIT, ATOMIC_ORDERED))

    def run(self) -> list[Message]:
        """Sends and receives what the socket takes and gives.

        Raises:
            ConnectionLostError: The switch closed the connection or speaks no OpenFlow 1.4.
        """
        messages: list[Message] = []
        try:
            self.flush()
            while True:
                data = self._socket.recv(CHUNK)
                if not data:
                    raise ConnectionLostError("closed by the switch")
                self._in += data
                for kind, xid, body in self._frames():
                    messages.extend(self._handle(kind, xid, body))
                if len(data) < CHUNK // 4:
                    break
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConnectionLostError(errno.errorcode.get(error.errno or 0, str(error))) from None
        self.flush()
        return messages

    def wait(self, poller: Poller) -> None:
        """Wakes the poller when ``run`` has something to do."""
        poller.fd_wait(self._socket.fileno(), select.POLLIN | (select.POLLOUT if self._out else 0))

    def _send(self, kind: int, body: bytes = b"", xid: int | None = None) -> int:
        xid = self.next_xid() if xid is None else xid
        self._out += _HEADER.pack(VERSION, kind, _HEADER.size + len(body), xid) + body
        return xid

    def flush(self) -> None:
        """Sends what the socket takes.

        Raises:
            ConnectionLostError: The switch closed the connection.
        """
        view = memoryview(self._out)
        sent = 0
        try:
            while sent < len(view):
                sent += self._socket.send(view[sent : sent + CHUNK])
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConnectionLostError(errno.errorcode.get(error.errno or 0, str(error))) from None
        finally:
            view.release()
        if sent:
            del self._out[:sent]

    def _frames(self) -> Iterator[tuple[int, int, bytes]]:
        """Takes the complete messages out of the buffer."""
        start = 0
        while len(self._in) - start >= _HEADER.size:
            _version, kind, length, xid = _HEADER.unpack_from(self._in, start)
            if len(self._in) - start < length:
                break
            if length < _HEADER.size:
                raise ConnectionLostError("the switch sent a message that is none")
            yield kind, xid, bytes(self._in[start + _HEADER.size : start + length])
            start += length
        del self._in[:start]

    def _handle(self, kind: int, xid: int, body: bytes) -> Iterator[Message]:
        if kind == HELLO:
            self._greet()
        elif kind == ECHO_REQUEST:
            self._send(ECHO_REPLY, body, xid)
        elif kind == ERROR:
            yield from self._handle_error(xid, body)
        elif kind == MULTIPART_REPLY and body[:2] == FLOW_MONITOR.to_bytes(2, "big"):
            if xid == self._monitor_xid:
                self._monitor_xid = -1
                yield Ready(monitored=True)
            yield from _updates(body[8:])
        elif kind == BUNDLE_CONTROL and struct.unpack_from("!IH", body)[1] == COMMIT_REPLY:
            self._commit_xid = -1
            yield Committed(ok=True)

    def _greet(self) -> None:
        """After the switch's hello: asks to be told of changes to any flow."""
        if self._greeted:
            return
        self._greeted = True
        head = struct.pack("!HHI", FLOW_MONITOR, 0, 0)
        watch = struct.pack("!IIIHBB", 1, ANY, ANY, WATCH_CHANGES, ALL_TABLES, 0)
        any_match = struct.pack("!HH4x", 1, 4)
        self._monitor_xid = self._send(MULTIPART_REQUEST, head + watch + any_match)

    def _handle_error(self, xid: int, body: bytes) -> Iterator[Message]:
        reason = error_name(body[:8])
        if body[:2] == b"\0\0":  # hello failed; the rest is the switch's explanation
            raise ConnectionLostError(
                f"the bridge does not allow OpenFlow 1.4 ({reason}); "
                "its protocols must include OpenFlow13 and OpenFlow14, or be empty"
            )
        if xid == self._monitor_xid:
            self._monitor_xid = -1
            yield Ready(monitored=False)
        elif xid == self._commit_xid:
            self._commit_xid = -1
            yield Committed(ok=False, reason=reason)
        else:
            yield Failed(xid, reason)


def _updates(body: bytes) -> Iterator[Foreign]:
    """The changes of others in a flow monitor message; our own come abbreviated and are passed over."""
    at = 0
    while at + 5 <= len(body):
        length, event, table = struct.unpack_from("!HHB", body, at)
        if event == RESUMED:
            yield Foreign(None)
        elif event not in (ABBREVIATED, PAUSED):
            yield Foreign(table)
        at += max(length, 8)
