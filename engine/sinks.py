"""Sinks: how the facts of a derived relation are kept as rows of a database table.

A sink is data. It says which columns of which table a relation owns; whoever writes (``ovn_rules.io``)
compares the facts with the stored rows and sends the difference. What a sink doesn't name is never touched.

The order of sinks matters when a difference is too large for one transaction: a table stands after those that
it refers to. Then rows are made and changed in this order, and afterwards deleted in the reverse order.

A table column is written as ``name``, or as ``name:key`` for one key of a map column
(``external_ids:ovn-chassis-id``): then the other keys of the map belong to others.

    Sink(
        relation="Binding",
        database="sb",
        table="Binding",
        key=("logical_port",),
        columns={"logical_port": "port", "logical_datapath": "switch", "tunnel_key": "key"},
    )
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ovsschema import Schema


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that every row gets, where a column name of the relation would stand otherwise."""

    value: Any


@dataclass(frozen=True, slots=True)
class Mapped:
    """A value that follows from a column of the relation, so that facts needn't hold both.

    Attributes:
        column: The relation's column.
        values: What is stored for each value of it. A fact with another value is refused, and said in the log.
    """

    column: str
    values: Mapping[Any, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Clock:
    """When a column of the relation came to have its value, in milliseconds since 1970; for ``Sink.along``.

    Kept for the fact that came last: it is for relations of a single fact.

    Attributes:
        column: The relation's column.
    """

    column: str


Source = str | Constant | Mapped
"""Where a table column's value comes from: a column of the relation, by name, a constant, or both."""


@dataclass(frozen=True, slots=True)
class AllRows:
    """Every row of the table is the sink's: one without a fact is deleted."""


@dataclass(frozen=True, slots=True)
class RowsWith:
    """The rows whose map column ``column`` has the key ``key`` are the sink's, the others somebody else's."""

    column: str
    key: str


@dataclass(frozen=True, slots=True)
class OwnRows:
    """The rows with the key of a fact are the sink's, and stay so when the fact goes; the others never were.

    For tables that many write, each its own row (Chassis).
    """


@dataclass(frozen=True, slots=True)
class Child:
    """A row of another table that belongs to the sink's row, which refers to it in a column.

    It is made with its row; the server collects it as garbage when nothing refers to it any more.

    Attributes:
        column: The column of the row (a set of UUIDs) that refers to the child.
        table: The child's table.
        columns: Columns of the child that are kept up to date.
        key: Columns that find the child among the rows that ``column`` refers to; without any, the first.
        only: ``column`` refers to this child alone; others are taken out.
        children: Rows that belong to the child.
    """

    column: str
    table: str
    columns: Mapping[str, Source]
    key: tuple[str, ...] = ()
    only: bool = False
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class Parent:
    """The row that must refer to the sink's row for it to stay.

    Attributes:
        table: The parent's table.
        column: The parent's column (a set of UUIDs) that lists the sink's rows.
        row: Where the parent's UUID comes from; None for the table's only row (Open_vSwitch).
    """

    table: str
    column: str
    row: Source | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """How a derived relation is kept as rows of a table.

    Attributes:
        relation: The derived relation.
        database: The database's name in the program (``sb``).
        table: The table.
        key: Table columns that identify the row of a fact. ``("_uuid",)``: the facts say which UUID a row has
            (in lower case), so that others can refer to it; with ``insert=False``, rows that others made are
            updated. All columns: rows are compared by content, and an unchanged row keeps its UUID. Of several
            rows with one key, one is kept. Of several facts with one key, the smallest counts.
        columns: Table columns that are kept up to date, the key's included. A fact with None in a column
            leaves that column alone. One key of a map takes its value, or a tuple of it; () is for no such key.
        insert_only: Table columns given to a new row and left alone afterwards.
        along: Table columns that are written whenever one of ``columns`` is changed in a stored row, and never
            looked at otherwise: that they differ is no reason to write.
        insert: Make a row where a fact has none.
        delete: Delete a row of the sink's (``mine``) that has no fact.
        replace: A row that differs (its children included) is deleted and made anew in the same transaction,
            instead of being updated.
        mine: Which rows of the table are the sink's.
        children: Rows of other tables that belong to each row.
        parent: The row that must refer to each row.
        last: Written only together with, or after, everything else that is wanted of the database: for a
            column that tells others that all is there (SB_Global's ``nb_cfg``).
    """

    relation: str
    database: str
    table: str
    key: tuple[str, ...]
    columns: Mapping[str, Source]
    insert_only: Mapping[str, Source] = field(default_factory=dict)
    along: Mapping[str, Source | Clock] = field(default_factory=dict)
    insert: bool = True
    delete: bool = True
    replace: bool = False
    mine: AllRows | RowsWith | OwnRows = AllRows()
    children: tuple[Child, ...] = ()
    parent: Parent | None = None
    last: bool = False


def split_column(column: str) -> tuple[str, str | None]:
    """``external_ids:ovn-chassis-id`` as (column, key); the key is None for a whole column."""
    name, colon, key = column.partition(":")
    return name, key if colon else None


def stored_columns(sinks: Iterable[Sink], database: str) -> dict[str, list[str]]:
    """The columns that must be read of each table of ``database`` to compare facts with what is stored.

    Returns:
        Table name to column names, without ``_uuid``, in a stable order.
    """
    needed: dict[str, dict[str, None]] = {}
    for sink in sinks:
        if sink.database != database:
            continue
        for table, column in _columns_read(sink):
            columns = needed.setdefault(table, {})
            if column != "_uuid":
                columns[column] = None
    return {table: list(columns) for table, columns in needed.items()}


def problems(sink: Sink, relation_columns: Sequence[str], schema: Schema) -> list[str]:
    """What is wrong with a sink: unknown columns and tables, a key without a source.

    Returns:
        One line for each mistake; empty for a sink that can be used.
    """
    found = []
    where = f"sink of {sink.relation}"
    written = ((sink.table, split_column(column)[0]) for column in (*sink.insert_only, *sink.along))
    for table, column in (*_columns_read(sink), *written):
        if table not in schema.tables:
            found.append(f"{where}: {schema.name} has no table {table}")
        elif column != "_uuid" and column not in schema.tables[table].columns:
            found.append(f"{where}: {schema.name} table {table} has no column {column}")
    found.extend(
        f"{where}: relation {sink.relation} has no column {source}; it has {', '.join(relation_columns)}"
        for source in map(source_column, _sources(sink))
        if source is not None and source not in relation_columns
    )
    found.extend(
        f"{where}: key column {column} is not among its columns" for column in sink.key if column not in sink.columns
    )
    if not sink.key:
        found.append(f"{where}: it has no key")
    found.extend(
        f"{where}: key column {column} can't be mapped from another; the key can have that one instead"
        for column in sink.key
        if isinstance(sink.columns.get(column), Mapped)
    )
    if "_uuid" in sink.columns and (sink.key != ("_uuid",) or not isinstance(sink.columns["_uuid"], str)):
        found.append(f"{where}: _uuid can only be the whole key, from a column of the relation")
    elif "_uuid" in sink.columns and sink.replace:
        found.append(f"{where}: a row can't be replaced by one with the same _uuid")
    return list(dict.fromkeys(found))


def source_column(source: Source | Clock) -> str | None:
    """The relation's column that a value comes from; None for a constant."""
    if isinstance(source, Mapped | Clock):
        return source.column
    return None if isinstance(source, Constant) else source


def _columns_read(sink: Sink) -> Iterator[tuple[str, str]]:
    yield sink.table, "_uuid"
    for column in sink.columns:
        yield sink.table, split_column(column)[0]
    if isinstance(sink.mine, RowsWith):
        yield sink.table, sink.mine.column
    if sink.parent:
        yield sink.parent.table, sink.parent.column
    yield from _child_columns(sink.table, sink.children)


def _child_columns(table: str, children: Iterable[Child]) -> Iterator[tuple[str, str]]:
    for child in children:
        yield table, child.column
        yield child.table, "_uuid"
        for column in (*child.columns, *child.key):
            yield child.table, split_column(column)[0]
        yield from _child_columns(child.table, child.children)


def _sources(sink: Sink) -> Iterator[Source | Clock]:
    yield from sink.columns.values()
    yield from sink.insert_only.values()
    yield from sink.along.values()
    if sink.parent and sink.parent.row is not None:
        yield sink.parent.row
    waiting = list(sink.children)
    while waiting:
        child = waiting.pop()
        yield from child.columns.values()
        waiting.extend(child.children)
