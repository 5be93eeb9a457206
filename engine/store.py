"""Where a relation's facts live: derivation counts, visible facts, indexes.

The life of a fact: its derivation count becomes positive, it becomes visible (at once, unless another fact
with the same key is preferred), it is put into the indexes, and consumers see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.codegen import index_functions
from ovn_rules.engine.ir import Fact, RelationDef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Counts = dict[Fact, int]

Values = tuple[Any, ...] | Mapping[int, Any]
"""A fact, its beginning, or values by position."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Facts that share a key: the one that is kept and those that are not.

    Attributes:
        relation: the relation's name.
        key: the values of its key columns.
        kept: the visible fact, the smallest by the columns outside the key.
        rejected: the others, in the same order.
    """

    relation: str
    key: tuple[Any, ...]
    kept: Fact
    rejected: tuple[Fact, ...]


class Index:
    """Facts by the values at some positions. A bucket of one is the bare fact, of several a dict."""

    def __init__(self, relation: str, positions: tuple[int, ...]) -> None:
        self.relation = relation
        self.positions = positions
        self.table: dict[Any, Any] = {}
        self.add, self.remove = index_functions(self.table, positions)
        self.key = key_function(positions)

    def __repr__(self) -> str:
        return f"{self.relation}{list(self.positions)}"

    def having(self, values: Values) -> Collection[Fact]:
        """The facts that have the values at the index's positions."""
        found = self.table.get(self.key(values))
        if found is None:
            return ()
        return found if found.__class__ is dict else (found,)


def key_function(positions: tuple[int, ...]) -> Callable[[Values], Any]:
    """The function from a fact to the value an index or key table is keyed by: bare for one position."""
    return itemgetter(*positions) if positions else _everything


def _everything(_values: Values) -> tuple[()]:
    return ()


class Store:
    """A relation without a key: facts and their derivation counts."""

    def __init__(self, definition: RelationDef) -> None:
        self.definition = definition
        self.counts: Counts = {}

    @property
    def table(self) -> dict[Any, Any]:
        """What generated code reads."""
        return self.counts

    def visible(self) -> Collection[Fact]:
        """The facts that rules see."""
        return self.counts.keys()

    def held(self) -> Iterable[Fact]:
        """All facts that have a derivation, visible or not."""
        return self.counts

    def count(self, fact: Fact) -> int:
        """The number of derivations of a fact; 0 when it does not hold."""
        return self.counts.get(fact, 0)

    def counted(self) -> Iterable[tuple[Fact, int]]:
        """All facts that have a derivation, visible or not, and how many they have."""
        return ((fact, self.count(fact)) for fact in self.held())

    def clear(self) -> None:
        """Forget every fact."""
        self.counts.clear()

    def apply(self, changes: Mapping[Fact, int]) -> tuple[Collection[Fact], Collection[Fact]]:
        """Add to derivation counts.

        Returns:
            The facts that are no longer visible, and those that now are.
        """
        counts = self.counts
        if not counts and min(changes.values()) > 0:
            counts.update(changes)
            return (), changes.keys()
        deleted, inserted = [], []
        get = counts.get
        for fact, change in changes.items():
            if not change:
                continue
            old = get(fact)
            if old is None:
                if change < 0:
                    raise AssertionError(f"{self.definition.name}{fact}: {change} derivations")
                counts[fact] = change
                inserted.append(fact)
            elif old + change:
                counts[fact] = old + change
            else:
                del counts[fact]
                deleted.append(fact)
        return deleted, inserted

    def conflicts(self) -> list[Conflict]:
        """The keys that several facts share."""
        return []

    def total(self) -> tuple[int, int]:
        """The numbers of visible facts and of derivations."""
        return len(self.counts), sum(self.counts.values())


