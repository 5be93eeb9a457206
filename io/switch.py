"""Keeps the OpenFlow tables of one Open vSwitch bridge equal to the wanted flows.

Non-blocking in the style of the ``ovs`` package: note changes with ``change``, call ``run`` in the main
loop, and let ``wait`` say what to wake up for. What happens comes back from ``run`` as events.

On each connection the bridge's flows are read and compared, and only differences are sent, as one atomic
bundle. At the first one the flows found are handed over as an Adopted event and nothing is written until
``go``: numbers that the flows hold can be recovered first. A flow is identified by table, priority and
match; other actions for the same key change the flow in place. Flows of others in our tables are removed,
at once where the switch reports them; other tables are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovs import timeval
from ovs.poller import Poller

from ovn_rules.io.flows import Flow, FlowKey, flow_delete, flow_mod, format_flow, is_plain
from ovn_rules.io.ofctl import FlowReader, ReadError, assemble
from ovn_rules.io.openflow_connection import (
    Committed,
    Connection,
    ConnectionLostError,
    Failed,
    Foreign,
    Message,
    Ready,
)
from ovn_rules.io.openflow_encode import FlowTooLongError, encode_flow
from ovn_rules.io.openflow_fields import UnknownTextError
from ovn_rules.io.switch_events import Adopted, Connected, Event, Lost, Refused, Synced, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_RETRY, LAST_RETRY = 100, 1000
"""Milliseconds between attempts to connect: the first, doubled up to the last."""
READ_INTERVAL = 1000
"""Milliseconds between two readings that changes by others cause."""


class NotConnectedError(Exception):
    """The switch can't be compared because it isn't there."""


class Switch:
    """One bridge and the flows it should have.

    Args:
        bridge: Its name, such as ``br-int``.
        tables: The OpenFlow tables that are ours.
        rundir: Where ovs-vswitchd keeps the bridge's ``.mgmt`` socket, such as ``/run/openvswitch``.
    """

    def __init__(self, bridge: str, tables: Iterable[int], *, rundir: str) -> None:
        """Notes the arguments; the first ``run`` connects."""
        self.bridge = bridge
        self.tables = frozenset(tables)
        self.path = f"{rundir}/{bridge}.mgmt"
        self._events: list[Event] = []
        self._wanted: dict[FlowKey, str] = {}
        self._refused: dict[FlowKey, tuple[str, str]] = {}  # what is left out: actions, and why
        self._reported: dict[FlowKey, tuple[str, str]] = {}  # ... and has been said
        self._go = False
        self._adopted = False
        self._said = ""
        self._retry_at = 0
        self._retry_after = FIRST_RETRY
        self._reset()

    def _reset(self) -> None:
        """Forgets all that one connection knew."""
        self._connection: Connection | None = None
        self._reader: FlowReader | None = None
        self._reading: frozenset[int] = frozenset()
        self._installed: dict[FlowKey, str] | None = None
        self._stale: set[int] = set()
        self._read_at = 0
        self._dirty: dict[FlowKey, None] = {}
        self._flight: dict[int, tuple[FlowKey, str | None]] | None = None
        self._failed: dict[int, str] = {}
        self._announce = True
        self._refused.clear()

    @property
    def connected(self) -> bool:
        """Whether the bridge answers and its flows are known."""
        return self._installed is not None

    @property
    def in_sync(self) -> bool:
        """Whether the switch holds every wanted flow that it takes, as far as is known, and no other."""
        return self.connected and not (self._dirty or self._flight or self._reader or self._stale)

    def refused(self) -> list[Refused]:
        """The flows that the switch doesn't take now, each with its reason."""
        return [Refused((*key, actions), reason) for key, (actions, reason) in self._refused.items()]

    def change(self, deleted: Iterable[Flow], inserted: Iterable[Flow]) -> None:
        """Notes a change of the wanted flows; one deleted and inserted with other actions changes in place.

        Raises:
            ValueError: A flow in a table that isn't ours.
        """
        for flow in deleted:
            key = flow[:3]
            if self._wanted.get(key) == flow[3]:
                del self._wanted[key]
                self._touch(key)
        for flow in inserted:
            if flow[0] not in self.tables:
                raise ValueError(f"table {flow[0]} is not one of {self.bridge}'s: {format_flow(flow)}")
            key = flow[:3]
            self._wanted[key] = flow[3]
            self._touch(key)

    def _touch(self, key: FlowKey) -> None:
        self._refused.pop(key, None)
        self._dirty[key] = None

    def go(self) -> None:
        """Allows writing: from now on the switch is made to hold the wanted flows."""
        self._go = True

    def run(self) -> list[Event]:
        """Does what can be done now; what happened since the last call."""
        self._step()
        events, self._events = self._events, []
        return events

    def wait(self, poller: Poller) -> None:
        """Wakes the poller when ``run`` has something to do."""
        if self._connection is None:
            poller.timer_wait_until(self._retry_at)
            return
        self._connection.wait(poller)
        if self._reader is not None:
            self._reader.wait(poller)
        elif self._flight is None:
            if self._stale:
                poller.timer_wait_until(self._read_at)
            elif self._dirty and self._go and self.connected:
                poller.immediate_wake()

    def close(self) -> None:
        """Ends the connection; the flows stay."""
        if self._reader is not None:
            self._reader.close()
        if self._connection is not None:
            self._connection.close()
        self._reset()

    def resync(self, timeout: float = 10.0) -> int:
        """Waits until nothing is under way, reads the switch again and counts how many flows differ.

        The differences are repaired by the following ``run`` calls, which also return the events of this one.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            NotConnectedError: The switch isn't there, or didn't answer in time.
        """
        end = timeval.msec() + int(timeout * 1000)
        asked = False
        while not (asked and self.connected and not self._stale and self._reader is None):
            if self.in_sync and not asked:
                self._stale |= self.tables
                asked = True
            self._read_at = 0
            self._step(write=not asked)
            if self._connection is None or timeval.msec() >= end:
                raise NotConnectedError(f"{self.bridge} could not be read: not connected, or busy")
            if self._reader is not None or not asked:
                poller = Poller()
                self.wait(poller)
                poller.timer_wait_until(end)
                poller.block()
        return len(self._dirty)

    def _step(self, *, write: bool = True) -> None:
        try:
            connection = self._connection or self._connect()
            if connection is None:
                return
            for message in connection.run():
                self._take(message)
            self._read()
            if write and self._flight is None and self._reader is None and not self._stale:
                self._write(connection)
        except ConnectionLostError as error:
            self._lose(str(error))
        except ReadError as error:
            self._lose(f"its flows could not be read: {error}")

    def _connect(self) -> Connection | None:
        """Connects when it is time to try."""
        if timeval.msec() < self._retry_at:
            return None
        try:
            self._connection = Connection(self.path)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | ConnectionRefusedError)
            problem = f"no bridge {self.bridge}" if missing else f"can't use bridge {self.bridge}"
            self._say(Waiting(f"{problem} at {self.path} ({error.strerror})"))
            self._back_off()
        return self._connection

    def _back_off(self) -> None:
        self._retry_at = timeval.msec() + self._retry_after
        self._retry_after = min(self._retry_after * 2, LAST_RETRY)

    def _say(self, event: Waiting | Lost) -> None:
        """Reports trouble, unless it is the trouble reported last."""
        if str(event) != self._said:
            self._said = str(event)
            self._events.append(event)

    def _lose(self, reason: str) -> None:
        self._say(Lost(self.bridge, reason))
        self.close()
        self._back_off()

    def _take(self, message: Message) -> None:
        match message:
            case Ready(monitored):
                self._events.append(Connected(self.bridge, monitored))
                self._stale |= self.tables
            case Foreign(table):
                self._stale |= self.tables if table is None else self.tables & {table}
            case Failed(xid, reason):
                self._failed[xid] = reason
            case Committed(ok, reason):
                self._finish(reason=reason if not ok else None)

    def _read(self) -> None:
        """Starts reading what may have changed, or takes what has been read."""
        if self._reader is None:
            if not self._stale or self._flight is not None or timeval.msec() < self._read_at:
                return
            self._reading = frozenset(self._stale)
            self._stale = set()
            self._reader = FlowReader(self.path, *self._reading if len(self._reading) == 1 else ())
        flows = self._reader.run()
        if flows is None:
            return
        self._reader = None
        if self._installed is not None:
            self._read_at = timeval.msec() + READ_INTERVAL
        found = {(t, p, m): a for t, p, m, a in flows if t in self._reading}
        if not self._adopted:
            self._adopted = True
            self._events.append(Adopted(tuple((*key, actions) for key, actions in found.items())))
        self._compare(found)

    def _compare(self, found: dict[FlowKey, str]) -> None:
        """Notes what differs between the flows read and the wanted ones, in the tables read."""
        if self._reading != self.tables and self._installed is not None:
            found.update((k, a) for k, a in self._installed.items() if k[0] not in self._reading)
        self._installed = found
        self._dirty = dict.fromkeys(k for k in found if self._target(k) != found[k])
        self._dirty.update(dict.fromkeys(k for k in self._wanted if k not in found and k not in self._refused))

    def _target(self, key: FlowKey) -> str | None:
        """The actions that the switch should have for this key; None when it should have no such flow."""
        return None if key in self._refused else self._wanted.get(key)

    def _write(self, connection: Connection) -> None:
        """Sends the differences noted, deletions first, as one bundle."""
        while self._go and self._installed is not None:
            have = self._installed
            work = [(k, w) for k in self._dirty if (w := self._target(k)) != have.get(k)]
            self._dirty = {}
            if not work:
                break
            work.sort(key=lambda flow: flow[1] is not None)
            messages, flight = self._encode(connection, work)
            if flight:
                self._flight = flight
                connection.send_bundle(messages)
                connection.flush()
                return
            # Nothing could be encoded, but a refused change may leave an old flow to delete.
        if self._go and self._announce and self.connected:
            self._announce = False
            self._calm()
            self._events.append(Synced(0, 0, 0))

    def _encode(
        self, connection: Connection, work: list[tuple[FlowKey, str | None]]
    ) -> tuple[list[bytes], dict[int, tuple[FlowKey, str | None]]]:
        """The messages for a bundle, in order, and what each transaction id stands for."""
        slots: list[bytes | None] = []
        flight: dict[int, tuple[FlowKey, str | None]] = {}
        unknown: list[int] = []
        xids: list[int] = []
        have = self._installed or {}
        for key, actions in work:
            xid = connection.next_xid()
            xids.append(xid)
            flight[xid] = (key, actions)
            try:
                slots.append(encode_flow(key, actions, xid, modify=is_plain(have.get(key, "["))))
            except UnknownTextError:
                unknown.append(len(slots))
                slots.append(None)
            except FlowTooLongError as error:
                slots.append(None)
                del flight[xid]
                self._refuse(key, actions, str(error))
        if unknown:
            texts = [
                flow_delete(key) if actions is None else flow_mod((*key, actions), modify=is_plain(have.get(key, "[")))
                for key, actions in (work[i] for i in unknown)
            ]
            assembled = assemble(texts)
            for number, i in enumerate(unknown):
                if (message := assembled.messages.get(number)) is not None:
                    slots[i] = message[:4] + xids[i].to_bytes(4, "big") + message[8:]
                else:
                    self._refuse(*flight.pop(xids[i]), assembled.refused.get(number, "ovs-ofctl can't encode it"))
        return [message for message in slots if message is not None], flight

    def _refuse(self, key: FlowKey, actions: str | None, reason: str) -> None:
        """Leaves a flow out, and says so once."""
        if actions is None:
            # Its own text doesn't delete it. Trying again would be a busy loop; the next reading finds it.
            actions = (self._installed or {}).pop(key, "")
        elif key not in self._dirty:
            self._refused[key] = (actions, reason)
            self._dirty[key] = None  # an older flow with this key must go
        if self._reported.get(key) != (actions, reason):
            self._reported[key] = (actions, reason)
            self._events.append(Refused((*key, actions), reason))

    def _finish(self, reason: str | None) -> None:
        """The bundle under way was committed, or for a reason was not."""
        flight, failed = self._flight or {}, self._failed
        self._flight, self._failed = None, {}
        if reason is not None and not flight.keys() & failed.keys():
            raise ConnectionLostError(f"it refused a bundle: {reason}")
        have = self._installed
        added = deleted = modified = 0
        for xid, (key, actions) in flight.items():
            if xid in failed:
                self._refuse(key, actions, failed[xid])
            elif reason is not None:
                self._dirty[key] = None
            elif have is not None:
                added += key not in have
                deleted += actions is None
                modified += actions is not None and key in have
                if actions is None:
                    have.pop(key, None)
                else:
                    have[key] = actions
                    self._reported.pop(key, None)
        if reason is None:
            self._announce = False
            self._calm()
            self._events.append(Synced(added, deleted, modified))

    def _calm(self) -> None:
        """Things work: trouble is news again."""
        self._said = ""
        self._retry_after = FIRST_RETRY
