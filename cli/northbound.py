"""The northbound database as one command line sees it: rows as they were read, and what is to become of them.

All commands of a line work on this view, so that a later one sees what an earlier one did; then everything is
sent in one transaction. It holds only if nobody changed in the meantime what the commands went by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.cli.failure import Failure
from ovn_rules.io.columns import decoder, encoder, normaliser

if TYPE_CHECKING:
    from ovn_rules.cli.ovsdb_client import OvsdbClient
    from ovn_rules.engine.ovsschema import Schema

DATABASE = "OVN_Northbound"

TABLES: dict[str, tuple[str, ...]] = {
    "Logical_Switch": ("name", "external_ids"),
    "Logical_Port": ("lswitch", "name", "parent_name", "tag", "macs", "port_security", "up", "external_ids"),
    "ACL": ("lswitch", "priority", "match", "action", "log", "external_ids"),
}
"""The tables and columns of the EZ Bake schema that commands read and write."""


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
        self._schema = client.schema(DATABASE)
        _check(self._schema, client.remote)
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
        columns = self._schema.tables[table].columns
        where: list[Any] = []
        for name, value in values.items():
            if name == "_uuid":
                where.append(["_uuid", "==", ["uuid", value]])
            elif columns[name].key_type == "uuid" and any(r.new and r.uuid == value for t in self._rows.values() for r in t.values()):
                return  # nothing in the database refers to a row that isn't there yet
            else:
                where.append([name, "==", encoder(columns[name])(value)])
        select = {"op": "select", "table": table, "where": where, "columns": ["_uuid", *TABLES[table]]}
        found = self._transact([select])[0]["rows"]
        for json in found:
            uuid = json["_uuid"][1]
            if uuid not in self._rows[table]:
                decoded = {c: decoder(columns[c])(json[c]) for c in TABLES[table]}
                self._rows[table][uuid] = Row(table, uuid, decoded)
        if values:
            still = [{"_uuid": json["_uuid"]} for json in found]
            self._guards.append(
                {"op": "wait", "timeout": 0, "table": table, "where": where, "columns": ["_uuid"], "until": "==", "rows": still}
            )

    # Changing

    def insert(self, table: str, **values: Any) -> Row:
        """Adds a row.

        Args:
            table: One of ``TABLES``.
            **values: Columns and values; the others are empty.

        Returns:
            The row.
        """
        columns = self._schema.tables[table].columns
        given = {c: normaliser(columns[c])(v) for c, v in values.items()}
        number = sum(len(rows) for rows in self._rows.values())
        row = Row(table, f"new{number}", {c: given.get(c, columns[c].default) for c in TABLES[table]}, new=True)
        self._changed[row.uuid] = set(given)
        self._rows[table][row.uuid] = row
        return row

    def set(self, row: Row, column: str, value: Any) -> None:
        """Changes a column."""
        row.values[column] = normaliser(self._schema.tables[row.table].columns[column])(value)
        self._changed.setdefault(row.uuid, set()).add(column)

    def set_key(self, row: Row, column: str, key: str, value: str | None) -> None:
        """Changes one key of a map column; None takes it out."""
        pairs = dict(row[column])
        pairs.pop(key, None)
        self.set(row, column, pairs | ({} if value is None else {key: value}))

    def delete(self, row: Row) -> None:
        """Deletes a row."""
        row.deleted = True

    # Writing

    def commit(self) -> bool:
        """Sends what has changed, all of it or nothing.

        Returns:
            Whether it holds; if not, somebody else changed what was read, and all is to be done again.

        Raises:
            Failure: The server refuses it.
        """
        operations = [op for rows in self._rows.values() for row in rows.values() for op in self._operations(row)]
        if not operations:
            return True
        comment = {"op": "comment", "comment": "ovn-rules nbctl"}
        results = self._transact([*self._guards, *operations, comment], guarded=len(self._guards))
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
        table = self._schema.tables[row.table]
        return {c: self._reference(row[c]) or encoder(table.columns[c])(row[c]) for c in columns}

    def _reference(self, value: Any) -> Any:
        """A reference to a row that is new in this transaction; None for any other value."""
        if isinstance(value, str) and value in self._changed and value.startswith("new"):
            return ["named-uuid", value]
        return None

    def _transact(self, operations: list[dict[str, Any]], guarded: int = 0) -> Any:
        """The results of a transaction; nothing when one of the first ``guarded`` operations did not hold."""
        results = self._client.call("transact", DATABASE, *operations)
        for number, result in enumerate(results):
            if result and result.get("error"):
                if number < guarded and result["error"] == "timed out":
                    return []
                raise Failure(_refusal(result))
        return results


def _check(schema: Schema, remote: str) -> None:
    for table, columns in TABLES.items():
        missing = [] if table not in schema.tables else [c for c in columns if c not in schema.tables[table].columns]
        what = f"table {table}" if table not in schema.tables else f"column {table}.{missing[0]}" if missing else ""
        if what:
            raise Failure(
                f"{remote}: {DATABASE} there is not of the EZ Bake schema (version {schema.version or 'unknown'}, no {what}); "
                "for today's schema use ovn-nbctl"
            )


def _refusal(result: dict[str, Any]) -> str:
    details = " ".join(str(result.get("details") or "").split())
    return f"the database refuses this: {result['error']}{f': {details}' if details else ''}"
