"""Database files written from rows: a log as ovsdb-server keeps it (ovsdb(5), "Standalone Format")."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ovsschema import parse_schema
from ovn_rules.io.columns import encoder, normaliser

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ovn_rules.engine.ovsschema import TableSchema


@dataclass(frozen=True)
class Written:
    """A transaction to write.

    Attributes:
        rows: table → rows that it inserts, each with its ``_uuid``; a set as any iterable, a map as a dictionary.
        comment: its comment.
        date: when it was made, in milliseconds since 1970.
    """

    rows: Mapping[str, Iterable[Mapping[str, Any]]]
    comment: str
    date: int


def write_database(path: Path, schema: dict[str, Any], transactions: Iterable[Written]) -> None:
    """Make a database file that ovsdb-server, ovsdb-tool and our own commands read.

    Args:
        path: the file; one that is there is replaced.
        schema: the database's schema, as parsed JSON.
        transactions: what it holds.

    Raises:
        OSError: it can't be written.
        KeyError: a table or column that the schema doesn't have.
    """
    tables = parse_schema(schema).tables
    records: list[dict[str, Any]] = [schema]
    for transaction in transactions:
        record: dict[str, Any] = {"_date": transaction.date, "_comment": transaction.comment}
        for name, rows in transaction.rows.items():
            record[name] = {row["_uuid"]: _encoded(tables[name], row) for row in rows}
        records.append(record)
    path.write_bytes(b"".join(map(_framed, records)))


def _encoded(table: TableSchema, row: Mapping[str, Any]) -> dict[str, Any]:
    encoded = {}
    for name, value in row.items():
        if name != "_uuid":
            column = table.columns[name]
            plain = tuple(value) if isinstance(value, list) else value
            encoded[name] = encoder(column)(normaliser(column)(plain))
    return encoded


def _framed(record: dict[str, Any]) -> bytes:
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return b"OVSDB JSON %d %s\n" % (len(body), hashlib.sha1(body, usedforsecurity=False).hexdigest().encode()) + body
