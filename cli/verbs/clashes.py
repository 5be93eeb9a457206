"""What would be wrong after a change: keys that several facts share, and groups for which no number is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ovn_rules.cli.verbs.facts import fact_document, fact_text, plain, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Conflict, Engine, Exhausted


def clashes_document(engine: Engine, conflicts: Iterable[Conflict], exhausted: Iterable[Exhausted]) -> Document:
    """Conflicts and exhausted allocations as parts of a document.

    Args:
        engine: whose program has the relations.
        conflicts: the conflicts to tell of.
        exhausted: the allocations to tell of.
    """
    return {
        "conflicts": [
            {
                "kept": fact_document(engine, c.relation, c.kept),
                "rejected": [fact_document(engine, c.relation, f) for f in c.rejected],
            }
            for c in conflicts
        ],
        "exhausted": [{"relation": e.relation, "groups": plain(e.groups)} for e in exhausted],
    }


def show_clashes(document: Document, console: Console) -> None:
    """Print what ``clashes_document`` put into a document, a line each."""
    for each in document["conflicts"]:
        text = Text.assemble(("new conflict: ", "bold yellow"), fact_text(each["kept"]), " keeps out ")
        console.print(text.append(Text(", ").join(map(fact_text, each["rejected"]))), soft_wrap=True)
    for each in document["exhausted"]:
        groups = ", ".join(value_text(g[0] if len(g) == 1 else g) for g in each["groups"])
        text = Text.assemble(("no number left: ", "bold yellow"), f"{each['relation']} has none for {groups}")
        console.print(text, soft_wrap=True)
