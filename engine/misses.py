"""How near a clause came to making a fact: which of its literals hold together, and which fail.

Of the ends of a search with the fewest failures, that one is nearest in which most holds, and of what holds least was
chosen among many. A failure is told by what the wanted fact decides alone, if that is enough for it to fail.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from math import log2
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.findings import (
    Condition,
    Finding,
    NearMiss,
    Status,
    Wanted,
    alike,
    elements_of,
    masked,
    mentioned,
    pattern_of,
    repeated_in,
    unmasked,
    wanted_of,
)
from ovn_rules.engine.inverse import analogy
from ovn_rules.engine.ir import Atom, Bind, Filter, Member, Var
from ovn_rules.engine.plan import binds, renames
from ovn_rules.engine.present import FREE, likeness
from ovn_rules.engine.search import ENOUGH, Search, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOOKED_AT = 12
"""Misses of which it is looked up how near the nearest facts are."""
OTHERS = 6
"""Misses with the same failures that are kept beside the nearest."""


class Misses(Search):
    """Finds the nearest misses of one clause."""

    def nearest(
        self, starts: Iterable[Mapping[str, Any]], siblings: Iterable[Mapping[str, Any]] = (), most: int = 3
    ) -> list[NearMiss]:
        """The nearest misses, nearest first; one without failures makes the fact.

        Args:
            starts: values of variables that the wanted fact gives; one of them is enough.
            siblings: values of all variables in derivations of similar facts.
            most: how many are wanted.
        """
        first = [dict(s) for s in starts]
        begun = [self._kept(sibling, start) for sibling in siblings for start in first]
        done = self._run([*begun, *(State(s, s.keys(), self.everything) for s in first)])
        done += self._by_analogy(done[:6], first)
        ranked = sorted(self._distinct(done), key=self._rank)[: LOOKED_AT * most]
        if len(ranked) > 1:
            ranked.sort(key=lambda s: (*self._rank(s), -self._nearness(s)))
        chosen: dict[frozenset[int], list[State]] = {}
        for state in ranked:
            chosen.setdefault(frozenset(state.failed), []).append(state)
        groups = list(chosen.values())[:most]
        return [
            replace(self._miss(g[0]), alike=len(g), others=tuple(self._miss(s) for s in g[1:OTHERS])) for g in groups
        ]

    def _kept(self, sibling: Mapping[str, Any], start: Mapping[str, Any]) -> State:
        """A start with what holds of a similar fact's derivation."""
        values = {**sibling, **start}
        kept = dict(start)
        for literal in self.clause.body:
            known = not isinstance(literal, Filter) and mentioned(literal) <= values.keys()
            if known and self._decided(literal, values) is True:
                kept.update({v: values[v] for v in binds(literal)})
        return State(kept, start.keys(), self.everything)

    # -- by analogy ----------------------------------------------------------------------------------------

    def _by_analogy(self, done: list[State], starts: list[dict[str, Any]]) -> list[State]:
        """Where a function gave something else than is wanted: what it takes to give it, put in the place."""
        found: list[State] = []
        for state in done:
            for i in state.failed:
                condition = self.conditions[i]
                if isinstance(condition, Atom | Filter):
                    continue
                for values, changed in self._instead(condition, state):
                    begin = State({**values, **starts[0]}, {*values, *starts[0]}, self.everything)
                    begin.changed = frozenset(changed)
                    found += self._run([begin])[:4]
                if found or self.present.spent:
                    return found
        return found

    def _instead(
        self, condition: Bind | Member | Wanted, state: State
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Values under which an expression would come out as wanted, and those of them that are new."""
        expr, values = condition.expr, state.values
        given = {v: values[v] for v in expr.variables if v in values}
        if len(given) < len(expr.variables):
            return
        wanted = wanted_of(condition, values)
        if wanted is FREE:
            return
        try:
            result = self._value(expr, values)
            options = list(result)[: 2 * ENOUGH] if isinstance(condition, Member) else [result]
        except Exception:  # noqa: BLE001 - a rule's function may raise anything; then nothing follows from it
            return
        options.sort(key=lambda o: -alike(o, wanted))
        for option in options[:2]:
            for changed in analogy(masked(option, wanted), unmasked(wanted), given):
                if self._comes_out(condition, {**values, **changed}):
                    kept = {v: x for v, x in given.items() if v not in changed}
                    needed = {v: x for v, x in kept.items() if self._matters(condition, v, {**values, **changed})}
                    yield {**needed, **changed}, changed
                    return

    def _comes_out(self, condition: Condition, values: Mapping[str, Any]) -> bool:
        if not isinstance(condition, Member):
            return self._decided(condition, values) is True
        try:
            return next(elements_of(condition, self._value(condition.expr, values), values), None) is not None
        except Exception:  # noqa: BLE001 - a rule's function may raise anything; then nothing follows from it
            return False

    def _matters(self, condition: Condition, variable: str, values: Mapping[str, Any]) -> bool:
        """Whether another value of a variable would make an expression come out otherwise."""
        for literal in self.clause.body:
            if isinstance(literal, Atom) and not literal.negated and Var(variable) in literal.terms:
                column = literal.terms.index(Var(variable))
                facts = self.present.engine.facts(literal.relation)
                others = {f[column] for f in islice(facts, ENOUGH)} - {values[variable]}
                tried = sorted(others, key=repr)[:4]
                return not tried or not all(self._comes_out(condition, {**values, variable: o}) for o in tried)
        return True

    # -- the answer ----------------------------------------------------------------------------------------

    def _distinct(self, states: Iterable[State]) -> Iterable[State]:
        return {(tuple(sorted(s.failed)), tuple(sorted(s.values.items(), key=repr))): s for s in states}.values()

    def _cost(self, state: State) -> int:
        """Failures; those that concern a value put in by analogy have one reason in common."""
        own = [i for i in state.failed if not mentioned(self.conditions[i]) & state.changed]
        return len(own) + (len(own) < len(state.failed))

    def _rank(self, state: State) -> tuple[float, ...]:
        """Few failures first; then what was put in by analogy; then much that holds; then what tells most.

        A fact that was one of few among many tells more than one that was chosen among all.
        """
        determined, choices = self._determined(state)
        arbitrary = sum(not self._fails_already(i, state, determined) for i in state.failed)
        sizes = {i: len(self.present.engine.facts(a.relation)) for i in choices if (a := self._atom(i)) is not None}
        told = sum(log2(max(sizes.get(i, 1), 1) / max(n, 1)) for i, n in choices.items())
        return self._cost(state), not state.changed, -len(state.held), arbitrary, -round(told, 3)

    def _atom(self, position: int) -> Atom | None:
        condition = self.conditions[position]
        return condition if isinstance(condition, Atom) and not condition.negated else None

    def _determined(self, state: State) -> tuple[dict[str, Any], dict[int, int]]:
        """The variables that what is given determines, and among how many candidates each atom that holds chose."""
        values = {v: state.values[v] for v in state.given}
        sure = dict(values)
        choices: dict[int, int] = {}
        left = [i for i in state.held if not isinstance(self.conditions[i], Filter | Wanted)]
        while left:
            options = [(self._options(self.conditions[i], values), i) for i in left]
            number, position = min(options)
            condition = self.conditions[position]
            if isinstance(condition, Atom) and not self._connected(condition, values):
                number -= 1
            left.remove(position)
            choices[position] = number
            new = {v: state.values[v] for v in mentioned(condition) if v not in values}
            if number <= 1 and mentioned(condition) - new.keys() <= sure.keys():
                sure.update(new)
            values.update(new)
        return sure, choices

    def _options(self, condition: Condition, values: Mapping[str, Any]) -> int:
        """How many candidates a condition that holds has, one more when it is unconnected; many if it can't be told."""
        if isinstance(condition, Atom):
            if condition.negated:
                return 1
            return len(self._facts(condition, values)) + (not self._connected(condition, values))
        if isinstance(condition, Bind) and renames(condition) and condition.variable in values:
            return 1
        if not all(v in values for v in condition.expr.variables):
            return 1_000_000
        if isinstance(condition, Member):
            return len(list(elements_of(condition, self._value(condition.expr, values), values)))
        return 1

    def _fails_already(self, position: int, state: State, values: Mapping[str, Any]) -> bool:
        """Whether a condition fails already when only these values are known."""
        condition = self.conditions[position]
        if isinstance(condition, Atom) and not condition.negated:
            return not self._facts(condition, values)
        return mentioned(condition) & state.values.keys() <= values.keys()

    def _nearness(self, state: State) -> float:
        """How alike the nearest facts are to those that are missing."""
        total = 0.0
        for i in state.failed:
            atom = self.conditions[i]
            if isinstance(atom, Atom) and not atom.negated:
                pattern = pattern_of(atom, state.values)
                total += max((likeness(pattern, f) for f in self.present.nearest(atom.relation, pattern)), default=0)
        return total

    def _miss(self, state: State) -> NearMiss:
        determined, choices = self._determined(state)
        findings = tuple(self._finding(i, state, determined, choices.get(i, 1)) for i in self.everything)
        return NearMiss(self.clause, findings, state.values, self._cost(state), determined=frozenset(determined))

    def _finding(self, position: int, state: State, determined: Mapping[str, Any], choices: int) -> Finding:
        condition, values = self.conditions[position], state.values
        status = Status.FAILS if position in state.failed else Status.OPEN if position in state.left else Status.HOLDS
        if isinstance(condition, Atom):
            fact = None
            if (status is Status.HOLDS) is not condition.negated and status is not Status.OPEN:
                fact = next(iter(self._facts(condition, values)), None)
            if status is Status.FAILS and self._fails_already(position, state, determined):
                values = dict(determined)  # no choice that was made matters for this
            equal = tuple(repeated_in(condition, values))
            return Finding(condition, status, pattern_of(condition, values), fact, equal, choices)
        found = Finding(condition, status, values={v: values[v] for v in condition.expr.variables if v in values})
        found = replace(found, wanted=wanted_of(condition, values))
        if len(found.values) < len(condition.expr.variables):
            return found
        try:
            return replace(found, result=self._value(condition.expr, values))
        except Exception as error:  # noqa: BLE001 - a rule's function may raise anything
            return replace(found, error=f"{type(error).__name__}: {error}")
