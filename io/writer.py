"""Keeps a database's rows as derived relations say: one minimal transaction at a time, for what changed only.

While a transaction is in flight further changes wait and merge. Only where they fill whole transactions the next
one is sent before the answer, so that the server is never idle in a large load. What the server refuses is found
by sending parts, and set aside until its fact or the stored rows change, so it is never a busy loop.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import Sink, problems
from ovn_rules.io.backlog import Backlog
from ovn_rules.io.database import error_text
from ovn_rules.io.events import Contested, Event, Refused, Unusable
from ovn_rules.io.isolation import Contest, Isolation
from ovn_rules.io.transaction import Transaction, UnsendableItemError
from ovn_rules.io.value_text import UnsendableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.io.comparison import Comparison, Key
    from ovn_rules.io.database import Database
    from ovn_rules.io.rows import Row, Watcher
    from ovn_rules.io.transaction import Item

MAX_OPERATIONS = 250
"""A larger difference is written in several transactions, so that the server can serve others in between.

ovsdb-server takes the longer for an operation, the more of them a transaction has: for 47,000 logical flows 1.3 s of
processor time with 250 in each, 1.9 s with 1,500, 2.9 s with 10,000.
"""

MAX_FLIGHTS = 4
"""So many transactions of a large difference are on their way at once, so that the server always has one to work on."""

_TOO_OLD = "Member 'uuid' is present but not allowed here"
"""What a server answers that doesn't know of rows whose UUID the client gives (ovsdb-server(7) section 5.2.1)."""

_TRANSIENT = frozenset({"not owner", "resources exhausted", "I/O error", "timed out", "not leader", "canceled"})
"""Errors that say nothing of what was asked for: the same may succeed later, or on another server."""


@dataclass(slots=True)
class _Flight:
    """A transaction on its way.

    Attributes:
        transaction: The transaction.
        keys: What it is for: a sink's number to keys.
        doubtful: One that was sent before it has failed, so that it may fail without being wrong.
    """

    transaction: Transaction
    keys: dict[int, set[Key]] = field(default_factory=lambda: defaultdict(set))
    doubtful: bool = False

    def __post_init__(self) -> None:
        for number, key in self.transaction.items:
            self.keys[number].add(key)


