"""Why a fact doesn't hold: for each clause that could make it the nearest miss, and for what that lacks the same."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.findings import Finding, NearMiss, Status, Wanted
from ovn_rules.engine.heads import unify
from ovn_rules.engine.inverse import Evaluator, Inverter
from ovn_rules.engine.ir import Aggregate, Allocate, Atom, Clause, Fact, Type, Var
from ovn_rules.engine.misses import Misses
from ovn_rules.engine.outcomes import Outcome, aggregated, numbered
from ovn_rules.engine.present import FREE, Present, fits, known_of
from ovn_rules.engine.store import KeyedStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovn_rules.engine.network import Rule
    from ovn_rules.engine.runtime import Engine

DEPTH = 8
"""Levels of relations that an answer goes down, unless told otherwise."""
STEPS = 60_000
"""What an answer may cost, in look-ups."""
FOUND = 5
"""Facts named when some match after all."""
ABSENT, FALSE, OPEN, HOPELESS = 2, 4, 1, 20
"""The weights of a given fact that is missing or in the way, of a condition that is false, of one about which nothing
is known, and of what no rule can make."""
SHOWN = 3
"""Misses of a goal for which an answer goes on, unless all are asked for."""


@dataclass(slots=True)
class Reason:
    """Why one clause doesn't make a fact.

    Attributes:
        clause: the clause.
        miss: how near it came; None where only the outcome is wrong.
        outcome: what it makes of the group instead, for an aggregate or a number.
        absences: for each failing atom of the miss, by its place in the body, why there is no such fact.
        lacks: what would have to change, with a weight.
        height: levels of relations below this one.
        follows: places of failing atoms that would hold if those before them did.
    """

    clause: Clause
    miss: NearMiss | None
    outcome: Outcome | None = None
    absences: dict[int, Absence] = field(default_factory=dict)
    lacks: dict[Any, int] = field(default_factory=dict)
    height: int = 0
    follows: list[int] = field(default_factory=list)

    @property
    def distance(self) -> int:
        """How much would have to change for the clause to make the fact, at a guess."""
        return sum(self.lacks.values())

    @property
    def hopeless(self) -> bool:
        """Whether it lacks something that no rule can make."""
        return HOPELESS in self.lacks.values()


@dataclass(slots=True)
class Absence:
    """Why there is no fact of a pattern.

    Attributes:
        relation: the relation.
        pattern: for each column a value or FREE.
        found: facts that match after all; then there is nothing to explain.
        rivals: pairs of a fact that matches and has a derivation, and the one with the same key that keeps it out.
        reasons: why each clause that could make it doesn't, nearest first.
        unfit: clauses that can't make it, and the column in which what they make is different.
        nearest: facts that are there and differ least.
        cut: why it goes no deeper: ``depth``, ``cycle`` (it is asked already, further up), or nothing.
        lacks: as in the nearest reason.
    """

    relation: str
    pattern: Fact
    found: tuple[Fact, ...] = ()
    rivals: tuple[tuple[Fact, Fact], ...] = ()
    reasons: list[Reason] = field(default_factory=list)
    unfit: list[tuple[Clause, int]] = field(default_factory=list)
    nearest: tuple[Fact, ...] = ()
    cut: Literal["", "depth", "cycle"] = ""
    lacks: dict[Any, int] = field(default_factory=dict)


class WhyNot:
    """Explains what doesn't hold in an engine, while it stands still.

    Args:
        engine: the engine.
        depth: levels of relations to go down.
        steps: what the answer may cost, in look-ups.
        everything: go on from every miss, not from the nearest ones.

    Attributes:
        present: the facts.
    """

    def __init__(self, engine: Engine, *, depth: int = DEPTH, steps: int = STEPS, everything: bool = False) -> None:
        self.engine = engine
        self.depth = depth
        self.everything = everything
        self.present = Present(engine, steps)
        self.evaluator = Evaluator()
        self.explainer = Explainer(engine)
        self._answers: dict[tuple[str, Fact], Absence] = {}
        self._asked: set[tuple[str, Fact]] = set()

    @property
    def spent(self) -> bool:
        """Whether the answer is what was found until the steps ran out."""
        return self.present.spent

    def absence(self, relation: str, pattern: Fact) -> Absence:
        """Why no fact of a relation matches a pattern.

        Args:
            relation: the relation.
            pattern: a value for each column, or FREE.

        Raises:
            KeyError: for a relation that the program doesn't have.
        """
        return self._ask(relation, pattern, self.depth)

    def _ask(self, relation: str, pattern: Fact, depth: int) -> Absence:
        name = (relation, pattern)
        if name in self._answers:
            return self._answers[name]
        if name in self._asked:
            return Absence(relation, pattern, cut="cycle", lacks={(relation, pattern): HOPELESS})
        answer = Absence(relation, pattern, lacks={(relation, pattern): ABSENT})
        answer.found = tuple(islice(self.present.matching(relation, known_of(pattern)), FOUND))
        if not answer.found:
            answer.nearest = self.present.nearest(relation, pattern)
            if relation in self.engine.program.derived:
                self._asked.add(name)
                self._explain(answer, depth)
                self._asked.discard(name)
        if answer.cut != "depth":
            self._answers[name] = answer
        return answer

    def _explain(self, answer: Absence, depth: int) -> None:
        """Find the reasons for the absence of a derived fact."""
        if depth <= 0:
            answer.cut = "depth"
            return
        answer.rivals = tuple(self._rivals(answer.relation, answer.pattern))
        if answer.rivals:
            return
        siblings = self._siblings(answer)
        for rule in self.engine.network.rules:
            clause = rule.clause
            if clause.relation != answer.relation:
                continue
            unified = unify(self.evaluator, clause, self._types(clause), answer.pattern)
            if isinstance(unified, int):
                answer.unfit.append((clause, unified))
                continue
            reasons = self._reasons(rule, answer.pattern, *unified, siblings.get(clause.name, ()))
            if isinstance(reasons, int):
                answer.unfit.append((clause, reasons))
            else:
                answer.reasons += reasons
        if not answer.reasons:
            answer.lacks = {(answer.relation, answer.pattern): HOPELESS}
            return
        answer.reasons.sort(key=lambda r: (r.miss.cost if r.miss else 1, -_held(r)))
        for reason in answer.reasons:
            self._go_on(reason, depth)
        answer.reasons.sort(key=lambda r: (r.distance, r.height, r.miss.cost if r.miss else 1, _open(r), -_held(r)))
        answer.lacks = answer.reasons[0].lacks

    def _go_on(self, reason: Reason, depth: int) -> None:
        """Explain what a miss lacks."""
        if reason.miss is None:
            return
        if self.spent:
            reason.lacks[reason.clause.name, "not looked at"] = HOPELESS - 1
            return
        opened = 0
        for i, finding in enumerate(reason.miss.findings):
            if finding.status is Status.OPEN and not _negated(finding) and opened < 2:
                opened += 1
                reason.lacks[reason.clause.name, i] = OPEN
            if finding.status is not Status.FAILS:
                continue
            literal = finding.condition
            if isinstance(literal, Atom) and finding.equal:
                reason.lacks[literal.relation, finding.pattern, finding.equal] = ABSENT
            elif isinstance(literal, Atom) and not literal.negated:
                absence = reason.absences[i] = self._ask(literal.relation, finding.pattern, depth - 1)
                lacks = _cheapest(absence, reason.lacks)
                if not lacks:
                    reason.follows.append(i)
                reason.lacks.update(lacks)
                reason.height = max(reason.height, 1 + min((r.height for r in absence.reasons), default=0))
            elif isinstance(literal, Atom):
                reason.lacks[literal.relation, finding.fact] = ABSENT
            else:
                reason.lacks[reason.clause.name, i] = FALSE

    def _rivals(self, relation: str, pattern: Fact) -> Iterable[tuple[Fact, Fact]]:
        """Facts that match and have a derivation, but whose key another one has."""
        store = self.engine.network.members[relation].store
        if isinstance(store, KeyedStore):
            for key, facts in store.rivals.items():
                for fact in facts:
                    if fits(pattern, fact):
                        yield fact, store.by_key[key]

    def _siblings(self, answer: Absence) -> dict[str, list[Mapping[str, Any]]]:
        """The variables in derivations of the nearest facts, by clause."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for fact in answer.nearest:
            for derivation in islice(self.explainer.derivations(answer.relation, fact), 8):
                self.present.left -= 20
                found.setdefault(derivation.clause.name, []).append(derivation.variables)
        return found

    def _types(self, clause: Clause) -> dict[str, Type]:
        """The types of the variables that atoms give values to."""
        types: dict[str, Type] = {}
        for atom in clause.body:
            if isinstance(atom, Atom) and not atom.negated:
                for term, column in zip(atom.terms, self.engine.program.relations[atom.relation].columns, strict=True):
                    if isinstance(term, Var):
                        types[term.name] = column.type
        return types

    # -- one clause ----------------------------------------------------------------------------------------

    def _reasons(
        self,
        rule: Rule,
        pattern: Fact,
        starts: list[dict[str, Any]],
        wanted: list[Wanted],
        siblings: Iterable[Mapping[str, Any]],
    ) -> list[Reason] | int:
        """The reasons why a clause doesn't make a fact; the column in which it never can."""
        clause, outcome = rule.clause, None
        for column, term in enumerate(clause.terms):
            if isinstance(term, Allocate):
                outcome = numbered(self.present, rule, column, pattern)
                if outcome is not None:
                    return [Reason(clause, None, outcome, lacks={(clause.name, column): FALSE})]
            elif isinstance(term, Aggregate) and pattern[column] is not FREE:
                outcome, missing = aggregated(self.present, rule, column, term, pattern)
                inverter = Inverter(self.evaluator, self._types(clause))
                found = [
                    {**s, **more}
                    for value in missing
                    for s in starts
                    for more in inverter.solutions(term.value, value, s)
                ]
                if missing and not found:
                    return column
                if outcome is not None and not found:
                    return [Reason(clause, None, outcome, lacks={(clause.name, column): FALSE})]
                if missing and found:
                    starts, wanted = found, [*wanted, Wanted(column, term.value, missing[0])]
        misses = Misses(self.present, self.evaluator, clause, wanted)
        most = SHOWN if self.everything else 1
        return [Reason(clause, miss, outcome) for miss in misses.nearest(starts, siblings, most)]


def _negated(finding: Finding) -> bool:
    """Whether a condition wants something not to be, which most things aren't."""
    condition = finding.condition
    return condition.negated if isinstance(condition, Atom) else isinstance(condition.expr.tree, ast.UnaryOp)


def _cheapest(absence: Absence, already: Mapping[Any, int]) -> dict[Any, int]:
    """What an absence lacks beside what is lacking already, in the way that adds least."""
    ways = [r.lacks for r in absence.reasons] or [absence.lacks]
    more = [{k: w for k, w in lacks.items() if not any(_covers(a, k) for a in already)} for lacks in ways]
    return min(more, key=lambda lacks: sum(lacks.values()))


def _covers(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether what mends one lack mends another: it is the same, or a fact that fits the other's pattern as well."""
    if one == other:
        return True
    if one[0] != other[0] or not isinstance(one[1], tuple) or not isinstance(other[1], tuple):
        return False
    return fits(other[1], one[1])


def _open(reason: Reason) -> int:
    return sum(f.status is Status.OPEN for f in reason.miss.findings) if reason.miss else 0


def _held(reason: Reason) -> int:
    return sum(f.status is Status.HOLDS for f in reason.miss.findings) if reason.miss else 0
