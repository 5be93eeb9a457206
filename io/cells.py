"""The columns that a sink owns: what a fact asks for, what is stored, what lies between."""

from __future__ import annotations

import time
from functools import cache, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import Clock, Constant, Mapped, Source, source_column, split_column
from ovn_rules.io.columns import difference, normaliser
from ovn_rules.io.value_text import (
    NO_TEXT,
    UnsendableError,
    atom_text,
    extended,
    map_text,
    set_text,
    unsendable,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.ovsschema import ColumnSchema, TableSchema
    from ovn_rules.io.rows import Row, TableReplica
    from ovn_rules.io.transaction import Transaction

_WORTH = 3
"""A set or map is changed in part when that leaves this many elements unsent: so long is the operation itself."""

_SHORT, _FEW = 100, 5000
"""Texts of values up to this length are remembered, so many of each column."""


class Cell:
    """One table column, or one key of a map column, and where its value comes from.

    Attributes:
        name: The entry of a sink's ``columns``.
        column: The table column.
        map_key: The key of the map, or None for the whole column.
        at: The column's position in stored rows; -1 when it is not read.
        source_at: The position in facts that it comes from; -1 for a constant.
        plain: Facts and rows hold it in the same form: it is one atom.
        copied: Facts and rows mostly hold it in the same form: it is a whole column, taken as it is.
        target: The table whose rows must be there for the column to refer to; None when it refers to none so.
        new_text: The same as ``text`` for a new row, where an empty column is left out, too.
        given: What the fact holds for it, in any form; None when it asks for nothing. It raises
            UnsendableError when a ``Mapped`` has no value for the fact's.
    """

    def __init__(
        self, name: str, source: Source | Clock, columns: Sequence[str], table: TableReplica, schema: TableSchema
    ) -> None:
        """Takes an entry of a sink's ``columns``; ``columns`` here are the relation's."""
        self.name = name
        self.column, self.map_key = split_column(name)
        self.at = table.position.get(self.column, -1)
        given = source_column(source)
        self.source_at = -1 if given is None else list(columns).index(given)
        self.given = _giver(self.column, source, self.source_at)
        column = schema.columns[self.column]
        self.plain = column.kind == "scalar" and column.key_type != "real" and isinstance(source, str)
        self.copied = self.map_key is None and isinstance(source, str) and self.at >= 0
        # A weak reference goes with its row; where the column mustn't be empty, the server refuses that (ovsdb(7)).
        needed = column.ref_type == "strong" or column.min > 0
        self.target = column.ref_table if needed and self.map_key is None else None
        self._optional = not column.min
        self._in_part = _Part(column) if column.max > 1 and self.map_key is None else None
        self._normalise = normaliser(column) if self.map_key is None else _of_key
        if self.map_key is None:
            self._text = value_text(column)
        else:
            self._value_text = atom_text(column.value_type or "string")
            self._key_text = atom_text(column.key_type)(self.map_key)
        self.new_text = self._fastest_text(source)

    def wanted(self, fact: Fact) -> Any:
        """What the fact asks for; None when it asks for nothing."""
        value = self.given(fact)
        return None if value is None else self._normalise(value)

    def stored(self, row: Row) -> Any:
        """What a stored row has; () for a map without the key."""
        value = row[self.at]
        if self.map_key is not None:
            for key, of_key in value:
                if key == self.map_key:
                    return of_key
            return ()
        return value

    def identity(self, fact: Fact) -> Any:
        """What the fact asks for in a column of the key: what ``stored`` gives for its row."""
        given = self.given(fact)
        if self.map_key is not None:
            return () if given is None else _of_key(given)
        return None if given is None else self._normalise(given)

    def differs(self, fact: Fact, row: Row) -> bool:
        """Whether a stored row has something else than the fact asks for."""
        given = self.given(fact)
        if given is None:
            return False
        stored = self.stored(row)
        return bool(given != stored and self._normalise(given) != stored)

    def text(self, fact: Fact) -> str | None:
        """What the fact asks for as JSON text: of the column, or of a pair of the map; None for what is left out."""
        value = self.wanted(fact)
        return None if value is None else self._value_as_text(value, new=False)

    def _value_as_text(self, value: Any, *, new: bool) -> str | None:
        if value == () and (self.map_key is not None or (new and self._optional)):
            return None
        return self._text(value) if self.map_key is None else f"[{self._key_text},{self._value_text(value)}]"

    def _fastest_text(self, source: Source | Clock) -> Callable[[Fact], str | None]:
        at = self.source_at

        def of_any(fact: Fact) -> str | None:
            value = self.wanted(fact)
            return None if value is None else self._value_as_text(value, new=True)

        if self.plain:
            return _atom(self._text, at)
        if isinstance(source, str):
            return _remembering(of_any, at)
        if isinstance(source, Constant):
            constant = cache(partial(of_any, ()))
            return lambda _: constant()
        if not isinstance(source, Mapped):
            return of_any
        values = {g: self._normalise(v) for g, v in source.values.items() if v is not None}
        texts = {g: self._value_as_text(v, new=True) for g, v in values.items()}

        def of_mapped(fact: Fact) -> str | None:
            text = texts.get(fact[at])
            return of_any(fact) if text is None else text

        return of_mapped

    def change(self, fact: Fact, row: Row) -> tuple[str | None, list[str]]:
        """How a stored row gets what the fact asks for.

        Returns:
            JSON text of the column's new value, or None and the mutations that make it; none when it is there.
        """
        given, stored = self.given(fact), self.stored(row)
        if given is None or given == stored:
            return None, []
        if self._in_part is not None and given.__class__ is tuple:
            found = self._in_part.mutations(stored, given)
            if found is not None:
                return None, found
        wanted = self._normalise(given)
        if wanted == stored:
            return None, []
        if self.map_key is None:
            found = self._in_part.mutations(stored, wanted) if self._in_part is not None else None
            return (self._text(wanted), []) if found is None else (None, found)
        pair = self._value_as_text(wanted, new=False)
        gone = [f'["{self.column}","delete",{set_text([self._key_text])}]'] if stored != () else []
        return None, gone if pair is None else [*gone, f'["{self.column}","insert",{map_text([pair])}]']


class _Part:
    """Changes a set or a map in part."""

    def __init__(self, column: ColumnSchema) -> None:
        self._column = column
        self._key = atom_text(column.key_type)
        self._text = value_text(column)

    def mutations(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> list[str] | None:
        """Mutations that make one value of another; None when the new one is as short, or not in order."""
        found = difference(self._column, old, new)
        if found is None:
            return None
        gone, come = found
        if len(gone) + len(come) + _WORTH > len(new):
            return None
        name = self._column.name
        deleted = [f'["{name}","delete",{set_text(map(self._key, gone))}]'] if gone else []
        return [*deleted, f'["{name}","insert",{self._text(come)}]'] if come else deleted


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
        self._wholes = {c.column: c for c in self._cells if c.map_key is None}
        self._new_wholes = [(c.column, c.new_text) for c in self._wholes.values()]
        maps = dict.fromkeys(c.column for c in self._cells if c.map_key is not None)
        self._new_pairs = [
            (m, [c.new_text for c in self._cells if c.map_key is not None and c.column == m]) for m in maps
        ]
        self._referring: dict[str, list[Cell]] = {}
        for cell in self._cells:
            if cell.target is not None:
                self._referring.setdefault(cell.target, []).append(cell)
        copied = [c for c in self._cells if c.copied]
        self._copied = bool(copied)
        self._of_fact = itemgetter(*[c.source_at for c in copied] or [0])
        self._of_row = itemgetter(*[c.at for c in copied] or [0])
        self._others = [c for c in self._cells if not c.copied]

    def see(self, fact: Fact) -> None:
        """Takes the fact as it is now, for the columns that tell since when."""
        for cell in self._clocks:
            cell.see(fact)

    def differs(self, fact: Fact, row: Row) -> bool:
        """Whether a stored row has something else than the fact asks for."""
        for cell in self._suspects(fact, row):  # noqa: SIM110 - a generator takes twice as long, for each row of a table
            if cell.differs(fact, row):
                return True
        return False

    def _suspects(self, fact: Fact, row: Row) -> list[Cell]:
        same = self._copied and self._of_fact(fact) == self._of_row(row)
        return self._others if same else self._cells

    def update(self, fact: Fact, row: Row, transaction: Transaction, along: Cells | None = None) -> bool:
        """Brings a stored row to what the fact asks for: what differs alone, and what goes along with it.

        Returns:
            Whether anything differs.

        Raises:
            UnsendableError: There is no way to say what the fact asks for.
        """
        changed: dict[str, str] = {}
        mutations: list[str] = []
        try:
            for cell in self._suspects(fact, row):
                whole, part = cell.change(fact, row)
                if whole is not None:
                    changed[cell.column] = whole
                mutations += part
            if not changed and not mutations:
                return False
            if along is not None:
                changed.update(along.wholes(fact))
        except NO_TEXT as e:
            raise unsendable(e) from e
        if changed:
            transaction.update(self._table, row[0], changed)
        if mutations:
            transaction.mutate(self._table, row[0], mutations)
        return True

    def values(self, fact: Fact, columns: Sequence[str]) -> tuple[Any, ...] | None:
        """What the fact asks for in some whole columns; None when it doesn't say."""
        wanted = [self._wholes[c].wanted(fact) for c in columns if c in self._wholes]
        return tuple(wanted) if len(wanted) == len(columns) else None

    def references(self, fact: Fact, table: str) -> Iterator[str]:
        """The rows of a table that the fact refers to, which must be there."""
        for cell in self._referring.get(table, ()):
            wanted = cell.wanted(fact) if cell.given(fact) else ()
            yield from (wanted,) if isinstance(wanted, str) else wanted or ()

    def stored_references(self, row: Row) -> Iterator[str]:
        """The same of a stored row, for all tables."""
        for cells in self._referring.values():
            for cell in cells:
                if cell.at >= 0:
                    stored = cell.stored(row)
                    yield from (stored,) if isinstance(stored, str) else stored

    @property
    def targets(self) -> set[str]:
        """The tables that facts refer to so."""
        return set(self._referring)

    def wholes(self, fact: Fact) -> dict[str, str]:
        """What the fact asks for in whole columns, as JSON text."""
        texts = {name: cell.text(fact) for name, cell in self._wholes.items()}
        return {name: text for name, text in texts.items() if text is not None}

    def row(self, fact: Fact) -> dict[str, str]:
        """A new row's columns as JSON text, but for empty ones.

        Raises:
            UnsendableError: There is no way to say what the fact asks for.
        """
        row = {}
        try:
            for name, new_text in self._new_wholes:
                text = new_text(fact)
                if text is not None:
                    row[name] = text
            for column, new_pairs in self._new_pairs:
                pairs = [text for new_text in new_pairs if (text := new_text(fact)) is not None]
                if pairs:
                    row[column] = extended(row[column], pairs) if column in row else map_text(pairs)
        except NO_TEXT as e:
            raise unsendable(e) from e
        return row


def _atom(text_of: Callable[[Any], str], at: int) -> Callable[[Fact], str | None]:
    """A function from facts to the text of one of their columns, an atom."""

    def text(fact: Fact) -> str | None:
        value = fact[at]
        return None if value is None else text_of(value)

    return text


def _remembering(text_of: Callable[[Fact], str | None], at: int) -> Callable[[Fact], str | None]:
    """A function from facts to the text of one of their columns, which mostly has one of few short values."""
    known: dict[Any, str | None] = {}

    def text(fact: Fact) -> str | None:
        value = fact[at]
        if value in known:
            return known[value]
        found = text_of(fact)
        if (found is None or len(found) < _SHORT) and len(known) < _FEW:
            known[value] = found
        return found

    return text


def _giver(column: str, source: Source | Clock, at: int) -> Callable[[Fact], Any]:
    if isinstance(source, Constant):
        value = source.value
        return lambda _: value
    if not isinstance(source, Mapped):
        return itemgetter(at)
    values = source.values

    def mapped(fact: Fact) -> Any:
        given = fact[at]
        if given is None:
            return None
        try:
            return values[given]
        except LookupError:
            raise UnsendableError(f"there is no {column} for {given!r}") from None

    return mapped


def _of_key(value: Any) -> Any:
    """The value for one key of a map: of a tuple its only element, () for no such key."""
    return value[0] if value.__class__ is tuple and value else value
