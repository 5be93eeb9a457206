"""Hints that new rows get and keep, such as Logical_Flow's stage-hint: which of them tell something of the rules.

Of several northbound rows that ask for one southbound row any may be the hint, and it stays when that one asks for it
no more. So in rows that have a past, hints are alike that name rows of one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.contents import asked_row
from ovn_rules.engine.sinks import split_column

if TYPE_CHECKING:
    from ovn_rules.cli.contents import Row, Rows
    from ovn_rules.engine import Engine
    from ovn_rules.engine.sinks import Sink
    from ovn_rules.rules.program import Program

_DIGITS = 8
"""How many digits of a row's UUID a hint has."""

Key = tuple[Any, ...]
"""The values of a sink's key columns."""


def settle_hints(
    stored: Rows, wanted: Rows, engine: Engine, program: Program, database: str, *, fresh: bool = False
) -> None:
    """Give wanted rows their hints, and to stored rows those that are as good as theirs.

    Args:
        stored: rows with the hints that the database has.
        wanted: rows without any.
        engine: where they are wanted.
        program: says which keys are hints.
        database: whose rows these are.
        fresh: stored rows have no past.
    """
    tables = _tables(engine, database)
    for sink in program.northd.sinks:
        hint = program.contents.hints.get(sink.table)
        if sink.database != database or hint is None or hint not in sink.insert_only:
            continue
        asked = _asked(engine, sink, hint, program)
        chosen = {key: min(several, key=str) for key, several in asked.items()}
        for row in stored.tables[sink.table]:
            several = asked.get(key := _key(row, sink))
            has = _value(row, hint)
            if several is None:
                continue
            as_good = not fresh and has is not None and tables.get(has, "") in ("", tables.get(chosen[key], ""))
            if len(several) > 1 or as_good:
                _put(row, hint, chosen[key])
        for row in wanted.tables[sink.table]:
            _put(row, hint, chosen[_key(row, sink)])


def _asked(engine: Engine, sink: Sink, hint: str, program: Program) -> dict[Key, set[str | None]]:
    """The hints that facts ask for, by the key of their row."""
    columns = [c.name for c in engine.program.relations[sink.relation].columns]
    sources = {**{name: sink.columns[name] for name in sink.key}, hint: sink.insert_only[hint]}
    schema = program.databases[sink.database].schema
    found: dict[Key, set[str | None]] = {}
    for fact in engine.facts(sink.relation):
        row = asked_row(dict(zip(columns, fact, strict=True)), sources, sink.table, schema)
        found.setdefault(_key(row, sink), set()).add(_value(row, hint))
    return found


def _tables(engine: Engine, database: str) -> dict[str | None, str]:
    """The tables of all rows in the other databases, by how the rows' UUIDs begin."""
    tables = ((r.name, r.table) for r in engine.program.relations.values() if r.table is not None)
    names = [n for n, table in tables if table.database != database and table.column is None]
    return {fact[0][:_DIGITS]: name for name in names for fact in engine.facts(name)}


def _key(row: Row, sink: Sink) -> Key:
    return tuple(_value(row, name) for name in sink.key)


def _value(row: Row, name: str) -> Any:
    """What a row has in a column, or at one key of a map; None without the key."""
    column, key = split_column(name)
    return row[column] if key is None else dict(row.get(column, ())).get(key)


def _put(row: Row, name: str, value: str | None) -> None:
    """Sets one key of a map, or takes it out."""
    column, key = split_column(name)
    others = tuple(pair for pair in row[column] if pair[0] != key)
    row[column] = others if value is None else tuple(sorted((*others, (key, value))))
