"""The changes that ``whatif`` supposes, as they are written.

One after another, on lines of their own or parted by ``;`` or ``--``:

- ``+Relation(column=value, ...)`` inserts a row or fact, or an element of a row's set or map
  (``+nb.Logical_Port.macs(vm1, 02:00:00:00:00:01)``). Columns that aren't given have the schema's defaults; without
  ``_uuid`` one is made up.
- ``-Relation(column=value, ...)`` deletes all rows, facts or elements that fit.
- Anything else is a command as ``ovn-rules nbctl`` takes it.

There are no variables: a bare name is text. Where a UUID belongs, its beginning and the row's name do as well.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovn_rules.cli import nbctl
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.nbctl_commands import COMMANDS, Call
from ovn_rules.cli.verbs.facts import is_uuid
from ovn_rules.cli.verbs.supposed import SupposedRows, made_up_uuid
from ovn_rules.cli.verbs.supposed_checks import check
from ovn_rules.cli.verbs.supposed_northbound import SupposedNorthbound
from ovn_rules.engine import Program
from ovn_rules.engine.ir import Const, Term, Var, Wild
from ovn_rules.engine.pattern_values import Prefix
from ovn_rules.engine.patterns import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.cli.verbs.supposed import Delta
    from ovn_rules.cli.verbs.verb import World
    from ovn_rules.engine.ir import Column, RelationDef
    from ovn_rules.engine.ovsschema import ColumnSchema
    from ovn_rules.engine.patterns import Pattern

_FACT = re.compile(r"([+-])\s*(?=[^\W\d])")
_KINDS = {"int": "whole number", "float": "number", "bool": "True or False"}
_OPENING, _CLOSING = "([{", ")]}"


def with_files(text: str) -> str:
    """The changes with the contents of files in the place of their names.

    Args:
        text: changes; a line ``@FILE`` stands for a file of changes, ``-`` alone for standard input.

    Raises:
        Failure: a file can't be read.
    """
    if text.strip() == "-":
        return sys.stdin.read()
    lines = [_contents(line.strip()[1:]) if line.lstrip().startswith("@") else line for line in text.split("\n")]
    return "\n".join(lines)


def _contents(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"{name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{name}: this is no text: {error.reason} at byte {error.start}") from error


def read_changes(world: World, text: str) -> Delta:
    """The transaction that changes stand for.

    Args:
        world: what they change; it stays as it is.
        text: the changes; ``with_files`` has been applied.

    Returns:
        Relation → facts to delete and to insert.

    Raises:
        Failure: they can't be read, find nothing to delete, or go against a schema.
        QuestionError: likewise, with the place.
    """
    rows = SupposedRows(world.engine, world.program.databases)
    each = list(parted(text))
    if not each:
        raise Failure("no changes: write +Relation(column=value, ...), -Relation(...) or commands of ovn-rules nbctl")
    for change in each:
        sign = _FACT.match(change)
        if sign is None:
            _command(rows, change)
        elif sign[1] == "+":
            _insert(rows, change, change[sign.end() :])
        else:
            _delete(rows, change, change[sign.end() :])
    check(rows)
    return rows.transaction()


def parted(text: str) -> Iterator[str]:
    """The single changes of a text; lines that begin with ``#`` are comments."""
    start, i, depth, quote = 0, 0, 0, ""
    while i <= len(text):
        c = text[i : i + 1]
        if quote:
            i += c == "\\"
            quote = "" if c == quote else quote if i < len(text) else ""
        elif c and c in "\"'":
            quote = c
        elif c == "#" and not text[start:i].strip():
            end = text.find("\n", i)
            i = start = len(text) if end < 0 else end
        elif c and c in _OPENING:
            depth += bool(_FACT.match(text[start:i].lstrip()))
        elif c and c in _CLOSING:
            depth = max(0, depth - 1)
        elif not depth and (width := _separator(text, i)):
            if part := text[start:i].strip():
                yield part
            start = i + width
            i += width - 1
        i += 1
    if part := text[start:].strip():
        yield part


def _separator(text: str, i: int) -> int:
    """The length of what parts two changes, if it stands here."""
    if text[i : i + 1] in ("\n", ";"):
        return 1
    alone = text[i : i + 2] == "--" and text[i - 1 : i].strip() == "" and text[i + 2 : i + 3].strip() == ""
    return 2 if alone else 0


# -- commands ----------------------------------------------------------------------------------------------


def _command(rows: SupposedRows, text: str) -> None:
    try:
        command, words, options = nbctl.parse(shlex.split(text))
    except ValueError as error:
        known = text.split(maxsplit=1)[0] in COMMANDS
        hint = "" if known else "; a change is +Relation(...), -Relation(...) or a command of ovn-rules nbctl"
        raise Failure(f"{text}: {error}{hint}") from error
    _within(text, lambda: command.function(Call(SupposedNorthbound(rows), words, options)))


def _within(change: str, action: Any) -> Any:
    """Carry out a change; a failure is said with the change before it."""
    try:
        return action()
    except Failure as failure:
        raise Failure(f"{' '.join(change.split())}: {failure.message}") from failure


