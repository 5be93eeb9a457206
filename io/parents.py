"""The row that must refer to a sink's row for it to stay: where the row hangs, and where it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.sinks import Constant, Parent
from ovn_rules.io.value_text import uuid_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.io.rows import Replica, Row
    from ovn_rules.io.transaction import Transaction


class ParentRows:
    """Which rows refer to each row of a sink, for its ``Parent``."""

    def __init__(
        self, parent: Parent, columns: Sequence[str], replica: Replica, touched: Callable[[str], None]
    ) -> None:
        """Watches the parent's table.

        Args:
            parent: The description.
            columns: The relation's columns.
            replica: The stored rows.
            touched: Called with the UUID of a row that came to or left a parent, and of a parent that came.
        """
        self._parent = parent
        self._table = replica.tables[parent.table]
        self._at = self._table.position[parent.column]
        self._constant = parent.row.value if isinstance(parent.row, Constant) else None
        self._from = list(columns).index(parent.row) if isinstance(parent.row, str) else -1
        self._touched = touched
        self._parents: dict[str, tuple[str, ...]] = {}
        for row in self._table.rows.values():
            self._changed(row[0], None, row)
        self._table.watchers.append(self._changed)

    def wanted(self, fact: Fact) -> str | None:
        """The parent's UUID; None while there is no such row."""
        rows = self._table.rows
        if self._from >= 0 or self._constant is not None:
            uuid = fact[self._from] if self._from >= 0 else self._constant
            return uuid if uuid in rows else None
        return next(iter(rows)) if len(rows) == 1 else None

    def differs(self, fact: Fact, uuid: str) -> bool:
        """Whether a row hangs elsewhere than it should."""
        wanted = self.wanted(fact)
        return wanted is not None and self._parents.get(uuid, ()) != (wanted,)

    def move(self, fact: Fact, uuid: str, transaction: Transaction) -> None:
        """Hangs a stored row where it should be, and nowhere else."""
        wanted = self.wanted(fact)
        if wanted is None:
            return
        parents = self._parents.get(uuid, ())
        for parent in parents:
            if parent != wanted:
                transaction.unlink(self._parent.table, parent, self._parent.column, uuid)
        if wanted not in parents:
            transaction.link(self._parent.table, wanted, self._parent.column, uuid_text(uuid))

    def add(self, fact: Fact, reference: str, transaction: Transaction) -> None:
        """Hangs a row that is being made."""
        wanted = self.wanted(fact)
        if wanted is not None:
            transaction.link(self._parent.table, wanted, self._parent.column, reference)

    def remove(self, uuid: str, transaction: Transaction) -> None:
        """Takes a row out of every parent."""
        for parent in self._parents.get(uuid, ()):
            transaction.unlink(self._parent.table, parent, self._parent.column, uuid)

    def _changed(self, uuid: str, old: Row | None, new: Row | None) -> None:
        was = set(old[self._at]) if old is not None else set()
        now = set(new[self._at]) if new is not None else set()
        for child in was - now:
            left = tuple(p for p in self._parents.get(child, ()) if p != uuid)
            if left:
                self._parents[child] = left
            else:
                self._parents.pop(child, None)
            self._touched(child)
        for child in now - was:
            self._parents[child] = tuple(sorted((*self._parents.get(child, ()), uuid)))
            self._touched(child)
        if old is None:
            self._touched(uuid)
