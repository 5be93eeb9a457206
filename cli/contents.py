"""Rows of a database by what they say: those that are stored and those that sinks ask for, in one form to compare."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.sinks import Clock, Constant, Mapped, split_column
from ovn_rules.io.columns import normaliser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.engine.sinks import Child, Sink, Source
    from ovn_rules.rules.program import Contents

Row = dict[str, Any]
"""Column → value; sets are sorted tuples, maps tuples of pairs, children tuples of their rows."""

Content = tuple[tuple[str, Any], ...]
"""A row as it is compared: columns in order, references replaced by what tells their rows apart."""


@dataclass
class Rows:
    """Rows of a database.

    Attributes:
        tables: table → rows.
        known: table → UUID → row, of all tables that others may refer to.
    """

    tables: dict[str, list[Row]] = field(default_factory=dict)
    known: dict[str, dict[str, Row]] = field(default_factory=dict)


def compared_columns(sinks: Iterable[Sink], database: str, contents: Contents) -> dict[str, list[str]]:
    """The columns that are compared, or needed for it, by table."""
    found: dict[str, dict[str, None]] = {t: {c: None} for t, c in contents.identities.items()}
    for sink in sinks:
        if sink.database == database:
            _note_columns(sink.table, sink.columns, sink.children, found)
    return {table: list(columns) for table, columns in found.items()}


def _note_columns(
    table: str, columns: Mapping[str, Source], children: Iterable[Child], found: dict[str, dict[str, None]]
) -> None:
    names = found.setdefault(table, {})
    names.update({split_column(c)[0]: None for c in columns if c != "_uuid"})
    for child in children:
        names[child.column] = None
        _note_columns(child.table, child.columns, child.children, found)


def stored_rows(engine: Engine, sinks: Iterable[Sink], database: str) -> Rows:
    """The rows that the database relations of an engine hold, as far as sinks are about their tables."""
    rows = Rows()
    for definition in engine.program.relations.values():
        if definition.table is None or definition.table.database != database or definition.table.column is not None:
            continue
        columns = [c.name for c in definition.columns]
        rows.known[definition.table.table] = {f[0]: _row(columns, f) for f in engine.facts(definition.name)}
    of_table: dict[str, list[Sink]] = {}
    for sink in sinks:
        if sink.database == database:
            of_table.setdefault(sink.table, []).append(sink)
    for table, its_sinks in of_table.items():
        owned = {split_column(c)[0] for s in its_sinks for c in s.columns} - {"_uuid"}
        children = [c for s in its_sinks for c in s.children]
        owned |= {c.column for c in children}
        whole = rows.known[table].values()
        rows.tables[table] = [_with_children(row, children, rows) for row in _only(whole, owned)]
    return rows


def _row(columns: list[str], fact: Fact) -> Row:
    return dict(zip(columns, fact, strict=True))


def _only(rows: Iterable[Row], columns: set[str]) -> Iterator[Row]:
    for row in rows:
        yield {c: v for c, v in row.items() if c in columns}


def _with_children(row: Row, children: Iterable[Child], rows: Rows) -> Row:
    for child in children:
        references = row[child.column] if isinstance(row[child.column], tuple) else (row[child.column],)
        owned = {split_column(c)[0] for c in child.columns} | {c.column for c in child.children}
        found = _only((rows.known[child.table][r] for r in references if r in rows.known[child.table]), owned)
        row[child.column] = tuple(sorted(_frozen(_with_children(each, child.children, rows)) for each in found))
    return row


def _frozen(row: Row) -> Content:
    return tuple(sorted((c, v) for c, v in row.items() if c != "_uuid"))


def wanted_rows(engine: Engine, sinks: Iterable[Sink], database: str, schema: Schema) -> Rows:
    """The rows that sinks ask for; what several ask of one row is put together."""
    rows = Rows()
    listed: dict[str, Row] = {}
    for sink in sinks:
        if sink.database != database:
            continue
        columns = [c.name for c in engine.program.relations[sink.relation].columns]
        table = rows.tables.setdefault(sink.table, [])
        known = rows.known.setdefault(sink.table, {})
        for fact in _kept(sink, columns, engine.facts(sink.relation)):
            asked = _row(columns, fact)
            row = asked_row(asked, sink.columns, sink.table, schema)
            _ask_for_children(row, asked, sink.children, schema)
            uuid = row.pop("_uuid", None)
            if uuid in listed:
                listed[uuid].update(row)
                continue
            table.append(row)
            if uuid is not None:
                known[uuid] = listed[uuid] = row
    return rows


def leave_out_gone(rows: Rows, schema: Schema) -> None:
    """Take references to rows that are gone out of sets: ovsdb-server may leave some, and clients don't see them."""
    for name, table in rows.known.items():
        columns = schema.tables[name].columns
        sets = {c: columns[c].ref_table for row in islice(table.values(), 1) for c in row if c in columns}
        for column, target in sets.items():
            there = rows.known.get(target or "")
            if there is not None and columns[column].kind == "set":
                for row in (*table.values(), *rows.tables.get(name, ())):
                    if column in row:
                        row[column] = tuple(uuid for uuid in row[column] if uuid in there)


def leave_out_unasked(stored: Rows, wanted: Rows) -> None:
    """Take out of all rows of a table the columns that some row of it is asked to leave alone."""
    for table, rows in wanted.tables.items():
        if rows:
            asked = set(rows[0]).intersection(*rows)
            for each in (stored, wanted):
                each.tables[table] = list(_only(each.tables.get(table, ()), asked))


