"""The search for values of a clause's variables under which as few of its literals as possible fail.

It goes from the fewest failures to more, and binds what is known first; a literal that has candidates may also be
given up, for what others know. A literal about which nothing can be known, because one that fails would give it its
values, stays open.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.findings import (
    Condition,
    Wanted,
    elements_of,
    given_by,
    known_in,
    mentioned,
    pattern_of,
    repeated_in,
)
from ovn_rules.engine.ir import Atom, Bind, Clause, Expr, Fact, Filter, Member, Var
from ovn_rules.engine.plan import binds, calls, renames, variables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ovn_rules.engine.inverse import Evaluator
    from ovn_rules.engine.present import Present

BRANCHES = 40
"""Candidates that are tried for one literal."""
ENOUGH = 60
"""Ends of the search among which the best are chosen."""
EXPANSIONS = 1_500
"""States looked at for one clause."""
CALL = 25
"""Steps that a function call counts for."""


class State:
    """A point in the search: the variables that have values, and what became of the conditions so far."""

    __slots__ = ("changed", "failed", "given", "held", "left", "values")

    def __init__(self, values: Mapping[str, Any], given: Iterable[str], left: tuple[int, ...]) -> None:
        self.values = dict(values)
        self.given = frozenset(given)
        self.left = left
        self.failed: tuple[int, ...] = ()
        self.held: tuple[int, ...] = ()
        self.changed: frozenset[str] = frozenset()

    def after(self, position: int, values: Mapping[str, Any] | None) -> State:
        """The state after a condition: held with these values, or failed."""
        left = tuple(i for i in self.left if i != position)
        new = State({**self.values, **(values or {})}, self.given, left)
        new.failed = self.failed if values is not None else (*self.failed, position)
        new.held = self.held if values is None else (*self.held, position)
        new.changed = self.changed
        return new


class Search:
    """Looks for the fewest failures of one clause.

    Args:
        present: where facts are looked up, and what may still be spent.
        evaluator: evaluates expressions.
        clause: the clause.
        wanted: head terms that should come out as something.
    """

    def __init__(self, present: Present, evaluator: Evaluator, clause: Clause, wanted: Iterable[Wanted]) -> None:
        self.present = present
        self.evaluator = evaluator
        self.clause = clause
        self.conditions: tuple[Condition, ...] = (*clause.body, *wanted)
        self.everything = tuple(range(len(self.conditions)))

    # -- searching -----------------------------------------------------------------------------------------

    def _run(self, starts: Iterable[State]) -> list[State]:
        """The states in which nothing is left to be done, of the fewest failures."""
        number = count()
        heap: list[tuple[int, int, int, State]] = []
        done: list[State] = []
        best: int | None = None

        def push(state: State) -> None:
            if best is None or len(state.failed) <= best:
                heappush(heap, (len(state.failed), -len(state.held), next(number), state))

        for state in starts:
            push(state)
        for _ in range(EXPANSIONS):
            if not heap or len(done) >= ENOUGH or (self.present.spent and done):
                break
            cost, _, _, state = heappop(heap)
            if best is not None and cost > best:
                break
            self._settle(state)
            if len(state.failed) > cost:
                push(state)
                continue
            following = list(self._branch(state))
            for each in following:
                push(each)
            if not following and self._true(state):
                done.append(state)
                best = len(state.failed)
        return done

    def _settle(self, state: State) -> None:
        """See to all conditions that need no choice."""
        progress = True
        while progress:
            progress = False
            for i in state.left:
                given = self._decided(self.conditions[i], state.values)
                if given is None:
                    continue
                state.left = tuple(j for j in state.left if j != i)
                if given is False:
                    state.failed = (*state.failed, i)
                else:
                    state.held = (*state.held, i)
                    if given is not True:
                        state.values.update(given)
                progress = True

    def _decided(self, condition: Condition, values: Mapping[str, Any]) -> bool | dict[str, Any] | None:
        """Whether a condition holds, or the values it gives; None when that needs a choice or more values."""
        if isinstance(condition, Atom):
            return self._decided_atom(condition, values)
        if isinstance(condition, Bind) and renames(condition) and condition.variable in values:
            other = condition.expr.variables[0]
            if other not in values:
                return {other: values[condition.variable]}
        if not all(v in values for v in condition.expr.variables):
            return None
        if isinstance(condition, Member) and not binds(condition) <= values.keys():
            return None
        try:
            return self._evaluated(condition, values)
        except Exception:  # noqa: BLE001 - a rule's function may raise anything; then nothing follows from it
            return False

    def _evaluated(
        self, condition: Filter | Bind | Member | Wanted, values: Mapping[str, Any]
    ) -> bool | dict[str, Any]:
        """Whether an expression comes out as it should, or the value it gives."""
        result = self._value(condition.expr, values)
        if isinstance(condition, Filter):
            return bool(result)
        if isinstance(condition, Wanted):
            return bool(result == condition.value)
        if isinstance(condition, Member):
            return next(elements_of(condition, result, values), None) is not None
        if condition.variable in values:
            return bool(values[condition.variable] == result)
        return {condition.variable: result}

    def _decided_atom(self, atom: Atom, values: Mapping[str, Any]) -> bool | None:
        whole = variables_of(atom) <= values.keys()
        if atom.negated:
            return not self._facts(atom, values) if whole else None
        if whole or self._connected(atom, values):
            if not self._facts(atom, values):
                return False
            return True if whole else None
        return None

    def _value(self, expr: Expr, values: Mapping[str, Any]) -> Any:
        self.present.left -= CALL if calls(expr) else 1
        return self.evaluator.value(expr, values)

    def _facts(self, atom: Atom, values: Mapping[str, Any]) -> Collection[Fact]:
        known = known_in(atom, values)
        facts = self.present.matching(atom.relation, known)
        repeated = repeated_in(atom, values)
        return [f for f in facts if all(f[i] == f[j] for i, j in repeated)] if repeated else facts

    def _connected(self, atom: Atom, values: Mapping[str, Any]) -> bool:
        return any(v in values for v in variables_of(atom))

    def _branch(self, state: State) -> Iterator[State]:
        """The states that follow from a choice; none when there is nothing to choose."""
        best: tuple[int, int] | None = None
        chosen: Collection[Any] = ()
        for i in state.left:
            candidates = self._candidates(self.conditions[i], state)
            if candidates is not None and (best is None or (len(candidates), i) < best):
                best, chosen = (len(candidates), i), candidates
        if best is None:
            return
        position = best[1]
        condition = self.conditions[position]
        gives = [
            given_by(condition, c, state.values) if isinstance(condition, Atom) else c
            for c in self._first(chosen, state)
        ]
        for values in gives:
            yield state.after(position, values)
        if not chosen or self._given_elsewhere(condition, position, state):
            yield state.after(position, None)

    def _candidates(self, condition: Condition, state: State) -> Collection[Any] | None:
        """Facts of an atom, or values from ``in``, that can be chosen now; None when it isn't the time."""
        values = state.values
        if isinstance(condition, Atom):
            return self._facts(condition, values) if self._joinable(condition, state) else None
        if isinstance(condition, Member) and all(v in values for v in condition.expr.variables):
            try:
                return list(elements_of(condition, self._value(condition.expr, values), values))
            except Exception:  # noqa: BLE001 - a rule's function may raise anything; then nothing follows from it
                return []
        return None

    def _joinable(self, atom: Atom, state: State) -> bool:
        """Whether it is an atom's turn: it shares a variable with what is known, or nothing else that is left does."""
        if atom.negated or self._connected(atom, state.values):
            return not atom.negated
        if variables_of(atom) & self._vague(state):
            return False
        return not any(self._connected(o, state.values) for o in self._atoms(state) if not o.negated)

    def _atoms(self, state: State) -> list[Atom]:
        return [c for i in state.left if isinstance(c := self.conditions[i], Atom)]

    def _vague(self, state: State) -> set[str]:
        """The variables without a value that a failed condition would have given one, or what depends on it."""
        vague: set[str] = set()
        waiting = [mentioned(self.conditions[i]) - state.values.keys() for i in state.left]
        for i in state.failed:
            vague |= mentioned(self.conditions[i]) - state.values.keys()
        while more := [w for w in waiting if w & vague and not w <= vague]:
            for each in more:
                vague |= each
        return vague

    def _first(self, candidates: Collection[Any], state: State) -> Collection[Any]:
        """The candidates to try: those in front that what has failed comes nearest to."""
        if len(candidates) <= 1:
            return candidates
        near = {
            value
            for i in state.failed
            if isinstance(atom := self.conditions[i], Atom) and not atom.negated
            for fact in self.present.nearest(atom.relation, pattern_of(atom, state.values))
            for j, term in enumerate(atom.terms)
            if isinstance(term, Var) and term.name not in state.values
            for value in (fact[j],)
        }
        if near:
            candidates = sorted(
                candidates, key=lambda c: -sum(v in near for v in (c.values() if isinstance(c, dict) else c))
            )
        return list(islice(candidates, BRANCHES))

    def _given_elsewhere(self, condition: Condition, position: int, state: State) -> bool:
        """Whether giving a condition up leaves another that gives one of its variables a value."""
        new = mentioned(condition) - state.values.keys()
        others = [c for i in state.left if i != position and not isinstance(c := self.conditions[i], Wanted)]
        return any(binds(o) & new for o in others)

    def _true(self, state: State) -> bool:
        """Whether what was given up really fails, now that more is known."""
        for i in state.failed:
            condition = self.conditions[i]
            if isinstance(condition, Atom):
                if bool(self._facts(condition, state.values)) is not condition.negated:
                    return False
            elif isinstance(condition, Member) and self._candidates(condition, state):
                return False
        return True
