"""What waits to be written to one database: in which order it is taken, and what must go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import split_column
from ovn_rules.io.company import Company
from ovn_rules.io.comparison import Comparison
from ovn_rules.io.transaction import Transaction
from ovn_rules.io.value_text import UnsendableError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.engine.sinks import Sink
    from ovn_rules.io.comparison import Key
    from ovn_rules.io.rows import Replica, Row
    from ovn_rules.io.transaction import Item


class Backlog:
    """The comparisons of all sinks of a database.

    Attributes:
        comparisons: One for each sink, in the sinks' order.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        columns: Mapping[str, Sequence[str]],
        replica: Replica,
        schema: Schema,
        refused: Container[Item],
    ) -> None:
        """Compares by a schema.

        Args:
            sinks: The sinks; those that come last are at the end.
            columns: The columns of each relation.
            replica: The stored rows.
            schema: The server's schema.
            refused: Items that are set aside until their rows change.
        """

        def comparison(number: int, sink: Sink) -> Comparison:
            return Comparison(sink, columns[sink.relation], replica, schema, lambda key: (number, key) in refused)

        self.comparisons = [comparison(number, sink) for number, sink in enumerate(sinks)]
        self._waiting = [keys for c in self.comparisons for keys in (c.to_write, c.to_remove)]
        self._ordinary = range(sum(not s.last for s in sinks))
        self._last = range(len(self._ordinary), len(sinks))
        self._tables = schema.tables
        carried = {c.sink.table: n for n, c in enumerate(self.comparisons) if c.carried}
        self._carried = [[carried[t] for t in sorted(c.targets & carried.keys())] for c in self.comparisons]

    @property
    def size(self) -> int:
        """How many items wait."""
        return sum(map(len, self._waiting))

    def holds(self, keys: Mapping[int, set[Key]]) -> bool:
        """Whether any of some keys waits, given by the sinks' numbers."""
        return any(self.comparisons[number].waits(of_sink) for number, of_sink in keys.items())

    def put(self, items: Iterable[Item]) -> None:
        """Has items compared."""
        for number, key in items:
            self.comparisons[number].mark(key)

    def take(self, *, last: bool) -> Iterator[Item]:
        """Takes what waits: rows to write in the order of the sinks, then rows to delete in the reverse.

        Args:
            last: When there is nothing else, take what comes last, too.
        """
        comparisons = self.comparisons
        for number in self._ordinary:
            waiting = comparisons[number].to_write
            while waiting:
                key = waiting.popitem()[0]
                if not comparisons[number].carried or comparisons[number].rows(key):
                    yield number, key
        for number in reversed(self._ordinary):
            waiting = comparisons[number].to_remove
            while waiting:
                yield number, waiting.popitem()[0]
        for number in self._last if last else ():
            for waiting in (comparisons[number].to_write, comparisons[number].to_remove):
                while waiting:
                    yield number, waiting.popitem()[0]

    def compare(self, item: Item, transaction: Transaction, carried: Callable[[Item], bool]) -> None:
        """Adds the operations that an item needs.

        Args:
            item: The item.
            transaction: Where to.
            carried: Whether an item's row is made in a transaction that is on its way.

        Raises:
            UnsendableError: There is no way to say what the item's fact asks for.
        """
        number, key = item
        before = transaction.size
        transaction.begin(item)
        self.comparisons[number].compare(key, transaction)
        if transaction.size == before:
            return
        for other in self._carried[number]:
            comparison = self.comparisons[other]
            for uuid in self.comparisons[number].wanted_references(key, comparison.sink.table):
                if comparison.rows(uuid) or uuid not in comparison.wanted:
                    continue
                if (other, uuid) not in transaction.carried and not carried((other, uuid)):
                    transaction.carried.add((other, uuid))
                    comparison.compare(uuid, transaction)

    def complete(self, transaction: Transaction, add: Callable[[Item], None]) -> None:
        """Adds what can't wait for the next transaction, because it stands in the way of what is in this one."""
        company = self._company(lambda n: self.comparisons[n].changing())
        together = [other for item in transaction.items for other in company.holders(item)]
        while together:
            number, key = item = together.pop()
            if self.comparisons[number].unmark(key):
                add(item)
                together += [*company.holders(item), *company.referrers(item), *company.missing(item)]

    def groups(self, items: list[Item]) -> list[list[Item]]:
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

    def freed(self, table: str, row: Row, items: Iterable[Item]) -> list[Item]:
        """Those of some items that want what a row had in a unique index."""
        found = []
        for number, key in items:
            comparison = self.comparisons[number]
            if comparison.sink.table == table:
                for index in self._tables[table].indexes:
                    wanted = comparison.wanted_values(key, index)
                    if wanted is not None and wanted == comparison.row_values(row, index):
                        found.append((number, key))
        return found

    def referring(self, table: str) -> list[Item]:
        """The items that may refer weakly to rows of a table; while a row isn't there, a server drops that."""
        found = []
        for number, comparison in enumerate(self.comparisons):
            columns = self._tables[comparison.sink.table].columns
            named = [columns[c] for c in {split_column(n)[0] for n in comparison.sink.columns} & columns.keys()]
            if any(c.ref_table == table and c.ref_type == "weak" for c in named):
                found += [(number, key) for key in comparison.wanted]
        return found

    def different(self) -> int:
        """Compares everything that is wanted with everything that is stored, and puts in what differs: how much."""
        found = 0
        for number, comparison in enumerate(self.comparisons):
            comparison.rebuild()
            for key in comparison.everything():
                if comparison.carried and not comparison.rows(key):
                    continue
                scratch = Transaction()
                scratch.begin((number, key))
                try:
                    comparison.compare(key, scratch)
                except UnsendableError:
                    continue
                if scratch.items:
                    comparison.mark(key)
                    found += 1
                else:
                    comparison.unmark(key)
        return found

    def _company(self, keys: Callable[[int], Iterable[Any]]) -> Company:
        return Company(self.comparisons, self._tables, keys)