def _kept(sink: Sink, columns: list[str], facts: Iterable[Fact]) -> Iterable[Fact]:
    """Facts, and of several with one key the smallest, as a sink has it; rows with UUIDs may be of several sinks."""
    if "_uuid" in sink.key:
        return facts
    sources = [s.column if isinstance(s, Mapped) else s for s in (sink.columns[name] for name in sink.key)]
    places = [columns.index(s) for s in sources if isinstance(s, str)]
    kept: dict[Fact, Fact] = {}
    for fact in facts:
        key = tuple(fact[place] for place in places)
        kept[key] = min(fact, kept.get(key, fact))
    return kept.values()


def _ask_for_children(row: Row, asked: Row, children: Iterable[Child], schema: Schema) -> None:
    for child in children:
        below = asked_row(asked, child.columns, child.table, schema)
        _ask_for_children(below, asked, child.children, schema)
        row[child.column] = (*row.get(child.column, ()), _frozen(below))


def asked_row(asked: Row, sources: Mapping[str, Source], table: str, schema: Schema) -> Row:
    """The columns of a table's row that a fact asks for.

    Args:
        asked: the fact, by column.
        sources: the table's columns, and where their values come from.
        table: the table.
        schema: the database's.
    """
    row: Row = {}
    for name, source in sources.items():
        if isinstance(source, Clock):
            continue
        value = asked[source] if isinstance(source, str) else source.value if isinstance(source, Constant) else None
        if isinstance(source, Mapped):
            value = source.values[asked[source.column]]
        column, key = split_column(name)
        if column == "_uuid":
            row[column] = value
        elif key is not None:
            pairs = () if value in ((), None) else ((key, value[0] if isinstance(value, tuple) else value),)
            row[column] = tuple(sorted((*row.get(column, ()), *pairs)))
        elif value is not None:
            row[column] = normaliser(schema.tables[table].columns[column])(value)
    return row


def by_content(
    rows: Rows, beside: Rows, schema: Schema, contents: Contents, *, renamed: bool = False, hinted: bool = False
) -> dict[str, Counter[Content]]:
    """Rows as they are compared; those that only list others count where they are referred to.

    Args:
        rows: the rows.
        beside: rows that they may refer to besides.
        schema: the database's.
        contents: how rows are told apart.
        renamed: numbers that hang on the order in which they were given don't count.
        hinted: hints count, too, as ``settle_hints`` has left them.

    Returns:
        Table → contents, each with how often it is there.
    """
    known = {t: {**beside.known.get(t, {}), **rows.known.get(t, {})} for t in {*rows.known, *beside.known}}
    form = _Form(known, schema, contents, renamed=renamed, hinted=hinted)
    lists = {t for t, column in contents.identities.items() if schema.tables[t].columns[column].ref_table}
    return {
        t: Counter(c for row in table for c in form.contents(t, row))
        for t, table in rows.tables.items()
        if t not in lists
    }


class _Form:
    def __init__(
        self,
        known: Mapping[str, Mapping[str, Row]],
        schema: Schema,
        contents: Contents,
        *,
        renamed: bool,
        hinted: bool,
    ) -> None:
        self._known = known
        self._schema = schema
        self._how = contents
        self._numbers = {
            (t, c): re.compile(p) for t, columns in contents.numbers.items() for c, p in columns.items() if renamed
        }
        self._foreign = {(t, c): keys for t, columns in contents.foreign.items() for c, keys in columns.items()}
        for table, hint in () if hinted else contents.hints.items():
            column, key = split_column(hint)
            self._foreign[table, column] = (*self._foreign.get((table, column), ()), str(key))
        self._names: dict[tuple[str, str], Any] = {}

    def contents(self, table: str, row: Row) -> Iterator[Content]:
        spread = self._how.spread.get(table, ())
        whole = tuple((c, self._value(table, c, v)) for c, v in sorted(row.items()) if c not in spread)
        if not spread:
            yield whole
            return
        leads = [name for c in spread for uuid in row.get(c, ()) for name in self._spread(table, c, uuid)]
        for name in leads or ["nothing"]:
            yield (*whole, (self._target(table, spread[0]), name))

    def _target(self, table: str, column: str) -> str:
        return self._schema.tables[table].columns[column].ref_table or column

    def _spread(self, table: str, column: str, uuid: str) -> list[Any]:
        name = self._name(self._target(table, column), uuid)
        return list(name[1]) if isinstance(name, tuple) and name[:1] == ("all of",) else [name]

    def _value(self, table: str, column: str, value: Any) -> Any:
        foreign = self._foreign.get((table, column))
        if foreign:
            value = tuple((k, v) for k, v in value if k not in foreign)
        pattern = self._numbers.get((table, column))
        if pattern is not None:
            return pattern.sub("#", str(value), count=1)
        target = self._schema.tables[table].columns[column].ref_table
        if target is None or target not in self._how.identities:
            return value
        if self._schema.tables[table].columns[column].kind == "map":
            return tuple((key, self._name(target, v)) for key, v in value)
        if isinstance(value, tuple):
            return tuple(sorted((self._name(target, v) for v in value), key=str))
        return self._name(target, value)

    def _name(self, table: str, uuid: str) -> Any:
        """What tells a row apart; of a row that only lists others, those."""
        key = (table, uuid)
        if key not in self._names:
            row = self._known.get(table, {}).get(uuid)
            column = self._how.identities[table]
            if row is None:
                self._names[key] = f"no row {uuid}"
            elif self._schema.tables[table].columns[column].ref_table:
                self._names[key] = ("all of", self._value(table, column, row[column]))
            else:
                self._names[key] = row[column]
        return self._names[key]
