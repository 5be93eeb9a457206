"""Changes that ``whynot`` proposes, as ``whatif`` would make them: with the checks of a database server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.supposed import SupposedRows
from ovn_rules.cli.verbs.supposed_checks import check
from ovn_rules.engine.vocabulary import databases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovn_rules.cli.verbs.supposed import Delta
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.edits import Edit
    from ovn_rules.engine.ir import RelationDef


def transaction_of(engine: Engine, edits: Sequence[Edit]) -> Delta | None:
    """The transaction that edits come to; None when a database server would refuse them.

    Args:
        engine: has the rows; it stays as it is.
        edits: facts that come, go or change.
    """
    rows = SupposedRows(engine, {d.name: d for d in databases(engine.program)})
    relations = engine.program.relations
    try:
        # Rows before their elements, which may be of a row that is new.
        for edit in sorted(edits, key=lambda e: (t := relations[e.relation].table) is None or t.column is not None):
            _edit(rows, relations[edit.relation], edit)
        check(rows)
    except Failure:
        return None
    return rows.transaction()


def _edit(rows: SupposedRows, relation: RelationDef, edit: Edit) -> None:
    for fact, insert in ((edit.old, False), (edit.new, True)):
        if fact is None:
            continue
        if relation.table is None:
            rows.change_fact(relation.name, fact, insert=insert)
            continue
        table = f"{relation.table.database}.{relation.table.table}"
        if relation.table.column is not None:
            if insert and rows.row(table, fact[0]) is None:
                rows.insert(table, fact[0], {})
            rows.change_element(relation, fact, insert=insert)
        elif insert:
            _put(rows, relation, table, fact)
        elif edit.new is None or edit.new[0] != fact[0]:
            rows.delete(table, fact[0])


def _put(rows: SupposedRows, relation: RelationDef, table: str, fact: Fact) -> None:
    """Add a row, or give one that is there other values."""
    values = {c.name: v for c, v in zip(relation.columns, fact, strict=True) if c.name != "_uuid"}
    if rows.row(table, fact[0]) is None:
        rows.insert(table, fact[0], values)
        return
    for column, value in values.items():
        rows.set(table, fact[0], column, value)
