"""Which derivations of a recursive fact are reasons: those that don't need the fact itself.

Facts on a cycle support each other. A proof starts at derivations that need no fact of the same stratum; the
shortest one is found by looking backward from the fact, layer by layer, no further than it is long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Atom, Fact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ovn_rules.engine.explain import Derivation, Explainer
    from ovn_rules.engine.ir import Clause

Key = tuple[str, Fact]
"""A relation and a fact of it."""


class Support:
    """Finds shortest proofs inside recursive strata.

    Args:
        explainer: finds derivations.
    """

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        network = explainer.engine.network
        self.rank_of = network.rank
        self.recursive = {name for name, member in network.members.items() if member.recursive}
        self._heights: dict[Key, int] = {}

    def inner(self, derivation: Derivation) -> list[Key]:
        """The premises of the same stratum as what is derived."""
        stratum = self.rank_of[derivation.clause.relation]
        return [
            (p.relation, p.fact)
            for p in derivation.premises
            if p.fact is not None and self.rank_of[p.relation] == stratum
        ]

    def shortest(self, key: Key) -> Derivation:
        """The derivation with which a fact's shortest proof ends.

        Args:
            key: a fact that holds, of a recursive relation.
        """
        if key not in self._heights:
            self._measure(key)
        height = self._heights[key]
        if height == 1:
            return next(iter(self.direct(key)))
        for derivation in self.indirect(key):
            if all(self._heights.get(premise, height) < height for premise in self.inner(derivation)):
                return derivation
        raise AssertionError(f"no proof of {key}")

    def circular(self, key: Key, derivations: Iterable[Derivation]) -> list[bool]:
        """For each derivation of a fact, whether it has a premise that can't be proved without the fact."""
        premises = [self.inner(d) for d in derivations]
        region = _Region(self, avoiding=key)
        wanted = {p for each in premises for p in each}
        proved = region.heights(wanted)
        return [any(p not in proved for p in each) for each in premises]

    def _measure(self, key: Key) -> None:
        """Note the height of a fact's shortest proof, and of each fact in it."""
        region = _Region(self)
        heights = region.heights({key})
        region.explore({key}, heights[key])
        heights = region.proved()
        for each, distance in region.distances.items():
            if each in heights and distance + heights[each] <= heights[key]:
                self._heights[each] = heights[each]

    def _is_direct(self, clause: Clause) -> bool:
        stratum = self.rank_of[clause.relation]
        return all(self.rank_of[a.relation] != stratum for a in clause.body if isinstance(a, Atom))

    def direct(self, key: Key) -> Iterable[Derivation]:
        """One derivation that needs no fact of the stratum, if there is any."""
        return self.explainer.derivations(*key, most=1, clauses=self._is_direct)

    def indirect(self, key: Key) -> Iterable[Derivation]:
        """The derivations that need some fact of the stratum."""
        return self.explainer.derivations(*key, clauses=lambda clause: not self._is_direct(clause))


class _Region:
    """What lies behind some facts, layer by layer.

    Attributes:
        distances: the facts looked at, and in how many steps from where they were reached.
    """

    def __init__(self, support: Support, avoiding: Key | None = None) -> None:
        self.support = support
        self.distances: dict[Key, int] = {}
        self._avoiding = avoiding
        self._direct: list[Key] = []
        self._derivations: list[tuple[Key, set[Key]]] = []
        self._frontier: dict[Key, None] = {}
        self._layers = 0

    def heights(self, wanted: Collection[Key]) -> dict[Key, int]:
        """The heights of proofs, those of the wanted facts included if they have any."""
        layers = 1
        while True:
            self.explore(wanted, layers)
            proved = self.proved()
            if not self._frontier or all(key in proved for key in wanted):
                return proved
            layers *= 2

    def explore(self, start: Iterable[Key], layers: int) -> None:
        """Look at what is fewer steps than so many away from where it starts."""
        if not self._layers:
            self._frontier = dict.fromkeys(start)
        while self._frontier and self._layers < layers:
            frontier, self._frontier = self._frontier, {}
            for key in frontier:
                self.distances[key] = self._layers
            for key in frontier:
                self._look(key)
            self._layers += 1

    def _look(self, key: Key) -> None:
        if key == self._avoiding:
            return
        if any(True for _ in self.support.direct(key)):
            self._direct.append(key)
            return
        for derivation in self.support.indirect(key):
            premises = set(self.support.inner(derivation))
            if self._avoiding not in premises:
                self._derivations.append((key, premises))
                self._frontier.update((p, None) for p in premises if p not in self.distances)

    def proved(self) -> dict[Key, int]:
        """The facts that follow from what has been looked at, and the heights of their shortest proofs."""
        heights = dict.fromkeys(self._direct, 1)
        missing = [len(premises) for _, premises in self._derivations]
        uses: dict[Key, list[int]] = {}
        for i, (_, premises) in enumerate(self._derivations):
            for premise in premises:
                uses.setdefault(premise, []).append(i)
        queue = list(heights)
        for key in queue:  # grows; shorter proofs come first
            for i in uses.get(key, ()):
                missing[i] -= 1
                head = self._derivations[i][0]
                if not missing[i] and head not in heights:
                    heights[head] = heights[key] + 1
                    queue.append(head)
        return heights
