"""Why a fact holds, down to given facts: all derivations together, each fact once.

Nothing is stored for this; ``explain.py`` finds the derivations again. A proof is made layer by layer from the fact
that was asked for, so that what is cut off is what lies deepest.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovn_rules.engine.explain import Derivation, Explainer
from ovn_rules.engine.store import KeyedStore
from ovn_rules.engine.support import Key, Support

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Engine

INPUTS = 8
"""Inputs of an aggregate that a proof has, unless all or another number are asked for."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A derivation in a proof.

    Attributes:
        derivation: the clause, its premises in the order they are written, and the values of the variables.
        circular: whether some premise can't be proved without the fact itself: then this is no reason for it.
    """

    derivation: Derivation
    circular: bool = False


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the number in a fact of a relation with ``allocate`` comes from.

    Attributes:
        column: the number's position.
        low, high: the range of numbers.
        hint: the relation and fact that say this number for this group; None when the number is just one that
            was free.
        wanted: whether the hint says that the group is to have the number whoever else has it.
        given: whether the number was prescribed when the engine was made.
    """

    column: int
    low: int
    high: int
    hint: Key | None
    wanted: bool
    given: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One fact of a proof.

    Attributes:
        relation: its relation.
        fact: the fact.
        name: a short name for it, the same in every process; see ``named``.
        state: given, derived, or derived but cut off here by the limit of depth.
        reasons: its derivations, a shortest one first; the inputs when the fact is an aggregate's.
        more: how many further derivations or inputs there are.
        collected: whether the reasons are inputs of an aggregate.
        numbering: for an allocated number, where it comes from.
        rivals: facts with the same key that are not kept.
        kept: the fact that is kept instead of this one, which has the same key.
    """

    relation: str
    fact: Fact
    name: str
    state: Literal["given", "derived", "cut"]
    reasons: tuple[Reason, ...] = ()
    more: int = 0
    collected: bool = False
    numbering: Numbering | None = None
    rivals: tuple[Fact, ...] = ()
    kept: Fact | None = None

    @property
    def key(self) -> Key:
        """The relation and the fact."""
        return self.relation, self.fact


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a fact holds.

    Attributes:
        root: the fact.
        steps: every fact of the proof, those nearest to the root first.
    """

    root: Key
    steps: Mapping[Key, Step]


def prove(
    engine: Engine, relation: str, fact: Fact, *, depth: int = 20, everything: bool = False, most: int | None = None
) -> Proof:
    """Why a fact holds: see ``Prover``, which is for several facts."""
    return Prover(engine, everything=everything, most=most).prove(relation, fact, depth)


