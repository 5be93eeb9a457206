"""The smallest change of given facts that would make what is absent hold.

What might do is tried: the engine supposes the change, and only what works is an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.planner import LARGEST, NEW_ROW, Plan, Planner
from ovn_rules.engine.present import fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Engine
    from ovn_rules.engine.whynot import Absence, WhyNot

HARMLESS = 5
"""Facts that may go without another change being looked for."""
EFFORT = 20_000
"""Facts that may change in all that is tried, before no more is."""
TRIED = 8
"""Changes of a size that are tried."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that makes what was absent hold; it has been tried.

    Attributes:
        relation: the relation of what was absent.
        edits: what is changed.
        made: the facts that would match then, a few of them.
        effects: relation → how many of its facts would go, and how many come.
    """

    relation: str
    edits: Plan
    made: tuple[Fact, ...]
    effects: Mapping[str, tuple[int, int]]

    @property
    def adds(self) -> bool:
        """Whether it makes rows, and changes no row that is there but by a reference to a new one."""
        return all(e.old is None and any(str(v).startswith(NEW_ROW) for v in e.new or ()) for e in self.edits)

    @property
    def lost(self) -> int:
        """Facts that would go."""
        return sum(gone for gone, _ in self.effects.values())


Transaction = Callable[["Engine", "Plan"], "Mapping[str, tuple[list[Fact], list[Fact]]] | None"]
"""Makes a transaction of a change; None for a change that can't be made."""


def repairs(whynot: WhyNot, absence: Absence, transaction: Transaction, most: int = 2) -> list[Repair]:
    """Changes of given facts that make what is absent hold, smallest first; none when none was found.

    Args:
        whynot: has explained the absence.
        absence: the explanation.
        transaction: what a change is as a transaction; only what it allows is an answer.
        most: how many are wanted.
    """
    plans = Planner(whynot).plans(absence)
    found: list[Repair] = []
    left = EFFORT
    for number in range(1, LARGEST + 1):
        for plan in [p for p in plans if len(p) == number][:TRIED]:
            if left > 0 and not any(_good(r, number) for r in found):
                repair, changed = attempt(whynot, absence, plan, transaction)
                found += [repair] if repair is not None else []
                left -= changed
    found.sort(key=lambda r: (len(r.edits), r.lost))
    told = found[:1]
    for repair in found[1:]:
        # A larger change is worth telling if it takes less away, or leaves rows alone that serve something else.
        alone = repair.adds and not told[0].adds and any(e.made_up for e in told[0].edits)
        if len(told) < most and (repair.lost < told[-1].lost // 2 or alone):
            told.append(repair)
    return told


def _good(repair: Repair, number: int) -> bool:
    """Whether there is no need to try another change of so many facts."""
    sure = not any(e.made_up for e in repair.edits)
    return repair.lost <= HARMLESS and (sure or repair.adds or len(repair.edits) == number)


def attempt(whynot: WhyNot, absence: Absence, plan: Plan, transaction: Transaction) -> tuple[Repair | None, int]:
    """What a change comes to, if it makes what is absent hold, and how many facts it changes.

    Args:
        whynot: has explained the absence.
        absence: what is to hold.
        plan: the change.
        transaction: as for ``repairs``.
    """
    engine = whynot.engine
    given = transaction(engine, plan)
    if given is None:
        return None, 0
    try:
        with engine.supposing(given) as changed:
            _, come = changed[absence.relation]
            fresh = list(come) or [e.new for e in plan if e.relation == absence.relation and e.new is not None]
            made = [f for f in fresh if fits(absence.pattern, f)]
            number = sum(len(gone) + len(new) for gone, new in changed.values())
            if not made:
                return None, number
            effects = {r: (len(gone), len(new)) for r, (gone, new) in changed.items() if gone or new}
            return Repair(absence.relation, plan, tuple(sorted(made, key=repr)[:3]), effects), number
    except RuleFailure:
        return None, 0
