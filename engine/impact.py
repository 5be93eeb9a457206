"""What depends on facts, and what would become of it without them.

What would become of everything else is tried: the engine supposes that the facts are gone (``supposing.py``). What
depends is found forward: every clause that reads a relation is run for the facts in question alone, by the functions
that transactions run, over the indexes that are there anyway.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.explain import Explainer, compiled
from ovn_rules.engine.ir import Aggregate, Allocate
from ovn_rules.engine.store import key_function

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ovn_rules.engine.ir import Fact, Program
    from ovn_rules.engine.network import Consumer, Rule
    from ovn_rules.engine.numbering import Exhausted
    from ovn_rules.engine.runtime import Changes, Engine
    from ovn_rules.engine.store import Conflict, Counts


@dataclass(frozen=True, slots=True)
class Effect:
    """What facts mean for one relation. The facts are in no order.

    Attributes:
        depends: facts that have a derivation, or an aggregate's input, in which one of the facts takes part, directly
            or through others that would be gone; those that have another reason stay.
        vanishes: facts that would no longer hold, the given ones left out. They depend on them, or are there because
            of something that would be hindered otherwise.
        changes: facts that would make room for another one with the same key, or of the same group: (old, new).
        appears: facts that would hold then and don't now.
    """

    depends: Collection[Fact] = ()
    vanishes: Collection[Fact] = ()
    changes: Collection[tuple[Fact, Fact]] = ()
    appears: Collection[Fact] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    """What facts mean for everything else.

    Attributes:
        effects: derived relations with any effect, in the order of their evaluation.
        conflicts: keys that facts would come to share, or would share otherwise than now.
        exhausted: allocations that would have other waiting groups than now.
    """

    effects: Mapping[str, Effect]
    conflicts: tuple[Conflict, ...] = ()
    exhausted: tuple[Exhausted, ...] = ()


def impact(engine: Engine, relation: str, fact: Fact, *, everything: bool = False) -> Impact:
    """What depends on a fact, and what would become of it if no clause made the fact (a base fact: deleted).

    What a negation makes depends on nothing absent: facts that the given one hinders are what would appear. A number
    that ``allocate`` gave depends on its group, not on a hint or a wish.

    Args:
        engine: it is as before afterwards.
        relation: the fact's relation.
        fact: the fact; nothing depends on one that doesn't hold.
        everything: as for ``impact_of``.

    Raises:
        KeyError: a relation that the program doesn't have.
        ValueError: a fact of the wrong length.
        RuleFailure: a rule fails without the fact.
    """
    return impact_of(engine, {relation: [fact]}, everything=everything)


def impact_of(
    engine: Engine,
    facts: Mapping[str, Collection[Fact]],
    instead: Mapping[str, tuple[Iterable[Fact], Iterable[Fact]]] | None = None,
    *,
    everything: bool = False,
) -> Impact:
    """The impact of several facts at once, like those that stand for one row.

    Args:
        engine: it is as before afterwards.
        facts: relation → facts.
        instead: the transaction to suppose, where it isn't that these facts are just gone: a row that has lost one
            element of a set is another row.
        everything: what depends on a fact that has another reason, and so would stay, counts as well. In a network
            that may be nearly all of it: whatever is the same for every port is derived from every port.

    Raises:
        KeyError: a relation that the program doesn't have.
        ValueError: a fact of the wrong length.
        RuleFailure: a rule fails without the facts.
    """
    conflicts, exhausted = set(engine.conflicts()), set(engine.exhausted())
    with engine.supposing(instead or {}, None if instead else facts) as changes:
        pass
    gone = None if everything else {name: set(deleted) for name, (deleted, _) in changes.items()}
    effects = _effects(engine.program, facts, dependents(engine, facts, gone), changes)
    order = engine.network.rank
    return Impact(
        {name: effects[name] for name in sorted(effects, key=lambda n: (order[n], n))},
        tuple(c for c in changes.conflicts if c not in conflicts),
        tuple(e for e in changes.exhausted if e not in exhausted),
    )


def _effects(
    program: Program, facts: Mapping[str, Collection[Fact]], depends: Mapping[str, Collection[Fact]], changes: Changes
) -> dict[str, Effect]:
    effects = {}
    for name in {**depends, **changes}:
        deleted, inserted = changes[name]
        given = set(facts.get(name, ()))
        same, gone, come = _paired(program, name, [f for f in deleted if f not in given], inserted)
        reached = depends.get(name, ())
        if reached or gone or same or come:
            effects[name] = Effect(reached, gone, same, come)
    return effects


def _paired(
    program: Program, relation: str, deleted: Iterable[Fact], inserted: Iterable[Fact]
) -> tuple[list[tuple[Fact, Fact]], list[Fact], list[Fact]]:
    """The facts that replace one another; those deleted and those inserted that are left."""
    same_as = _identity(program, relation)
    if same_as is None:
        return [], list(deleted), list(inserted)
    old: dict[Any, list[Fact]] = {}
    for fact in deleted:
        old.setdefault(same_as(fact), []).append(fact)
    pairs, come = [], []
    for fact in inserted:
        before = old.get(same_as(fact))
        if before:
            pairs.append((before.pop(), fact))
        else:
            come.append(fact)
    return pairs, [f for facts in old.values() for f in facts], come


def _identity(program: Program, relation: str) -> Callable[[Fact], Any] | None:
    """What stays when a fact is said to change: its key, or the group of its aggregate or number."""
    definition = program.relations[relation]
    if definition.key is not None:
        return key_function(definition.key)
    clauses = [c for c in program.clauses if c.relation == relation]
    computed = {i for c in clauses for i, t in enumerate(c.terms) if isinstance(t, Aggregate | Allocate)}
    group = [i for i in range(len(definition.columns)) if i not in computed]
    return key_function(tuple(group)) if computed else None


# -- forward -----------------------------------------------------------------------------------------------


def dependents(
    engine: Engine, facts: Mapping[str, Iterable[Fact]], through: Mapping[str, Collection[Fact]] | None = None
) -> dict[str, set[Fact]]:
    """The visible facts that have a derivation, or an input, in which facts take part, directly or not.

    Args:
        engine: whose facts.
        facts: relation → facts; those that rules don't see are passed over. They aren't in the result, even when they
            are on a cycle.
        through: relation → facts from which to go on; None for all.

    Returns:
        Relation → facts.
    """
    rank = engine.network.rank
    holds = Explainer(engine).holds
    found: dict[str, set[Fact]] = {}
    fresh: dict[str, set[Fact]] = {}
    queue: list[tuple[int, str]] = []

    def follow(name: str, pinned: set[Fact]) -> None:
        if pinned:
            if name not in fresh:
                heapq.heappush(queue, (rank[name], name))
            fresh.setdefault(name, set()).update(pinned)

    for name, given in facts.items():
        found[name] = {f for f in given if holds(name, f)}
        follow(name, found[name])
    while queue:
        _, name = heapq.heappop(queue)
        pinned = fresh.pop(name)
        for consumer in _readers(engine, name):
            target = consumer.rule.target
            known = found.setdefault(target, set())
            made = _made(consumer.rule, _derived(engine, consumer, pinned))
            new = {f for f in made if f not in known and holds(target, f)}
            known |= new
            follow(target, new if through is None else new.intersection(through.get(target, ())))
    for name, given in facts.items():
        found[name].difference_update(given)
    return {name: each for name, each in found.items() if each}


def _readers(engine: Engine, relation: str) -> Iterator[Consumer]:
    """The atoms, in any body, that facts of a relation make true."""
    member = engine.network.members[relation]
    for node in (member.outer, member.inner):
        if node is not None:
            yield from node.before
            yield from node.after


def _derived(engine: Engine, consumer: Consumer, pinned: Iterable[Fact]) -> Counts:
    """What a clause's function adds counts for when facts stand in the place of one atom."""
    noted = engine.network.doubts.noted
    known = len(noted)
    counts: Counts = {}
    try:
        consumer.run(pinned, counts, 1)
    except Exception:  # noqa: BLE001 - a function may raise for values that a literal further on excludes
        counts = {}
        compiled(engine.network, consumer.rule.clause, consumer.literal)(pinned, counts, 1)
    finally:
        del noted[known:]
    return counts


def _made(rule: Rule, counts: Iterable[Any]) -> Iterable[Fact]:
    """The facts that come of what a clause's function counts: facts, groups with a value, or groups."""
    if rule.aggregator is not None:
        groups = rule.aggregator.groups
        facts = (groups[group].fact for group in {group for group, _ in counts} if group in groups)
        return (f for f in facts if f is not None)
    if rule.allocator is not None:
        allocator = rule.allocator
        return (allocator.fact(g, allocator.numbers[g]) for g in counts if g in allocator.numbers)
    return counts
