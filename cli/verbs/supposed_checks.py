"""What a database server would refuse: changed rows that go against the schema (RFC 7047 sections 3.2 and 5.2).

Only what the engine's facts show can be checked: references from, and uniqueness of, columns that no rule reads can't.
Neither can uniqueness where the facts come from several hosts' databases, which may each have a row of one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.supposed import MADE_UP, references
from ovn_rules.engine.ovsschema import UNLIMITED, ZERO_UUID

if TYPE_CHECKING:
    from ovn_rules.cli.verbs.supposed import SupposedRows, Values
    from ovn_rules.engine.ovsschema import BaseType, ColumnSchema

_CLASSES = {"integer": (int,), "real": (float, int), "boolean": (bool,), "string": (str,), "uuid": (str,)}


def check(rows: SupposedRows) -> None:
    """Check all changes together, and take away what nothing refers to any more, as a server would.

    Args:
        rows: with the changes made.

    Raises:
        Failure: the server would refuse them; one line says where and why.
    """
    for (table, uuid), (before, now) in list(rows.touched.items()):
        if now is not None:
            for column in rows.schema(table).columns.values():
                if column.name in now and (before is None or before.get(column.name) != now[column.name]):
                    check_value(f"{said(rows, table, now)}, column {column.name}", column, now[column.name])
                    _check_mutable(rows, table, before, now, column)
        elif before is not None:
            _drop_weak(rows, table, uuid)
    _collect(rows)
    for (table, uuid), (before, now) in list(rows.touched.items()):
        if now is None and before is not None:
            _check_left(rows, table, uuid, before)
        elif now is not None:
            _check_references(rows, table, before, now)
            _check_indexes(rows, table, now)
            if before is None and not rows.schema(table).is_root and not any(rows.referring(table, uuid)):
                raise Failure(f"{said(rows, table, now)}: nothing refers to this row, so the database wouldn't keep it")


def said(rows: SupposedRows, table: str, row: Values) -> str:
    """A row in a message: its table and its name, or else its UUID unless that is made up."""
    column = rows.name_column(table)
    name = row.get(column) if column is not None else None
    if isinstance(name, str) and name:
        return f"{table} {name}"
    return f"new row of {table}" if row["_uuid"].startswith(MADE_UP) else f"{table} {row['_uuid']}"


def check_value(place: str, column: ColumnSchema, value: Any) -> None:
    """Check a column's value by itself.

    Args:
        place: what the message begins with.
        column: the column.
        value: decoded: a set as a tuple, a map as a tuple of pairs.

    Raises:
        Failure: it isn't of the column's type, or out of its bounds.
    """
    if column.kind == "scalar":
        _check_atom(place, column.key, value)
        return
    if not column.min <= len(value) <= column.max:
        most = "" if column.max == UNLIMITED else f" to {column.max}"
        raise Failure(f"{place}: {len(value)} values; it holds {column.min}{most}{' or more' if not most else ''}")
    if column.value is None:
        for element in value:
            _check_atom(place, column.key, element)
        return
    keys = [k for k, _ in value]
    if twice := {k for k in keys if keys.count(k) > 1}:
        raise Failure(f"{place}: key {min(twice)!r} is given twice")
    for key, each in value:
        _check_atom(place, column.key, key)
        _check_atom(place, column.value, each)


def _check_atom(place: str, base: BaseType, atom: str | float) -> None:
    if not isinstance(atom, _CLASSES[base.name]) or (isinstance(atom, bool) and base.name != "boolean"):
        raise Failure(f"{place}: {atom!r} is no {base.name}")
    if base.enum and atom not in base.enum:
        raise Failure(f"{place}: {atom!r} is none of {', '.join(map(str, base.enum))}")
    if base.name in ("integer", "real", "string"):
        size: float = len(atom) if isinstance(atom, str) else atom
        what = f"{atom!r} has {size} characters" if isinstance(atom, str) else f"{atom!r} is out of range"
        if base.minimum is not None and size < base.minimum:
            raise Failure(f"{place}: {what}; at least {base.minimum}")
        if base.maximum is not None and size > base.maximum:
            raise Failure(f"{place}: {what}; at most {base.maximum}")


def _check_mutable(rows: SupposedRows, table: str, before: Values | None, now: Values, column: ColumnSchema) -> None:
    if before is not None and not column.mutable and before.get(column.name, now[column.name]) != now[column.name]:
        raise Failure(f"{said(rows, table, now)}, column {column.name}: it can't be changed once the row is there")


def _drop_weak(rows: SupposedRows, table: str, uuid: str) -> None:
    """A weak reference goes with the row that it refers to."""
    for other, row, column in list(rows.referring(table, uuid)):
        if column.ref_type == "weak" and column.kind != "scalar":
            _take_out(rows, other, row, column, uuid)


def delete_with_referring(rows: SupposedRows, table: str, uuid: str) -> None:
    """Take a row away with all rows that can't be without it; out of sets that may be smaller, just take it.

    Args:
        rows: where.
        table: ``database.table``.
        uuid: the row, which is there.
    """
    rows.delete(table, uuid)
    for other, row, column in list(rows.referring(table, uuid)):
        if rows.row(other, row["_uuid"]) is None:
            continue
        if column.kind == "scalar" or len(row[column.name]) <= column.min:
            delete_with_referring(rows, other, row["_uuid"])
        else:
            _take_out(rows, other, row, column, uuid)
    _collect(rows)


def _take_out(rows: SupposedRows, table: str, row: Values, column: ColumnSchema, uuid: str) -> None:
    kept = tuple(v for v in row[column.name] if v != uuid and (column.value is None or uuid not in v))
    rows.set(table, row["_uuid"], column.name, kept)


def _collect(rows: SupposedRows) -> None:
    """Take away rows that are there only as long as something refers to them, and have lost the last reference."""
    while True:
        lost: set[tuple[str, str]] = set()
        for (table, _), (before, now) in rows.touched.items():
            database = table.partition(".")[0]
            for column in rows.schema(table).columns.values():
                other = f"{database}.{column.ref_table}"
                if before is None or column.name not in before or other not in rows.tables():
                    continue
                if not rows.schema(other).is_root:
                    kept = set(references(column, now[column.name])) if now is not None else set()
                    lost |= {(other, u) for u in references(column, before[column.name]) if u not in kept}
        gone = [(t, u) for t, u in lost if rows.row(t, u) is not None and not any(rows.referring(t, u))]
        if not gone:
            return
        for table, uuid in gone:
            rows.delete(table, uuid)


def _check_left(rows: SupposedRows, table: str, uuid: str, before: Values) -> None:
    for other, row, column in rows.referring(table, uuid):
        where = f"{said(rows, other, row)}, column {column.name}"
        raise Failure(f"{said(rows, table, before)}: it can't be deleted, since {where}, still refers to it")


def _check_references(rows: SupposedRows, table: str, before: Values | None, now: Values) -> None:
    """Check what a row newly refers to; that nothing it referred to has gone is for ``_check_left``."""
    database = table.partition(".")[0]
    for column in rows.schema(table).columns.values():
        other = f"{database}.{column.ref_table}"
        if column.ref_table is None or column.name not in now or other not in rows.tables():
            continue
        known = set(references(column, before[column.name])) if before and column.name in before else set()
        for uuid in references(column, now[column.name]):
            if uuid not in known and rows.row(other, uuid) is None:
                what = f"has no value; it refers to a row of {other}"
                if uuid != ZERO_UUID:
                    what = f"there is no row {uuid} in {other}"
                raise Failure(f"{said(rows, table, now)}, column {column.name}: {what}")


def _check_indexes(rows: SupposedRows, table: str, now: Values) -> None:
    if _several(rows, table):
        return
    for index in rows.schema(table).indexes:
        if all(c in now and rows.holds(table, c) for c in index):
            values = {c: now[c] for c in index}
            if any(other["_uuid"] != now["_uuid"] for other in rows.rows(table, values)):
                shown = ", ".join(f"{c}={v!r}" for c, v in values.items())
                raise Failure(f"{said(rows, table, now)}: there is another row of {table} with {shown}")


def _several(rows: SupposedRows, table: str) -> bool:
    """Whether the table's database is there several times, once for each host."""
    database = table.partition(".")[0]
    single = [t for t in rows.tables() if t.startswith(f"{database}.") and rows.schema(t).max_rows == 1]
    return any(len(list(rows.rows(t))) > 1 for t in single)
