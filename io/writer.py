"""Keeps a database's rows as derived relations say: one minimal transaction at a time, for what changed only.

While a transaction is in flight further changes wait and merge. What the server refuses is found by sending
parts, and set aside until its fact or the stored rows change, so it is never a busy loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import Sink, problems
from ovn_rules.io.company import Company
from ovn_rules.io.comparison import Comparison
from ovn_rules.io.database import error_text
from ovn_rules.io.events import Contested, Event, Refused, Unusable
from ovn_rules.io.isolation import Contest, Isolation
from ovn_rules.io.transaction import Transaction, UnsendableItemError
from ovn_rules.io.value_text import UnsendableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.io.database import Database
    from ovn_rules.io.rows import Row, Watcher
    from ovn_rules.io.transaction import Item

MAX_OPERATIONS = 2000
"""A larger difference is written in several transactions, so that the server can serve others in between."""

_TOO_OLD = "Member 'uuid' is present but not allowed here"
"""What a server answers that doesn't know of rows whose UUID the client gives (ovsdb-server(7) section 5.2.1)."""

_TRANSIENT = frozenset({"not owner", "resources exhausted", "I/O error", "timed out", "not leader", "canceled"})
"""Errors that say nothing of what was asked for: the same may succeed later, or on another server."""


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
        self._lasting = sum(s.last for s in self._sinks)
        self._columns = columns
        self._explain = explain or _fact_text
        self._max_operations = max_operations
        self._comment = comment
        self._started = False
        self._schema: Schema | None = None
        self._comparisons: list[Comparison] = []
        self._carriers: list[list[int]] = []
        self._early: dict[str, dict[Fact, None]] = {}
        self._by_relation: dict[str, list[int]] = {}
        for number, sink in enumerate(self._sinks):
            self._by_relation.setdefault(sink.relation, []).append(number)
        self._flying: list[Item] | None = None
        self._transaction = Transaction()
        self._isolation = Isolation(self._in_each_others_way)
        self._contest = Contest()
        self._refused: dict[Item, tuple[Fact | None, str]] = {}
        self._was_synced = False
        self._too_old = False
        self._events: list[Event] = []

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits to be compared."""
        return self._flying is None and not self._isolation.busy and not self.waiting

    @property
    def in_flight(self) -> bool:
        """A transaction has been sent and not yet answered."""
        return self._flying is not None

    @property
    def waiting(self) -> int:
        """How many keys wait to be compared."""
        return sum(c.waiting for c in self._comparisons)

    @property
    def refused(self) -> list[tuple[str, str, str]]:
        """What is set aside: (table, the server's reason, the fact) of each."""
        return [(self._sinks[n].table, reason, self._text((n, key))) for (n, key), (_, reason) in self._refused.items()]

    def start(self) -> None:
        """Lets it write: every fact that should be stored has been noted, or will be."""
        self._started = True

    def note(self, changes: Mapping[str, tuple[Collection[Fact], Collection[Fact]]]) -> None:
        """Takes changes of derived facts: relation name to (deleted, inserted)."""
        for relation, (deleted, inserted) in changes.items():
            numbers = self._by_relation.get(relation, ())
            if numbers and not self._comparisons:
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
        """Sends what differs, if nothing is in flight, and returns what the server refused."""
        if self._database.schema is not self._schema:
            self._use_schema()
        if self._database.synced != self._was_synced:
            self._was_synced = self._database.synced
            self._too_old = False
            self._retry(self._refused)
        for item in self._contest.due():
            self._retry([item])
        while self._may_send and self._send():
            pass
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
        found = 0
        for number, comparison in enumerate(self._comparisons):
            comparison.rebuild()
            for key in comparison.everything():
                if comparison.carried and not comparison.rows(key):
                    continue
                scratch = Transaction()
                scratch.begin((number, key))
                comparison.compare(key, scratch)
                if scratch.items:
                    comparison.mark(key)
                    found += 1
                else:
                    comparison.unmark(key)
        return found

    # Sending

    @property
    def _may_send(self) -> bool:
        return self._started and self._flying is None and self._database.writable and not self._too_old

    def _send(self) -> bool:
        """Sends the next transaction; False when there is nothing to send or it has been sent."""
        transaction = Transaction()
        items = self._isolation.next()
        if items is not None:
            for item in items:
                self._compare(item, transaction)
        else:
            for item, reason in self._isolation.settle().items():
                self._refuse(item, reason)
            self._compare_waiting(transaction)
        if not transaction.items:
            self._isolation.succeeded(items or ())
            return items is not None
        lock = self._database.lock
        try:
            encoded = transaction.encode(lock, self._comment)
        except UnsendableItemError as e:
            self._refuse(e.item, str(e))
            self._retry(i for i in transaction.items if i != e.item)
            return True
        self._transaction = transaction
        self._flying = list(transaction.items)
        self.transactions += 1
        self.operations += len(transaction)
        self._database.transact(encoded, self._answered)
        return False

    def _compare_waiting(self, transaction: Transaction) -> None:
        for item in self._take_waiting():
            self._compare(item, transaction)
            if len(transaction) >= self._max_operations:
                self._complete(transaction)
                return

    def _take_waiting(self) -> Iterator[Item]:
        """Takes what is to be compared: rows to write in the order of the sinks, rows to delete in the reverse."""
        comparisons = self._comparisons
        ordinary = range(len(comparisons) - self._lasting)
        for number in ordinary:
            waiting = comparisons[number].to_write
            while waiting:
                key = waiting.popitem()[0]
                if not comparisons[number].carried or comparisons[number].rows(key):
                    yield number, key
        for number in reversed(ordinary):
            waiting = comparisons[number].to_remove
            while waiting:
                yield number, waiting.popitem()[0]
        for number in range(len(ordinary), len(comparisons)):
            for waiting in (comparisons[number].to_write, comparisons[number].to_remove):
                while waiting:
                    yield number, waiting.popitem()[0]

    def _complete(self, transaction: Transaction) -> None:
        """Adds what can't wait for the next transaction, because it stands in the way of what is in this one."""
        company = self._company(lambda n: [*self._comparisons[n].to_write, *self._comparisons[n].to_remove])
        together = [other for item in transaction.items for other in company.holders(item)]
        while together:
            number, key = item = together.pop()
            if self._comparisons[number].unmark(key):
                self._compare(item, transaction)
                together += [*company.holders(item), *company.referrers(item), *company.missing(item)]

    def _compare(self, item: Item, transaction: Transaction) -> None:
        if self._contest.holds(item):
            return
        number, key = item
        operations = len(transaction)
        transaction.begin(item)
        try:
            self._comparisons[number].compare(key, transaction)
            if len(transaction) > operations:
                for other in self._carriers[number]:
                    self._carry(number, key, other, transaction)
        except UnsendableError as e:
            self._refuse(item, str(e))

    def _carry(self, number: int, key: Any, other: int, transaction: Transaction) -> None:
        """Makes the rows that a row is to refer to, where they would not stay without it."""
        comparison = self._comparisons[other]
        for uuid in self._comparisons[number].wanted_references(key, comparison.sink.table):
            if (other, uuid) not in transaction.carried and uuid in comparison.wanted and not comparison.rows(uuid):
                transaction.carried.add((other, uuid))
                comparison.compare(uuid, transaction)

    def _answered(self, result: Any, error: Any) -> None:
        items, self._flying = self._flying or [], None
        if result is None:
            self._retry([*items, *self._isolation.abandon()])
            if error is not None:
                self._database.reconnect(f"transaction refused: {error_text(error)}", back_off=True)
            return
        failed = next((i for i, r in enumerate(result) if isinstance(r, dict) and r.get("error")), None)
        if failed is None:
            self._isolation.succeeded(items)
            for item in items:
                self._written(item)
            return
        reason = error_text(result[failed])
        if _TOO_OLD in reason:
            self._retry([*items, *self._isolation.abandon()])
            self._too_old = True
            why = "its ovsdb-server lets no client choose the UUIDs of new rows; that of Open vSwitch 2.13 does"
            self._events.append(Unusable(self._database.name, self._database.remote, why))
            return
        if result[failed]["error"] in _TRANSIENT:
            self._retry([*items, *self._isolation.abandon()])
            self._database.reconnect(f"transaction refused: {reason}", back_off=True)
            return
        culprit = self._transaction.owner(failed, locked=self._database.lock is not None)
        now = Transaction()
        for item in items:
            self._compare(item, now)
        if not now.same_as(self._transaction):
            self._retry(items)  # what it was compared with has changed meanwhile
            return
        late = [i for i in items if self._sinks[i[0]].last and i != culprit]
        if len(late) < len(items):
            self._retry(late)
            items = [i for i in items if i not in late]
        self._isolation.failed(items, culprit, reason)

    def _written(self, item: Item) -> None:
        self._refused.pop(item, None)
        delay = self._contest.written(item)
        if delay:
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
        for number, key in items:
            self._comparisons[number].mark(key)

    def _company(self, keys: Callable[[int], Iterable[Any]]) -> Company:
        return Company(self._comparisons, self._schema.tables if self._schema is not None else {}, keys)

    def _in_each_others_way(self, items: list[Item]) -> list[list[Item]]:
        """Groups of items one of which wants what another's row still has in a unique index."""
        keys: dict[int, list[Any]] = {}
        for number, key in items:
            keys.setdefault(number, []).append(key)
        company = self._company(lambda n: keys.get(n, ()))
        group = {item: [item] for item in items}
        for item in items:
            for holder in company.holders(item):
                if group[holder] is not group[item]:
                    group[holder].extend(group[item])
                    for member in group[item]:
                        group[member] = group[holder]
        return list({id(g): g for g in group.values()}.values())

    def _watcher(self, table: str) -> Watcher:
        return lambda _uuid, old, _new: self._row_changed(table, old)

    def _row_changed(self, table: str, old: Row | None) -> None:
        """A row that stood in the way of a refused one may have gone."""
        if not self._refused or old is None or self._schema is None:
            return
        for number, key in self._refused:
            if self._sinks[number].table == table:
                comparison = self._comparisons[number]
                for index in self._schema.tables[table].indexes:
                    wanted = comparison.wanted_values(key, index)
                    if wanted is not None and wanted == comparison.row_values(old, index):
                        comparison.mark(key)

    def _text(self, item: Item) -> str:
        sink = self._sinks[item[0]]
        fact = self._comparisons[item[0]].wanted.get(item[1])
        if fact is None:
            return f"no row of {sink.table} with {', '.join(sink.key)} = {item[1]!r}"
        return self._explain(sink.relation, fact)

    # The schema

    def _use_schema(self) -> None:
        """Starts comparing by the server's schema, with the facts noted so far."""
        schema = self._schema = self._database.schema
        if schema is None:
            return
        for sink, comparison in zip(self._sinks, self._comparisons, strict=False):
            self._early[sink.relation] = dict.fromkeys(comparison.facts())
        self._comparisons = []
        self._refused.clear()
        self._contest = Contest()
        self._isolation = Isolation(self._in_each_others_way)
        wrong = [p for s in self._sinks for p in problems(s, self._columns[s.relation], schema)]
        if wrong:
            self._events.append(Unusable(self._database.name, self._database.remote, "; ".join(wrong)))
            return
        replica = self._database.replica
        for name, table in replica.tables.items():
            table.watchers.clear()
            table.watchers.append(self._watcher(name))
        self._comparisons = [Comparison(s, self._columns[s.relation], replica, schema) for s in self._sinks]
        carried = {c.sink.table: n for n, c in enumerate(self._comparisons) if c.carried}
        self._carriers = [[carried[t] for t in sorted(c.targets & carried.keys())] for c in self._comparisons]
        for sink, comparison in zip(self._sinks, self._comparisons, strict=True):
            comparison.note((), self._early.get(sink.relation, ()))
        self._early.clear()


def _fact_text(relation: str, fact: Fact) -> str:
    return f"{relation}({', '.join(map(repr, fact))})"
