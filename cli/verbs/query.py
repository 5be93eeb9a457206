"""``query``: what makes a conjunction of literals true, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ovn_rules.cli.tables import print_table
from ovn_rules.cli.verbs.facts import plain
from ovn_rules.cli.verbs.one_shot import one_shot
from ovn_rules.cli.verbs.terminal import print_notes
from ovn_rules.cli.verbs.verb import Option, Verb
from ovn_rules.engine.queries import parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document, World

LIMIT = 1000
"""Answers shown, unless more are asked for."""


def answer(world: World, text: str, options: Mapping[str, Any]) -> Document:
    """The answers of a query, sorted, each once: the first ones, and how many there are.

    Raises:
        QuestionError: it can't be read, or not be answered.
    """
    found = parse_query(world.engine.program, text).answers(world.engine, options["limit"] or None)
    return {
        "columns": list(found.columns),
        "rows": [plain(row) for row in found.rows],
        "total": found.total,
        "notes": found.notes,
    }


def show(document: Document, console: Console) -> None:
    """A table; yes or no for a query without variables."""
    rows, total = document["rows"], document["total"]
    if not document["columns"]:
        console.out("yes" if rows else "no", highlight=False)
    elif rows:
        print_table(console, document["columns"], [tuple(map(_cell, row)) for row in rows])
    else:
        console.out("no answers", highlight=False)
    print_notes(console, document["notes"])
    if total > len(rows):
        console.print(Text(f"... {total - len(rows):,} more; --limit 0 shows all {total:,}", style="dim"))


def _cell(value: Any) -> str:
    return " ".join(map(_cell, value)) if isinstance(value, list) else str(value)


HELP = (
    "Literals are joined with &, each comparison in parentheses, as in rules. A name that stands for nothing else is a "
    "variable; _ is anything. An answer is the values of the variables in the order in which they appear, or what a "
    "head before <= makes of them: (term, ...) with expressions and one of count, collect, min, max and sum."
)

EXAMPLES = (
    "'nb.Logical_Port(_uuid=p, name=n) & nb.Logical_Port.macs(p, mac) & (n != \"vm1\")'",
    "'(switch, count(port)) <= nb.Logical_Port(_uuid=port, lswitch=switch)'",
    "--limit 5 'Pipeline(table_id=t, priority=p, match=m) & (\"vm1\" in m) & (p > 10)'",
    "'nb.Logical_Port(name=n) & ~PortHolder(n, _)'",
)

VERB = Verb(
    name="query",
    argument="QUERY",
    summary="Facts that satisfy a conjunction, as a table.",
    help=f"Find what makes a conjunction of literals true.\n\n{HELP}",
    examples=EXAMPLES,
    answer=answer,
    show=show,
    options=(Option("limit", "number", LIMIT, "How many answers; 0 for all."),),
)

command = one_shot(VERB)