class KeyedStore(Store):
    """A relation with a key: of the facts that share one, the smallest is visible.

    Counts are kept only where they are not 1, and rivals only where there are any, so that the usual fact
    costs one dictionary entry.
    """

    def __init__(self, definition: RelationDef) -> None:
        super().__init__(definition)
        assert definition.key is not None  # noqa: S101 - Engine makes these for keyed relations only
        self.key = key_function(definition.key)
        self.bare = len(definition.key) == 1
        rest = tuple(i for i in range(len(definition.columns)) if i not in definition.key)
        self.preference = key_function(rest)
        self.by_key: dict[Any, Fact] = {}
        self.rivals: dict[Any, list[Fact]] = {}

    @property
    def table(self) -> dict[Any, Any]:
        """What generated code reads: key → visible fact."""
        return self.by_key

    def visible(self) -> Collection[Fact]:
        """The facts that rules see: one for each key."""
        return self.by_key.values()

    def held(self) -> Iterable[Fact]:
        """All facts that have a derivation, rivals included."""
        return chain(self.by_key.values(), *self.rivals.values())

    def holds(self, fact: Fact) -> bool:
        """Whether the fact has a derivation, visible or not."""
        key = self.key(fact)
        return self.by_key.get(key) == fact or fact in self.rivals.get(key, ())

    def count(self, fact: Fact) -> int:
        """The number of derivations of a fact; 0 when it does not hold."""
        return self.counts.get(fact, 1) if self.holds(fact) else 0

    def clear(self) -> None:
        """Forget every fact."""
        super().clear()
        self.by_key.clear()
        self.rivals.clear()

    def apply(self, changes: Mapping[Fact, int]) -> tuple[Collection[Fact], Collection[Fact]]:
        """Add to derivation counts; what that changes in the visible facts."""
        before: dict[Any, Fact | None] = {}
        by_key, key_of = self.by_key, self.key
        if not by_key and set(changes.values()) == {1}:
            by_key.update(zip(map(key_of, changes), changes, strict=True))
            if len(by_key) == len(changes):
                return (), changes.keys()
            by_key.clear()
        for fact, change in changes.items():
            if change:
                key = key_of(fact)
                kept = by_key.get(key)
                if self._count(key, fact, kept, change):
                    before.setdefault(key, kept)
        changed = [(old, now) for key, old in before.items() if old != (now := by_key.get(key))]
        return [o for o, _ in changed if o is not None], [n for _, n in changed if n is not None]

    def _count(self, key: Any, fact: Fact, kept: Fact | None, change: int) -> bool:
        """Change the count of a fact; whether it came or went, visible or not."""
        present = kept == fact or (kept is not None and fact in self.rivals.get(key, ()))
        new = (self.counts.get(fact, 1) if present else 0) + change
        if new < 0:
            raise AssertionError(f"{self.definition.name}{fact}: {new} derivations")
        if new > 1:
            self.counts[fact] = new
        else:
            self.counts.pop(fact, None)
        if present is (new > 0):
            return False
        if new:
            self._put(key, fact)
        else:
            self._drop(key, fact)
        return True

    def _put(self, key: Any, fact: Fact) -> None:
        kept = self.by_key.get(key)
        if kept is None:
            self.by_key[key] = fact
            return
        facts = sorted([kept, fact, *self.rivals.get(key, ())], key=self.preference)
        self.by_key[key] = facts[0]
        self.rivals[key] = facts[1:]

    def _drop(self, key: Any, fact: Fact) -> None:
        rivals = self.rivals.get(key)
        if not rivals:
            del self.by_key[key]
            return
        if self.by_key[key] == fact:
            self.by_key[key] = rivals.pop(0)
        else:
            rivals.remove(fact)
        if not rivals:
            del self.rivals[key]

    def conflicts(self) -> list[Conflict]:
        """The keys that several facts share."""
        return [self.conflict(key) for key in self.rivals]

    def conflict(self, key: Any) -> Conflict:
        """The conflict about one key, as an index would hold the key."""
        values = (key,) if self.bare else key
        return Conflict(self.definition.name, values, self.by_key[key], tuple(self.rivals[key]))

    def total(self) -> tuple[int, int]:
        """The numbers of visible facts and of derivations, the rivals' included."""
        facts = len(self.by_key) + sum(map(len, self.rivals.values()))
        return len(self.by_key), facts + sum(n - 1 for n in self.counts.values())


def make_store(definition: RelationDef) -> Store:
    """The store for a relation."""
    return KeyedStore(definition) if definition.key is not None else Store(definition)


def pair(
    definition: RelationDef, deleted: Iterable[Fact], inserted: Iterable[Fact]
) -> dict[int, tuple[list[Fact], list[Fact]]]:
    """Group a keyed relation's change by which columns differ between a key's old and new fact.

    Returns:
        Bit mask of changed columns (bit i for column i; -1 for a fact that came or went) → deleted and inserted
        facts.
    """
    assert definition.key is not None  # noqa: S101 - for mypy
    key_of = key_function(definition.key)
    old = {key_of(f): f for f in deleted}
    groups: dict[int, tuple[list[Fact], list[Fact]]] = {}
    for fact in inserted:
        before = old.pop(key_of(fact), None)
        if before is None:
            groups.setdefault(-1, ([], []))[1].append(fact)
            continue
        mask = 0
        for i, (a, b) in enumerate(zip(before, fact, strict=True)):
            if a != b:
                mask |= 1 << i
        group = groups.setdefault(mask, ([], []))
        group[0].append(before)
        group[1].append(fact)
    for fact in old.values():
        groups.setdefault(-1, ([], []))[0].append(fact)
    return groups