# -- facts -------------------------------------------------------------------------------------------------


def _insert(rows: SupposedRows, change: str, text: str) -> None:
    program = rows.engine.program
    whole = {r.name: r for d in rows.databases.values() for r in d.relations()}
    pattern = parse_pattern(Program({**program.relations, **whole}, program.clauses), text)
    _within(change, lambda: _insert_fact(rows, pattern))


def _insert_fact(rows: SupposedRows, pattern: Pattern) -> None:
    relation = pattern.relation
    _given(rows, relation)
    values = {
        column.name: _constant(rows, relation, column, term)
        for column, term in zip(relation.columns, pattern.terms, strict=True)
        if not isinstance(term, Wild)
    }
    if relation.table is not None and relation.table.column is None:
        table = f"{relation.table.database}.{relation.table.table}"
        uuid = values.get("_uuid") or made_up_uuid(rows, table)
        if not is_uuid(uuid):
            raise Failure(f"column _uuid: {uuid!r} is no UUID")
        rows.insert(table, uuid, values)
        return
    if missing := [c.name for c in relation.columns if c.name not in values]:
        raise Failure(f"column {missing[0]} has no value")
    fact = tuple(values[c.name] for c in relation.columns)
    if relation.table is not None:
        rows.change_element(relation, fact, insert=True)
        return
    if rows.matching(replace(pattern, terms=tuple(map(Const, fact)))):
        raise Failure("this holds already")
    rows.change_fact(relation.name, fact, insert=True)


def _delete(rows: SupposedRows, change: str, text: str) -> None:
    pattern = parse_pattern(rows.engine.program, text)
    _within(change, lambda: _delete_facts(rows, pattern))


def _delete_facts(rows: SupposedRows, pattern: Pattern) -> None:
    relation = pattern.relation
    _given(rows, relation)
    terms = tuple(_text(rows, relation, c, t) for c, t in zip(relation.columns, pattern.terms, strict=True))
    found = rows.matching(replace(pattern, terms=terms))
    if not found:
        raise Failure(f"nothing in {relation.name} fits")
    for fact in found:
        if relation.table is None:
            rows.change_fact(relation.name, fact, insert=False)
        elif relation.table.column is None:
            rows.delete(f"{relation.table.database}.{relation.table.table}", fact[0])
        else:
            rows.change_element(relation, fact, insert=False)


def _given(rows: SupposedRows, relation: RelationDef) -> None:
    if relation.name in rows.engine.program.derived:
        raise Failure(f"{relation.name} is derived by rules; only rows of databases and given facts can be changed")


# -- values ------------------------------------------------------------------------------------------------


def _constant(rows: SupposedRows, relation: RelationDef, column: Column, term: Term | Prefix) -> Any:
    """What a column is to hold."""
    found = _text(rows, relation, column, term)
    if isinstance(found, Prefix):
        raise Failure(f"column {column.name}: {found.text!r} is no UUID")
    assert isinstance(found, Const)  # noqa: S101 - wildcards are left out, and nothing is a variable
    whole = relation.table is not None and isinstance(found.value, tuple)
    return tuple(sorted(set(found.value))) if whole else found.value


def _text(rows: SupposedRows, relation: RelationDef, column: Column, term: Term | Prefix) -> Term | Prefix:
    """A term where no variable can stand: a bare name is text, and where a row is referred to, the row's UUID."""
    if isinstance(term, Wild):
        return term
    value = term.name if isinstance(term, Var) else term.text if isinstance(term, Prefix) else term.value
    if isinstance(term, Var):
        kind = column.type.args[0].name if column.type.name == "tuple" else column.type.name
        if kind not in ("str", "uuid", "any"):
            raise Failure(f"column {column.name}: {value!r} is no {_KINDS.get(kind, kind)}")
        value = (value,) if column.type.name == "tuple" else value
    table = _referred(rows, relation, column)
    if table is None:
        return term if isinstance(term, Prefix) else Const(value)
    if isinstance(value, tuple):
        return Const(tuple(_resolved(rows, table, column, v) for v in value))
    return Const(_resolved(rows, table, column, value))


def _resolved(rows: SupposedRows, table: str, column: Column, value: Any) -> Any:
    if not isinstance(value, str) or is_uuid(value):
        return value
    try:
        return rows.called(table, value)["_uuid"]
    except Failure as failure:
        raise Failure(f"column {column.name}: {failure.message}") from failure


def _referred(rows: SupposedRows, relation: RelationDef, column: Column) -> str | None:
    """The table whose rows a column's UUIDs refer to, if the program reads it."""
    if relation.table is None:
        return None
    database = relation.table.database
    own = f"{database}.{relation.table.table}"
    if column.name == "_uuid":
        return own if relation.table.column is not None else None
    schema: ColumnSchema = rows.column(own, relation.table.column or column.name)
    table = f"{database}.{schema.ref_table}"
    return table if "uuid" in str(column.type) and table in rows.tables() else None
