"""What a clause with an aggregate or a number makes of a group, where something else is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.heads import elements_wanted
from ovn_rules.engine.present import FREE, Present, fits, similarity

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Aggregate, Fact
    from ovn_rules.engine.network import Rule


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a clause with an aggregate or a number makes of a group, where something else is wanted.

    Attributes:
        column: the column in question.
        fact: what it makes; None for a group that waits for a number because all are taken.
        missing: values that the aggregate lacks.
        surplus: values that it has and shouldn't.
        holder: the fact that has the number that is asked for, in the same scope.
    """

    column: int
    fact: Fact | None
    missing: tuple[Any, ...] = ()
    surplus: tuple[Any, ...] = ()
    holder: Fact | None = None


def numbered(present: Present, rule: Rule, column: int, pattern: Fact) -> Outcome | None:
    """What number a group has instead of the wanted one, or that it has none; None when there is no group.

    Args:
        present: where the group is looked up.
        rule: the clause at work.
        column: the number's column.
        pattern: what is wanted.
    """
    allocator = rule.allocator
    assert allocator is not None  # noqa: S101 - the clause has an allocate
    known = {i: v for i, v in enumerate(pattern) if v is not FREE and i != column}
    fact = next(iter(present.matching(rule.clause.relation, known)), None)
    if fact is not None:
        same = {column: pattern[column], **{i: fact[i] for i in allocator.within}}
        holder = next(iter(present.matching(rule.clause.relation, same)), None)
        return Outcome(column, fact, holder=holder)
    group = (*pattern[:column], *pattern[column + 1 :])
    waits = any(fits(group, g) for g in allocator.waiting)
    return Outcome(column, None) if waits else None


def aggregated(
    present: Present, rule: Rule, column: int, term: Aggregate, pattern: Fact
) -> tuple[Outcome | None, tuple[Any, ...]]:
    """What a group comes to instead of the wanted value, and a value that it lacks.

    Args:
        present: where the group is looked up.
        rule: the clause at work.
        column: the aggregate's column.
        term: the aggregate.
        pattern: what is wanted.
    """
    aggregator = rule.aggregator
    assert aggregator is not None  # noqa: S101 - the clause has an aggregate
    wanted = elements_wanted(term, pattern[column])
    known = {i: v for i, v in enumerate(pattern) if v is not FREE and i != column}
    facts = [f for f in present.matching(rule.clause.relation, known) if aggregator.fact_of(f) == f]
    if not facts:
        return None, tuple(wanted or ())[:1]
    fact = max(facts, key=lambda f: (similarity(f[column], pattern[column]), repr(f)))
    values = aggregator.groups[(*fact[:column], *fact[column + 1 :])].values
    if wanted is None:
        return Outcome(column, fact), ()
    missing = tuple(e for e in wanted if e not in values)
    surplus = tuple(v for v in values if v not in wanted)
    if term.function in ("min", "max"):
        (value,) = wanted
        surplus = tuple(v for v in values if (v < value if term.function == "min" else v > value))
    return Outcome(column, fact, missing, surplus), missing[:1]
