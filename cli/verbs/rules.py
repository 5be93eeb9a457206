"""``rules``: what the rules say, where they stand, what they read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.rule_source import rule_place, rule_text
from ovn_rules.cli.verbs.verb import Verb
from ovn_rules.engine.errors import did_you_mean
from ovn_rules.engine.ir import Atom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ovn_rules.cli.verbs.verb import Document, World
    from ovn_rules.engine.ir import Clause


def answer(world: World, text: str, _options: Mapping[str, Any]) -> Document:
    """A rule with its source, or the rules that derive a relation, or all."""
    wanted = text.strip()
    rules: dict[str, list[Clause]] = {}
    for clause in world.engine.program.clauses:
        rules.setdefault(clause.rule, []).append(clause)
    if wanted in rules:
        return {"rules": [_rule(wanted, rules[wanted]) | {"text": rule_text(rules[wanted][0])}]}
    names = [n for n, clauses in rules.items() if not wanted or any(c.relation == wanted for c in clauses)]
    if not names:
        hint = did_you_mean(wanted, [*rules, *world.engine.program.derived])
        raise Failure(f"no rule {wanted}, and no relation that rules derive{f'; {hint}' if hint else ''}")
    return {"rules": [_rule(name, rules[name]) for name in sorted(names)]}


def _rule(name: str, clauses: list[Clause]) -> Document:
    atoms = [literal for c in clauses for literal in c.body if isinstance(literal, Atom)]
    return {
        "name": name,
        "derives": list(dict.fromkeys(c.relation for c in clauses)),
        "reads": list(dict.fromkeys(f"{'~' if a.negated else ''}{a.relation}" for a in atoms)),
        "about": " ".join(clauses[0].doc.split()),
        "source": rule_place(clauses[0]),
    }


def show(document: Document, console: Console) -> None:
    """One rule with its text, or a table of several."""
    rules = document["rules"]
    if len(rules) == 1 and "text" in rules[0]:
        (rule,) = rules
        console.print(Text(f"rule {rule['name']}", style="bold cyan").append(f"  {rule['about']}", style="italic"))
        console.print(Text(f"{rule['source']}; derives {', '.join(rule['derives'])}", style="dim"))
        console.print(Text(f"reads {', '.join(rule['reads']) or 'nothing'}", style="dim"))
        console.print(Text(rule["text"]))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("rule", "derives", "what it says"):
        table.add_column(column)
    for rule in rules:
        table.add_row(Text(rule["name"], style="cyan"), Text(", ".join(rule["derives"])), Text(rule["about"]))
    console.print(table)


VERB = Verb(
    name="rules",
    argument="[RULE|RELATION]",
    summary="The rules: what they say, where they stand, what they read.",
    help="Show a rule: its text, its file, the relations it reads (~ for those that it wants to be without). With a "
    "relation, list the rules that derive it; with nothing, all rules.",
    examples=("deliver_unicast", "Pipeline", ""),
    answer=answer,
    show=show,
)
