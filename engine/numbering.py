"""``allocate`` in heads: a number for each group, unique in its scope and kept as long as the group lives.

An allocator stands between clauses and their relation: it takes changes of derivation counts of groups, and gives
changes of derivation counts of facts. Every change can be undone. What a transaction costs here follows from how
many groups it touches, not from how many there are, nor from the number of scopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.groups import Group, Undo, without
from ovn_rules.engine.spaces import Space
from ovn_rules.engine.store import key_function

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ovn_rules.engine.ir import Allocate, Fact
    from ovn_rules.engine.store import Counts, Index

Scope = Any
"""What the groups that share their numbers have in common: a value, or a tuple of none or several."""

_LARGE = 256
"""Changes in one transaction after which sorting numbers anew costs less than moving them one by one."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Groups of an ``allocate`` that wait because every number is taken."""

    relation: str
    groups: tuple[Group, ...]


class Allocator:
    """One relation's ``allocate``: a number for each group, kept as long as the group lives.

    A group that wants a number in range gets it, also from a group that has it without wanting it. Of several that
    want one the group that has it keeps it; else it goes to one that was there before, then to one with a hint that
    says so, then to the first in order. Of several numbers that a group wants the smallest counts.

    Every other group that has none takes a hint that is in range and free; failing that, in order, the first free
    number after the last one given, the largest in use, its hint, or none, wrapping at the end. Until a number has
    been given in a scope, the last one is the largest hint taken. When all are taken, groups wait. A group that loses
    its number to another gets a new one in the same way, before groups that are new.

    Attributes:
        given: numbers that groups must get, before any hint.
        within: the columns of the head whose values are a group's scope.
        numbers: the number of each group.
        waiting: the groups that have none, because all of their scope are taken.
        many: numbers of derivations of groups, where they are not 1.
        last: the number given last in each scope; forgotten with the last group of the scope, if there are scopes.
        claims: the number that a group wants, where it wants one in range.
        claimants: the groups that want a number of a scope.
    """

    def __init__(
        self, relation: str, term: Allocate, position: int, hints: Index | None = None, wanted: Index | None = None
    ) -> None:
        self.given: Mapping[Group, int] = {}
        self.relation = relation
        self.low, self.high = term.low, term.high
        self.after = term.after
        self.position = position
        self.within = term.within
        self.scope = key_function(tuple(i - (i > position) for i in term.within))
        self.hints = hints
        self.wanted = wanted
        self.many: dict[Group, int] = {}
        self.numbers: dict[Group, int] = {}
        self.spaces: dict[Scope, Space] = {}
        self.waiting: set[Group] = set()
        self.last: dict[Scope, int] = {}
        self.claims: dict[Group, int] = {}
        self.claimants: dict[tuple[Scope, int], set[Group]] = {}
        self.pending: Counts = {}

    # -- reading -------------------------------------------------------------------------------------------

    def fact(self, group: Group, number: int) -> Fact:
        """The head fact of a group and its number."""
        return (*group[: self.position], number, *group[self.position :])

    def group(self, fact: Fact) -> Group:
        """The group of a fact: all but its number."""
        return without(fact, self.position)

    def derivations(self, fact: Fact) -> int:
        """How many derivations the group of a fact has."""
        return self._derivations(self.group(fact))

    def exhausted(self) -> Exhausted | None:
        """The groups that wait for a number, if any."""
        return Exhausted(self.relation, tuple(sorted(self.waiting))) if self.waiting else None

    # -- changing ------------------------------------------------------------------------------------------

    def wake(self, facts: Iterable[Fact]) -> None:
        """Facts that say which numbers are wanted came or went: look at their groups again at the next flush."""
        for fact in facts:
            self.pending.setdefault(fact[:-1], 0)

    def put_back(self) -> None:
        """At the next flush, give groups that have a number the one that they must get, if nobody else keeps that."""
        for group, number in self.given.items():
            if self.numbers.get(group, number) != number:
                self.pending.setdefault(group, 0)

    def flush(self, out: Counts, undo: list[Undo]) -> None:
        """Give numbers to new groups, take those of groups that are gone, move those that want another.

        Args:
            out: derivation counts of facts, to be added to.
            undo: takes what undoes it.
        """
        pending, self.pending = self.pending, {}
        if not self.numbers and not self.waiting:
            undo.append(partial(self._clear, dict(self.last)))
            undo = []  # emptying it undoes the rest
        appeared, left = self._count(pending, out, undo)
        displaced = self._follow_wishes(pending, appeared, out, undo) if self.wanted is not None else []
        displaced += self._to_be_put_back(pending, out, undo) if self.given else []
        homeless = [g for g in appeared if g not in self.numbers]
        homeless += [g for g in self.waiting if self._room(self.scope(g))]
        for group in self._take_hints([*sorted(displaced), *sorted(homeless)], out, undo):
            scope = self.scope(group)
            number = self._next(scope, group)
            if number is not None:
                if self.after == "last":
                    self._set_last(scope, number, undo)
                self._give(group, number, out, undo)
            elif group not in self.waiting:
                self.waiting.add(group)
                undo.append(partial(self.waiting.discard, group))
        # No set operations on the views of dictionaries here: they would look at every scope.
        for scope in left if self.within else ():
            if scope not in self.spaces:
                self._set_last(scope, None, undo)

    def restart(self) -> None:
        """Forget which numbers must be given, and which were given last."""
        self.given = {}
        self.last.clear()

    def _count(self, pending: Counts, out: Counts, undo: list[Undo]) -> tuple[list[Group], set[Scope]]:
        """Take changes of derivation counts; the groups that appeared, and the scopes that groups left."""
        appeared: list[Group] = []
        left: set[Scope] = set()
        if len(pending) > _LARGE:
            for scope in {self.scope(g) for g in pending}:
                if scope in self.spaces:
                    self.spaces[scope].order = None
        for group, change in pending.items():
            if not change:
                continue
            old = self._derivations(group)
            self._set_derivations(group, old + change)
            undo.append(partial(self._set_derivations, group, old))
            if not old:
                appeared.append(group)
            elif not old + change:
                left.add(self.scope(group))
                if group in self.waiting:
                    self.waiting.discard(group)
                    undo.append(partial(self.waiting.add, group))
                else:
                    self._release(group, out, undo)
        return appeared, left

    # -- numbers that are wanted ---------------------------------------------------------------------------

    def _follow_wishes(
        self, groups: Iterable[Group], appeared: Collection[Group], out: Counts, undo: list[Undo]
    ) -> list[Group]:
        """Give numbers to those who want them; returns the groups that lose theirs by it."""
        new = set(appeared)
        winners: dict[Group, int] = {}
        losers: list[Group] = []
        for scope, number in self._contested(groups, new, undo):
            claimants = self.claimants.get((scope, number), ())
            space = self.spaces.get(scope)
            holder = None if space is None else space.taken.get(number)
            if claimants and holder not in claimants:
                winners[min(claimants, key=partial(self._rank, number, new))] = number
                if holder is not None:
                    losers.append(holder)
        for group in dict.fromkeys((*losers, *winners)):
            if group in self.numbers:
                self._release(group, out, undo)
        for group, number in winners.items():
            self._give(group, number, out, undo)
        return [g for g in losers if g not in winners]

    def _contested(
        self, groups: Iterable[Group], new: Collection[Group], undo: list[Undo]
    ) -> dict[tuple[Scope, int], None]:
        """Note what groups want now; the numbers that another set of groups wants than before."""
        contested: dict[tuple[Scope, int], None] = {}
        for group in groups:
            lives = group in self.numbers or group in self.waiting or group in new
            before, now = self.claims.get(group), self._wish(group) if lives else None
            if before == now:
                continue
            self._set_claim(group, now)
            undo.append(partial(self._set_claim, group, before))
            contested.update({(self.scope(group), n): None for n in (before, now) if n is not None})
        return contested

    def _wish(self, group: Group) -> int | None:
        assert self.wanted is not None  # noqa: S101 - the caller looked
        numbers = (fact[-1] for fact in self.wanted.having(group))
        return min((n for n in numbers if self.low <= n <= self.high), default=None)

    def _rank(self, number: int, new: Collection[Group], group: Group) -> tuple[bool, bool, bool, Group]:
        """The order in which groups get a number that several want and none has."""
        hinted = self.hints is not None and any(fact[-1] == number for fact in self.hints.having(group))
        return self.given.get(group) != number, group in new, not hinted, group

    def _set_claim(self, group: Group, number: int | None) -> None:
        before = self.claims.pop(group, None)
        if before is not None:
            key = self.scope(group), before
            self.claimants[key].discard(group)
            if not self.claimants[key]:
                del self.claimants[key]
        if number is not None:
            self.claims[group] = number
            self.claimants.setdefault((self.scope(group), number), set()).add(group)

    def _to_be_put_back(self, groups: Iterable[Group], out: Counts, undo: list[Undo]) -> list[Group]:
        """Release the groups that must get another number than they have and don't want."""
        moving = {
            g: (self.scope(g), self.given[g])
            for g in groups
            if g in self.given and self.numbers.get(g) not in (None, self.given[g], self.claims.get(g))
        }
        holders = {g: self.spaces[scope].taken.get(number) for g, (scope, number) in moving.items()}
        back = [g for g, holder in holders.items() if holder is None or holder in moving]
        for group in back:
            self._release(group, out, undo)
        return back

    # -- numbers that are free -----------------------------------------------------------------------------

    def _take_hints(self, groups: list[Group], out: Counts, undo: list[Undo]) -> list[Group]:
        """Give hinted numbers; returns the groups that are left."""
        if self.hints is None and not self.given:
            return groups
        if self.given:
            groups = sorted(groups, key=lambda g: g not in self.given)
        left: list[Group] = []
        largest: dict[Scope, int] = {}
        for group in groups:
            number = min(self._free_hints(group), default=None)
            if number is None:
                left.append(group)
            else:
                self._give(group, number, out, undo)
                scope = self.scope(group)
                largest[scope] = max(number, largest.get(scope, number))
        if self.after == "last":
            for scope, number in largest.items():
                if scope not in self.last:
                    self._set_last(scope, number, undo)
        return left

    def _free_hints(self, group: Group) -> Iterable[int]:
        space = self.spaces.get(self.scope(group))
        taken: Collection[int] = () if space is None else space.taken
        if group in self.given:
            if self.given[group] not in taken:
                yield self.given[group]
            return
        if self.hints is None:
            return
        for fact in self.hints.having(group):
            number = fact[-1]
            if self.low <= number <= self.high and number not in taken:
                yield number

    def _room(self, scope: Scope) -> bool:
        space = self.spaces.get(scope)
        return space is None or len(space.taken) < self.high - self.low + 1

    def _next(self, scope: Scope, group: Group) -> int | None:
        """The number for a group that has no hint that is free; None when all are taken."""
        space = self.spaces.get(scope)
        start = self.low
        if self.after == "last":
            start = self.last.get(scope, self.low - 1) + 1
        elif self.after == "largest" and space is not None:
            start = space.sorted()[-1] + 1
        elif self.after == "hint" and self.hints is not None:
            hinted = (fact[-1] for fact in self.hints.having(group))
            start = min((n for n in hinted if self.low <= n <= self.high), default=self.low)
        for begin in (start, self.low):
            number = begin if space is None else space.free_from(begin)
            if self.low <= number <= self.high:
                return number
        return None

    def _set_last(self, scope: Scope, number: int | None, undo: list[Undo]) -> None:
        before = self.last.get(scope)
        if number is None:
            self.last.pop(scope, None)
        else:
            self.last[scope] = number
        if before is None:
            undo.append(partial(self.last.pop, scope, None))
        else:
            undo.append(partial(self.last.__setitem__, scope, before))

    # -- giving and taking ---------------------------------------------------------------------------------

    def _give(self, group: Group, number: int, out: Counts, undo: list[Undo]) -> None:
        if group in self.waiting:
            self.waiting.discard(group)
            undo.append(partial(self.waiting.add, group))
        self._take(group, number)
        undo.append(partial(self._leave, group, number))
        fact = self.fact(group, number)
        out[fact] = out.get(fact, 0) + 1

    def _release(self, group: Group, out: Counts, undo: list[Undo]) -> None:
        number = self.numbers[group]
        self._leave(group, number)
        undo.append(partial(self._take, group, number))
        fact = self.fact(group, number)
        out[fact] = out.get(fact, 0) - 1

    def _take(self, group: Group, number: int) -> None:
        self.numbers[group] = number
        self.spaces.setdefault(self.scope(group), Space()).take(number, group)

    def _leave(self, group: Group, number: int) -> None:
        del self.numbers[group]
        scope = self.scope(group)
        space = self.spaces[scope]
        space.free(number)
        if not space.taken:
            del self.spaces[scope]

    def _clear(self, last: dict[Scope, int]) -> None:
        for each in (self.numbers, self.spaces, self.waiting, self.many, self.claims, self.claimants):
            each.clear()
        self.last.clear()
        self.last.update(last)

    def _derivations(self, group: Group) -> int:
        return self.many.get(group, 1 if group in self.numbers or group in self.waiting else 0)

    def _set_derivations(self, group: Group, count: int) -> None:
        if count > 1:
            self.many[group] = count
        else:
            self.many.pop(group, None)
