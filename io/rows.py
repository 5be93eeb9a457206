"""A replica of the tables that a program reads: rows by UUID, and the facts that they stand for.

A row is kept as one tuple, ``_uuid`` first. Where a relation lists whole rows and nothing else of the table
is needed, that tuple is the fact itself, held once.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ovn_rules.io.columns import apply_difference, decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ovn_rules.engine.ir import Fact, RelationDef
    from ovn_rules.engine.ovsschema import ColumnSchema, Schema

Row = tuple[Any, ...]
Delta = dict[str, tuple[list["Fact"], list["Fact"]]]
"""Relation name to (deleted facts, inserted facts)."""

Watcher = Callable[[str, Row | None, Row | None], None]
"""Called with a row's UUID, what it was (None: new) and what it is (None: deleted)."""


class RowError(ValueError):
    """A row is not what the schema says; the message names table, row and column."""


class TableReplica:
    """The rows of one table, restricted to the columns that are needed.

    Attributes:
        name: The table's name.
        columns: What each row holds: ``_uuid``, then the columns of the relation of whole rows, then others.
        position: Column name to position in a row.
        rows: UUID to row.
        watchers: Called for each row that changes, after ``rows`` has changed.
        observers: Called likewise; for those who look on and write nothing.
    """

    def __init__(self, name: str, relations: Iterable[RelationDef], extra: Iterable[str] = ()) -> None:
        """Takes the relations that are fed from the table, and columns that somebody else compares with."""
        self.name = name
        names: dict[str, None] = {"_uuid": None}
        whole = [r for r in relations if r.table is not None and r.table.column is None]
        parts = [r for r in relations if r.table is not None and r.table.column is not None]
        for relation in whole:
            names.update((c.name, None) for c in relation.columns)
        names.update((r.table.column, None) for r in parts if r.table is not None and r.table.column)
        names.update((c, None) for c in extra)
        self.columns = tuple(names)
        self.position = {c: i for i, c in enumerate(self.columns)}
        self.rows: dict[str, Row] = {}
        self.watchers: list[Watcher] = []
        self.observers: list[Watcher] = []
        self._whole_relations = whole
        self._whole = [(r.name, self._projection(r)) for r in whole]
        self._parts = [
            (r.name, self.position[r.table.column], len(r.columns) == 3)
            for r in parts
            if r.table is not None and r.table.column is not None
        ]
        self._decoders: dict[str, tuple[int, Callable[[Any], Any], ColumnSchema]] = {}
        self._defaults: list[Any] = []

    @property
    def is_fact(self) -> bool:
        """Whether rows are facts of a relation, so that they are held elsewhere, too."""
        return any(project is None for _, project in self._whole)

    @property
    def monitored(self) -> list[str]:
        """The columns to ask the server for; ``_uuid`` comes with every row."""
        return list(self.columns[1:])

    def extend(self, columns: Mapping[str, ColumnSchema]) -> None:
        """Holds further columns from now on; rows have their defaults until they are read anew."""
        new = [c for c in columns if c not in self.position]
        if new:
            self.columns += tuple(new)
            self.position = {c: i for i, c in enumerate(self.columns)}
            self.rows = {u: (*row, *(columns[c].default for c in new)) for u, row in self.rows.items()}
            self._whole = [(r.name, self._projection(r)) for r in self._whole_relations]

    def use(self, columns: Mapping[str, ColumnSchema]) -> None:
        """Takes the columns of the server's schema, which rows are decoded by from now on."""
        self._decoders = {c: (at, decoder(columns[c]), columns[c]) for c, at in self.position.items() if at}
        self._defaults = [columns[c].default for c in self.columns[1:]]

    def decode(self, uuid: str, row: Mapping[str, Any]) -> Row:
        """A row from its JSON; a column that is not there has its default.

        Raises:
            RowError: A column's JSON is not of its type.
        """
        new = [uuid, *self._defaults]
        decoders = self._decoders
        try:
            for name, json in row.items():
                if json is not None and name in decoders:
                    at, decode, _ = decoders[name]
                    new[at] = decode(json)
        except (TypeError, ValueError, LookupError, AttributeError):
            raise self._error(uuid, row) from None
        return tuple(new)

    def modified(self, old: Row, row: Mapping[str, Any], *, difference: bool) -> Row:
        """A row from what it was and the JSON of the columns that changed.

        Args:
            old: What it was.
            row: The columns that changed.
            difference: Their JSON is a difference for sets and maps, not the new value.

        Raises:
            RowError: A column's JSON is not of its type.
        """
        new = list(old)
        try:
            for name, json in row.items():
                if json is not None and name in self._decoders:
                    at, decode, column = self._decoders[name]
                    value = decode(json)
                    new[at] = apply_difference(column, old[at], value) if difference else value
        except (TypeError, ValueError, LookupError, AttributeError):
            raise self._error(old[0], row) from None
        return tuple(new)

    def put(self, uuid: str, new: Row | None, delta: Delta) -> None:
        """Sets a row, or deletes it (None), and adds what that means for the facts to ``delta``."""
        old = self.rows.get(uuid)
        if old == new:
            return
        if new is None:
            del self.rows[uuid]
        else:
            self.rows[uuid] = new
        self._show(uuid, old, new, delta)
        for watch in (*self.watchers, *self.observers):
            watch(uuid, old, new)

    def facts(self) -> Delta:
        """What all rows stand for, as if they had just come."""
        delta: Delta = {}
        for uuid, row in self.rows.items():
            self._show(uuid, None, row, delta)
        return delta

    def _show(self, uuid: str, old: Row | None, new: Row | None, delta: Delta) -> None:
        for name, project in self._whole:
            before = old if old is None or project is None else project(old)
            after = new if new is None or project is None else project(new)
            if before != after:
                deleted, inserted = delta.get(name) or delta.setdefault(name, ([], []))
                if before is not None:
                    deleted.append(before)
                if after is not None:
                    inserted.append(after)
        for name, at, pairs in self._parts:
            was = old[at] if old is not None else ()
            now = new[at] if new is not None else ()
            if was != now:
                changes = delta.get(name) or delta.setdefault(name, ([], []))
                _put_elements(changes, uuid, was, now, pairs=pairs)

    def _projection(self, relation: RelationDef) -> Callable[[Row], Row] | None:
        """From a row to the relation's fact; None where they are the same."""
        at = [self.position[c.name] for c in relation.columns]
        if at == list(range(len(self.columns))):
            return None
        if at == list(range(len(at))):
            return itemgetter(slice(len(at)))
        return itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)

    def _error(self, uuid: str, row: Mapping[str, Any]) -> RowError:
        if not isinstance(row, dict):
            return RowError(f"table {self.name}, row {uuid}: {str(row)[:80]} is not a row")
        for name, (_, decode, column) in self._decoders.items():
            try:
                if name in row:
                    decode(row[name])
            except (TypeError, ValueError, LookupError, AttributeError):
                what = f"{str(row[name])[:80]} is not a {column.kind} of {column.key_type}"
                return RowError(f"table {self.name}, row {uuid}, column {name}: {what}")
        return RowError(f"table {self.name}, row {uuid}: it can't be decoded")


