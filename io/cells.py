"""The columns and child rows that a sink owns: what a fact asks for, what is stored, what lies between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import Child, Clock, Constant, Mapped, Source, source_column, split_column
from ovn_rules.io.columns import encoder, normaliser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import Schema, TableSchema
    from ovn_rules.io.rows import Replica, Row, TableReplica
    from ovn_rules.io.transaction import Transaction


class UnmappedError(LookupError):
    """A fact holds a value for which a ``Mapped`` has none; the message names it."""


class Cell:
    """One table column, or one key of a map column, and where its value comes from.

    Attributes:
        column: The table column.
        map_key: The key of the map, or None for the whole column.
        at: The column's position in stored rows; -1 when it is not read.
        source_at: The position in facts that it comes from; -1 for a constant.
        plain: Facts and rows hold it in the same form: it is one atom.
        target: The table whose rows must be there for the column to refer to; None when it refers to none so.
    """

    def __init__(
        self, name: str, source: Source | Clock, columns: Sequence[str], table: TableReplica, schema: TableSchema
    ) -> None:
        """Takes an entry of a sink's ``columns``; ``columns`` here are the relation's."""
        self.column, self.map_key = split_column(name)
        self.at = table.position.get(self.column, -1)
        self._constant = source.value if isinstance(source, Constant) else None
        self._values = source.values if isinstance(source, Mapped) else None
        given = source_column(source)
        self.source_at = -1 if given is None else list(columns).index(given)
        column = schema.columns[self.column]
        self.plain = column.kind == "scalar" and column.key_type != "real" and isinstance(source, str)
        self.target = column.ref_table if column.ref_type == "strong" and self.map_key is None else None
        self._normalise = normaliser(column) if self.map_key is None else _of_key
        self._encode = encoder(column)

    def wanted(self, fact: Fact) -> Any:
        """What the fact asks for; None when it asks for nothing.

        Raises:
            UnmappedError: A ``Mapped`` has no value for the fact's.
        """
        value = self._constant if self.source_at < 0 else fact[self.source_at]
        if self._values is not None and value is not None:
            try:
                value = self._values[value]
            except LookupError:
                raise UnmappedError(f"there is no {self.column} for {value!r}") from None
        return None if value is None else self._normalise(value)

    def stored(self, row: Row) -> Any:
        """What a stored row has; () for a map without the key."""
        value = row[self.at]
        if self.map_key is None:
            return value
        return next((v for k, v in value if k == self.map_key), ())

    def identity(self, fact: Fact) -> Any:
        """What the fact asks for in a column of the key: what ``stored`` gives for its row."""
        value = self.wanted(fact)
        return () if value is None and self.map_key is not None else value

    def json(self, value: Any) -> Any:
        """A value as JSON: the column's, or the map's with this key alone."""
        return self._encode(value if self.map_key is None else ((self.map_key, value),))


class ClockCell(Cell):
    """A column that tells when a column of the fact came to have its value."""

    _value: Any = None
    _since = 0

    def see(self, fact: Fact) -> None:
        """Takes the fact as it is now."""
        value = fact[self.source_at]
        if value != self._value:
            self._value = value
            self._since = time.time_ns() // 1_000_000

    def wanted(self, _fact: Fact) -> int:
        """Milliseconds since 1970."""
        return self._since


class Cells:
    """The columns of one row that are owned."""

    def __init__(
        self, sources: Mapping[str, Source | Clock], columns: Sequence[str], table: TableReplica, schema: TableSchema
    ) -> None:
        """Takes a sink's ``columns``; ``columns`` here are the relation's."""
        self._table = table.name
        kinds = ((n, s, ClockCell if isinstance(s, Clock) else Cell) for n, s in sources.items() if n != "_uuid")
        self._cells = [kind(n, s, columns, table, schema) for n, s, kind in kinds]
        self._clocks = [c for c in self._cells if isinstance(c, ClockCell)]

    def see(self, fact: Fact) -> None:
        """Takes the fact as it is now, for the columns that tell since when."""
        for cell in self._clocks:
            cell.see(fact)

    def differs(self, fact: Fact, row: Row) -> bool:
        """Whether a stored row has something else than the fact asks for."""
        for cell in self._cells:
            wanted = cell.wanted(fact)
            if wanted is not None and wanted != cell.stored(row):
                return True
        return False

    def update(self, fact: Fact, row: Row, transaction: Transaction, along: Cells | None = None) -> None:
        """Brings a stored row to what the fact asks for: what differs alone, and what goes along with it."""
        changed: dict[str, Any] = {}
        mutations: list[list[Any]] = []
        for cell in self._cells:
            wanted = cell.wanted(fact)
            if wanted is None:
                continue
            stored = cell.stored(row)
            if wanted == stored:
                continue
            if cell.map_key is None:
                changed[cell.column] = cell.json(wanted)
                continue
            if stored != ():
                mutations.append([cell.column, "delete", ["set", [cell.map_key]]])
            if wanted != ():
                mutations.append([cell.column, "insert", cell.json(wanted)])
        if along is not None and (changed or mutations):
            changed.update(along.row(fact))
        if changed:
            transaction.update(self._table, row[0], changed)
        if mutations:
            transaction.mutate(self._table, row[0], mutations)

    def values(self, fact: Fact) -> dict[str, Any]:
        """What the fact asks for, by column; keys of maps are left out."""
        return {c.column: c.wanted(fact) for c in self._cells if c.map_key is None}

    def references(self, fact: Fact, table: str) -> Iterator[str]:
        """The rows of a table that the fact refers to, which must be there."""
        for cell in self._cells:
            if cell.target == table:
                wanted = cell.wanted(fact)
                yield from (wanted,) if isinstance(wanted, str) else wanted or ()

    def stored_references(self, row: Row) -> Iterator[str]:
        """The same of a stored row, for all tables."""
        for cell in self._cells:
            if cell.target is not None and cell.at >= 0:
                stored = cell.stored(row)
                yield from (stored,) if isinstance(stored, str) else stored

    @property
    def targets(self) -> set[str]:
        """The tables that facts refer to so."""
        return {c.target for c in self._cells if c.target is not None}

    def row(self, fact: Fact) -> dict[str, Any]:
        """A new row's columns, encoded."""
        new: dict[str, Any] = {}
        for cell in self._cells:
            wanted = cell.wanted(fact)
            if wanted is None or (cell.map_key is not None and wanted == ()):
                continue
            json = cell.json(wanted)
            if cell.map_key is not None and cell.column in new:
                new[cell.column][1].extend(json[1])
            else:
                new[cell.column] = json
        return new


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
            self._refer(row, ["uuid", found[0]], transaction)
        self._cells.update(fact, found, transaction)
        for below in self._below:
            below.update(fact, found, transaction)

    def insert(self, fact: Fact, transaction: Transaction) -> list[str]:
        """Makes the child and what belongs to it; returns a reference."""
        row = self._cells.row(fact)
        for below in self._below:
            below.insert_into(row, fact, transaction)
        return transaction.insert(self._child.table, row)

    def insert_into(self, row: dict[str, Any], fact: Fact, transaction: Transaction) -> None:
        """Makes the child of a row that is being made, and adds the reference to that row."""
        reference = self.insert(fact, transaction)
        if self._scalar:
            row[self._child.column] = reference
        else:
            row.setdefault(self._child.column, ["set", []])[1].append(reference)

    def _refer(self, row: Row, reference: list[str], transaction: Transaction) -> None:
        value = reference if self._scalar else ["set", [reference]]
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


def _of_key(value: Any) -> Any:
    """The value for one key of a map: of a tuple its only element, () for no such key."""
    return value[0] if value.__class__ is tuple and value else value
