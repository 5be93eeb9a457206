"""What ``ovsdb-client dump --format=json`` prints: a JSON object for each table, one after the other.

A dump says nothing of types (a set of one element looks like that element), so the relations' types are used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ovsschema import UNLIMITED, BaseType, ColumnSchema, Schema, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovn_rules.engine.ir import RelationDef, Type

_ATOMS = {"str": "string", "int": "integer", "float": "real", "bool": "boolean", "uuid": "uuid"}


class NotADumpError(ValueError):
    """The text is no dump; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """One table of a dump: column names, and the rows as JSON values in that order."""

    headings: list[str]
    data: list[list[Any]]

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each row's UUID and columns."""
        at = self.headings.index("_uuid")
        for row in self.data:
            yield row[at][1], dict(zip(self.headings, row, strict=True))


def read_dump(data: bytes) -> dict[str, DumpedTable]:
    """The tables of a dump by name.

    Raises:
        NotADumpError: It is none.
    """
    neither = "neither an OVSDB database file nor what ovsdb-client dump --format=json prints"
    try:
        text = data.decode()
    except UnicodeDecodeError as e:
        raise NotADumpError(neither) from e
    decoder = json.JSONDecoder()
    tables: dict[str, DumpedTable] = {}
    at = 0
    while True:
        while text[at : at + 1].isspace():
            at += 1
        if at == len(text):
            break
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as e:
            if tables:
                line = text.count("\n", 0, at) + 1
                raise NotADumpError(f"line {line}: the dump is cut off or damaged: not JSON") from e
            raise NotADumpError(neither) from e
        if isinstance(found, dict) and "tables" in found and "name" in found:
            raise NotADumpError("it is a schema; a database file or a dump is needed")
        name, table = _table(found, neither)
        tables[name] = table
    if not tables:
        raise NotADumpError("it is empty")
    return tables


def dump_schema(relations: Iterable[RelationDef], database: str) -> Schema:
    """A schema of the tables and columns that relations of a database name, made from their types."""
    tables: dict[str, dict[str, ColumnSchema]] = {}
    for relation in relations:
        table = relation.table
        if table is None or table.database != database:
            continue
        columns = tables.setdefault(table.table, {})
        if table.column is not None:
            key, value = relation.columns[1].type, None
            if len(relation.columns) == 3:
                value = relation.columns[2].type
            columns[table.column] = _several(table.column, key, value)
            continue
        for column in relation.columns:
            if column.name != "_uuid":
                columns.setdefault(column.name, _column(column.name, column.type))
    return Schema("", "", {t: TableSchema(t, columns) for t, columns in tables.items()})


def _table(found: Any, neither: str) -> tuple[str, DumpedTable]:
    if not isinstance(found, dict) or not {"caption", "headings", "data"} <= found.keys():
        raise NotADumpError(neither)
    caption, headings, data = found["caption"], found["headings"], found["data"]
    name = str(caption).removesuffix(" table")
    if not isinstance(headings, list) or not isinstance(data, list):
        raise NotADumpError(f"table {name}: headings and data are no arrays")
    for number, row in enumerate(data, 1):
        if not isinstance(row, list) or len(row) != len(headings):
            raise NotADumpError(f"table {name}, row {number}: it has not the {len(headings)} columns of the headings")
    if "_uuid" in headings:
        at = headings.index("_uuid")
        for number, row in enumerate(data, 1):
            if not isinstance(row[at], list) or len(row[at]) != 2 or row[at][0] != "uuid":
                raise NotADumpError(f"table {name}, row {number}: its _uuid is not a UUID")
    return name, DumpedTable(headings, data)


def _column(name: str, given: Type) -> ColumnSchema:
    if given.name != "tuple":
        return ColumnSchema(name, BaseType(_ATOMS[given.name]))
    element = given.args[0]
    if element.name == "tuple":
        return _several(name, element.args[0], element.args[1])
    return _several(name, element, None)


def _several(name: str, key: Type, value: Type | None) -> ColumnSchema:
    of = None if value is None else BaseType(_ATOMS[value.name])
    return ColumnSchema(name, BaseType(_ATOMS[key.name]), of, 0, UNLIMITED)
