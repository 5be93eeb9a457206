"""How explanations of what isn't there are shown: as a tree, and after it the smallest change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ovn_rules.cli.verbs.facts import fact_text, is_uuid, value_text
from ovn_rules.cli.verbs.terminal import make_tree, print_item
from ovn_rules.engine.errors import listed
from ovn_rules.engine.planner import NEW_ROW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.tree import Tree

    from ovn_rules.cli.verbs.verb import Document

MARKS = {"holds": ("✓ ", "green"), "fails": ("✗ ", "bold red"), "open": ("? ", "yellow")}
CUT = {"depth": "... a larger --depth goes on", "cycle": "this is what is asked above: it depends on itself"}
WANTS = 3
"""Things that are told at once of what is wrong."""
LONGEST = 100
"""Characters of a value that are shown."""


def show(document: Document, console: Console) -> None:
    """A tree of what is missing and why, then the smallest change found."""
    names = document.get("names", {})
    if document.get("found"):
        console.print(Text("It is there:", style="green"))
        for fact in document["found"]:
            console.print(Text("  ").append_text(fact_text(fact)))
        console.print(Text("why tells where it comes from.", style="dim"))
    else:
        shown = Wording(names)
        console.print(shown.tree(document["absence"], console.width))
        console.print()
        shown.changes(document["changes"], console)
        if not document["complete"]:
            console.print(Text("The search was ended before all was seen; this is the best found.", style="magenta"))
    for note in document.get("notes", ()):
        console.print(Text(f"note: {note}", style="magenta"))


class Wording:
    """Texts of the parts of an explanation.

    Args:
        names: the names of rows, by UUID.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.new: dict[str, int] = {}

    # -- facts -----------------------------------------------------------------------------------------------

    def fact(self, document: Document, columns: Iterable[str] | None = None) -> Text:
        """A fact or a pattern, as ``readable`` has it."""
        return fact_text(self.readable(document), None if columns is None else list(columns))

    def readable(self, document: Document) -> Document:
        """A fact or a pattern; the rows that it refers to by the first digits of the UUID and the name."""
        named = document.get("name") is not None
        fact = {c: self._value(v, bare=named and c == "_uuid") for c, v in document["fact"].items()}
        return {**document, "fact": fact}

    def _value(self, value: Any, *, bare: bool = False) -> Any:
        if isinstance(value, list):
            return [self._value(v) for v in value]
        if is_uuid(value):
            if value.startswith(NEW_ROW):
                return f"new row {self.new.setdefault(value, len(self.new) + 1)}"
            name = None if bare else self.names.get(value)
            return value[:8] + (f" {name}" if name else "")
        return value if not isinstance(value, str) or len(value) <= LONGEST else value[:LONGEST] + "..."

    def text(self, value: Any) -> str:
        """A value."""
        return value_text(self._value(value))

    # -- the tree --------------------------------------------------------------------------------------------

    def tree(self, absence: Document, width: int) -> Tree:
        """An absence with everything below it, for a console of some width."""
        text = Text("✗ no ", style="bold red").append_text(self.fact(absence))
        bottom = self.bottom(absence)
        if bottom:
            text.append("\n").append_text(bottom)
        tree = make_tree(text, width)
        self.grow(tree, absence)
        return tree

    def bottom(self, absence: Document) -> Text:
        """What an absence comes down to; empty when no rule could make it."""
        wants = list(self._wants(absence)) if absence["rules"] else []
        if not wants:
            return Text()
        text = Text("it comes down to: ", style="bold not red").append_text(Text("; ").join(wants[:WANTS]))
        return text.append("; ..." if len(wants) > WANTS else "")

    def _wants(self, absence: Document) -> Iterable[Text]:
        """What is wrong at the bottom of the nearest rules: given facts that are missing, conditions that fail."""
        if "see" in absence or absence["cut"]:
            return
        if not absence["rules"]:
            yield Text("no ").append_text(self.fact(absence))
        for reason in absence["rules"][:1]:
            for condition in reason["conditions"]:
                if "because" in condition:
                    yield from self._wants(condition["because"])
                elif condition["status"] == "fails" and not condition.get("follows"):
                    yield self.condition(condition)[len(MARKS["fails"][0]) :]

    def grow(self, tree: Tree, absence: Document) -> None:
        """Add to the node of an absence why it is one."""
        if "see" in absence:
            tree.add(Text("explained above", style="dim"))
            return
        for found in absence["found"]:
            tree.add(Text("there is ", style="dim").append_text(self.fact(found)))
        for pair in absence["kept out"]:
            text = Text("kept out: ", style="bold red").append_text(self.fact(pair["fact"]))
            tree.add(text.append(" has a reason, but another fact with the same key is preferred", style="dim"))
            by = self.fact(pair["by"])
            tree.add(Text("kept: ").append_text(by).append(f"  rule {pair['by']['rule']}", style="cyan"))
        if absence["cut"]:
            tree.add(Text(CUT[absence["cut"]], style="dim"))
        elif not absence["rules"] and not absence["kept out"] and not absence["found"]:
            near = absence["nearest"]
            tree.add(self.nearest(near[0], absence["fact"]) if near else Text("nothing like it is there", style="dim"))
        for reason in absence["rules"]:
            self.reason(tree, reason)
        if absence["further"]:
            tree.add(Text(f"further off: {', '.join(absence['further'])}", style="dim"))
        if absence["unfit"]:
            tree.add(self.unfit(absence))

    def nearest(self, fact: Document, asked: Iterable[str]) -> Text:
        """A fact that is there, by what was asked of it, and in what it differs."""
        text = Text("nearest: ", style="dim").append_text(self.fact(fact, asked))
        return text.append(f"  differs in {listed(fact['differs'])}", style="dim")

    def unfit(self, absence: Document) -> Text:
        """The rules that make something else, in one line."""
        parts = [f"with another {column}: {', '.join(rules)}" for column, rules in absence["unfit"].items()]
        return Text(f"rules that make such facts {'; '.join(parts)}", style="dim")

    def reason(self, tree: Tree, reason: Document) -> None:
        """Add a rule and what became of its conditions."""
        text = Text(f"rule {reason['rule']}", style="cyan")
        text.append(f"  {reason['reason']}", style="italic").append(f"  {reason['source']}", style="dim")
        branch = tree.add(text)
        if "outcome" in reason:
            for line in self.outcome(reason["outcome"]):
                branch.add(line)
        for condition in sorted(reason["conditions"], key=lambda c: c["status"] == "open"):
            node = branch.add(self.condition(condition))
            if "because" in condition:
                self.grow(node, condition["because"])

    def outcome(self, outcome: Document) -> Iterable[Text]:
        """What a group comes to instead."""
        if outcome["makes"] is None:
            yield Text("✗ ", style="bold red").append("waits for a number: all are taken", style="default not bold")
            return
        text = Text("✗ ", style="bold red").append(f"its {outcome['column']} comes to ", style="default not bold")
        yield text.append(self.text(outcome["makes"]["fact"][outcome["column"]]), style="default not bold")
        for name, label in (("missing", "what it lacks"), ("surplus", "what it shouldn't have")):
            if outcome[name]:
                yield Text(f"{label}: {', '.join(map(self.text, outcome[name]))}", style="red")
        if outcome["taken"] is not None:
            yield Text("taken by: ", style="dim").append_text(self.fact(outcome["taken"]))

    def condition(self, condition: Document) -> Text:
        """A condition of a rule, and what became of it."""
        mark, style = MARKS[condition["status"]]
        text = Text(mark, style=style)
        if "pattern" in condition:
            return text.append_text(self.atom(condition))
        return text.append_text(self.expression(condition))

    def atom(self, condition: Document) -> Text:
        """A literal about facts."""
        text = Text(style="default not bold")
        status = condition["status"]
        if "fact" in condition:
            text.append("there is " if condition["negated"] else "")
            text.append_text(self.fact(condition["fact"], condition["fact"]["seen"]))
            if condition["choices"] > 1:
                text.append(f"  or another of {condition['choices']}", style="dim")
            return text
        none = condition["negated"] if status != "fails" else not condition["negated"]
        text.append("no " if none else "").append_text(self.fact(condition["pattern"]))
        text.append("".join(f" with {one} = {other}" for one, other in condition["equal"]))
        if status == "open":
            text.append("  depends on what is missing", style="dim")
        elif condition["follows"]:
            text.append("  for the same reason", style="dim")
        return text

    def expression(self, condition: Document) -> Text:
        """A comparison, a call, or a column that must come out as something."""
        text = Text(style="default not bold")
        values = ", ".join(f"{v} = {self.text(x)}" for v, x in condition["values"].items())
        if "head" in condition:
            text.append(f"{condition['head']} is {condition['text']}")
        else:
            text.append(condition["text"])
        text.append(f"  {values}" if values else "", style="dim")
        if condition["status"] == "open":
            return text.append("  depends on what is missing", style="dim")
        if condition["status"] == "holds":
            return text
        if condition["error"]:
            return text.append(f"  fails: {condition['error']}", style="red")
        if "wanted" in condition:
            text.append(f"  wanted {self.text(condition['wanted'])}", style="red")
        if condition.get("result") not in condition["values"].values():
            text.append(f"  is {self.text(condition.get('result'))}", style="red")
        return text

    # -- changes ---------------------------------------------------------------------------------------------

    def changes(self, changes: list[Document], console: Console) -> None:
        """The changes that would make it hold."""
        if not changes:
            console.print(Text("No small change was found that would make it hold.", style="magenta"))
            return
        for i, change in enumerate(changes):
            self.new.clear()
            other = "Or, with new rows only:" if change["adds"] else "Or, taking less away:"
            title = "Smallest change found:" if i == 0 else other
            console.print(Text(title, style="bold"))
            for edit in change["edits"]:
                for line in self.edit(edit):
                    print_item(console, line[: len("  + ")], line[len("  + ") :])
            effects = ", ".join(_effect(r, e) for r, e in change["effects"].items())
            tried = Text(effects or "nothing else changes", style="dim")
            print_item(console, Text("  tried: ", style="dim"), tried)

    def edit(self, edit: Document) -> Iterable[Text]:
        """A fact that goes, and one that comes."""
        old, new = edit["delete"], edit["insert"]
        if old is not None:
            yield Text("  - ", style="red").append_text(self._short(old, new))
        if new is not None:
            text = Text("  + ", style="green").append_text(self._short(new, old))
            chosen = [c for c in edit["chosen"] if not str(new["fact"][c]).startswith(NEW_ROW)]
            if chosen:
                text.append(f"  {listed(chosen)} chosen; others may do", style="dim")
            yield text

    def _short(self, fact: Document, other: Document | None) -> Text:
        """A row without columns that are empty, or not changed."""
        columns = [
            c
            for c, v in fact["fact"].items()
            if v not in ([], "") and (other is None or len(fact["fact"]) <= 3 or v != other["fact"][c] or c == "name")
        ]
        return self.fact(fact, columns)


def _effect(relation: str, counts: Mapping[str, int]) -> str:
    parts = [f"{sign}{counts[name]}" for sign, name in (("-", "deleted"), ("+", "inserted")) if counts[name]]
    return f"{relation} {' '.join(parts)}"
