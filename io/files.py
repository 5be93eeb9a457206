"""Databases as files: what ovsdb-server keeps, what ``ovsdb-client backup`` and ``dump --format=json`` write.

The standalone format is a log (ovsdb(5)): a schema, then transactions, each with its length and SHA-1. All are
applied, in memory; the file is only read.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ovn_rules.engine.ovsschema import Schema, SchemaError, parse_schema
from ovn_rules.io.dumps import NotADumpError, dump_schema, read_dump
from ovn_rules.io.log_format import CLUSTERED, HEADER_LIMIT, STANDALONE, read_header
from ovn_rules.io.messages import no_collection
from ovn_rules.io.rows import Replica, RowError
from ovn_rules.io.streams import METHODS, split_remotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ovn_rules.engine.ir import RelationDef
    from ovn_rules.engine.ovsschema import ColumnSchema
    from ovn_rules.io.rows import Delta, Row

_RENAMED = uuid.UUID("8a2f1b0e-6d0c-5b7e-9f53-2b1d7f0c4e11")
"""Namespace of the UUIDs that rows of cloned databases get."""

Rows = dict[str, dict[str, "Row"]]


class FileError(ValueError):
    """A file can't be used as a database; the message is one line that starts with its path."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a database argument is.

    Attributes:
        kind: ``remote`` (servers), ``database`` (a standalone file) or ``dump``.
        name: The argument.
        schema_name: The database's name; empty where only a server could say, and for a dump.
        version: The schema's version, or empty.
        tables: The tables' names; empty for a remote.
    """

    kind: Literal["remote", "database", "dump"]
    name: str
    schema_name: str = ""
    version: str = ""
    tables: frozenset[str] = frozenset()


@dataclass
class Contents:
    """What files hold for a program.

    Attributes:
        replica: The rows.
        facts: Relation name to ([], the facts): what an engine takes.
        warnings: A line for each thing that was tolerated.
    """

    replica: Replica
    facts: Delta = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def identify(argument: str) -> Source:
    """Says what a ``--nb``, ``--sb`` or ``--ovs`` argument is: remotes (not contacted) or a file.

    Raises:
        RemoteError: It looks like remotes, but one is wrong.
        FileError: It is a file that is missing or no database.
    """
    if argument.partition(":")[0] in METHODS:
        split_remotes(argument)
        return Source("remote", argument)
    data = _read(argument)
    if data.startswith(STANDALONE):
        schema = log_schema(argument, next(records(argument, data, [])))
        return Source("database", argument, schema.name, schema.version, frozenset(schema.tables))
    tables = _dump(argument, data)
    return Source("dump", argument, tables=frozenset(tables))


def read_file(
    path: str | Path, database: str, relations: Iterable[RelationDef], schema_name: str | None = None
) -> Contents:
    """Reads a standalone database file or a dump: ``read_files`` of one."""
    return read_files([path], database, relations, schema_name)


def read_files(
    paths: Sequence[str | Path],
    database: str,
    relations: Iterable[RelationDef],
    schema_name: str | None = None,
) -> Contents:
    """Reads standalone database files and dumps, as one database.

    Rows of cloned hosts' databases can have the same UUID: then the later file's row gets another one (always
    the same for that path and UUID), and so do the references to it.

    Args:
        paths: The files.
        database: The database's name in the program (``ovs``).
        relations: The relations to feed; those of other databases are passed over.
        schema_name: The name that the files' schemas must have (``Open_vSwitch``); None for any.

    Raises:
        FileError: A file is not of these kinds, is damaged, or lacks what the relations need.
    """
    relations = list(relations)
    contents = Contents(Replica(database, relations))
    seen: set[str] = set()
    with no_collection():
        for path in paths:
            replica = Replica(database, relations)
            schema, rows = _load(str(path), replica, relations, schema_name, contents.warnings)
            own = {u for table in rows.values() for u in table}
            names = other_names(path, own & seen)
            seen.update(own)
            for table, renamed in rename(rows, replica, schema, names).items():
                for u, row in renamed.items():
                    contents.replica.tables[table].put(u, row, contents.facts)
    return contents


def _load(
    path: str,
    replica: Replica,
    relations: list[RelationDef],
    schema_name: str | None,
    warnings: list[str],
) -> tuple[Schema, Rows]:
    data = _read(path)
    try:
        if data.startswith(STANDALONE):
            return _load_log(path, data, replica, schema_name, warnings)
        tables = _dump(path, data)
        schema = dump_schema(relations, replica.database)
        missing = [f"table {t}" for t in replica.tables if t not in tables]
        missing += [
            f"column {c} of table {t}"
            for t, table in replica.tables.items()
            if t in tables
            for c in ("_uuid", *table.monitored)
            if c not in tables[t].headings
        ]
        if missing:
            raise FileError(f"{path}: the dump has no {', no '.join(missing)}")
        replica.use(schema)
        return schema, {
            name: {u: table.decode(u, row) for u, row in tables[name].rows()} for name, table in replica.tables.items()
        }
    except RowError as e:
        raise FileError(f"{path}: {e}") from e


def _load_log(
    path: str, data: bytes, replica: Replica, schema_name: str | None, warnings: list[str]
) -> tuple[Schema, Rows]:
    found = records(path, data, warnings)
    schema = log_schema(path, next(found))
    check_schema(path, schema, replica, schema_name)
    replica.use(schema)
    rows: Rows = {name: {} for name in replica.tables}
    for number, record in enumerate(found, 1):
        for name, changes, difference in table_changes(path, number, record, schema):
            if name in rows:
                _apply(rows[name], replica, name, changes, difference=difference)
    return schema, rows


def check_schema(path: str, schema: Schema, replica: Replica, schema_name: str | None) -> None:
    """Checks that a file's schema is the one that is expected, and has what a replica needs.

    Raises:
        FileError: It isn't, or lacks something.
    """
    if schema_name is not None and schema.name != schema_name:
        raise FileError(f"{path}: it is a database of {schema.name}, not of {schema_name}")
    missing = replica.missing(schema)
    if missing:
        raise FileError(f"{path}: {schema.name} {schema.version} has no {', no '.join(missing)}")


def table_changes(
    path: str, number: int, record: dict[str, Any], schema: Schema
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """What a record changes: of each table its name, its rows' JSON by UUID, and whether that is a difference.

    Raises:
        FileError: The record is not one of that schema.
    """
    difference = record.get("_is_diff") is True
    for name, changes in record.items():
        if name.startswith("_"):
            continue
        if name not in schema.tables or not isinstance(changes, dict):
            raise FileError(f"{path}: record {number}: {name} is not a table of {schema.name}")
        yield name, changes, difference


def _apply(rows: dict[str, Row], replica: Replica, name: str, changes: dict[str, Any], *, difference: bool) -> None:
    table = replica.tables[name]
    for u, change in changes.items():
        if change is None:
            rows.pop(u, None)
        elif u in rows:
            rows[u] = table.modified(rows[u], change, difference=difference)
        else:
            rows[u] = table.decode(u, change)


def records(path: str, data: bytes, warnings: list[str]) -> Iterator[dict[str, Any]]:
    """The records of a log, the schema first. A last one that was cut off is left out, with a warning.

    Raises:
        FileError: It is damaged.
    """
    at = 0
    number = 0
    while at < len(data):
        header = read_header(data, at)
        if header is None and (b"\n" in data[at : at + HEADER_LIMIT] or len(data) - at >= HEADER_LIMIT):
            raise FileError(f"{path}: no record starts at byte {at}, where record {number} should")
        body = data[header.start : header.end] if header else b""
        next_at = header.end if header else len(data)
        if not header or not header.fits(body):
            if number == 0:
                raise FileError(f"{path}: it is cut off or damaged in its schema")
            if next_at < len(data):
                raise FileError(f"{path}: record {number} at byte {at} is damaged (its SHA-1 is wrong)")
            warnings.append(f"{path}: record {number}, the last, is cut off and left out (at byte {at})")
            return
        yield _record(path, number, body)
        at = next_at
        number += 1


def _record(path: str, number: int, body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
    except (ValueError, RecursionError) as e:
        raise FileError(f"{path}: record {number} is not JSON: {e}") from e
    if not isinstance(record, dict):
        raise FileError(f"{path}: record {number} is not a JSON object")
    return record


def log_schema(path: str, record: dict[str, Any]) -> Schema:
    """The schema in a log's first record.

    Raises:
        FileError: It is none.
    """
    try:
        return parse_schema(record)
    except SchemaError as e:
        raise FileError(f"{path}: {e}") from e


def _dump(path: str, data: bytes) -> Mapping[str, Any]:
    try:
        return read_dump(data)
    except NotADumpError as e:
        raise FileError(f"{path}: {e}") from e


def read_database(path: str) -> bytes:
    """A standalone database file's bytes.

    Raises:
        FileError: It can't be read, or is a dump or a clustered database.
    """
    data = _read(path)
    if not data.startswith(STANDALONE):
        raise FileError(f"{path}: it is no database file; a dump holds no transactions, the server's own file does")
    return data


def _read(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as e:
        hint = "" if Path(path).exists() else " (a server is named as unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT)"
        raise FileError(f"{path}: {e.strerror}{hint}") from e
    if data.startswith(CLUSTERED):
        raise FileError(
            f"{path}: a clustered database file can't be read as it is; convert it first:"
            f" ovsdb-tool cluster-to-standalone standalone.db {path}"
        )
    return data


def other_names(path: str | Path, taken: Iterable[str]) -> dict[str, str]:
    """The UUIDs that a file's rows get instead of those that another file's have, too.

    Args:
        path: The file.
        taken: UUIDs that are in both.
    """
    return {u: str(uuid.uuid5(_RENAMED, f"{Path(path).resolve()} {u}")) for u in sorted(taken)}


def rename(rows: Rows, replica: Replica, schema: Schema, names: Mapping[str, str]) -> Rows:
    """Gives rows other UUIDs, in references too.

    Args:
        rows: Table to the rows by UUID.
        replica: Has the tables.
        schema: Theirs.
        names: UUID to the other one.
    """
    if not names:
        return rows
    renamed: Rows = {}
    for table, its_rows in rows.items():
        columns = schema.tables[table].columns
        parts = [(i, columns[c]) for i, c in enumerate(replica.tables[table].columns) if i and _refers(columns[c])]
        renamed[table] = {}
        for u, row in its_rows.items():
            new = list(row)
            new[0] = names.get(u, u)
            for i, column in parts:
                new[i] = _renamed(column, row[i], names)
            renamed[table][new[0]] = tuple(new)
    return renamed


def _refers(column: ColumnSchema) -> bool:
    return "uuid" in (column.key_type, column.value_type)


def _renamed(column: ColumnSchema, value: Any, names: Mapping[str, str]) -> Any:
    if column.kind == "scalar":
        return names.get(value, value)
    if column.kind == "set":
        return tuple(sorted(names.get(u, u) for u in value))
    keys = names if column.key_type == "uuid" else {}
    values = names if column.value_type == "uuid" else {}
    return tuple(sorted((keys.get(k, k), values.get(v, v)) for k, v in value))
