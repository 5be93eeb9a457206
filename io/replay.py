"""The transactions of database files one after the other, as changes of facts: what a network has been through.

A file holds what was committed since it was made or last compacted (ovsdb(5)); its first record after the schema may be
all rows of that time.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovn_rules.io.files import (
    FileError,
    check_schema,
    log_schema,
    other_names,
    read_database,
    records,
    rename,
    table_changes,
)
from ovn_rules.io.messages import no_collection
from ovn_rules.io.rows import Replica, RowError
from ovn_rules.io.transactions_log import commit_time, is_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.engine.ovsschema import Schema
    from ovn_rules.io.rows import Delta


@dataclass(frozen=True, slots=True)
class Replayed:
    """A transaction of a file as changes of facts.

    Attributes:
        path: The file.
        database: Its name in the program.
        time: When it was committed, in seconds since 1970; None where the file doesn't say.
        comment: Its comments, a line each.
        delta: Relation to (deleted, inserted).
        snapshot: It holds all rows: what was committed before it isn't in the file any more.
    """

    path: str
    database: str
    time: float | None
    comment: str
    delta: Delta
    snapshot: bool


@dataclass
class Replay:
    """The transactions of several files, in the order of their times.

    Attributes:
        transactions: Of all files.
        warnings: A line for each thing that was tolerated.
    """

    transactions: list[Replayed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(
        self, paths: Sequence[str], database: str, relations: Iterable[RelationDef], schema_name: str | None
    ) -> None:
        """Reads the files of a database, or those of several hosts, as ``files.read_files`` does.

        Args:
            paths: Standalone database files.
            database: The database's name in the program (``ovs``).
            relations: The relations to feed; those of other databases are passed over.
            schema_name: The name that the files' schemas must have; None for any.

        Raises:
            FileError: A file is not of this kind, is damaged, or lacks what the relations need.
        """
        relations = list(relations)
        replica = Replica(database, relations)
        seen: set[str] = set()
        with no_collection():
            for path in paths:
                found = list(records(path, read_database(path), self.warnings))
                schema = log_schema(path, found[0])
                check_schema(path, schema, replica, schema_name)
                replica.use(schema)
                file = _File(path, schema, replica, Replica(database, relations))
                own = file.uuids(found[1:])
                file.names = other_names(path, own & seen)
                seen.update(own)
                self.transactions = list(
                    heapq.merge(self.transactions, file.transactions(found[1:]), key=lambda t: t.time or 0.0)
                )


class _File:
    """One file's rows while its records are applied one after the other."""

    def __init__(self, path: str, schema: Schema, replica: Replica, own: Replica) -> None:
        self.path = path
        self.schema = schema
        self.replica = replica
        self.own = own
        self.own.use(schema)
        self.names: dict[str, str] = {}

    def uuids(self, found: list[dict[str, Any]]) -> set[str]:
        """The UUIDs of all rows that are read."""
        tables = [table for record in found for name, table in record.items() if name in self.own.tables]
        return {row for table in tables if isinstance(table, dict) for row in table}

    def transactions(self, found: list[dict[str, Any]]) -> list[Replayed]:
        """What each record changes."""
        result = []
        time: float | None = None
        for number, record in enumerate(found, 1):
            try:
                delta = self._apply(number, record)
            except RowError as e:
                raise FileError(f"{self.path}: record {number}: {e}") from e
            snapshot = number == 1 and is_snapshot(record)
            here = commit_time(record)
            # Clocks are set back at times; a log's order is right.
            time = here if time is None or here is None else max(time, here)
            if delta:
                comment = str(record.get("_comment", ""))
                result.append(Replayed(self.path, self.own.database, time, comment, delta, snapshot))
        return result

    def _apply(self, number: int, record: dict[str, Any]) -> Delta:
        delta: Delta = {}
        for name, changes, difference in table_changes(self.path, number, record, self.schema):
            table = self.own.tables.get(name)
            if table is None:
                continue
            for row, change in changes.items():
                old = table.rows.get(row)
                if change is None:
                    table.rows.pop(row, None)
                    self.replica.tables[name].put(self.names.get(row, row), None, delta)
                    continue
                new = table.decode(row, change) if old is None else table.modified(old, change, difference=difference)
                table.rows[row] = new
                for uuid_, renamed in rename({name: {row: new}}, self.own, self.schema, self.names)[name].items():
                    self.replica.tables[name].put(uuid_, renamed, delta)
        return delta
