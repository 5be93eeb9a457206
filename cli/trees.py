"""A derivation as a tree on the terminal: each fact with the rule that made it, down to database rows."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree

from ovn_rules.engine import Derivation, Engine, Explainer, Fact, Premise
from ovn_rules.engine.ir import Aggregate

MAX_INPUTS = 8
"""Inputs shown of an aggregate, unless all are asked for."""


def explanation(engine: Engine, relation: str, fact: Fact, depth: int = 20, *, everything: bool = False) -> Tree:
    """Why a fact holds, as a tree down to base facts.

    Args:
        engine: where it holds.
        relation: the fact's relation.
        fact: the fact.
        depth: levels to show.
        everything: show every derivation of each fact, not one, and every input of an aggregate.
    """
    tree = Tree(described(engine, relation, fact), guide_style="dim")
    _Grower(Explainer(engine), everything=everything).grow(tree, relation, fact, depth)
    return tree


class _Grower:
    def __init__(self, explainer: Explainer, *, everything: bool) -> None:
        self.explainer = explainer
        self.engine = explainer.engine
        self.everything = everything
        self.seen: set[tuple[str, Fact]] = set()

    def grow(self, tree: Tree, relation: str, fact: Fact, depth: int) -> None:
        """Add the derivations of a fact below its node."""
        if relation not in self.engine.program.derived:
            return
        if (relation, fact) in self.seen:
            tree.add(Text("shown above", style="dim"))
            return
        self.seen.add((relation, fact))
        if depth == 0:
            tree.add(Text("...", style="dim"))
            return
        derivations = list(self.explainer.derivations(relation, fact))
        collected = any(isinstance(t, Aggregate) for d in derivations[:1] for t in d.clause.terms)
        most = len(derivations) if self.everything else MAX_INPUTS if collected else 1
        for derivation in derivations[:most]:
            branch = tree.add(reason(derivation))
            for premise in derivation.premises:
                if premise.fact is None:
                    branch.add(absent(self.engine, premise))
                else:
                    leaf = branch.add(described(self.engine, premise.relation, premise.fact, premise.pattern))
                    self.grow(leaf, premise.relation, premise.fact, depth - 1)
        if len(derivations) > most:
            what = "inputs" if collected else "derivations"
            tree.add(Text(f"... and {len(derivations) - most} more {what}", style="dim"))


def reason(derivation: Derivation) -> Text:
    """The rule: its name, what it says, where it stands."""
    clause = derivation.clause
    text = Text(f"rule {clause.name}", style="cyan")
    doc = " ".join(clause.doc.split())
    text.append(f"  {doc}", style="italic")
    if clause.location is not None:
        text.append(f"  {_short(clause.location.file)}:{clause.location.line}", style="dim")
    return text


def _short(path: str) -> str:
    return "/".join(path.split("/")[-3:])


def described(engine: Engine, relation: str, fact: Fact, pattern: tuple[Any, ...] | None = None) -> Text:
    """A fact with its columns; a database row with database, table and UUID.

    Args:
        engine: where it holds.
        relation: the fact's relation.
        fact: the fact.
        pattern: leave out the columns where this is None, which the rule didn't look at.
    """
    definition = engine.program.relations[relation]
    text = Text(relation, style="bold" if definition.table is None else "bold green")
    parts = [
        f"{c.name}={_shown(v, abbreviate=c.type.name == 'uuid' and c.name != '_uuid')}"
        for i, (c, v) in enumerate(zip(definition.columns, fact, strict=True))
        if pattern is None or pattern[i] is not None or c.name == "_uuid"
    ]
    text.append(f"({', '.join(parts)})", style="default not bold")
    return text


def absent(engine: Engine, premise: Premise) -> Text:
    """What had to be absent, and is."""
    columns = engine.program.relations[premise.relation].columns
    known = [f"{c.name}={_shown(v)}" for c, v in zip(columns, premise.pattern, strict=True) if v is not None]
    return Text(f"no {premise.relation}({', '.join(known)})", style="yellow")


def _shown(value: Any, *, abbreviate: bool = False) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if abbreviate:
        return str(value)[:8]
    return f"'{value}'" if isinstance(value, str) else str(value)


def as_json(engine: Engine, relation: str, fact: Fact, depth: int = 20) -> dict[str, Any]:
    """The same explanation as nested objects.

    Args:
        engine: where it holds.
        relation: the fact's relation.
        fact: the fact.
        depth: levels to go down.
    """
    definition = engine.program.relations[relation]
    result: dict[str, Any] = {
        "relation": relation,
        "fact": {c.name: v for c, v in zip(definition.columns, fact, strict=True)},
    }
    if definition.table is not None:
        result["database"], result["table"], result["row"] = definition.table.database, definition.table.table, fact[0]
    if relation in engine.program.derived and depth > 0:
        result["derivations"] = [
            {
                "rule": d.clause.name,
                "reason": " ".join(d.clause.doc.split()),
                "source": f"{_short(d.clause.location.file)}:{d.clause.location.line}" if d.clause.location else "",
                "premises": [
                    {"absent": p.relation, "pattern": list(p.pattern)}
                    if p.fact is None
                    else as_json(engine, p.relation, p.fact, depth - 1)
                    for p in d.premises
                ],
            }
            for d in Explainer(engine).derivations(relation, fact)
        ]
    return result
