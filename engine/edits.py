"""Changes of given facts that keep a database row's relations in step: the row, and the elements of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.ovsschema import UNLIMITED
from ovn_rules.engine.vocabulary import databases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ovn_rules.engine.ir import Fact, Program, RelationDef
    from ovn_rules.engine.ovsschema import ColumnSchema
    from ovn_rules.engine.runtime import Engine


@dataclass(frozen=True, slots=True)
class Edit:
    """One given fact that comes, goes or is changed.

    Attributes:
        relation: a relation that no rule derives.
        old: the fact that goes, or None.
        new: the fact that comes, or None.
        made_up: positions of the new fact whose values were chosen; others may do as well.
    """

    relation: str
    old: Fact | None
    new: Fact | None
    made_up: tuple[int, ...] = ()


def column_schema(program: Program, relation: RelationDef, column: str) -> ColumnSchema | None:
    """What the schema of a relation's table says of a column; None when it is not known."""
    table = relation.table
    if table is None:
        return None
    for database in databases(program):
        if database.name == table.database and table.table in database.schema.tables:
            return database.schema.tables[table.table].columns.get(column)
    return None


def is_optional(program: Program, relation: RelationDef) -> bool:
    """Whether a relation lists the elements of a column that holds at most one."""
    if relation.table is None or relation.table.column is None:
        return False
    schema = column_schema(program, relation, relation.table.column)
    return schema is not None and schema.max != UNLIMITED and schema.max == 1


def referred(program: Program, relation: RelationDef, column: str) -> str | None:
    """The relation of the rows that a column of a database's rows refers to; None for none that the program reads."""
    schema = column_schema(program, relation, column)
    if relation.table is None or schema is None or schema.key.ref_table is None:
        return None
    name = f"{relation.table.database}.{schema.key.ref_table}"
    return name if name in program.relations else None


def changes(engine: Engine, edits: Sequence[Edit]) -> dict[str, tuple[list[Fact], list[Fact]]]:
    """What ``Engine.transact`` takes to make edits, with the other relations of the same rows.

    Args:
        engine: has the rows.
        edits: what is to be changed.
    """
    result: dict[str, tuple[list[Fact], list[Fact]]] = {}
    rows: dict[tuple[str, str], tuple[Fact | None, Fact | None]] = {}
    tables = engine.program.relations
    whole = [e for e in edits if (t := tables[e.relation].table) is not None and t.column is None]
    for edit in whole:
        rows[edit.relation, (edit.old or edit.new or ("",))[0]] = (edit.old, edit.new)
        _change_elements(engine, edit, result)
    for edit in edits:
        table = tables[edit.relation].table
        if edit in whole:
            continue
        _note(result, edit.relation, edit.old, edit.new)
        if table is not None and table.column is not None:
            _change_row(engine, edit, f"{table.database}.{table.table}", table.column, rows)
    for (relation, _), (old, new) in rows.items():
        _note(result, relation, old, new)
    return result


def _note(result: dict[str, tuple[list[Fact], list[Fact]]], relation: str, old: Fact | None, new: Fact | None) -> None:
    gone, come = result.setdefault(relation, ([], []))
    gone += [old] if old is not None else []
    come += [new] if new is not None else []


def _change_row(
    engine: Engine, edit: Edit, relation: str, column: str, rows: dict[tuple[str, str], tuple[Fact | None, Fact | None]]
) -> None:
    """Change the column of the row of which an element comes or goes."""
    definition = engine.program.relations.get(relation)
    if definition is None or column not in (c.name for c in definition.columns):
        return
    position = definition.position(column)
    for fact, present in ((edit.old, False), (edit.new, True)):
        if fact is None:
            continue
        name = (relation, fact[0])
        old = _row(engine, relation, fact[0])
        old, row = rows.get(name, (old, old))
        if row is None:
            continue
        element = fact[1] if len(fact) == 2 else fact[1:]
        elements = {e for e in row[position] if e != element} | ({element} if present else set())
        new = (*row[:position], tuple(sorted(elements)), *row[position + 1 :])
        rows[name] = (old, new)


def _row(engine: Engine, relation: str, uuid: str) -> Fact | None:
    row: Fact | None = engine.network.members[relation].store.table.get(uuid)
    return row


def _change_elements(engine: Engine, edit: Edit, result: dict[str, tuple[list[Fact], list[Fact]]]) -> None:
    """Change the elements that a row's columns have."""
    for i, column in enumerate(engine.program.relations[edit.relation].columns):
        relation = f"{edit.relation}.{column.name}"
        if relation not in engine.program.relations:
            continue
        gone, come = result.setdefault(relation, ([], []))
        gone += _elements(edit.old, i)
        come += _elements(edit.new, i)


def _elements(row: Fact | None, position: int) -> list[Fact]:
    if row is None:
        return []
    values: Iterable[Any] = row[position]
    return [(row[0], *v) if isinstance(v, tuple) else (row[0], v) for v in values]
