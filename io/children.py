"""The child rows that belong to a sink's rows: found, made and kept as facts ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.io.cells import Cells
from ovn_rules.io.value_text import extended, set_text, uuid_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.engine.sinks import Child
    from ovn_rules.io.rows import Replica, Row
    from ovn_rules.io.transaction import Transaction


class ChildRows:
    """The child that each row of a table has for one ``Child`` of a sink, its own children included."""

    def __init__(
        self,
        child: Child,
        columns: Sequence[str],
        owner: str,
        stored: tuple[Replica, Schema],
        touched: Callable[[str], None],
    ) -> None:
        """Watches the child's table.

        Args:
            child: The description.
            columns: The relation's columns.
            owner: The table whose rows refer to the child.
            stored: The stored rows and the server's schema.
            touched: Called with the owner row's UUID when something below it changes.
        """
        replica, schema = stored
        self._child = child
        self._owner = replica.tables[owner]
        self._table = replica.tables[child.table]
        self._at = self._owner.position[child.column]
        self._scalar = schema.tables[owner].columns[child.column].kind == "scalar"
        self._touched = touched
        self._owners: dict[str, str] = {}
        self._cells = Cells(child.columns, columns, self._table, schema.tables[child.table])
        key = {c: child.columns[c] for c in child.key}
        self._key = Cells(key, columns, self._table, schema.tables[child.table]) if key else None
        self._below = [ChildRows(c, columns, child.table, stored, self._child_touched) for c in child.children]
        for row in self._owner.rows.values():
            self.owner_changed(row[0], None, row)
        self._owner.watchers.append(self.owner_changed)
        self._table.watchers.append(lambda uuid, _old, _new: self._child_touched(uuid))

    def owner_changed(self, uuid: str, old: Row | None, new: Row | None) -> None:
        """Follows which row refers to which child."""
        was, now = self._references(old), self._references(new)
        if was == now:
            return
        for child in set(was).difference(now):
            if self._owners.get(child) == uuid:
                del self._owners[child]
        for child in set(now).difference(was):
            self._owners[child] = uuid

    def differs(self, fact: Fact, row: Row) -> bool:
        """Whether a stored row's child is not as the fact asks."""
        found = self._find(fact, row)
        if found is None or (self._child.only and len(self._references(row)) > 1):
            return True
        return self._cells.differs(fact, found) or any(b.differs(fact, found) for b in self._below)

    def update(self, fact: Fact, row: Row, transaction: Transaction) -> None:
        """Brings a stored row's child to what the fact asks for."""
        found = self._find(fact, row)
        if found is None:
            reference = self.insert(fact, transaction)
            if self._child.only or self._scalar:
                self._refer(row, reference, transaction)
            else:
                transaction.link(self._owner.name, row[0], self._child.column, reference)
            return
        if self._child.only and len(self._references(row)) > 1:
            self._refer(row, uuid_text(found[0]), transaction)
        self._cells.update(fact, found, transaction)
        for below in self._below:
            below.update(fact, found, transaction)

    def insert(self, fact: Fact, transaction: Transaction) -> str:
        """Makes the child and what belongs to it; returns a reference."""
        row = self._cells.row(fact)
        for below in self._below:
            below.insert_into(row, fact, transaction)
        return transaction.insert(self._child.table, row, named=True)

    def insert_into(self, row: dict[str, str], fact: Fact, transaction: Transaction) -> None:
        """Makes the child of a row that is being made, and adds the reference to that row."""
        reference = self.insert(fact, transaction)
        others = row.get(self._child.column)
        if self._scalar:
            row[self._child.column] = reference
        else:
            row[self._child.column] = set_text([reference]) if others is None else extended(others, [reference])

    def _refer(self, row: Row, reference: str, transaction: Transaction) -> None:
        value = reference if self._scalar else set_text([reference])
        transaction.update(self._owner.name, row[0], {self._child.column: value})

    def _find(self, fact: Fact, row: Row) -> Row | None:
        """The child: the one with the key; without a key, the one as wanted, or else the first."""
        rows = self._table.rows
        candidates = [rows[u] for u in self._references(row) if u in rows]
        if self._key is not None:
            return next((r for r in candidates if not self._key.differs(fact, r)), None)
        as_wanted = (r for r in candidates if not self._cells.differs(fact, r))
        return next(as_wanted, candidates[0] if candidates else None)

    def _references(self, row: Row | None) -> tuple[str, ...]:
        if row is None:
            return ()
        references = row[self._at]
        return (references,) if isinstance(references, str) else tuple(references)

    def _child_touched(self, uuid: str) -> None:
        owner = self._owners.get(uuid)
        if owner is not None:
            self._touched(owner)
