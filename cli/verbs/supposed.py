"""Database rows as they would be after changes that nobody writes: read from an engine's facts, changed beside them.

An engine holds the columns that its rules read, and no others. A column that isn't held can be given, since no rule
would see the difference; asking what it holds is refused.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.engine import Engine, Program
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.ir import Const, Wild
from ovn_rules.engine.order import in_order
from ovn_rules.engine.ovsschema import ZERO_UUID
from ovn_rules.engine.patterns import Pattern
from ovn_rules.engine.tables import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ovn_rules.engine import Database, Fact
    from ovn_rules.engine.ir import RelationDef, Term
    from ovn_rules.engine.ovsschema import ColumnSchema, TableSchema

_BEGINNING = re.compile(r"[0-9a-f]{4,8}(-[0-9a-f-]*)?", re.IGNORECASE)

MADE_UP = "ffffffff-ffff-4fff-bfff-"
"""How the UUIDs of rows begin that were inserted without one."""

_NAMED = 5
"""Rows named in a message."""

Delta = dict[str, tuple[list["Fact"], list["Fact"]]]


class Values(dict[str, Any]):
    """A row's columns as far as they are known.

    Args:
        table: the table, for the message.
        values: column → value, ``_uuid`` included.
    """

    def __init__(self, table: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.table = table

    def __missing__(self, column: str) -> Any:
        """Refuse to say what isn't known.

        Raises:
            Failure: always.
        """
        raise Failure(f"{self.table}, column {column}: no rule reads it, so what it holds isn't known here")


class SupposedRows:
    """The rows of all databases, with changes.

    Args:
        engine: whose facts the rows are read from; it must not change meanwhile.
        databases: the schemas, by the databases' names.

    Attributes:
        touched: (table, UUID) → what the row was and is to be; None where it isn't there.
        given: relation that no database has → facts to delete and insert.
    """

    def __init__(self, engine: Engine, databases: Mapping[str, Database]) -> None:
        self.engine = engine
        self.databases = databases
        self.touched: dict[tuple[str, str], tuple[Values | None, Values | None]] = {}
        self.given: Delta = {}
        self._read: dict[str, list[RelationDef]] = {}
        for relation in engine.program.relations.values():
            if relation.table is not None:
                self._read.setdefault(f"{relation.table.database}.{relation.table.table}", []).append(relation)

    # -- schemas -------------------------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """The tables that the program reads, as ``database.table``."""
        return list(self._read)

    def schema(self, table: str) -> TableSchema:
        """What a table's schema says.

        Args:
            table: ``database.table``.

        Raises:
            Failure: the program has no such table, or doesn't read it.
        """
        database, _, name = table.partition(".")
        known = self.databases[database].schema.tables if database in self.databases else {}
        if name not in known:
            hint = did_you_mean(table, self._read)
            raise Failure(f"no table {table}{f'; {hint}' if hint else ''}")
        if table not in self._read:
            raise Failure(f"table {table}: no rule of this program reads it; changes there change nothing")
        return known[name]

    def column(self, table: str, column: str) -> ColumnSchema:
        """What the schema says of a column.

        Raises:
            Failure: there is no such column.
        """
        columns = self.schema(table).columns
        if column not in columns:
            hint = did_you_mean(column, columns) or f"its columns are {', '.join(columns)}"
            raise Failure(f"{table} has no column {column}; {hint}")
        return columns[column]

    def name_column(self, table: str) -> str | None:
        """The column that people call a table's rows by: ``name``, or else the first that identifies them."""
        schema = self.schema(table)
        if "name" in schema.columns:
            return "name"
        return next((i[0] for i in schema.indexes if len(i) == 1), None)

    def holds(self, table: str, column: str) -> bool:
        """Whether the facts say what a column holds."""
        parts = [r.table.column for r in self._read[table] if r.table is not None]
        return column in parts or any(c.name == column for r in self._read[table] if _is_whole(r) for c in r.columns)

    # -- reading -------------------------------------------------------------------------------------------

    def row(self, table: str, uuid: str) -> Values | None:
        """The row of that UUID, as changed; None when there is none."""
        if (table, uuid) in self.touched:
            return self.touched[table, uuid][1]
        return self._stored(table, uuid)

    def rows(self, table: str, values: Mapping[str, Any] | None = None) -> Iterator[Values]:
        """The rows that have these values, as changed.

        Args:
            table: ``database.table``.
            values: column → value, ``_uuid`` included; sets as sorted tuples.

        Raises:
            Failure: there is no such table, or a column's values aren't known.
        """
        self.schema(table)
        values = values or {}
        for (other, _), (_, now) in list(self.touched.items()):
            if other == table and now is not None and all(now[c] == v for c, v in values.items()):
                yield now
        for uuid in self._stored_uuids(table, values):
            if (table, uuid) not in self.touched:
                row = self._stored(table, uuid)
                if row is not None and all(row[c] == v for c, v in values.items()):
                    yield row

    def called(self, table: str, name: str) -> Values:
        """The row that somebody means.

        Args:
            table: ``database.table``.
            name: its UUID, the beginning of it, or what its ``name_column`` holds.

        Raises:
            Failure: there is none, or there are several.
        """
        if (row := self.row(table, name.lower())) is not None:
            return row
        column = self.name_column(table)
        found = []
        if column is not None and self.holds(table, column):
            found = list(self.rows(table, {column: name}))
        if not found and _BEGINNING.fullmatch(name):
            found = [r for r in self.rows(table) if r["_uuid"].startswith(name.lower())]
        if not found:
            if column is None or not self.holds(table, column):
                raise Failure(f"{table}: no row has the UUID {name!r}, and no rule reads names of these rows")
            raise Failure(f"no row of {table} is called {name!r}, nor has that UUID")
        if len(found) > 1:
            uuids = ", ".join(sorted(r["_uuid"] for r in found)[:_NAMED])
            raise Failure(f"{len(found)} rows of {table} are called {name!r}; use a UUID: {uuids}")
        return found[0]

    def referring(self, table: str, uuid: str) -> Iterator[tuple[str, Values, ColumnSchema]]:
        """The rows, as changed, that refer to a row: their table, themselves, and the column that does."""
        database, _, name = table.partition(".")
        for other in self._read:
            if other.partition(".")[0] != database:
                continue
            for column in self.schema(other).columns.values():
                if column.ref_table == name and self.holds(other, column.name):
                    for row in self._with_reference(other, column, uuid):
                        yield other, row, column

    def _with_reference(self, table: str, column: ColumnSchema, uuid: str) -> Iterator[Values]:
        for (other, _), (_, now) in list(self.touched.items()):
            if other == table and now is not None and uuid in references(column, now[column.name]):
                yield now
        for relation in self._read[table]:
            if relation.table is not None and relation.table.column == column.name:
                found = {f[0] for f in self.engine.facts(relation.name) if uuid in f[1:]}
                break
            if _is_whole(relation) and any(c.name == column.name for c in relation.columns):
                position = relation.position(column.name)
                if column.kind == "scalar":
                    found = {f[0] for f in self._found(relation, {position: uuid})}
                else:
                    facts = self.engine.facts(relation.name)
                    found = {f[0] for f in facts if uuid in references(column, f[position])}
                break
        else:
            return
        for each in sorted(found):
            if (table, each) not in self.touched and (row := self._stored(table, each)) is not None:
                yield row

    def _stored(self, table: str, uuid: str) -> Values | None:
        """A row as the facts have it."""
        values: dict[str, Any] = {}
        there = False
        for relation in self._read[table]:
            facts = self._found(relation, {0: uuid})
            there = there or bool(facts)
            if _is_whole(relation):
                if not facts:
                    return None
                values.update(zip((c.name for c in relation.columns), facts[0], strict=True))
            elif relation.table is not None and relation.table.column is not None:
                pairs = len(relation.columns) == 3
                values[relation.table.column] = tuple(sorted(f[1:] if pairs else f[1] for f in facts))
        return Values(table, {**values, "_uuid": uuid}) if there else None

    def _stored_uuids(self, table: str, values: Mapping[str, Any]) -> list[str]:
        """The UUIDs of the rows that may have these values."""
        if "_uuid" in values:
            return [values["_uuid"]]
        for relation in self._read[table]:
            if _is_whole(relation):
                names = [c.name for c in relation.columns]
                known = {names.index(c): v for c, v in values.items() if c in names and not isinstance(v, tuple)}
                return [f[0] for f in self._found(relation, known)]
        return sorted({f[0] for r in self._read[table] for f in self.engine.facts(r.name)})

    def _found(self, relation: RelationDef, known: Mapping[int, Any]) -> list[Fact]:
        terms: list[Term] = [Const(known[i]) if i in known else Wild() for i in range(len(relation.columns))]
        return list(Pattern(relation, tuple(terms)).found(self.engine))

    # -- changing ------------------------------------------------------------------------------------------

    def insert(self, table: str, uuid: str, values: Mapping[str, Any]) -> Values:
        """Add a row; columns that aren't given have the schema's defaults.

        Raises:
            Failure: there is such a row, or no such table or column.
        """
        if self.row(table, uuid) is not None:
            raise Failure(f"{table}: there is a row {uuid} already")
        columns = self.schema(table).columns
        for column in values:
            if column != "_uuid":
                self.column(table, column)
        row = Values(table, {c: values.get(c, s.default) for c, s in columns.items()} | {"_uuid": uuid})
        self._put(table, uuid, row)
        return row

    def set(self, table: str, uuid: str, column: str, value: Any) -> None:
        """Give a row's column a value: a set as a sorted tuple, a map as a sorted tuple of pairs."""
        self.column(table, column)
        row = self.row(table, uuid)
        assert row is not None  # noqa: S101 - who sets has found it
        self._put(table, uuid, Values(table, {**row, column: value}))

    def delete(self, table: str, uuid: str) -> None:
        """Take a row away."""
        self._put(table, uuid, None)

    def _put(self, table: str, uuid: str, row: Values | None) -> None:
        before = self.touched[table, uuid][0] if (table, uuid) in self.touched else self._stored(table, uuid)
        self.touched[table, uuid] = (before, row)

    def matching(self, pattern: Pattern) -> list[Fact]:
        """The facts of a given relation that fit a pattern, as changed, sorted."""
        relation = pattern.relation
        if relation.table is None:
            deleted, changed = self.given.get(relation.name, ([], []))
            gone = set(deleted)
        else:
            table = f"{relation.table.database}.{relation.table.table}"
            touched = {u for t, u in self.touched if t == table}
            gone = {f for u in touched for f in self._found(relation, {0: u})}
            rows = [(table, r) for t, r in self._side(1) if t == table]
            changed = _facts(self.engine, rows).get(relation.name, [])
        small = Engine(Program({relation.name: relation}, ()))
        small.transact({relation.name: ((), changed)})
        return in_order({*(f for f in pattern.found(self.engine) if f not in gone), *pattern.found(small)})

    def change_fact(self, relation: str, fact: Fact, *, insert: bool) -> None:
        """Insert or delete a fact that stands for no row."""
        deleted, inserted = self.given.setdefault(relation, ([], []))
        take, put = (deleted, inserted) if insert else (inserted, deleted)
        if fact in take:
            take.remove(fact)
        if fact not in put:
            put.append(fact)

    def change_element(self, relation: RelationDef, fact: Fact, *, insert: bool) -> None:
        """Put an element into a row's set or map, or take it out.

        Args:
            relation: the relation of the column's elements.
            fact: the row's UUID, and the element or key and value.
            insert: whether to put it in.

        Raises:
            Failure: there is no such row, or it holds the element already.
        """
        assert relation.table is not None  # noqa: S101 - elements are a row's
        assert relation.table.column is not None  # noqa: S101 - likewise
        table, column = f"{relation.table.database}.{relation.table.table}", relation.table.column
        self.column(table, column)
        row = self.called(table, fact[0])
        element = fact[1:] if len(fact) == 3 else fact[1]
        held = row[column]
        if insert and element in held:
            raise Failure("this holds already")
        kept = {e for e in held if e not in (element, ZERO_UUID)} | ({element} if insert else set())
        self.set(table, row["_uuid"], column, tuple(sorted(kept)))

    def transaction(self) -> Delta:
        """The changes as a transaction: relation → facts to delete, facts to insert."""
        before, after = (_facts(self.engine, self._side(side)) for side in (0, 1))
        changes: Delta = {}
        for relation, (deleted, inserted) in self.given.items():
            held = {f for f in (*deleted, *inserted) if self.engine.count(relation, f)}
            change = [f for f in deleted if f in held], [f for f in inserted if f not in held]
            if any(change):
                changes[relation] = change
        for relation in {**before, **after}:
            old, new = dict.fromkeys(before.get(relation, ())), dict.fromkeys(after.get(relation, ()))
            change = [f for f in old if f not in new], [f for f in new if f not in old]
            if any(change):
                changes[relation] = change
        return changes

    def _side(self, side: int) -> list[tuple[str, Values]]:
        """The touched rows with their tables as they were (0), or are to be (1)."""
        return [(table, row) for (table, _), both in self.touched.items() if (row := both[side]) is not None]


def _facts(engine: Engine, rows: Iterable[tuple[str, Values]]) -> dict[str, list[Fact]]:
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for table, row in rows:
        tables.setdefault(table, []).append(row)
    return facts_of(engine.program, tables)


def _is_whole(relation: RelationDef) -> bool:
    return relation.table is not None and relation.table.column is None


def references(column: ColumnSchema, value: Any) -> list[str]:
    """The UUIDs in a column's value that refer to rows."""
    if column.kind == "scalar":
        return [value] if column.key.ref_table else []
    if column.value is None:
        return list(value) if column.key.ref_table else []
    keys = [k for k, _ in value] if column.key.ref_table else []
    return keys + ([v for _, v in value] if column.value.ref_table else [])


def made_up_uuid(rows: SupposedRows, table: str) -> str:
    """A UUID that no row of the table has: the same for the same changes, and seen to be made up.

    Args:
        rows: where the row is to be.
        table: ``database.table``.
    """
    uuids = (f"{MADE_UP}{number:012x}" for number in count(1))
    return next(uuid for uuid in uuids if rows.row(table, uuid) is None)
