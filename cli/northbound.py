"""The northbound database as one command line sees it: rows as they were read, and what is to become of them.

All commands of a line work on this view, so that a later one sees what an earlier one did; then everything is
sent in one transaction. It holds only if nobody changed in the meantime what the commands went by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure

if TYPE_CHECKING:
    from ovn_rules.cli.ovsdb_client import OvsdbClient

DATABASE = "OVN_Northbound"

TABLES: dict[str, dict[str, str]] = {
    "Logical_Switch": {"name": "atom", "external_ids": "map"},
    "Logical_Port": {
        "lswitch": "uuid",
        "name": "atom",
        "parent_name": "set",
        "tag": "set",
        "macs": "set",
        "port_security": "set",
        "up": "set",
        "external_ids": "map",
    },
    "ACL": {
        "lswitch": "uuid",
        "priority": "atom",
        "match": "atom",
        "action": "atom",
        "log": "atom",
        "external_ids": "map",
    },
}
"""The tables and columns of the EZ Bake schema that commands read and write, and the form of their values.

Written down here, since reading them from the schema would load the engine, which takes longer than all the rest.
"""

_EMPTY: dict[str, Any] = {"atom": "", "set": (), "map": ()}


@dataclass(slots=True, eq=False)
class Row:
    """A row.

    Attributes:
        table: Its table.
        uuid: Its UUID, or a name for it within the transaction while it is new.
        values: Its columns: sets as sorted tuples, maps as sorted tuples of pairs, references as UUIDs.
        new: It is to be inserted.
        deleted: It is to be deleted.
    """

    table: str
    uuid: str
    values: dict[str, Any]
    new: bool = False
    deleted: bool = False

    def __getitem__(self, column: str) -> Any:
        """A column's value."""
        return self.values[column]


