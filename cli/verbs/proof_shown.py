"""Proofs on the terminal: a tree of facts, each with the rule that made it and what that read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ovn_rules.cli.verbs.facts import fact_text
from ovn_rules.cli.verbs.proof_document import proofs_document
from ovn_rules.cli.verbs.terminal import NARROW, indent, make_tree
from ovn_rules.engine.proof import prove

if TYPE_CHECKING:
    from rich.console import Console
    from rich.tree import Tree

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine, Fact

LINES = 2
"""Lines of a terminal that a fact may take, at the top of a tree."""
NARROWEST = 76
"""Characters of a fact however deep it stands, on as many lines as that takes."""
RIVALS = 3
"""Facts shown that were not kept."""


def show_proofs(document: Document, console: Console) -> None:
    """Print proofs as trees; on a terminal a fact takes a line or two, its longest values shortened in the middle.

    Args:
        document: what ``why`` answered.
        console: where.
    """
    for note in document["notes"]:
        console.print(Text(f"note: {note}", style="magenta"), soft_wrap=not console.is_terminal)
    shown = _Shown(document, console.width if console.is_terminal else None)
    for root in document["roots"]:
        console.print(shown.tree(root), crop=console.is_terminal)
    if document["more"]:
        console.print(f"… and {document['more']:,} more; give more columns to narrow it down", style="dim")


def show_proof(engine: Engine, relation: str, fact: Fact, console: Console, depth: int = 20) -> None:
    """Print why a fact holds as on a terminal that is as wide as the console, whether it is one or not.

    Args:
        engine: where it holds.
        relation: its relation.
        fact: the fact.
        console: where it is printed.
        depth: levels to go down.
    """
    document = proofs_document(engine, [prove(engine, relation, fact, depth=depth)])
    console.print(_Shown(document, console.width).tree(document["roots"][0]))


class _Shown:
    def __init__(self, document: Document, width: int | None) -> None:
        self.facts = document["facts"]
        self.rules = document["rules"]
        self.width = width
        self.seen: set[str] = set()

    def tree(self, root: str) -> Tree:
        """The proof of one fact; what was shown before is not shown again."""
        tree = make_tree(self.fact(root, None, 0), self.width or NARROW)
        self.grow(tree, root, 1)
        return tree

    def room(self, level: int) -> int | None:
        """Characters of a fact at a level; lines end where words do, so that the last isn't filled."""
        if self.width is None:
            return None
        return max(NARROWEST, LINES * (self.width - indent(self.width) * level) - NARROWEST // 8)

    def fact(self, name: str, columns: list[str] | None, level: int) -> Text:
        """A fact; a rule's premise with the columns that it looked at."""
        return self.line(fact_text(self.facts[name], columns, self.room(level), brief=True))

    def grow(self, tree: Tree, name: str, level: int) -> None:
        """Add what is known of a fact below it."""
        step = self.facts[name]
        if step["state"] == "given":
            return
        if name in self.seen:
            tree.add(Text("shown above", style="dim"))
            return
        self.seen.add(name)
        self.competition(tree, step, level)
        if step["state"] == "cut":
            tree.add(Text(f"… why {name}", style="dim"))
            return
        for derivation in step["derivations"]:
            branch = tree.add(self.reason(derivation))
            for premise in derivation["premises"]:
                if "absent" in premise:
                    branch.add(self.absent(premise, level + 1))
                else:
                    leaf = branch.add(self.fact(premise["fact"], premise["columns"], level + 1))
                    self.grow(leaf, premise["fact"], level + 2)
        if step["more"]:
            what = "input" if step["collected"] else "derivation"
            tree.add(Text(f"… and {step['more']:,} more {what}{'s' * (step['more'] > 1)}", style="dim"))
        self.numbering(tree, step, level)

    def reason(self, derivation: Document) -> Text:
        """The rule: its name, what it says, where it stands."""
        rule = self.rules[derivation["rule"]]
        text = Text.assemble((f"rule {derivation['rule']}", "cyan"), (f"  {rule['reason']}", "italic"))
        text.append(f"  {rule['source']}", style="dim")
        if derivation["circular"]:
            text.append("  circular: needs the fact itself", style="red")
        return self.line(text)

    def absent(self, premise: Document, level: int) -> Text:
        """What had to be absent, and is."""
        document = {"relation": f"no {premise['absent']}", "fact": premise["pattern"]}
        text = fact_text(document, width=self.room(level), brief=True)
        return self.line(Text(text.plain, style="magenta"))

    def line(self, text: Text) -> Text:
        """A text that keeps to one line where nothing is made to fit."""
        if self.width is None:
            text.no_wrap, text.overflow = True, "ignore"
        return text

    def competition(self, tree: Tree, step: Document, level: int) -> None:
        """Which facts with the same key were not kept, or which one was."""

        def differing(other: Document) -> Text:
            columns = [column for column, value in other["fact"].items() if value != step["fact"][column]]
            return fact_text(other, columns, self.room(level), brief=True)

        if "kept" in step:
            text = Text("not kept, because its key is that of ", style="magenta")
            tree.add(self.line(text.append_text(differing(step["kept"]))))
        rivals = step.get("rivals", [])
        for rival in rivals[:RIVALS]:
            tree.add(self.line(Text("kept over ", style="magenta").append_text(differing(rival))))
        if len(rivals) > RIVALS:
            tree.add(Text(f"… and over {len(rivals) - RIVALS:,} more", style="dim"))

    def numbering(self, tree: Tree, step: Document, level: int) -> None:
        """Where an allocated number comes from."""
        if (numbering := step.get("numbering")) is None:
            return
        text = f"{numbering['column']} {step['fact'][numbering['column']]} of {numbering['low']} to {numbering['high']}"
        if numbering["from"] is None:
            why = "prescribed" if numbering["given"] else "the next free one when this came"
            tree.add(Text(f"{text}: {why}", style="magenta"))
            return
        why = "the one it wants" if numbering["wanted"] else "the one it had"
        branch = tree.add(Text(f"{text}: {why}", style="magenta"))
        leaf = branch.add(self.fact(numbering["from"], None, level + 1))
        self.grow(leaf, numbering["from"], level + 2)
