"""The facts that are there while a question is asked: by the values of some columns, or the nearest ones."""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.store import Index, KeyedStore, key_function

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ovn_rules.engine.ir import Fact
    from ovn_rules.engine.runtime import Engine


class Free:
    """The place of a column that may have any value."""

    def __repr__(self) -> str:
        return "_"


FREE: Any = Free()

COMPARED = 48
"""Characters at the beginning and at the end of texts that are compared."""
LARGE = 20_000
"""Facts of a relation in which the nearest ones are looked for in one way only."""
LOOKED_AT = 200
"""Facts compared in full for the nearest ones."""


class Present:
    """Looks facts up in an engine that stands still.

    The engine's own indexes are used where they fit. Where none does, all facts are looked through the first time; the
    second time an index is made for the question, and goes with it.

    Args:
        engine: whose facts.
        steps: how much may be done.

    Attributes:
        left: the steps left.
    """

    def __init__(self, engine: Engine, steps: int) -> None:
        self.engine = engine
        self.left = steps
        self._made: dict[tuple[str, tuple[int, ...]], Index] = {}
        self._scanned: set[tuple[str, tuple[int, ...]]] = set()
        self._nearest: dict[tuple[str, Fact, int], tuple[Fact, ...]] = {}

    @property
    def spent(self) -> bool:
        """Whether nothing more should be tried."""
        return self.left <= 0

    def matching(self, relation: str, known: Mapping[int, Any]) -> Collection[Fact]:
        """The visible facts that have the values.

        Args:
            relation: where to look.
            known: values by position.
        """
        self.left -= 1
        member = self.engine.network.members[relation]
        store = member.store
        positions = tuple(sorted(known))
        if not positions:
            return store.visible()
        key = store.definition.key
        if isinstance(store, KeyedStore) and key is not None and set(key) <= known.keys():
            fact = store.by_key.get(store.key(known))
            return (fact,) if fact is not None and all(fact[i] == v for i, v in known.items()) else ()
        if len(positions) == len(store.definition.columns):
            fact = tuple(known[i] for i in positions)
            return (fact,) if fact in store.counts else ()
        index = member.outer.indexes.get(positions) or self._made.get((relation, positions))
        return index.having(known) if index is not None else self._looked_through(relation, positions, known)

    def _looked_through(self, relation: str, positions: tuple[int, ...], known: Mapping[int, Any]) -> Collection[Fact]:
        """The same where no index fits."""
        narrow = self._narrowest(relation, known)
        if narrow is not None and len(narrow) <= LOOKED_AT:
            return [f for f in narrow if all(f[i] == v for i, v in known.items())]
        facts = self.engine.facts(relation)
        self.left -= len(facts) // 50
        if (relation, positions) not in self._scanned and len(facts) > LOOKED_AT:
            self._scanned.add((relation, positions))
            get = key_function(positions)
            wanted = get(known)
            return [f for f in facts if get(f) == wanted]
        made = self._made[relation, positions] = Index(relation, positions)
        made.add(facts)
        return made.having(known)

    def _narrowest(self, relation: str, known: Mapping[int, Any]) -> Collection[Fact] | None:
        """The smallest bucket, among the engine's indexes, that the facts must be in."""
        outer = self.engine.network.members[relation].outer
        usable = [i for positions, i in outer.indexes.items() if positions and set(positions) <= known.keys()]
        return min((i.having(known) for i in usable), key=len, default=None)

    def nearest(self, relation: str, pattern: Fact, most: int = 3) -> tuple[Fact, ...]:
        """The facts that differ from a pattern in the fewest columns, and there the least.

        Args:
            relation: where to look.
            pattern: a value or FREE for each column.
            most: how many are wanted.
        """
        name = (relation, pattern, most)
        if name not in self._nearest:
            self._nearest[name] = self._find_nearest(relation, pattern, most)
        return self._nearest[name]

    def _find_nearest(self, relation: str, pattern: Fact, most: int) -> tuple[Fact, ...]:
        known = known_of(pattern)
        size = len(self.engine.facts(relation))
        if not known or not size:
            return ()
        counts = range(1, len(known) + 1)
        for dropped in counts if size <= LARGE else sorted({1, len(known) - 1, len(known)} - {0}):
            found: dict[Fact, None] = {}
            for out in combinations(reversed(known), dropped):
                kept = {i: v for i, v in known.items() if i not in out}
                facts: Iterable[Fact] = self.matching(relation, kept)
                if not kept:
                    facts = self._alike(relation, known)
                found.update(dict.fromkeys(islice(facts, LOOKED_AT)))
                self.left -= min(len(found), LOOKED_AT) // 10
                if found and size > LARGE:
                    break  # every other choice of columns would cost an index
            if found:
                return tuple(sorted(found, key=lambda f: (-likeness(pattern, f), repr(f)))[:most])
            if self.spent:
                break
        return ()

    def _alike(self, relation: str, known: Mapping[int, Any]) -> Iterable[Fact]:
        """Facts that share no value, the ones with the most similar first column that is known in front."""
        facts = list(islice(self.engine.facts(relation), 4 * LOOKED_AT))
        self.left -= len(facts) // 20
        return sorted(facts, key=lambda f: -max(similarity(f[i], v) for i, v in known.items()))


def known_of(pattern: Fact) -> dict[int, Any]:
    """The values of a pattern, by position."""
    return {i: v for i, v in enumerate(pattern) if v is not FREE}


def fits(pattern: Fact, fact: Fact) -> bool:
    """Whether a fact, or another pattern, has the values of a pattern."""
    return all(w is FREE or v == w for v, w in zip(fact, pattern, strict=True))


def likeness(pattern: Fact, fact: Fact) -> float:
    """How alike a fact is to a pattern: 1 for each known column that is equal, less for one that is similar."""
    return sum(similarity(a, b) for a, b in zip(pattern, fact, strict=True) if a is not FREE)


def similarity(one: Any, other: Any) -> float:
    """0 for values that have nothing in common, 1 for equal ones; texts by what they begin and end with alike."""
    if one == other:
        return 1.0
    if isinstance(one, int | float) and isinstance(other, int | float):
        return 0.5 / (1 + abs(one - other))
    a, b = (v if isinstance(v, str) else str(v) for v in (one, other))
    shorter = min(len(a), len(b), COMPARED)
    if not shorter:
        return 0.0
    start = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    end = next((i for i in range(shorter - start) if a[-1 - i] != b[-1 - i]), shorter - start)
    return min(0.9, (start + end) / max(len(a), len(b)))