class Prover:
    """Proves facts of an engine that stands still; what several proofs need is found once.

    One derivation of each fact is found, for a recursive fact one with which a shortest proof ends; of an aggregate the
    first inputs.

    Args:
        engine: where the facts hold.
        everything: find every derivation of each fact and every input of an aggregate.
        most: find at most so many derivations of a fact, or inputs.
    """

    def __init__(self, engine: Engine, *, everything: bool = False, most: int | None = None) -> None:
        self.engine = engine
        self.explainer = Explainer(engine)
        self.support = Support(self.explainer)
        self.everything = everything
        self.most = most
        self._whole: dict[Key, Step] = {}

    def prove(self, relation: str, fact: Fact, depth: int = 20) -> Proof:
        """Why a fact holds.

        Args:
            relation: its relation.
            fact: the fact; of a relation with a key it may be one that isn't kept.
            depth: levels to go down from the fact; what is derived below is cut off.

        Raises:
            KeyError: the program has no such relation.
            ValueError: the fact doesn't hold.
        """
        if not self.engine.count(relation, fact):
            raise ValueError(f"{relation}{fact} doesn't hold")
        root = relation, fact
        steps: dict[Key, Step] = {}
        layer = {root: None}
        while layer:
            below: dict[Key, None] = {}
            for key in layer:
                step = steps[key] = self.whole(key) if depth else self.step(key, cut=True)
                below.update((k, None) for k in _below(step))
            layer = {key: None for key in below if key not in steps}
            depth -= 1
        return Proof(root, steps)

    def whole(self, key: Key) -> Step:
        """A fact with its derivations."""
        if key not in self._whole:
            self._whole[key] = self.step(key, cut=False)
        return self._whole[key]

    def step(self, key: Key, *, cut: bool) -> Step:
        """A fact, its derivations cut off or not."""
        relation, fact = key
        name = name_of(relation, fact)
        if relation not in self.engine.program.derived:
            return Step(relation, fact, name, "given")
        rivals, kept = self.rivals(key)
        numbering = self.numbering(key)
        if cut:
            return Step(relation, fact, name, "cut", numbering=numbering, rivals=rivals, kept=kept)
        aggregators = self.engine.network.members[relation].aggregators
        collected = any(a.fact_of(fact) == fact for a in aggregators)
        most = self.most if self.most is not None or self.everything else INPUTS if collected else 1
        reasons = self.reasons(key, most)
        more = self.explainer.total(relation, fact) - len(reasons)
        return Step(relation, fact, name, "derived", reasons, more, collected, numbering, rivals, kept)

    def reasons(self, key: Key, most: int | None) -> tuple[Reason, ...]:
        """So many derivations of a fact, those that are no reason last."""
        if key[0] not in self.support.recursive:
            return tuple(map(Reason, self.explainer.derivations(*key, most=most)))
        first = self.support.shortest(key)
        if most is not None and most <= 1:
            return (Reason(first),)[:most]
        others = list(self.explainer.derivations(*key, most=most))
        if first in others:
            others.remove(first)
        others = others[: None if most is None else most - 1]
        marked = zip(others, self.support.circular(key, others), strict=True)
        return (Reason(first), *sorted((Reason(d, c) for d, c in marked), key=lambda r: r.circular))

    def numbering(self, key: Key) -> Numbering | None:
        """Where a fact's allocated number comes from; None where it has none."""
        relation, fact = key
        for allocator in self.engine.network.members[relation].allocators:
            group, number = allocator.group(fact), fact[allocator.position]
            hint = (*group, number)
            wanted = allocator.claims.get(group) == number
            said = allocator.wanted if wanted else allocator.hints
            known = said is not None and self.engine.count(said.relation, hint) > 0
            return Numbering(
                allocator.position,
                allocator.low,
                allocator.high,
                (said.relation, hint) if said is not None and known else None,
                wanted,
                allocator.given.get(group) == number,
            )
        return None

    def rivals(self, key: Key) -> tuple[tuple[Fact, ...], Fact | None]:
        """The facts with the same key that are not kept, and the one that is kept instead of this one."""
        relation, fact = key
        store = self.engine.network.members[relation].store
        if not isinstance(store, KeyedStore):
            return (), None
        place = store.key(fact)
        kept = store.by_key[place]
        return (tuple(store.rivals.get(place, ())), None) if kept == fact else ((), kept)


def _below(step: Step) -> list[Key]:
    """The facts that a step leans on."""
    keys = [(p.relation, p.fact) for reason in step.reasons for p in reason.derivation.premises if p.fact is not None]
    if step.reasons and step.numbering is not None and step.numbering.hint is not None:
        keys.append(step.numbering.hint)
    return keys


def name_of(relation: str, fact: Fact) -> str:
    """A short name for a fact, such as ``Port#1c9e05b7``: the same wherever and whenever the fact holds."""
    return f"{relation}#{zlib.crc32(repr(fact).encode()):08x}"


def named(engine: Engine, name: str) -> list[Fact]:
    """The facts with a name, kept or not: one, unless chance gave two the same.

    Args:
        engine: where they hold.
        name: what ``name_of`` gave.

    Raises:
        KeyError: the program has no such relation.
    """
    relation, _, _ = name.partition("#")
    return [f for f in engine.network.members[relation].store.held() if name_of(relation, f) == name]
