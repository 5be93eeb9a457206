"""Whether a function that raised is a failure of its rule.

In the middle of a transaction, and before conditions that come later in a plan, functions are called with
values that the rule excludes in the end. So what a function raises is noted, the derivation is given up, and
when everything else is settled the question is asked again: is there a way to make all other literals of the
body true with these values? Literals that need the missing value can't be asked, and are left aside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.codegen import generate
from ovn_rules.engine.explain import Existing, existing_lookup
from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.ir import Atom, Clause, Var
from ovn_rules.engine.plan import HEAD, binds, make_plan, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine.codegen import Run
    from ovn_rules.engine.network import Network


@dataclass(frozen=True, slots=True)
class Doubt:
    """A function raised.

    Attributes:
        clause: whose.
        left: body positions of the literals that can still be asked.
        values: the variables' values when it was called.
        error: what it raised.
    """

    clause: Clause
    left: tuple[int, ...]
    values: Mapping[str, Any]
    error: Exception


class Doubts:
    """What functions raised in a transaction.

    Args:
        network: where the other literals are looked up.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.noted: list[Doubt] = []

    def note(self, clause: Clause, literal: int, error: Exception, values: Mapping[str, Any]) -> None:
        """Remember that a literal (HEAD: a head term) raised."""
        self.noted.append(Doubt(clause, _without(clause, range(len(clause.body)), literal, set(values)), values, error))

    def failure(self) -> RuleFailure | None:
        """The failure that one of the doubts is, now that all relations are up to date; forgets them all."""
        doubts, self.noted = self.noted, []
        questions: dict[Any, tuple[Run, list[Doubt]]] = {}
        while doubts:
            doubt = doubts.pop()
            name = (id(doubt.clause), doubt.left, tuple(doubt.values))
            if name not in questions:
                questions[name] = self._question(doubt)
            run, raised = questions[name]
            found: list[Any] = []
            run([tuple(doubt.values.values())], found)  # type: ignore[call-arg, arg-type]
            if found:
                used = zip(doubt.left, found[0][0], strict=True)
                facts = [(lit.relation, f) for i, f in used if isinstance(lit := doubt.clause.body[i], Atom) and f]
                return RuleFailure(doubt.clause, facts, doubt.error)
            doubts += raised
            raised.clear()
        return None

    def _question(self, doubt: Doubt) -> tuple[Run, list[Doubt]]:
        """A function that joins what is left of a body, and the list that it adds further doubts to."""
        clause, left, raised = doubt.clause, doubt.left, []
        asked = replace(clause, terms=tuple(Var(v) for v in doubt.values), body=tuple(clause.body[i] for i in left))

        def note(literal: int, _: Exception, values: Mapping[str, Any]) -> None:
            raised.append(Doubt(clause, _without(clause, left, left[literal], set(values)), values, doubt.error))

        plan = make_plan(asked, HEAD, existing_lookup(self.network))
        run = generate(plan, self.network.program, note).link(Existing(self.network))
        return run, raised


def _without(clause: Clause, left: range | tuple[int, ...], literal: int, known: set[str]) -> tuple[int, ...]:
    """The positions that can be asked without a literal, given the variables that have a value."""
    waiting = [i for i in left if i != literal]
    ready: list[int] = []
    while more := [i for i in waiting if needs(clause.body[i], known) <= known]:
        ready += more
        waiting = [i for i in waiting if i not in more]
        known = known.union(*(binds(clause.body[i]) for i in more))
    return tuple(sorted(ready))
