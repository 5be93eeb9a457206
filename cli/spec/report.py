"""How a case that fails is shown: expected against actual as a ± diff, and why it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from ovn_rules.cli.spec.facts import FactRow
from ovn_rules.cli.spec.values import ANYTHING, written
from ovn_rules.cli.verbs.proof_shown import show_proof
from ovn_rules.engine.errors import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ovn_rules.cli.spec.expectations import Found
    from ovn_rules.cli.spec.runner import Miss, Result
    from ovn_rules.engine import Engine, Fact
    from ovn_rules.engine.ir import RelationDef

MOST = 40
"""Facts shown that shouldn't be there."""

DEPTH = 4
"""Levels of a derivation that are shown."""

WIDTH = 160
"""Columns of a derivation's lines."""

LINES = 40
"""Lines of an explanation that are shown."""


def report(result: Result) -> str:
    """A failed case as text.

    Args:
        result: how it went.
    """
    case = result.case
    relations = case.rules.program(result.role).relations
    file = shown_path(str(case.file))
    lines = [f"{file}:{case.line}: {case.title} [{result.role}]"]
    for miss in result.misses:
        line = miss.expectation.line if miss.expectation else miss.step.line
        lines.append(f"  {file}:{line}: after {miss.step.name}: {miss.text}")
        lines += [f"    {text}" for text in difference(miss, relations)]
        lines += [f"      {text}" for reason in miss.reasons for text in reason.splitlines()]
    return "\n".join(lines)


def difference(miss: Miss, relations: Mapping[str, RelationDef]) -> Iterator[str]:
    """What was expected against what is there: ``-`` is missing, ``+`` shouldn't be there.

    Args:
        miss: what isn't as expected.
        relations: the role's.
    """
    expected = miss.expectation
    if expected is None:
        return
    rows: list[tuple[str, str, FactRow, str]] = []
    if expected.kind != "absent":
        rows += [("-" if r in miss.missing else " ", r.sign, r, expected.relation) for r in expected.rows]
    for found in miss.unexpected[:MOST]:
        rows.append(("+", found.sign, FactRow(dict(enumerate(found.fact)), 0), found.relation))
    if expected.kind == "problems":
        yield from (f"{mark} {row.values[0]}" for mark, _, row, _ in rows)
    elif not expected.relation:
        yield from (f"{mark} {sign} {fact_text(relations[r], row)}" for mark, sign, row, r in rows)
    else:
        yield from _table(
            relations[expected.relation], expected.fixed, rows, () if expected.kind == "absent" else expected.rows
        )
    if len(miss.unexpected) > MOST:
        yield f"+ ... and {len(miss.unexpected) - MOST} more"


def _table(
    relation: RelationDef,
    fixed: Mapping[int, object],
    rows: list[tuple[str, str, FactRow, str]],
    expected: tuple[FactRow, ...],
) -> Iterator[str]:
    named = {p for row in expected for p in row.values} or set(range(len(relation.columns)))
    columns = [p for p in range(len(relation.columns)) if p in named and p not in fixed] or sorted(named)
    cells = [[relation.columns[p].name for p in columns]]
    cells += [[_cell(relation, row, p) for p in columns] for _, _, row, _ in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    signed = any(sign for _, sign, _, _ in rows)
    heads = [(" ", "±"), *((mark, sign) for mark, sign, _, _ in rows)]
    for (mark, sign), row in zip(heads, cells, strict=True):
        text = " | ".join(map(str.ljust, row, widths)).rstrip()
        yield f"{mark} {sign + ' ' if signed else ''}{text}".rstrip()


def _cell(relation: RelationDef, row: FactRow, position: int) -> str:
    if position not in row.values:
        return "_"
    return written(row.values[position], relation.columns[position].type)


def fact_text(relation: RelationDef, row: FactRow) -> str:
    """A fact in one line."""
    parts = (f"{relation.columns[p].name}={row.values[p]!r}" for p in sorted(row.values))
    return f"{relation.name}({', '.join(parts)})"


def reasons(engine: Engine, miss: Miss) -> tuple[str, ...]:
    """Why the first fact that shouldn't be there is there, and why the first that is missing isn't.

    Args:
        engine: as it is after the step.
        miss: what isn't as expected.
    """
    expected = miss.expectation
    if expected is None or expected.kind not in ("expect", "includes", "absent", "changes"):
        return ()
    found = (_of_fact(engine, each) for each in miss.unexpected)
    lacking = (_of_row(engine, expected.relation, each) for each in miss.missing)
    texts = (next(filter(None, each), "") for each in (found, lacking))
    return tuple(text for text in texts if text)


def _of_fact(engine: Engine, found: Found) -> str:
    if found.relation not in engine.program.derived:
        return ""
    if found.sign == "-":
        columns = engine.program.relations[found.relation].columns
        return _why_not(engine, found.relation, {c.name: v for c, v in zip(columns, found.fact, strict=True)})
    return _why(engine, found.relation, found.fact)


def _of_row(engine: Engine, relation: str, row: FactRow) -> str:
    if relation not in engine.program.derived:
        return ""
    there = next((fact for fact in engine.facts(relation) if row.fits(fact)), None)
    if there is not None:
        head = "still there:" if row.sign == "-" else "there before:"
        return f"{head}\n{_why(engine, relation, there)}"
    columns = engine.program.relations[relation].columns
    known = {columns[p].name: v for p, v in row.values.items() if ANYTHING not in str(v)}
    return "" if row.sign == "-" else _why_not(engine, relation, known)


def _why(engine: Engine, relation: str, fact: Fact) -> str:
    return _printed(lambda console: show_proof(engine, relation, fact, console, DEPTH))


def _why_not(engine: Engine, relation: str, known: Mapping[str, object]) -> str:
    from ovn_rules.cli.verbs.absences_shown import show  # noqa: PLC0415 - only when a case fails
    from ovn_rules.cli.verbs.whynot import explain_absence  # noqa: PLC0415 - likewise

    document = explain_absence(engine, relation, known, DEPTH)
    return _printed(lambda console: show(document, console))


def _printed(show: Callable[[Console], None]) -> str:
    console = Console(width=WIDTH, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        show(console)
    lines = captured.get().rstrip().splitlines()
    more = [f"... and {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    return "\n".join([*lines[:LINES], *more])
