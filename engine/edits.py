"""Changes of given facts, and what a database's schema says of the columns that they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.engine.vocabulary import databases

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Fact, Program, RelationDef
    from ovn_rules.engine.ovsschema import ColumnSchema


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
    return schema is not None and schema.max == 1


def referred(program: Program, relation: RelationDef, column: str) -> str | None:
    """The relation of the rows that a column of a database's rows refers to; None for none that the program reads."""
    schema = column_schema(program, relation, column)
    if relation.table is None or schema is None or schema.key.ref_table is None:
        return None
    name = f"{relation.table.database}.{schema.key.ref_table}"
    return name if name in program.relations else None