def _put_elements(changes: tuple[list[Fact], list[Fact]], uuid: str, was: Row, now: Row, *, pairs: bool) -> None:
    deleted, inserted = changes
    if was and now:
        gone, come = set(was).difference(now), set(now).difference(was)
        was, now = tuple(e for e in was if e in gone), tuple(e for e in now if e in come)
    if pairs:
        deleted.extend((uuid, k, v) for k, v in was)
        inserted.extend((uuid, k, v) for k, v in now)
    else:
        deleted.extend((uuid, e) for e in was)
        inserted.extend((uuid, e) for e in now)


class Replica:
    """The tables of one database that a program reads or writes.

    Attributes:
        database: The database's name in the program.
        tables: Table name to its rows.
    """

    def __init__(
        self,
        database: str,
        relations: Iterable[RelationDef],
        extra: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Makes empty tables.

        Args:
            database: The database's name in the program; relations of others are passed over.
            relations: The relations to feed.
            extra: Further columns by table (``sinks.stored_columns``).
        """
        self.database = database
        extra = extra or {}
        by_table: dict[str, list[RelationDef]] = {table: [] for table in extra}
        for relation in relations:
            if relation.table is not None and relation.table.database == database:
                by_table.setdefault(relation.table.table, []).append(relation)
        self.tables = {t: TableReplica(t, rs, extra.get(t, ())) for t, rs in sorted(by_table.items())}

    def extend(self, schema: Schema, columns: Mapping[str, Sequence[str]]) -> None:
        """Holds further columns of a schema from now on, by table."""
        for name, names in columns.items():
            table = self.tables.setdefault(name, TableReplica(name, ()))
            table.extend({c: schema.tables[name].columns[c] for c in names})

    def use(self, schema: Schema) -> None:
        """Decodes by this schema from now on; ``missing`` must have found nothing."""
        for name, table in self.tables.items():
            table.use(schema.tables[name].columns)

    def facts(self) -> Delta:
        """What all rows stand for, as if they had just come."""
        return {name: change for table in self.tables.values() for name, change in table.facts().items()}

    def missing(self, schema: Schema) -> list[str]:
        """The tables and columns that are needed and that a schema doesn't have, in words."""
        found = []
        for name, table in self.tables.items():
            if name not in schema.tables:
                found.append(f"table {name}")
            else:
                has = schema.tables[name].columns
                found.extend(f"column {c} of table {name}" for c in table.monitored if c not in has)
        return found
