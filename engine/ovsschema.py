"""OVSDB schemas: what an .ovsschema file (or a server's ``get_schema`` reply) says of tables and columns.

The form is RFC 7047 section 3.2. Relations are made from it (``schema.py``), and rows are decoded by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ATOMS = ("integer", "real", "boolean", "string", "uuid")
"""The atomic types of RFC 7047 section 3.2."""

UNLIMITED = 2**31
"""Stands for ``"unlimited"`` in ``max``."""

ZERO_UUID = "00000000-0000-0000-0000-000000000000"
"""What a uuid column holds when nothing was said (RFC 7047 section 5.2.1)."""

_DEFAULTS: dict[str, Any] = {"integer": 0, "real": 0.0, "boolean": False, "string": "", "uuid": ZERO_UUID}


class SchemaError(ValueError):
    """A schema that is not of the form RFC 7047 gives; the message is one line that names the place."""


@dataclass(frozen=True, slots=True)
class BaseType:
    """The type of one atom and what limits it.

    Attributes:
        name: One of ``ATOMS``.
        enum: The allowed values, empty when any will do.
        minimum, maximum: Bounds of a number, or of the length of a string; None without one.
        ref_table: For a uuid, the table it refers to.
        ref_type: ``strong`` (the server refuses a dangling reference) or ``weak`` (it is removed).
    """

    name: str
    enum: tuple[Any, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    ref_table: str | None = None
    ref_type: Literal["strong", "weak"] = "strong"


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column: exactly one atom (scalar), a set (optional columns included), or a map.

    Attributes:
        name: The column's name.
        key: The type of the atom, of the set's elements, or of the map's keys.
        value: The type of a map's values, else None.
        min, max: How many elements it may hold; ``UNLIMITED`` for no bound.
        ephemeral: Not kept when the server stops.
        mutable: May change once the row is there.
    """

    name: str
    key: BaseType
    value: BaseType | None = None
    min: int = 1
    max: int = 1
    ephemeral: bool = False
    mutable: bool = True

    @property
    def kind(self) -> Literal["scalar", "set", "map"]:
        """How a row's JSON gives the column: a bare atom, ``["set", …]`` or ``["map", …]``."""
        if self.value is not None:
            return "map"
        return "scalar" if self.min == self.max == 1 else "set"

    @property
    def key_type(self) -> str:
        """Name of the type of the atom, element or key."""
        return self.key.name

    @property
    def value_type(self) -> str | None:
        """Name of the type of a map's values; None for other columns."""
        return self.value.name if self.value else None

    @property
    def enum(self) -> tuple[Any, ...]:
        """The values allowed for the atom, element or key; empty when any will do."""
        return self.key.enum

    @property
    def ref_table(self) -> str | None:
        """The table that the column (a map: its keys, or else its values) refers to."""
        return self.key.ref_table or (self.value.ref_table if self.value else None)

    @property
    def ref_type(self) -> Literal["strong", "weak"] | None:
        """How the column refers to ``ref_table``; None when it refers to none."""
        for base in (self.key, self.value):
            if base is not None and base.ref_table:
                return base.ref_type
        return None

    @property
    def default(self) -> Any:
        """The decoded value that a row has where nothing was given: RFC 7047 section 5.2.1."""
        if self.kind == "scalar":
            return _DEFAULTS[self.key.name]
        if self.kind == "set" and self.min:
            return (_DEFAULTS[self.key.name],)
        return ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table: its columns without ``_uuid`` and ``_version``, which every table has.

    Attributes:
        name: The table's name.
        columns: The columns by name, in the schema's order.
        indexes: Sets of columns that identify a row, as the server enforces them.
        is_root: Rows stay without being referred to. (A schema in which no table says so has roots only.)
        max_rows: The most rows the table may have, or ``UNLIMITED``.
    """

    name: str
    columns: Mapping[str, ColumnSchema]
    indexes: tuple[tuple[str, ...], ...] = ()
    is_root: bool = True
    max_rows: int = UNLIMITED


@dataclass(frozen=True, slots=True)
class Schema:
    """A database schema: name, version (``x.y.z``, or empty) and tables by name."""

    name: str
    version: str
    tables: Mapping[str, TableSchema]


def read_schema(path: str | Path) -> Schema:
    """Reads an .ovsschema file.

    Raises:
        SchemaError: It can't be read or is not a schema; the message starts with the path.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as e:
        raise SchemaError(f"{path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise SchemaError(f"{path}: not text: {e.reason} at byte {e.start}") from e
    try:
        parsed = json.loads(text)
    except RecursionError as e:
        raise SchemaError(f"{path}: not a schema: nested too deeply") from e
    except json.JSONDecodeError as e:
        raise SchemaError(f"{path}:{e.lineno}:{e.colno}: not JSON: {e.msg}") from e
    try:
        return parse_schema(parsed)
    except SchemaError as e:
        raise SchemaError(f"{path}: {e}") from e


def parse_schema(json_object: Any) -> Schema:
    """Makes a ``Schema`` from parsed JSON.

    Raises:
        SchemaError: The object is not of the form RFC 7047 section 3.2 gives.
    """
    top = _object(json_object, "the schema")
    name = _member(top, "name", str, "the schema")
    tables = _object(_member(top, "tables", dict, "the schema"), '"tables"')
    rooted = any(isinstance(t, dict) and t.get("isRoot") for t in tables.values())
    return Schema(
        name,
        _member(top, "version", str, "the schema", ""),
        {t: _table(t, _object(j, f"table {t}"), rooted) for t, j in tables.items()},
    )


def _table(name: str, table: dict[str, Any], rooted: bool) -> TableSchema:
    where = f"table {name}"
    columns = _object(_member(table, "columns", dict, where), f'"columns" of {where}')
    parsed = {c: _column(name, c, _object(j, f"{where}, column {c}")) for c, j in columns.items()}
    indexes = []
    for index in _member(table, "indexes", list, where, []):
        if not isinstance(index, list) or not index or any(c not in parsed for c in index):
            raise SchemaError(f"{where}: index {json.dumps(index)} is not a list of its columns")
        indexes.append(tuple(index))
    is_root = _member(table, "isRoot", bool, where, False) or not rooted
    return TableSchema(name, parsed, tuple(indexes), is_root, _member(table, "maxRows", int, where, UNLIMITED))


def _column(table: str, name: str, column: dict[str, Any]) -> ColumnSchema:
    where = f"table {table}, column {name}"
    if "type" not in column:
        raise SchemaError(f'{where} has no "type"')
    flags = {
        "ephemeral": _member(column, "ephemeral", bool, where, False),
        "mutable": _member(column, "mutable", bool, where, True),
    }
    given = column["type"]
    if isinstance(given, str):
        return ColumnSchema(name, _base(given, where), **flags)
    given = _object(given, f'"type" of {where}')
    if "key" not in given:
        raise SchemaError(f'"type" of {where} has no "key"')
    key = _base(given["key"], where)
    value = _base(given["value"], where) if "value" in given else None
    low = _member(given, "min", int, where, 1)
    high = given.get("max", 1)
    if high == "unlimited":
        high = UNLIMITED
    if not isinstance(high, int) or low not in (0, 1) or high < max(low, 1):
        raise SchemaError(f'{where}: "min" is 0 or 1, and "max" is "unlimited" or a number from 1 on')
    return ColumnSchema(name, key, value, low, high, **flags)


def _base(given: Any, where: str) -> BaseType:
    if isinstance(given, str):
        given = {"type": given}
    base = _object(given, f'"type" of {where}')
    atom = base.get("type")
    if atom not in ATOMS:
        raise SchemaError(f"{where}: {json.dumps(atom)} is not a type; types are {', '.join(ATOMS)}")
    enum = base.get("enum", [])
    if isinstance(enum, list) and enum[:1] == ["set"] and len(enum) == 2 and isinstance(enum[1], list):
        enum = enum[1]
    elif not isinstance(enum, list):
        enum = [enum]
    kind = {"integer": "Integer", "real": "Real", "string": "Length"}.get(atom, "")
    ref_type = base.get("refType", "strong")
    if ref_type not in ("strong", "weak"):
        raise SchemaError(f'{where}: "refType" is "strong" or "weak", not {json.dumps(ref_type)}')
    return BaseType(atom, tuple(enum), base.get(f"min{kind}"), base.get(f"max{kind}"), base.get("refTable"), ref_type)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SchemaError(f"{where} is not a JSON object")
    return value


_MISSING = object()


def _member(given: dict[str, Any], name: str, kind: type, where: str, default: Any = _MISSING) -> Any:
    value = given.get(name, default)
    if value is _MISSING:
        raise SchemaError(f'{where} has no "{name}"')
    if value is not default and not isinstance(value, kind):
        raise SchemaError(f'"{name}" of {where} is {json.dumps(value)}, which is not a JSON {_JSON_NAMES[kind]}')
    return value


_JSON_NAMES = {str: "string", dict: "object", list: "array", bool: "true or false", int: "integer"}
