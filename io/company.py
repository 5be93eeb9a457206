"""What must be in one transaction with an item, when a difference is too large for one.

A row that takes a value in a unique index goes together with the row that has the value now. If that one is
deleted, what refers to it goes along, with what that is to refer to instead.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ovn_rules.engine.ovsschema import TableSchema
    from ovn_rules.io.comparison import Comparison
    from ovn_rules.io.transaction import Item


class Company:
    """Which of some items stand in each other's way, or hold each other."""

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        tables: Mapping[str, TableSchema],
        items: Callable[[int], Iterable[Any]],
    ) -> None:
        """Looks at nothing yet.

        Args:
            comparisons: Those of all sinks, by number.
            tables: The server's tables.
            items: Gives the keys of a sink's items.
        """
        self._comparisons = comparisons
        self._tables = tables
        self._items = items
        self._having: dict[str, dict[tuple[str, ...], dict[Any, Item]]] = {}
        self._referring: dict[str, list[Item]] | None = None

    def holders(self, item: Item) -> list[Item]:
        """The items whose stored rows have what an item's row is to have in a unique index."""
        comparison = self._comparisons[item[0]]
        table = comparison.sink.table
        indexes = self._tables[table].indexes
        if not indexes or item[1] not in comparison.wanted:
            return []
        if table not in self._having:
            self._having[table] = {index: self._having_in(table, index) for index in indexes}
        found = []
        for index, having in self._having[table].items():
            wanted = comparison.wanted_values(item[1], index)
            holder = having.get(wanted) if wanted is not None else None
            if holder is not None and holder != item:
                found.append(holder)
        return found

    def referrers(self, item: Item) -> list[Item]:
        """The items whose stored rows refer to rows of an item that has no fact any more."""
        comparison = self._comparisons[item[0]]
        if item[1] in comparison.wanted:
            return []
        if self._referring is None:
            self._referring = self._all_referring()
        return [r for row in comparison.rows(item[1]) for r in self._referring.get(row[0], ())]

    def missing(self, item: Item) -> list[Item]:
        """The items whose rows are not there yet, to which an item's row is to refer."""
        comparison = self._comparisons[item[0]]
        return [
            (number, uuid)
            for number, other in enumerate(self._comparisons)
            if other.by_uuid and not other.carried and other.sink.table in comparison.targets
            for uuid in comparison.wanted_references(item[1], other.sink.table)
            if not other.rows(uuid)
        ]

    def _having_in(self, table: str, index: tuple[str, ...]) -> dict[Any, Item]:
        return {
            values: (number, key)
            for number, comparison in enumerate(self._comparisons)
            if comparison.sink.table == table
            for key in self._items(number)
            for values in comparison.stored_values(key, index)
        }

    def _all_referring(self) -> dict[str, list[Item]]:
        found: dict[str, list[Item]] = defaultdict(list)
        for number, comparison in enumerate(self._comparisons):
            if comparison.targets:
                for key in self._items(number):
                    for uuid in comparison.stored_references(key):
                        found[uuid].append((number, key))
        return found
