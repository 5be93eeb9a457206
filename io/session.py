"""A JSON-RPC session that stays up: connects, reconnects with backoff, tries the remotes in turn, probes.

``ovs.reconnect`` decides when; this does it. Non-blocking in the style of Open vSwitch: call ``run`` when
woken, ``wait`` before the poller blocks.
"""

from __future__ import annotations

import errno
import json
import random
from typing import TYPE_CHECKING, Any

import ovs.reconnect
import ovs.timeval

from ovn_rules.io.messages import MessageReader, ProtocolError
from ovn_rules.io.streams import RemoteError, UnreachableError, needs_tls, open_stream, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ovn_rules.io.streams import Tls

PROBE_MS = 5000
"""How long a connection may be silent before it is probed, by default (ovsdb(7), inactivity_probe)."""

MAX_BACKOFF_MS = 8000
"""The longest wait between two tries to connect, by default (as in Open vSwitch)."""

MIN_BACKOFF_MS = 200
"""The first wait between two tries; each further one is twice as long."""
_SMALL_READ = 1 << 16
_LARGE_READ = 1 << 20
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Session:
    """A session with one of several servers at a time.

    Attributes:
        remote: The server that it is connected to, or tries to reach.
        connected: Whether messages can be sent.
        failure: Why the last connection or try ended, in words; empty before.
        failed_remote: The server that the last connection or try that ended was with.
        failures: How many tries or connections have ended.
        connections: How many connections have been made.
    """

    def __init__(
        self,
        remotes: Sequence[str],
        tls: Tls | None = None,
        *,
        probe_ms: int = PROBE_MS,
        max_backoff_ms: int = MAX_BACKOFF_MS,
    ) -> None:
        """Starts without connecting.

        Args:
            remotes: At least one; the order of trying is random, so that clients spread over a cluster.
            tls: The files for ``ssl:`` remotes.
            probe_ms: Milliseconds of silence before a probe; 0 for none. ``unix:`` isn't probed.
            max_backoff_ms: The longest wait between tries, in milliseconds.

        Raises:
            RemoteError: A remote needs TLS files that are missing or can't be used.
        """
        if needs_tls(remotes) and tls is None:
            raise RemoteError("ssl: remotes need a private key, a certificate and a CA certificate")
        self._context = tls.context() if tls is not None and needs_tls(remotes) else None
        self._remotes = random.sample(list(remotes), len(remotes))
        self._next = 0
        self._usual_probe_ms = probe_ms
        self._probe_ms: int | None = None
        self._max_backoff_ms = max_backoff_ms
        self._fsm = ovs.reconnect.Reconnect(ovs.timeval.msec())
        self._fsm.set_quiet(True)
        self._fsm.min_backoff = min(MIN_BACKOFF_MS, max_backoff_ms)  # set_backoff allows no less than 1 s
        self._fsm.max_backoff = max_backoff_ms
        self._fsm.set_backoff_free_tries(len(self._remotes))
        self._stream: Any = None
        self._reader = MessageReader()
        self._output = b""
        self._read_size = _SMALL_READ
        self._closing = ""
        self._ids = 0
        self.remote = ""
        self.connected = False
        self.failure = ""
        self.failed_remote = ""
        self.failures = 0
        self.connections = 0
        self._pick_remote()
        self._fsm.enable(ovs.timeval.msec())

    def run(self, keep: Callable[[bytes], bool] | None = None) -> list[dict[str, Any]]:
        """Does what can be done without waiting, and returns the messages that came.

        Args:
            keep: Which messages are left for ``kept``.
        """
        messages: list[dict[str, Any]] = []
        if self._closing:
            self._disconnected(self._closing)
            return messages
        if self.connected:
            messages = self._exchange(keep)
        elif self._stream is not None:
            self._go_on_connecting()
        action = self._fsm.run(ovs.timeval.msec())
        if action == ovs.reconnect.CONNECT:
            self._connect()
        elif action == ovs.reconnect.DISCONNECT:
            silent = "no answer to a probe" if self.connected else "connecting took too long"
            self._disconnected(silent)
        elif action == ovs.reconnect.PROBE and self.connected:
            self.send({"method": "echo", "params": [], "id": "echo"})
        return messages

    @property
    def keeps(self) -> bool:
        """Whether ``kept`` has anything to give."""
        return bool(self._reader.kept)

    def kept(self) -> Iterator[dict[str, Any]]:
        """Gives the messages that were left, in order."""
        while self._reader.kept and not self._closing:
            try:
                messages = self._reader.take_kept()
            except ProtocolError as e:
                self._closing = str(e)
                return
            yield from (m for m in messages if not self._is_probe(m))

    def wait(self, poller: Any) -> None:
        """Makes the poller wake when ``run`` has something to do."""
        if self._closing:
            poller.immediate_wake()
        elif self.connected:
            self._stream.run_wait(poller)
            self._stream.recv_wait(poller)
            if self._output:
                self._stream.send_wait(poller)
        elif self._stream is not None:
            self._stream.run_wait(poller)
            self._stream.connect_wait(poller)
        self._fsm.wait(poller, ovs.timeval.msec())

    def request(self, method: str, params: Any) -> int:
        """Sends a request and returns its id."""
        self._ids += 1
        self.send({"method": method, "params": params, "id": self._ids})
        return self._ids

    def transact(self, params: bytes) -> int:
        """Sends a ``transact`` request whose params are encoded already, and returns its id."""
        self._ids += 1
        self._send_bytes(b'{"method":"transact","id":%d,"params":%b}' % (self._ids, params))
        return self._ids

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message, or drops it when there is no connection."""
        self._send_bytes(_encode(message).encode())

    def probe(self, interval_ms: int | None) -> None:
        """Probes after another time from now on.

        Args:
            interval_ms: Milliseconds of silence, at least 1000; 0 for no probes. None for what is usual: the time
                given at first, and no probes of ``unix:``.
        """
        self._probe_ms = interval_ms
        self._set_probe_interval()

    def disconnect(self, why: str, *, back_off: bool = True) -> None:
        """Ends the connection at the next ``run``; the next remote is tried.

        Args:
            why: Becomes ``failure``.
            back_off: Wait before the next try as after a failure; else try at once.
        """
        self._closing = why
        if not back_off:
            self._fsm.set_backoff_free_tries(len(self._remotes) + 1)

    def useful(self) -> None:
        """Says that the server is the right one: when it is lost, each remote is tried without a wait."""
        self._fsm.set_backoff_free_tries(len(self._remotes) + 1)

    def close(self) -> None:
        """Closes the connection for good."""
        self._fsm.disable(ovs.timeval.msec())
        self._drop()

    def _send_bytes(self, data: bytes) -> None:
        if not self.connected:
            return
        if self._output:
            self._output += data
        else:
            self._output = data
            self._flush()

    def _flush(self) -> None:
        sent = self._stream.send(self._output)
        if sent >= 0:
            self._output = self._output[sent:]
        elif sent != -errno.EAGAIN:
            self._closing = self._closing or self._reason(-sent)

    def _exchange(self, keep: Callable[[bytes], bool] | None) -> list[dict[str, Any]]:
        if self._output:
            backlog = len(self._output)
            self._flush()
            if len(self._output) < backlog:
                self._fsm.activity(ovs.timeval.msec())
        messages: list[dict[str, Any]] = []
        while not self._closing:
            error, data = self._stream.recv(self._read_size)
            if error == errno.EAGAIN:
                break
            if error or not data:
                self._closing = self._reason(error)
                break
            try:
                messages.extend(self._reader.feed(data) if keep is None else self._reader.sift(data, keep))
            except ProtocolError as e:
                self._closing = str(e)
            full = len(data) == self._read_size
            self._read_size = _LARGE_READ if len(data) >= _SMALL_READ // 2 else _SMALL_READ
            self._fsm.activity(ovs.timeval.msec())
            if (messages or self.keeps) and not full and self._context is None:
                break  # nothing more has come; with TLS, a read ends with its record though more may be there
        self._fsm.receive_attempted(ovs.timeval.msec())
        return [m for m in messages if not self._is_probe(m)]

    def _is_probe(self, message: dict[str, Any]) -> bool:
        if message.get("method") == "echo":
            self.send({"id": message.get("id"), "result": message.get("params"), "error": None})
            return True
        return message.get("id") == "echo"

    def _connect(self) -> None:
        try:
            self._stream = open_stream(self.remote, self._context)
        except UnreachableError as e:
            self._failed_to_connect(str(e))
            return
        self._fsm.connecting(ovs.timeval.msec())
        self._go_on_connecting()

    def _go_on_connecting(self) -> None:
        self._stream.run()
        error = self._stream.connect()
        if error == 0:
            self._fsm.connected(ovs.timeval.msec())
            self._output = b""
            self.connected = True
            self.connections += 1
        elif error != errno.EAGAIN:
            self._failed_to_connect(self._reason(error))

    def _failed_to_connect(self, why: str) -> None:
        self._drop()
        self.failure = why
        self.failed_remote = self.remote
        self.failures += 1
        self._fsm.connect_failed(ovs.timeval.msec(), errno.EIO)
        self._pick_remote()

    def _disconnected(self, why: str) -> None:
        was_connected = self.connected
        self._drop()
        self.failure = why
        self.failed_remote = self.remote
        self.failures += 1
        if was_connected:
            self._fsm.disconnected(ovs.timeval.msec(), 0)
        else:
            self._fsm.connect_failed(ovs.timeval.msec(), errno.ETIMEDOUT)
        self._pick_remote()

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._reader = MessageReader()
        self._closing = ""
        self.connected = False

    def _pick_remote(self) -> None:
        self.remote = self._remotes[self._next]
        self._next = (self._next + 1) % len(self._remotes)
        self._fsm.set_name(self.remote)
        self._set_probe_interval()

    def _set_probe_interval(self) -> None:
        usual = 0 if self.remote.startswith("unix:") else self._usual_probe_ms
        self._fsm.set_probe_interval(usual if self._probe_ms is None else self._probe_ms)

    def _reason(self, error: int) -> str:
        return getattr(self._stream, "failure", "") or reason(error)