class Writer:
    """Writes the sinks of one database.

    Attributes:
        transactions: How many transactions have been sent.
        operations: How many operations they had.
    """

    def __init__(
        self,
        database: Database,
        sinks: Iterable[Sink],
        columns: Mapping[str, Sequence[str]],
        *,
        explain: Callable[[str, Fact], str] | None = None,
        max_operations: int = MAX_OPERATIONS,
        comment: str = "",
    ) -> None:
        """Starts paused: nothing is written before ``start``, when all facts are derived.

        Args:
            database: The connection. It must hold ``sinks.stored_columns`` of the sinks.
            sinks: Those of other databases are passed over.
            columns: Column names of each relation.
            explain: Gives the text for a fact in a log line: the fact and what it follows from.
            max_operations: The most operations of a transaction, but for what one key needs.
            comment: What the database's log is to say of each transaction.
        """
        self.transactions = 0
        self.operations = 0
        self._database = database
        self._sinks = sorted((s for s in sinks if s.database == database.name), key=lambda s: s.last)
        self._columns = columns
        self._explain = explain or _fact_text
        self._max_operations = max_operations
        self._comment = comment
        self._started = False
        self._schema: Schema | None = None
        self._backlog: Backlog | None = None
        self._early: dict[str, dict[Fact, None]] = {}
        self._by_relation: dict[str, list[int]] = {}
        for number, sink in enumerate(self._sinks):
            self._by_relation.setdefault(sink.relation, []).append(number)
        self._flights: list[_Flight] = []
        self._ahead = True
        self._loading = False
        self._made: set[Item] = set()
        database.replies_first = lambda: self._loading and self.in_flight
        self._isolation = Isolation(self._groups)
        self._contest = Contest()
        self._refused: dict[Item, tuple[Fact | None, str]] = {}
        self._was_synced = False
        self._too_old = False
        self._events: list[Event] = []

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits to be compared."""
        return not self._flights and not self._isolation.busy and not self.waiting

    @property
    def in_flight(self) -> bool:
        """A transaction has been sent and not yet answered."""
        return bool(self._flights)

    @property
    def waiting(self) -> int:
        """How many keys wait to be compared."""
        return self._backlog.size if self._backlog is not None else 0

    @property
    def behind(self) -> bool:
        """So many keys wait to be compared that they may fill a transaction."""
        return self.waiting >= self._max_operations

    @property
    def refused(self) -> list[tuple[str, str, str]]:
        """What is set aside: (table, the server's reason, the fact) of each."""
        return [(self._sinks[n].table, reason, self._text((n, key))) for (n, key), (_, reason) in self._refused.items()]

    def start(self) -> None:
        """Lets it write: every fact that should be stored has been noted, or will be."""
        self._started = True

    def note(self, changes: Mapping[str, tuple[Collection[Fact], Collection[Fact]]]) -> None:
        """Takes changes of derived facts: relation name to (deleted, inserted)."""
        if self._loading and not self._by_relation.keys().isdisjoint(changes):
            self._see()
        for relation, (deleted, inserted) in changes.items():
            numbers = self._by_relation.get(relation, ())
            if numbers and self._backlog is None:
                early = self._early.setdefault(relation, {})
                for fact in deleted:
                    early.pop(fact, None)
                early.update(dict.fromkeys(inserted))
                continue
            for number in numbers:
                touched = self._comparisons[number].note(deleted, inserted)
                if self._contest.watching:
                    self._contest.forget([(number, key) for key in touched])

    def run(self) -> list[Event]:
        """Sends what differs, unless something is in flight, and returns what the server refused."""
        if self._database.schema is not self._schema:
            self._use_schema()
        if self._database.synced != self._was_synced:
            self._was_synced = self._database.synced
            self._too_old = False
            self._retry(self._refused)
        for item in self._contest.due():
            self._see()
            self._retry([item])
        while self._may_send and self._send():
            pass
        if not self._flights:
            self._see()
        events, self._events = self._events, []
        return events

    def wait(self, poller: Any) -> None:
        """Makes the poller wake when ``run`` has something to do."""
        if self._events:
            poller.immediate_wake()
        if self._may_send and not self.idle:
            poller.immediate_wake()
        self._contest.wait(poller)

    def resync(self) -> int:
        """Compares everything that is wanted with everything that is stored.

        Returns:
            How many keys differ; they are written by ``run``. A daemon that works right finds none, but for
            what is in flight or refused.
        """
        self._see()
        return self._backlog.different() if self._backlog is not None else 0

    # A large load

    def _see(self) -> None:
        """Looks at what has been written, before anything is compared for a second time."""
        if self._loading:
            self._loading = False
            self._made.clear()
            self._database.catch_up()

    # Sending

    @property
    def _comparisons(self) -> list[Comparison]:
        return self._backlog.comparisons if self._backlog is not None else []

    @property
    def _may_send(self) -> bool:
        if not self._started or self._too_old or not self._database.writable:
            return False
        return not self._flights or (self._ahead and self._is_much)

    @property
    def _is_much(self) -> bool:
        """A whole transaction can be sent while another is on its way, so that the server needn't wait for it."""
        return len(self._flights) < MAX_FLIGHTS and not self._isolation.busy and self.behind

    def _send(self) -> bool:
        """Sends the next transaction; False when there is nothing to send or it has been sent."""
        transaction = Transaction()
        items = self._isolation.next() if not self._flights else None
        if items is not None:
            for item in items:
                self._compare(item, transaction)
        else:
            if not self._flights:
                refused, apart = self._isolation.settle()
                for item, reason in refused.items():
                    self._refuse(item, reason)
                self._retry(apart)
            self._fill(transaction)
        if not transaction.items:
            self._ahead = False
            self._isolation.cleared(items or ())
            return items is not None
        lock = self._database.lock
        try:
            encoded = transaction.encode(lock, self._comment)
        except UnsendableItemError as e:
            self._refuse(e.item, str(e))
            self._retry(i for i in transaction.items if i != e.item)
            return True
        # A part that is tried alone says something only if nothing else is written meanwhile.
        self._ahead = items is None and (self._ahead or not self._flights)
        flight = _Flight(transaction)
        self._flights.append(flight)
        self._loading = self._loading or (self._ahead and self.behind)
        self.transactions += 1
        self.operations += transaction.size
        self._database.transact(encoded, lambda result, error: self._answered(flight, result, error))
        return self._may_send

    def _fill(self, transaction: Transaction) -> None:
        """Compares what waits until a transaction is full."""
        if self._backlog is None or any(self._backlog.holds(f.keys) for f in self._flights):
            return  # what is on its way has changed meanwhile: the next transaction must see how it ends
        for item in self._backlog.take(last=not self._flights and not self._loading):
            self._compare(item, transaction)
            if transaction.size >= self._max_operations:
                self._backlog.complete(transaction, lambda i: self._compare(i, transaction))
                break
        if not transaction.items and self._loading and not self._flights:
            self._see()
            self._fill(transaction)

    def _compare(self, item: Item, transaction: Transaction) -> None:
        if self._backlog is None or self._contest.holds(item):
            return
        try:
            self._backlog.compare(item, transaction, self._is_made)
        except UnsendableError as e:
            self._refuse(item, str(e))
        else:
            if self._refused and item not in transaction.items:
                self._refused.pop(item, None)  # its fact has gone, or others have seen to it

    def _is_made(self, item: Item) -> bool:
        """Whether an item's row was made for the sake of others, or is just being made, and isn't read yet."""
        return item in self._made or any(item in f.transaction.carried for f in self._flights)

    def _answered(self, flight: _Flight, result: Any, error: Any) -> None:
        self._flights.remove(flight)
        self._ahead = True
        items = list(flight.transaction.items)
        failed = next((i for i, r in enumerate(result or ()) if isinstance(r, dict) and r.get("error")), None)
        if result is not None and failed is None:
            self._isolation.cleared(items)
            if self._loading:
                self._made |= flight.transaction.carried
            self._written(items)
            return
        self._see()
        if failed is None:
            self._retry([*items, *self._isolation.abandon()])
            if error is not None:
                self._database.reconnect(f"transaction refused: {error_text(error)}", back_off=True)
            return
        for later in self._flights:
            later.doubtful = True
        reason = error_text(result[failed])
        if _TOO_OLD in reason:
            self._retry([*items, *self._isolation.abandon()])
            self._give_up()
        elif result[failed]["error"] in _TRANSIENT:
            self._retry([*items, *self._isolation.abandon()])
            self._database.reconnect(f"transaction refused: {reason}", back_off=True)
        elif flight.doubtful or self._has_changed(flight):
            self._retry(items)
        else:
            culprit = flight.transaction.owner(failed, locked=self._database.lock is not None)
            late = {i for i in items if self._sinks[i[0]].last and i != culprit}
            if len(late) < len(items):
                self._retry(late)
                items = [i for i in items if i not in late]
            self._isolation.failed(items, culprit, reason)

    def _has_changed(self, flight: _Flight) -> bool:
        """Whether what a transaction was compared with has changed since, so that it would be another one now."""
        now = Transaction()
        for item in flight.transaction.items:
            self._compare(item, now)
        return not now.same_as(flight.transaction)

    def _give_up(self) -> None:
        """Sends nothing more over this connection."""
        if not self._too_old:
            self._too_old = True
            why = "its ovsdb-server lets no client choose the UUIDs of new rows; that of Open vSwitch 2.13 does"
            self._events.append(Unusable(self._database.name, self._database.remote, why))

    def _written(self, items: list[Item]) -> None:
        for item in items if self._refused else ():
            if self._refused.pop(item, None) is not None and self._backlog is not None:
                self._see()
                self._retry(self._backlog.referring(self._sinks[item[0]].table))
        for item, delay in self._contest.written(items).items():
            table, fact = self._sinks[item[0]].table, self._text(item)
            self._events.append(Contested(self._database.name, table, fact, delay))

    # What was refused

    def _refuse(self, item: Item, reason: str) -> None:
        fact = self._comparisons[item[0]].wanted.get(item[1])
        if self._refused.get(item) != (fact, reason):
            self._refused[item] = (fact, reason)
            table = self._sinks[item[0]].table
            self._events.append(Refused(self._database.name, table, reason, self._text(item)))

    def _retry(self, items: Iterable[Item]) -> None:
        if self._backlog is not None:
            self._backlog.put(items)

    def _groups(self, items: list[Item]) -> list[list[Item]]:
        return self._backlog.groups(items) if self._backlog is not None else []

    def _watcher(self, table: str) -> Watcher:
        return lambda _uuid, old, _new: self._row_changed(table, old)

    def _row_changed(self, table: str, old: Row | None) -> None:
        """A row that stood in the way of a refused one, or of one that will be, may have gone."""
        suspects = self._isolation.suspects
        if (self._refused or suspects) and old is not None and self._backlog is not None:
            freed = self._backlog.freed(table, old, [*self._refused, *suspects])
            self._isolation.cleared(freed)
            self._retry(freed)

    def _text(self, item: Item) -> str:
        sink, comparison = self._sinks[item[0]], self._comparisons[item[0]]
        fact = comparison.wanted.get(item[1])
        if fact is None:
            return f"no row of {sink.table} with {', '.join(comparison.key_columns)} = {item[1]!r}"
        return self._explain(sink.relation, fact)

    # The schema

    def _use_schema(self) -> None:
        """Starts comparing by the server's schema, with the facts noted so far."""
        schema = self._schema = self._database.schema
        if schema is None:
            return
        for sink, comparison in zip(self._sinks, self._comparisons, strict=False):
            self._early[sink.relation] = dict.fromkeys(comparison.facts())
        self._backlog = None
        self._refused.clear()
        self._contest = Contest()
        self._isolation = Isolation(self._groups)
        wrong = [p for s in self._sinks for p in problems(s, self._columns[s.relation], schema)]
        if wrong:
            self._events.append(Unusable(self._database.name, self._database.remote, "; ".join(wrong)))
            return
        replica = self._database.replica
        for name, table in replica.tables.items():
            table.watchers.clear()
            table.watchers.append(self._watcher(name))
        self._backlog = Backlog(self._sinks, self._columns, replica, schema, self._refused)
        for sink, comparison in zip(self._sinks, self._comparisons, strict=True):
            comparison.note((), self._early.get(sink.relation, ()))
        self._early.clear()


def _fact_text(relation: str, fact: Fact) -> str:
    return f"{relation}({', '.join(map(repr, fact))})"
