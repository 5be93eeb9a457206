"""What an engine holds and what it has done: facts, derivations, time, indexes, plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.engine.plan import Access, Plan, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.engine.network import Consumer, Node
    from ovn_rules.engine.runtime import Engine


@dataclass(frozen=True, slots=True)
class RelationStatistics:
    """A relation's size.

    Attributes:
        name: the relation.
        stratum: its place in the order of evaluation.
        derived: whether rules derive it.
        facts: visible facts.
        derivations: derivations of all facts, rivals for a key included.
        indexes: the positions each index is over, as text.
    """

    name: str
    stratum: int
    derived: bool
    facts: int
    derivations: int
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleStatistics:
    """A clause's cost since the engine was made: how often it ran, and for how many seconds."""

    name: str
    relation: str
    calls: int
    seconds: float


def relations(engine: Engine) -> list[RelationStatistics]:
    """Every relation's size, in the order of evaluation."""
    network = engine.network
    derived = engine.program.derived
    result = []
    for rank, stratum in enumerate(network.strata):
        for name in stratum.relations:
            member = network.members[name]
            facts, derivations = member.store.total()
            columns = [c.name for c in engine.program.relations[name].columns]
            indexes = tuple(
                ", ".join(columns[i] for i in positions) + kind
                for positions, kind in _indexes(member.outer, member.inner)
            )
            result.append(RelationStatistics(name, rank, name in derived, facts, derivations, indexes))
    return result


def _indexes(*nodes: Node | None) -> Iterator[tuple[tuple[int, ...], str]]:
    for node, inner in zip(nodes, ("", " (inside the recursion)"), strict=False):
        if node is not None:
            for positions in node.indexes:
                yield positions, inner
            for positions in node.late:
                yield positions, inner + " (late)"


def rules(engine: Engine) -> list[RuleStatistics]:
    """Every clause's cost, the most expensive first."""
    found = [
        RuleStatistics(r.clause.name, r.clause.relation, r.calls, r.nanoseconds / 1e9) for r in engine.network.rules
    ]
    return sorted(found, key=lambda r: -r.seconds)


def strata(engine: Engine) -> list[tuple[tuple[str, ...], bool]]:
    """The relations of each stratum, and whether they are recursive."""
    return [(s.relations, s.recursive) for s in engine.network.strata]


def consumers(engine: Engine) -> Iterator[Consumer]:
    """Every body atom that wakes a clause."""
    for member in engine.network.members.values():
        for node in (member.outer, member.inner):
            if node is not None:
                yield from node.consumers()


def plans(engine: Engine, rule: str | None = None) -> str:
    """How clauses are joined, as text: for each atom that can change, what is looked up and in which order.

    Args:
        engine: the engine.
        rule: only this rule's clauses.
    """
    lines: list[str] = []
    for each in engine.network.rules:
        clause = each.clause
        if rule is not None and clause.rule != rule:
            continue
        lines.append(f"{clause.name}: {clause.relation}")
        for consumer in consumers(engine):
            if consumer.rule is each:
                lookup = engine.network.lookup(clause)
                plan = make_plan(clause, consumer.literal, lookup)
                lines.extend(f"    {line}" for line in describe(engine, plan))
    return "\n".join(lines)


def describe(engine: Engine, plan: Plan) -> list[str]:
    """One plan as lines of text."""
    body = plan.clause.body
    pinned = body[plan.pinned]
    lines = [f"on {'~' if getattr(pinned, 'negated', False) else ''}{getattr(pinned, 'relation', '')}"]
    for step in plan.steps:
        literal = body[step.literal]
        if step.access is None:
            expression = getattr(literal, "expr", None)
            lines.append(f"  {type(literal).__name__.lower()} {getattr(expression, 'source', '')}")
            continue
        relation = getattr(literal, "relation", "")
        columns = engine.program.relations[relation].columns
        by = ", ".join(columns[i].name for i in step.positions)
        how = {
            Access.SCAN: "every fact",
            Access.INDEX: f"index on {by}" if by else "index of all",
            Access.KEY: f"key {by}",
            Access.MEMBER: "membership",
        }[step.access]
        sign = "not " if getattr(literal, "negated", False) else ""
        lines.append(f"  {sign}{relation}: {how}")
    return lines
