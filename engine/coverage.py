"""Which rules a set of facts put to work: heads that were derived, literals that were reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ovn_rules.engine.explain import compiled, found_by
from ovn_rules.engine.plan import binds, needs

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Clause, Literal_, Program
    from ovn_rules.engine.runtime import Engine

Question = Callable[[], bool]


@dataclass
class Covered:
    """What is known of one clause.

    Attributes:
        program: has the clause.
        clause: the clause.
        derived: its head was derived.
        reached: the number of its literals, in written order, that were reached. A literal is reached when those
            before it hold together for some values; of these, one that needs a variable which only a later
            literal binds doesn't count.
    """

    program: Program
    clause: Clause
    derived: bool = False
    reached: int = 0

    @property
    def unreached(self) -> tuple[int, ...]:
        """Body positions of the literals that were never reached."""
        return tuple(range(self.reached, len(self.clause.body)))

    @property
    def points(self) -> tuple[int, int]:
        """How many of the clause's head and literals are covered, and how many there are."""
        return self.derived + self.reached, 1 + len(self.clause.body)


@dataclass
class Coverage:
    """Coverage over all engines that were observed.

    Clauses of the same name are one: a program that is loaded in several roles shares its rules.
    """

    clauses: dict[str, Covered] = field(default_factory=dict)
    _questions: WeakKeyDictionary[Engine, dict[tuple[str, int], Question]] = field(default_factory=WeakKeyDictionary)

    def observe(self, engine: Engine) -> None:
        """Take note of what holds in an engine now.

        Args:
            engine: its facts may have changed since it was observed last.
        """
        for clause in engine.program.clauses:
            covered = self.clauses.setdefault(clause.name, Covered(engine.program, clause))
            if covered.derived:
                continue
            everything = len(clause.body)
            if engine.facts(clause.relation) and self._holds(engine, clause, everything):
                covered.derived, covered.reached = True, everything
                continue
            while covered.reached < everything and self._holds(engine, clause, covered.reached):
                covered.reached += 1

    def percent(self) -> float:
        """The share of heads and literals that are covered, 0 to 100."""
        points = [c.points for c in self.clauses.values()]
        return 100 * sum(p for p, _ in points) / max(1, sum(n for _, n in points))

    def gaps(self) -> list[Covered]:
        """The clauses that are not wholly covered, in the order of the program."""
        return [c for c in self.clauses.values() if not c.derived]

    def _holds(self, engine: Engine, clause: Clause, length: int) -> bool:
        """Whether the first literals of a clause hold together for some values."""
        known = self._questions.setdefault(engine, {})
        question = known.get((clause.name, length))
        if question is None:
            question = known[clause.name, length] = _question(engine, clause, length)
        return question()


def _question(engine: Engine, clause: Clause, length: int) -> Question:
    body = evaluable(clause.body[:length])
    if not body:
        return lambda: True
    finder = compiled(engine.network, replace(clause, terms=(), body=body))
    return lambda: bool(found_by(finder, (), most=1))


def evaluable(body: tuple[Literal_, ...]) -> tuple[Literal_, ...]:
    """The literals whose variables these literals bind.

    Args:
        body: some literals of a clause, in any order.
    """
    bound: set[str] = set()
    left, taken = list(range(len(body))), set()
    while ready := [i for i in left if needs(body[i], bound) <= bound]:
        for i in ready:
            bound |= binds(body[i])
            taken.add(i)
        left = [i for i in left if i not in taken]
    return tuple(body[i] for i in sorted(taken))
