"""``show``: the facts of a relation, as a table."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ovn_rules.cli.derive import reading_order
from ovn_rules.cli.tables import printable
from ovn_rules.cli.verbs.facts import plain
from ovn_rules.cli.verbs.terminal import print_notes
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.patterns import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document, World

LIMIT = 1000
"""Facts shown, unless more are asked for."""


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """The facts that fit a pattern, in the order of reading."""
    pattern = parse_pattern(world.engine.program, text)
    columns = pattern.relation.columns
    found = sorted(pattern.found(world.engine), key=reading_order([c.name for c in columns]))
    limit = options["limit"] or len(found)
    return {
        "relation": pattern.relation.name,
        "columns": [{"name": c.name, "type": str(c.type)} for c in columns],
        "rows": [plain(fact) for fact in found[:limit]],
        "total": len(found),
        "notes": pattern.notes(world.engine),
    }


def show(document: Document, console: Console) -> None:
    """A table that fits the terminal: UUIDs by what tells them apart, without the columns that are empty."""
    rows = document["rows"]
    empty = [c["name"] for i, c in enumerate(document["columns"]) if rows and all(row[i] in ("", []) for row in rows)]
    columns = [(i, c) for i, c in enumerate(document["columns"]) if c["name"] not in empty]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for _, column in columns:
        number = column["type"] in ("int", "float")
        table.add_column(column["name"], overflow="fold", justify="right" if number else "left")
    digits = {i: _digits([row[i] for row in rows]) for i, c in columns if "uuid" in c["type"]}
    for row in rows:
        table.add_row(*(Text(_cell(row[i], digits.get(i))) for i, _ in columns))
    if rows:
        console.print(table)
    print_notes(console, document["notes"])
    more = document["total"] - len(rows)
    without = f"; empty: {', '.join(empty)}" if empty else ""
    console.print(Text(f"{_count(document)}{without}", style="dim"))
    if more:
        console.print(Text(f"... {more:,} more; --limit {document['total']} shows all", style="dim"))


def _count(document: Document) -> str:
    total = document["total"]
    return f"{total:,} fact{'' if total == 1 else 's'} of {document['relation']}"


def _digits(values: list[Any]) -> int:
    """How many characters tell the UUIDs of a column apart; eight at least."""
    uuids = sorted({u for v in values for u in (v if isinstance(v, list) else [v]) if isinstance(u, str)})
    return max([8, *(_difference(*pair) + 1 for pair in pairwise(uuids))])


def _difference(one: str, other: str) -> int:
    """Where two texts begin to differ."""
    return next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)


def _cell(value: Any, digits: int | None) -> str:
    if isinstance(value, list):
        return " ".join(_cell(v, digits) for v in value)
    return printable(str(value)[:digits])


VERB = Verb(
    name="show",
    argument="RELATION|PATTERN",
    summary="The facts of a relation.",
    help="Show the facts of a relation, or those that fit RELATION(column=value, ...). A column that isn't given may "
    "hold anything. UUIDs are shown by their first digits, and may be given so.",
    examples=("Binding", 'nb.Logical_Port(name="vm1")', "--limit 10 Pipeline(table_id=1)"),
    answer=answer,
    show=show,
    options=(Option("limit", "number", LIMIT, "How many facts; 0 for all."),),
)
