"""``relations``: which relations there are, and how many facts each has."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.verb import Verb
from ovn_rules.engine.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document, World


def answer(world: World, text: str, _options: Mapping[str, Any]) -> Document:
    """The relations whose names fit a pattern, in the order of the program."""
    program = world.engine.program
    wanted = text.strip()
    names = [n for n in program.relations if _fits(n, wanted)]
    if not names:
        hint = did_you_mean(wanted, program.relations)
        raise Failure(f"no relation's name contains {wanted!r}{f'; {hint}' if hint else ''}")
    return {
        "relations": [
            {
                "name": name,
                "facts": len(world.engine.facts(name)),
                "derived": name in program.derived,
                "columns": [c.name for c in program.relations[name].columns],
                "about": " ".join(program.relations[name].doc.split()),
            }
            for name in names
        ]
    }


def _fits(name: str, wanted: str) -> bool:
    if any(c in wanted for c in "*?["):
        return fnmatchcase(name, wanted)
    return wanted.lower() in name.lower()


def show(document: Document, console: Console) -> None:
    """A table, given relations in green."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("relation", no_wrap=True)
    table.add_column("facts", justify="right", no_wrap=True)
    table.add_column("columns", ratio=1)
    for each in document["relations"]:
        name = Text(each["name"], style="bold" if each["derived"] else "bold green")
        table.add_row(name, f"{each['facts']:,}", ", ".join(each["columns"]))
    console.print(table)


VERB = Verb(
    name="relations",
    argument="[PATTERN]",
    summary="The relations, and how many facts each has.",
    help="List the relations whose names contain PATTERN, or fit it if it has *, ? or [. Without one, all. Those that "
    "a database feeds are green.",
    examples=("", "nb.", "*Flow"),
    answer=answer,
    show=show,
)
