"""A live database: its facts as they change, and a way to send transactions.

The protocol is RFC 7047 with the extensions of ovsdb-server(7): ``monitor_cond_since``, ``monitor_cond`` or
``monitor``; the ``_Server`` database says whether a clustered server is connected and leads. After a
reconnect the snapshot is compared with the rows that are held, and only what changed meanwhile is reported.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ovsschema import ZERO_UUID, Schema, SchemaError, parse_schema
from ovn_rules.io.events import (
    Connected,
    Event,
    LockAwaited,
    LockGained,
    LockLost,
    Lost,
    Unusable,
    Updated,
    Waiting,
)
from ovn_rules.io.membership import COLUMNS, Membership
from ovn_rules.io.messages import no_collection
from ovn_rules.io.rows import Replica, RowError
from ovn_rules.io.session import MAX_BACKOFF_MS, PROBE_MS, Session
from ovn_rules.io.streams import split_remotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.io.rows import Delta
    from ovn_rules.io.streams import Tls

Done = Callable[[Any, Any], None]
"""Called with a request's (result, error); (None, None) when the connection was lost before the reply."""

log = logging.getLogger(__name__)

_METHODS = ("monitor_cond_since", "monitor_cond", "monitor")


class Database:
    """A database that is followed over one connection to one of several servers.

    Attributes:
        name: The database's name in the program (``nb``).
        replica: The rows that are held. They stay when the connection is lost.
        schema: The server's schema; None before the first connection.
        synced: The rows held are the server's, and changes are being followed.
        loaded: The rows have been read completely at least once.
        has_lock: The lock is held; False when none was asked for.
        lock: The lock's name, or None.
        replies_first: Whether replies to transactions are all that matters now; updates are left until it says no,
            or until ``catch_up``.
    """

    def __init__(
        self,
        name: str,
        remotes: str,
        schema_name: str,
        relations: Iterable[RelationDef],
        *,
        extra: Mapping[str, Sequence[str]] | None = None,
        lock: str | None = None,
        leader_only: bool = True,
        further: Callable[[Schema], Mapping[str, Sequence[str]]] | None = None,
        tls: Tls | None = None,
        probe_ms: int = PROBE_MS,
        max_backoff_ms: int = MAX_BACKOFF_MS,
    ) -> None:
        """Starts without connecting.

        Args:
            name: The database's name in the program (``nb``).
            remotes: ``unix:``, ``tcp:`` and ``ssl:`` remotes, separated by commas.
            schema_name: The database's name on the server (``OVN_Northbound``).
            relations: The relations to feed; those of other databases are passed over.
            extra: Further columns to hold, by table (``sinks.stored_columns``).
            lock: A lock to ask for once connected (RFC 7047 section 4.1.8).
            leader_only: Of a cluster, use the leader only. Writers must.
            further: Says which columns to hold besides, by table, given the server's schema.
            tls: The files for ``ssl:`` remotes.
            probe_ms: Milliseconds of silence before a probe; 0 for none.
            max_backoff_ms: The longest wait between tries, in milliseconds.

        Raises:
            RemoteError: A remote or the TLS files can't be used.
        """
        self.name = name
        self.replica = Replica(name, relations, extra)
        self.schema: Schema | None = None
        self.synced = False
        self.loaded = False
        self.has_lock = False
        self.lock = lock
        self.replies_first: Callable[[], bool] = lambda: False
        self._transactions: set[int] = set()
        self._schema_name = schema_name
        self._membership = Membership(schema_name, leader_only=leader_only)
        self._further = further
        self._remotes = split_remotes(remotes)
        self._session = Session(self._remotes, tls, probe_ms=probe_ms, max_backoff_ms=max_backoff_ms)
        self._events: list[Event] = []
        self._pending: dict[Any, Done] = {}
        self._said: set[tuple[str, str]] = set()
        self._unusable = False
        self._moving_on = False
        self._failures = 0
        self._connections = 0
        self._schema_json: Any = None
        self._since = ZERO_UUID
        self._tried = 0
        self._method = 0

    @property
    def writable(self) -> bool:
        """Transactions can be sent: connected, read completely, and the lock held when one was asked for."""
        return self.synced and (self.lock is None or self.has_lock)

    @property
    def remote(self) -> str:
        """The server that it is connected to, or tries to reach."""
        return self._session.remote

    @property
    def schema_name(self) -> str:
        """The database's name on the server."""
        return self._schema_name

    def run(self) -> list[Event]:
        """Does what can be done without waiting, and returns what happened."""
        first = self.replies_first()
        if not first:
            self.catch_up()
        messages = self._session.run(_is_update if first else None)
        if self._session.failures != self._failures:
            self._ended()
        if self._session.connections != self._connections:
            self._connections = self._session.connections
            self._begin()
        for message in messages:
            number = message.get("id")
            if not isinstance(number, int) or number not in self._transactions:
                self.catch_up()
            self._take_if_right(message)
        events, self._events = self._events, []
        return events

    def catch_up(self) -> None:
        """Takes the updates that were left; the next ``run`` returns what happened."""
        for message in self._session.kept():
            self._take_if_right(message)

    def wait(self, poller: Any) -> None:
        """Makes the poller wake when ``run`` has something to do."""
        self._session.wait(poller)
        if self._events or (self._session.keeps and not self.replies_first()):
            poller.immediate_wake()

    def transact(self, operations: bytes, done: Done) -> None:
        """Sends a transaction.

        Args:
            operations: The operations as JSON, separated by commas.
            done: Called with the reply, or (None, None) when the connection is lost first.
        """
        params = b"[%b,%b]" % (json.dumps(self._schema_name).encode(), operations)
        number = self._session.transact(params)
        self._pending[number] = done
        self._transactions.add(number)

    def want_lock(self, lock: str) -> None:
        """Asks for a lock, now or as soon as it is connected; without it, nothing is writable."""
        self.lock = lock
        if self.synced:
            self._request("lock", [lock], self._lock_answered)

    def release_lock(self) -> None:
        """Lets others have the lock (RFC 7047 section 4.1.10), and doesn't ask for it any more."""
        if self.lock is not None and self.synced:
            self._request("unlock", [self.lock], _ignore)
        if self.has_lock:
            self._set_lock(held=False)
        self.lock = None

    def forget_index(self) -> None:
        """Takes a cluster's data as it comes, though it be older than what was read: its databases were made anew."""
        self._membership.forget_index()

    def echo(self, done: Done) -> None:
        """Asks the server for an echo (RFC 7047 section 4.1.11).

        ovsdb-server sends the changes that it has committed before it reads the next request, so that once the
        reply is here, so are all changes that were committed before the question.

        Args:
            done: Called with the reply, or (None, None) when the connection is lost first.
        """
        self._request("echo", [], done)

    def probe(self, interval_ms: int | None) -> None:
        """Probes the server after so many milliseconds of silence from now on (``Session.probe``)."""
        self._session.probe(interval_ms)

    def reconnect(self, why: str, *, back_off: bool = False) -> None:
        """Drops the connection and makes a new one: at once, or after a wait as for a failure."""
        self._session.disconnect(why, back_off=back_off)

    def close(self) -> None:
        """Closes the connection for good."""
        self._session.close()
        self.synced = False
        self.has_lock = False

    # The connection's life

    def _begin(self) -> None:
        self._method = 0
        self._membership.begin()
        self._request("set_db_change_aware", [True], _ignore)
        columns = {"Database": [{"columns": COLUMNS}]}
        self._request("monitor_cond", ["_Server", "server", columns], self._server_known)

    def _ended(self) -> None:
        """The connection, or a try to connect, ended."""
        session = self._session
        self._failures = session.failures
        pending, self._pending = self._pending, {}
        self._transactions.clear()
        if self.synced:
            self.synced = False
            self._said.clear()
            self._events.append(Lost(self.name, session.failed_remote, session.failure))
        elif self._unusable:
            self._say(Unusable(self.name, session.failed_remote, session.failure))
        elif not self._moving_on:
            self._say(Waiting(self.name, session.failed_remote, session.failure))
        self._unusable = self._moving_on = False
        if self.has_lock:
            self._set_lock(held=False)
        for done in pending.values():
            done(None, None)

    def _leave(self, why: str) -> None:
        """Gives this server up: what it says can't be used."""
        self._unusable = True
        self._since = ZERO_UUID
        self._session.disconnect(why)

    def _move_on(self, why: str) -> None:
        """Tries the next server of a cluster at once, until all have been tried."""
        self._tried += 1
        self._moving_on = self._tried < len(self._remotes)
        self._session.disconnect(why, back_off=not self._moving_on)

    def _say(self, event: Waiting) -> None:
        if (event.remote, event.reason) not in self._said:
            self._said.add((event.remote, event.reason))
            self._events.append(event)

    def _request(self, method: str, params: Any, done: Done) -> None:
        self._pending[self._session.request(method, params)] = done

    def _take_if_right(self, message: dict[str, Any]) -> None:
        """Takes a message, or gives the server up."""
        try:
            self._take(message)
        except (RowError, SchemaError) as e:
            self._leave(str(e))
        except (TypeError, ValueError, LookupError, AttributeError) as e:
            log.debug("%s: %s", self.name, message, exc_info=True)
            self._leave(f"a message is not of the form RFC 7047 gives ({type(e).__name__}: {e})")

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._transactions.discard(message["id"])
            done = self._pending.pop(message.get("id"), None)
            if done is not None:
                done(message.get("result"), message.get("error"))
            return
        params = message["params"]
        if method in ("update", "update2", "update3"):
            if params[0] == "server":
                self._server_changed(params[-1])
            elif self.synced:
                self._update(params[-1], simple=method == "update")
                if method == "update3":
                    self._since = params[1]
        elif method == "monitor_canceled":
            self._session.disconnect("the database was converted or removed", back_off=False)
        elif method == "locked" and params[0] == self.lock:
            self._set_lock(held=True)
        elif method == "stolen" and params[0] == self.lock:
            self._set_lock(held=False)

    # Which server

    def _server_known(self, result: Any, error: Any) -> None:
        if result is not None:
            self._server_changed(result, first=True)
        elif error is not None:
            self._ask_schema()  # a server older than Open vSwitch 2.9 has no _Server database

    def _server_changed(self, updates: dict[str, Any], *, first: bool = False) -> None:
        self._membership.take(updates)
        if why := self._membership.lacking():
            self._leave(why)
        elif why := self._membership.unfit():
            self._move_on(why)
        elif first:
            self._ask_schema()

    # Reading

    def _ask_schema(self) -> None:
        self._request("get_schema", [self._schema_name], self._schema_known)

    def _schema_known(self, result: Any, error: Any) -> None:
        if result is None:
            if error is not None:
                self._leave(f"no schema of {self._schema_name}: {error_text(error)}")
            return
        if result != self._schema_json:
            schema = parse_schema(result)
            missing = self.replica.missing(schema)
            if missing:
                version = f" {schema.version}" if schema.version else ""
                self._leave(f"{schema.name}{version} has no {', no '.join(missing)}")
                return
            if self._further is not None:
                self.replica.extend(schema, self._further(schema))
            self.replica.use(schema)
            self.schema, self._schema_json = schema, result
            self._since = ZERO_UUID
        self._monitor()

    def _monitor(self) -> None:
        tables = {name: [{"columns": t.monitored}] for name, t in self.replica.tables.items()}
        params: list[Any] = [self._schema_name, "data", tables]
        if self._method == 0:
            params.append(self._since)
        self._request(_METHODS[self._method], params, self._read)

    def _read(self, result: Any, error: Any) -> None:
        if result is None:
            if error is not None and self._method + 1 < len(_METHODS) and _is_unknown_method(error):
                self._method += 1
                self._monitor()
            elif error is not None:
                self._leave(f"can't monitor: {error_text(error)}")
            return
        since = ZERO_UUID
        if self._method == 0:
            found, since, result = result
            if found:
                self._update(result, simple=False)
            else:
                self._snapshot(result)
        else:
            self._snapshot(result)
        self._since = since
        self.synced = self.loaded = True
        self._tried = 0
        self._session.useful()
        version = self.schema.version if self.schema else ""
        self._events.append(Connected(self.name, self.remote, self._schema_name, version))
        if self.lock is not None:
            self._request("lock", [self.lock], self._lock_answered)

    def _snapshot(self, tables: dict[str, Any]) -> None:
        """Takes all rows: what is held and not among them is gone."""
        delta: Delta = {}
        try:
            with no_collection():
                for name, table in self.replica.tables.items():
                    rows = tables.get(name, {})
                    decoded = [(u, table.decode(u, _only_value(change))) for u, change in rows.items()]
                    for uuid in [u for u in table.rows if u not in rows]:
                        table.put(uuid, None, delta)
                    for uuid, row in decoded:
                        table.put(uuid, row, delta)
        finally:
            self._emit(delta)

    def _update(self, tables: dict[str, Any], *, simple: bool) -> None:
        """Takes changes: RFC 7047's (``simple``: old and new values), or those with differences."""
        delta: Delta = {}
        try:
            for name, rows in tables.items():
                table = self.replica.tables[name]
                for uuid, change in rows.items():
                    if "modify" in change:
                        old = table.rows.get(uuid)
                        if old is None:
                            raise RowError(f"table {name}, row {uuid}: changed, but it was never read")
                        table.put(uuid, table.modified(old, change["modify"], difference=True), delta)
                    elif "delete" in change or (simple and "new" not in change):
                        table.put(uuid, None, delta)
                    else:
                        table.put(uuid, table.decode(uuid, change["new"] if simple else _only_value(change)), delta)
        finally:
            self._emit(delta)

    def _emit(self, delta: Delta) -> None:
        if delta:
            self._events.append(Updated(self.name, delta))

    # The lock

    def _lock_answered(self, result: Any, error: Any) -> None:
        if result is not None and result.get("locked"):
            self._set_lock(held=True)
        elif result is not None and self.lock is not None:
            self._events.append(LockAwaited(self.name, self.lock))
        elif error is not None:
            self._leave(f"can't ask for lock {self.lock}: {error_text(error)}")

    def _set_lock(self, *, held: bool) -> None:
        if held != self.has_lock and self.lock is not None:
            self.has_lock = held
            self._events.append((LockGained if held else LockLost)(self.name, self.lock))


def _ignore(_result: Any, _error: Any) -> None:
    """For a reply that says nothing."""


def _is_update(message: bytes) -> bool:
    """Whether a message, as ovsdb-server writes it, tells of changes."""
    return b'"method":"update' in message[:64]


def _only_value(change: dict[str, Any]) -> Any:
    """The row of a ``<row-update>`` that holds one: ``{"initial": row}``."""
    (row,) = change.values()
    return row


def _is_unknown_method(error: Any) -> bool:
    return "unknown method" in error_text(error)


def error_text(error: Any) -> str:
    """A server's error (RFC 7047 section 3.1) as one line."""
    if isinstance(error, dict):
        return ": ".join(str(error[k]) for k in ("error", "details") if error.get(k))
    return str(error)
