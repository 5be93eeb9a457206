"""Which of a transaction's changes of base facts made a derived fact appear or vanish.

The engine is put back, by supposition, to where it was before the transaction. Then parts of the transaction are
supposed until a smallest part is found that has the same effect: each row of it is needed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.history import facts_in, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovn_rules.engine.history import Entry, History, Transaction
    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Engine

    Item = tuple[str, Fact, bool]
    Goal = tuple[str, Fact, bool]
    Numbers = dict[str, dict[Fact, int]]

SUPPOSITIONS = 400
"""How many parts of a transaction are tried; a smallest part of r rows among n takes about r log2(n)."""

CHANGES = 50_000
"""How many changes of base facts are taken back at most to be where the transaction was made."""


@dataclass(frozen=True, slots=True)
class Causes:
    """The changes of base facts behind an entry of a history.

    Attributes:
        changes: relation, fact, and whether it was inserted.
        exact: each row of them is needed, and together they suffice; otherwise they are all that the
            transaction changed.
    """

    changes: tuple[tuple[str, Fact, bool], ...]
    exact: bool


class _Impossible(Exception):  # noqa: N818 - never leaves this module
    """The engine can't be put back, or doesn't do the same again there."""


def causes(engine: Engine, history: History, entry: Entry) -> Causes:
    """What in its transaction caused an entry.

    Args:
        engine: as it is after the last transaction of the history; left as it is.
        history: the entry's.
        entry: an entry whose transaction is kept with its facts.
    """
    given = entry.transaction.given or {}
    units = _units(engine, given)
    every = tuple(i for unit in units for i in unit)
    if entry.relation not in engine.program.derived:
        own = [unit for unit in units if any(i[:2] == (entry.relation, entry.fact) for i in unit)]
        return Causes(tuple(i for unit in own for i in unit), True)
    if len(units) == 1:
        return Causes(every, True)
    try:
        with _before(engine, history, entry.transaction):
            least = _least(engine, units, _goals(entry))
    except (_Impossible, RuleFailure):
        return Causes(every, False)
    return Causes(tuple(i for unit in least for i in unit), True)


def _units(engine: Engine, given: Any) -> list[list[Item]]:
    """What changes together: of a table the facts of one row."""
    units: dict[Any, list[Item]] = {}
    for relation, fact, came in facts_in(given):
        table = engine.program.relations[relation].table
        row: Any = (relation, fact) if table is None else (table.database, table.table, fact[0])
        units.setdefault(row, []).append((relation, fact, came))
    return list(units.values())


def _goals(entry: Entry) -> list[Goal]:
    """What must hold, or must not, for the entry to have come about."""
    if entry.derivation is None:
        return [(entry.relation, entry.fact, entry.kind == "appeared")]
    goals: list[Goal] = []
    for premise in entry.derivation.premises:
        gone, come = entry.transaction.change(premise.relation)
        if premise.negated:
            goals += [(premise.relation, fact, False) for fact in gone if fits(premise, fact)]
        elif premise.fact is not None and premise.fact in come:
            goals.append((premise.relation, premise.fact, True))
    return goals


@contextmanager
def _before(engine: Engine, history: History, transaction: Transaction) -> Iterator[None]:
    """Be as before a transaction.

    Raises:
        _Impossible: one since then is kept as numbers, or the engine was new then or has been since.
    """
    back: dict[str, dict[Fact, bool]] = {}
    before: Numbers = {}
    count = 0
    for each in reversed(history.kept):
        if each.given is None or each.loaded:
            raise _Impossible
        for relation, fact, came in facts_in(each.given):
            back.setdefault(relation, {})[fact] = not came
            count += 1
        _note_numbers(engine, each, 0, before)
        if count > CHANGES:
            raise _Impossible
        if each is transaction:
            break
    else:
        raise _Impossible
    inverse = {
        r: ([f for f, is_in in fs.items() if not is_in], [f for f, is_in in fs.items() if is_in])
        for r, fs in back.items()
    }
    after: Numbers = {}
    _note_numbers(engine, transaction, 1, after)
    allocators = [a for r in before.keys() | after.keys() for a in engine.network.members[r].allocators]
    had = [a.given for a in allocators]
    try:
        for allocator in allocators:
            allocator.given = {**allocator.given, **before.get(allocator.relation, {})}
            allocator.put_back()
            engine.queue(allocator.relation)
        with engine.supposing(inverse):
            for allocator in allocators:
                allocator.given = {**allocator.given, **after.get(allocator.relation, {})}
            yield
    finally:
        for allocator, given in zip(allocators, had, strict=True):
            allocator.given = given


def _note_numbers(engine: Engine, transaction: Transaction, side: int, numbers: Numbers) -> None:
    """Note which numbers groups had before (0) or after (1) a transaction, so that they get them again."""
    for relation, change in (transaction.changes or {}).items():
        for allocator in engine.network.members[relation].allocators:
            noted = numbers.setdefault(relation, {})
            noted.update((allocator.group(f), f[allocator.position]) for f in change[side])


class _Trial:
    """Tries parts of a transaction where it was made, and says whether they reach the goals."""

    def __init__(self, engine: Engine, goals: list[Goal]) -> None:
        self._engine = engine
        self._explainer = Explainer(engine)
        self._goals = goals
        self._left = SUPPOSITIONS

    def reached(self, part: Sequence[list[Item]]) -> bool:
        self._left -= 1
        if self._left < 0:
            raise _Impossible
        delta: dict[str, tuple[list[Fact], list[Fact]]] = {}
        for unit in part:
            for relation, fact, came in unit:
                delta.setdefault(relation, ([], []))[came].append(fact)
        try:
            with self._engine.supposing(delta):
                return all(self._explainer.holds(r, f) is wanted for r, f, wanted in self._goals)
        except RuleFailure:
            return False


def _least(engine: Engine, units: list[list[Item]], goals: list[Goal]) -> list[list[Item]]:
    """A smallest part of a transaction that reaches the goals.

    Of the rows in their order the shortest beginning that does, together with what is known to be needed, is found by
    halving; its last row is needed. That is repeated with the rows before it.

    Raises:
        _Impossible: not even all of them do, or it takes too many tries.
    """
    reached = _Trial(engine, goals).reached
    if reached(()) or not reached(units):
        raise _Impossible
    needed: list[list[Item]] = []
    left = units
    while not reached(needed):
        low, high = 0, len(left)  # reached with the first `high` of them, not with the first `low`
        while high - low > 1:
            middle = (low + high) // 2
            if reached([*needed, *left[:middle]]):
                high = middle
            else:
                low = middle
        needed.append(left[high - 1])
        left = left[: high - 1]
    # Where more rows can do less, one found early may not be needed any more.
    while spare := next((u for u in needed if reached([n for n in needed if n is not u])), None):
        needed.remove(spare)
    return needed