class Northbound:
    """The view that one command line has of the database."""

    def __init__(self, client: OvsdbClient) -> None:
        """Reads the schema, and no rows yet.

        Raises:
            Failure: The database is not there, or is of another schema.
        """
        self._client = client
        _check(client.schema(DATABASE), client.remote)
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in TABLES}
        self._guards: list[dict[str, Any]] = []
        self._changed: dict[str, set[str]] = {}
        self._asked: set[tuple[str, tuple[Any, ...]]] = set()

    # Reading

    def find(self, table: str, **values: Any) -> list[Row]:
        """The rows whose columns have these values, those that earlier commands made included.

        Args:
            table: One of ``TABLES``.
            **values: Columns and values; ``_uuid`` too.

        Returns:
            The rows in no particular order.
        """
        key = (table, tuple(sorted(values.items())))
        if key not in self._asked:
            self._asked.add(key)
            self._read(table, values)
        uuid = values.pop("_uuid", None)
        return [
            row
            for row in self._rows[table].values()
            if not row.deleted and uuid in (None, row.uuid) and all(row[c] == v for c, v in values.items())
        ]

    def _read(self, table: str, values: dict[str, Any]) -> None:
        kinds = TABLES[table] | {"_uuid": "uuid"}
        if any(kinds[c] == "uuid" and self._is_new(v) for c, v in values.items()):
            return  # nothing in the database refers to a row that isn't there yet
        where = [[c, "==", _encode(kinds[c], v)] for c, v in values.items()]
        select = {"op": "select", "table": table, "where": where, "columns": ["_uuid", *TABLES[table]]}
        found = self._transact([select])[0]["rows"]
        for json in found:
            uuid = json["_uuid"][1]
            if uuid not in self._rows[table]:
                decoded = {c: _decode(kind, json[c]) for c, kind in TABLES[table].items()}
                self._rows[table][uuid] = Row(table, uuid, decoded)
        if values:
            self._guard(table, where, "_uuid", [json["_uuid"] for json in found])

    def _guard(self, table: str, where: list[Any], column: str, values: list[Any]) -> None:
        """Lets the transaction fail when other rows meet a condition then, or have another value in a column."""
        rows = [{column: value} for value in values]
        guard = {"op": "wait", "timeout": 0, "until": "==", "table": table, "where": where}
        self._guards.append(guard | {"columns": [column], "rows": rows})

    # Changing

    def insert(self, table: str, **values: Any) -> Row:
        """Adds a row.

        Args:
            table: One of ``TABLES``.
            **values: Columns and values; the others are empty.

        Returns:
            The row.
        """
        number = sum(len(rows) for rows in self._rows.values())
        row = Row(table, f"new{number}", {c: values.get(c, _EMPTY.get(k)) for c, k in TABLES[table].items()}, new=True)
        self._changed[row.uuid] = set(values)
        self._rows[table][row.uuid] = row
        return row

    def set(self, row: Row, column: str, value: Any) -> None:
        """Changes a column; a set is given as a tuple of what is in it, once and in order."""
        row.values[column] = value
        self._changed.setdefault(row.uuid, set()).add(column)

    def set_key(self, row: Row, column: str, key: str, value: str | None) -> None:
        """Changes one key of a map column; None takes it out."""
        if not row.new and column not in self._changed.get(row.uuid, ()):
            self._guard(row.table, [["_uuid", "==", ["uuid", row.uuid]]], column, [_encode("map", row[column])])
        pairs = dict(row[column])
        pairs.pop(key, None)
        if value is not None:
            pairs[key] = value
        self.set(row, column, tuple(sorted(pairs.items())))

    def delete(self, row: Row) -> None:
        """Deletes a row."""
        row.deleted = True

    # Writing

    def commit(self, comment: str) -> bool:
        """Sends what has changed, all of it or nothing.

        Args:
            comment: What the database's log is to say of it.

        Returns:
            Whether it holds; if not, somebody else changed what was read, and all is to be done again.

        Raises:
            Failure: The server refuses it.
        """
        operations = [op for rows in self._rows.values() for row in rows.values() for op in self._operations(row)]
        if not operations:
            return True
        operations.append({"op": "comment", "comment": comment})
        results = self._transact([*self._guards, *operations], guarded=len(self._guards))
        return bool(results)

    def _operations(self, row: Row) -> list[dict[str, Any]]:
        where = [["_uuid", "==", ["uuid", row.uuid]]]
        changed = sorted(self._changed.get(row.uuid, ()))
        if row.deleted:
            return [] if row.new else [{"op": "delete", "table": row.table, "where": where}]
        if row.new:
            return [{"op": "insert", "table": row.table, "uuid-name": row.uuid, "row": self._json(row, changed)}]
        if changed:
            return [{"op": "update", "table": row.table, "where": where, "row": self._json(row, changed)}]
        return []

    def _json(self, row: Row, columns: list[str]) -> dict[str, Any]:
        kinds = TABLES[row.table]
        return {
            c: ["named-uuid", row[c]] if kinds[c] == "uuid" and self._is_new(row[c]) else _encode(kinds[c], row[c])
            for c in columns
        }

    def _is_new(self, uuid: str) -> bool:
        return any(uuid in rows and rows[uuid].new for rows in self._rows.values())

    def _transact(self, operations: list[dict[str, Any]], guarded: int = 0) -> Any:
        """The results of a transaction; nothing when one of the first ``guarded`` operations did not hold."""
        results = self._client.call("transact", DATABASE, *operations)
        for number, result in enumerate(results):
            if result and result.get("error"):
                if number < guarded and result["error"] == "timed out":
                    return []
                raise Failure(_refusal(result))
        return results


def _check(schema: dict[str, Any], remote: str) -> None:
    """Refuses a database that is not of the EZ Bake schema."""
    present = schema.get("tables", {})
    for table, columns in TABLES.items():
        missing = [f"{table}.{c}" for c in columns if c not in present.get(table, {}).get("columns", {})]
        if missing:
            what = f"column {missing[0]}" if table in present else f"table {table}"
            raise Failure(
                f"{remote}: {DATABASE} there is not of the EZ Bake schema (version {schema.get('version', 'unknown')}, "
                f"no {what}); for today's schema use ovn-nbctl"
            )


def _decode(kind: str, json: Any) -> Any:
    """A column's value from its JSON (RFC 7047 section 5.1)."""
    if kind == "atom":
        return json
    if kind == "uuid":
        return json[1]
    if kind == "map":
        return tuple(sorted((k, v) for k, v in json[1]))
    return tuple(sorted(json[1])) if isinstance(json, list) else (json,)


def _encode(kind: str, value: Any) -> Any:
    """A column's JSON from its value."""
    if kind == "uuid":
        return ["uuid", value]
    if kind == "map":
        return ["map", [list(pair) for pair in value]]
    return ["set", list(value)] if kind == "set" else value


def _refusal(result: dict[str, Any]) -> str:
    details = " ".join(str(result.get("details") or "").split())
    return f"the database refuses this: {result['error']}{f': {details}' if details else ''}"
