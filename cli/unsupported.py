"""Northbound rows that use what the rules don't do: named once in the log, and in ``status`` and ``check --nb``.

What is looked at follows from the server's schema: every table and column but those of which a program says that
its rules go by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ovn_rules.engine.ovsschema import ColumnSchema, Schema, TableSchema
    from ovn_rules.io.rows import Replica, Row, Watcher
    from ovn_rules.rules.program import Supported

_NAMES = ("name", "logical_port", "ip_prefix", "match", "chassis", "vip")
"""Columns by which people know a row, the best first."""

EFFECT = "not supported, so it has no effect"


class Unsupported:
    """Looks at the rows of a database.

    Attributes:
        found: (table, UUID) → a line for each thing in the row that isn't supported.
    """

    def __init__(self, supported: Supported, say: Callable[[str], None] | None = None) -> None:
        """Knows no rows yet.

        Args:
            supported: what the rules go by.
            say: takes each new line.
        """
        self.found: dict[tuple[str, str], tuple[str, ...]] = {}
        self._supported = supported
        self._say = say or (lambda _line: None)
        self._schema: Schema | None = None

    def columns(self, schema: Schema) -> dict[str, list[str]]:
        """The columns to look at, by table, with those that name rows."""
        self._schema = schema
        return {name: list(columns) for name, table in schema.tables.items() if (columns := self._looked_at(table))}

    def _looked_at(self, table: TableSchema) -> dict[str, None]:
        names = {c: None for c in _NAMES if c in table.columns}
        supported = self._supported.get(table.name)
        if supported is None:  # any column tells that there are rows
            return names or dict.fromkeys(list(table.columns)[:1])
        columns = {c: None for c in table.columns if supported.get(c, ()) is not None}
        return columns | names if columns else {}

    def observe(self, replica: Replica) -> None:
        """Look at the rows of a replica that has these columns, now and whenever one changes."""
        schema = self._schema
        if schema is None:
            return
        for name in self.columns(schema):
            table = replica.tables[name]
            watch = self._watcher(schema.tables[name], table.position)
            table.observers[:] = [watch]
            for uuid, row in table.rows.items():
                watch(uuid, None, row)

    def _watcher(self, table: TableSchema, position: Mapping[str, int]) -> Watcher:
        def watch(uuid: str, _old: Row | None, new: Row | None) -> None:
            row = {c: new[i] for c, i in position.items()} if new is not None else None
            self._note((table.name, uuid), tuple(self._lines(table, row)) if row is not None else ())

        return watch

    def _note(self, key: tuple[str, str], lines: tuple[str, ...]) -> None:
        before = self.found.pop(key, ())
        if lines:
            self.found[key] = lines
        for line in lines:
            if line not in before:
                self._say(line)

    def _lines(self, table: TableSchema, row: Mapping[str, Any]) -> Iterator[str]:
        label = f"{table.name} {next((row[c] for c in _NAMES if row.get(c)), '') or row['_uuid']}"
        label = label if row["_uuid"] in label else f"{label} ({row['_uuid'][:8]})"
        supported = self._supported.get(table.name)
        if supported is None:
            yield f"{label}: {EFFECT}"
            return
        for name, column in table.columns.items():
            allowed = supported.get(name, ())
            if allowed is not None and name in row:
                for what in _beyond(column, row[name], allowed):
                    yield f"{label}: {name}{what}: {EFFECT}"

    def lines(self) -> list[str]:
        """All that was found, a line each."""
        return [line for _, lines in sorted(self.found.items()) for line in lines]


def _beyond(column: ColumnSchema, value: Any, allowed: tuple[str, ...]) -> Iterator[str]:
    """What of a column's value isn't allowed, as it is written behind the column's name."""
    if value in (column.default, ()):
        return
    if column.kind == "map":
        yield from (f":{k}={v}" for k, v in value if k not in allowed and f"{k}={v}" not in allowed)
    elif column.kind == "set":
        yield from ([""] if not allowed else [f"={v}" for v in value if v not in allowed])
    elif value not in allowed:
        yield f"={value}" if allowed else ""
