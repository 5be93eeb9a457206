"""Rows of logical flows as tools print them: ``lflow-list``, and lists, tables, CSV and JSON of a table's rows."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from typing import Any

from ovn_rules.cli.verbs.facts import is_uuid

FIELDS = ("logical_datapath", "table_id", "priority", "match", "actions")
"""The columns of a logical flow."""


@dataclass(frozen=True)
class RowText:
    """A logical flow, or a row of another relation, that was pasted.

    Attributes:
        text: what was pasted of it.
        values: text of the columns that were pasted, of FIELDS; and the stage's name, where it was printed.
    """

    text: str
    values: tuple[tuple[str, str], ...]


_LISTED = re.compile(
    r"\s*(?:uuid=0x[0-9a-f]+\s*,)?\s*table=\s*(?P<table_id>\d+)\s*\(\s*(?P<stage>[^)]*?)\s*\)\s*,\s*priority=\s*(?P<priority>\d+)\s*,"
    r"\s*match=\((?P<match>.*)\)\s*,\s*actions?=\((?P<actions>.*)\)\s*(?:/\*.*\*/)?\s*"
)
_DATAPATH = re.compile(r"\s*Datapath:.*?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}).*")
_RECORD = re.compile(r"\s*(_uuid|logical_datapath|table_id|priority|match|actions)\s+: (.*)")
_CELL = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')


def read_rows(text: str) -> list[RowText]:
    """The logical flows in a text in any of the forms; none when it is in none of them."""
    lines = text.splitlines()
    return _json(text) or _lists(lines) or _records(lines) or _csv(text) or _table(lines)


def _row(text: str, values: dict[str, Any]) -> RowText:
    return RowText(text.strip(), tuple((name, str(values[name])) for name in (*FIELDS, "stage") if name in values))


def _lists(lines: list[str]) -> list[RowText]:
    """``lflow-list``: a heading with the datapath, then a line each."""
    rows, datapath = [], {}
    for line in lines:
        if heading := _DATAPATH.fullmatch(line):
            datapath = {"logical_datapath": heading[1]}
        elif found := _LISTED.fullmatch(line):
            rows.append(_row(line, {**datapath, **found.groupdict()}))
    return rows


def _records(lines: list[str]) -> list[RowText]:
    """``list TABLE``: a line for each column, an empty one between rows."""
    rows: list[RowText] = []
    values: dict[str, str] = {}
    for line in [*lines, ""]:
        found = _RECORD.fullmatch(line)
        if found and found[1] not in values:
            values[found[1]] = _plain(found[2].strip())
        else:
            if "match" in values:
                rows.append(_row(", ".join(f"{k}: {v}" for k, v in values.items()), values))
            values = {found[1]: _plain(found[2].strip())} if found else {}
    return rows


def _plain(cell: str) -> str:
    if cell.startswith('"'):
        try:
            return str(json.loads(cell))
        except ValueError:
            return cell.strip('"')
    return cell


def _json(text: str) -> list[RowText]:
    """A table as ovs tools have it in JSON, or objects by column as ``ovn-rules derive`` prints them."""
    if text.strip()[:1] not in ("{", "["):
        return []
    try:
        value = json.loads(text)
    except ValueError:
        return []
    if isinstance(value, dict) and "headings" in value:
        given = [dict(zip(value["headings"], row, strict=False)) for row in value.get("data", ())]
    else:
        given = value if isinstance(value, list) else [value]
    atoms = [{k: _atom(v) for k, v in row.items()} for row in given if isinstance(row, dict)]
    return [_row(json.dumps(row), row) for row in atoms if "match" in row and "table_id" in row]


def _atom(value: Any) -> Any:
    return value[1] if isinstance(value, list) and len(value) == 2 and value[0] == "uuid" else value


def _csv(text: str) -> list[RowText]:
    """A heading with the columns' names, and a line each."""
    heading, *rows = list(csv.reader(text.strip().splitlines())) or [[]]
    if not {"match", "actions"} <= set(heading):
        return []
    return [_row(",".join(row), dict(zip(heading, map(_plain, row), strict=False))) for row in rows]


def _table(lines: list[str]) -> list[RowText]:
    """Cells beside each other: columns are in the order of their names, with or without their heading."""
    names = sorted(FIELDS)
    rows = []
    for line in lines:
        cells = _CELL.findall(line)
        if {"match", "actions", "priority"} <= set(cells):
            names = [c for c in cells if c != "_uuid"]
            continue
        uuids = [c for c in cells if is_uuid(c)]
        if cells and uuids and cells[0] == uuids[0] and len(cells) == len(names) + 1:
            cells = cells[1:]
        if len(cells) == len(names) and uuids and '"' in line:
            rows.append(_row(line, dict(zip(names, map(_plain, cells), strict=True))))
    return rows
