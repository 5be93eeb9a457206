"""Head terms over groups of derivations: aggregates, and numbers of one's own.

Both stand between a clause's body and its relation: they take changes of derivation counts of (group, value)
or group, and give changes of derivation counts of facts. Every change can be undone.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Aggregate, Allocate, Fact
    from ovn_rules.engine.store import Counts, Index

Group = tuple[Any, ...]
Undo = Callable[[], None]


def _sum(values: list[Any]) -> Any:
    return math.fsum(values) if values and values[0].__class__ is float else sum(values)


RESULTS: Mapping[str, Callable[[list[Any]], Any]] = {
    "collect": tuple,
    "count": len,
    "min": lambda values: values[0],
    "max": lambda values: values[-1],
    "sum": _sum,
}


@dataclass(slots=True)
class _Members:
    """A group's distinct values in order, the counts that are not 1, and the fact they make."""

    values: list[Any] = field(default_factory=list)
    many: dict[Any, int] = field(default_factory=dict)
    fact: Fact | None = None

    def change(self, value: Any, change: int, *, unsorted: bool) -> None:
        """Change the count of a value; ``unsorted`` for a new one that may just be appended."""
        present = not unsorted and _has(self.values, value)
        new = (self.many.get(value, 1) if present else 0) + change
        if new > 1:
            self.many[value] = new
        else:
            self.many.pop(value, None)
        if present and not new:
            del self.values[bisect_left(self.values, value)]
        elif unsorted:
            self.values.append(value)
        elif not present and new:
            insort(self.values, value)


class GroupFailure(Exception):  # noqa: N818 - the engine makes a RuleFailure of it
    """The expression around an aggregate raised.

    Attributes:
        fact: the group as a fact, None in the place of the aggregate.
        error: what was raised.
    """

    def __init__(self, fact: Fact, error: Exception) -> None:
        super().__init__(str(error))
        self.fact = fact
        self.error = error


class Aggregator:
    """One clause's aggregate: groups of values kept sorted, so that a change costs no new sort.

    Args:
        term: the aggregate.
        position: its column in the head.
        wrap: the function of ``term.wrap``, or None.
    """

    def __init__(self, term: Aggregate, position: int, wrap: Callable[[Any], Any] | None) -> None:
        self.position = position
        self.result = RESULTS[term.function]
        self.wrap = wrap
        self.groups: dict[Group, _Members] = {}
        self.pending: Counts = {}

    def fact(self, group: Group, members: _Members) -> Fact:
        """The head fact of a group."""
        value = self.result(members.values)
        if self.wrap is not None:
            try:
                value = self.wrap(value)
            except Exception as error:
                raise GroupFailure((*group[: self.position], None, *group[self.position :]), error) from error
        return (*group[: self.position], value, *group[self.position :])

    def fact_of(self, fact: Fact) -> Fact | None:
        """The fact that the group of a fact makes now; None when there is no such group."""
        members = self.groups.get(_without(fact, self.position))
        return None if members is None else members.fact

    def inputs(self, fact: Fact) -> int:
        """How many derivations the group of a fact has."""
        members = self.groups.get(_without(fact, self.position))
        return 0 if members is None else len(members.values) + sum(n - 1 for n in members.many.values())

    def flush(self, out: Counts, undo: list[Undo]) -> None:
        """Take the pending changes into the groups and add the facts that change to ``out``.

        Raises:
            GroupFailure: the expression around the aggregate raised.
        """
        pending, self.pending = self.pending, {}
        touched: dict[Group, None] = {}
        done: Counts | None = None
        if self.groups:
            undo.append(partial(self._revert, done := {}))
        else:
            undo.append(self.groups.clear)
            undo = []  # emptying it undoes the rest
        self._change(pending, touched, done)
        for group in touched:
            members = self.groups.get(group)
            if members is None:
                continue
            old = members.fact
            new = self.fact(group, members) if members.values else None
            if old == new:
                if new is None:
                    del self.groups[group]
                continue
            undo.append(self._restore(group, members, old))
            if old is not None:
                out[old] = out.get(old, 0) - 1
            if new is not None:
                out[new] = out.get(new, 0) + 1
                members.fact = new
            else:
                del self.groups[group]

    def _revert(self, done: Counts) -> None:
        touched: dict[Group, None] = {}
        self._change({k: -n for k, n in done.items()}, touched)
        for group in touched:
            if not self.groups[group].values:
                del self.groups[group]

    def _restore(self, group: Group, members: _Members, old: Fact | None) -> Undo:
        def undo() -> None:
            members.fact = old
            if old is not None:
                self.groups[group] = members

        return undo

    def _change(self, changes: Counts, touched: dict[Group, None], done: Counts | None = None) -> None:
        appended: dict[Group, _Members] = {}
        large = len(changes) > 256
        for (group, value), change in changes.items():
            if not change:
                continue
            members = self.groups.get(group)
            if members is None:
                members = self.groups[group] = _Members()
            touched[group] = None
            if large and not members.values and change > 0:
                appended[group] = members
            members.change(value, change, unsorted=group in appended)
            if done is not None:
                done[group, value] = change
        for members in appended.values():
            members.values.sort()


def _has(values: list[Any], value: Any) -> bool:
    i = bisect_left(values, value)
    return i < len(values) and values[i] == value


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Groups of an ``allocate`` that wait because every number is taken."""

    relation: str
    groups: tuple[Group, ...]


class Allocator:
    """One relation's ``allocate``: a number for each group, kept as long as the group lives.

    A group that has a hint in range and free takes it; any other, in order, gets the first free number after
    the last one given, wrapping at the end. Until a number has been given, the last one is the largest hint
    taken. When all are taken, groups wait.

    Attributes:
        given: numbers that groups must get, before any hint.
        numbers: the number of each group.
        waiting: the groups that have none, because all are taken.
        many: numbers of derivations of groups, where they are not 1.
    """

    def __init__(self, relation: str, term: Allocate, position: int, hints: Index | None) -> None:
        self.given: Mapping[Group, int] = {}
        self.relation = relation
        self.low, self.high = term.low, term.high
        self.position = position
        self.hints = hints
        self.many: dict[Group, int] = {}
        self.numbers: dict[Group, int] = {}
        self.taken: dict[int, Group] = {}
        self.waiting: set[Group] = set()
        self.last: int | None = None
        self.pending: Counts = {}

    def fact(self, group: Group, number: int) -> Fact:
        """The head fact of a group and its number."""
        return (*group[: self.position], number, *group[self.position :])

    def flush(self, out: Counts, undo: list[Undo]) -> None:
        """Give numbers to new groups, take those of groups that are gone; add the facts to ``out``."""
        pending, self.pending = self.pending, {}
        undo.append(partial(setattr, self, "last", self.last))
        if not self.numbers and not self.waiting:
            undo.append(self._clear)
            undo = []  # emptying it undoes the rest
        appeared: list[Group] = []
        for group, change in pending.items():
            if not change:
                continue
            old = self._derivations(group)
            self._set_derivations(group, old + change)
            undo.append(lambda group=group, old=old: self._set_derivations(group, old))  # type: ignore[misc]
            if old and not old + change:
                self._release(group, out, undo)
            elif not old:
                appeared.append(group)
        if self.waiting and len(self.taken) < self.high - self.low + 1:
            appeared += self.waiting
        for group in self._take_hints(sorted(set(appeared)), out, undo):
            number = self._next()
            if number is None:
                if group not in self.waiting:
                    self.waiting.add(group)
                    undo.append(lambda group=group: self.waiting.discard(group))  # type: ignore[misc]
            else:
                self.last = number
                self._give(group, number, out, undo)

    def _take_hints(self, groups: list[Group], out: Counts, undo: list[Undo]) -> list[Group]:
        """Give hinted numbers; returns the groups that are left."""
        if self.hints is None and not self.given:
            return groups
        if self.given:
            groups = sorted(groups, key=lambda g: g not in self.given)
        left, largest = [], None
        for group in groups:
            number = min(self._free_hints(group), default=None)
            if number is None:
                left.append(group)
            else:
                self._give(group, number, out, undo)
                largest = number if largest is None else max(largest, number)
        if self.last is None:
            self.last = largest
        return left

    def _free_hints(self, group: Group) -> Iterable[int]:
        if group in self.given:
            if self.given[group] not in self.taken:
                yield self.given[group]
            return
        if self.hints is None:
            return
        for fact in self.hints.having(group):
            number = fact[-1]
            if self.low <= number <= self.high and number not in self.taken:
                yield number

    def _next(self) -> int | None:
        """The first free number after the last one given."""
        size = self.high - self.low + 1
        if len(self.taken) >= size:
            return None
        start = self.low if self.last is None else self.last + 1
        for i in range(size):
            number = self.low + (start - self.low + i) % size
            if number not in self.taken:
                return number
        return None

    def _give(self, group: Group, number: int, out: Counts, undo: list[Undo]) -> None:
        waited = group in self.waiting
        self.waiting.discard(group)
        self.numbers[group] = number
        self.taken[number] = group
        fact = self.fact(group, number)
        out[fact] = out.get(fact, 0) + 1

        def back() -> None:
            del self.numbers[group], self.taken[number]
            if waited:
                self.waiting.add(group)

        undo.append(back)

    def _release(self, group: Group, out: Counts, undo: list[Undo]) -> None:
        if group in self.waiting:
            self.waiting.discard(group)
            undo.append(lambda: self.waiting.add(group))
            return
        number = self.numbers.pop(group)
        del self.taken[number]
        fact = self.fact(group, number)
        out[fact] = out.get(fact, 0) - 1

        def back() -> None:
            self.numbers[group] = number
            self.taken[number] = group

        undo.append(back)

    def _clear(self) -> None:
        for each in (self.numbers, self.taken, self.waiting, self.many):
            each.clear()

    def derivations(self, fact: Fact) -> int:
        """How many derivations the group of a fact has."""
        return self._derivations(self.group(fact))

    def group(self, fact: Fact) -> Group:
        """The group of a fact: all but its number."""
        return _without(fact, self.position)

    def _derivations(self, group: Group) -> int:
        return self.many.get(group, 1 if group in self.numbers or group in self.waiting else 0)

    def _set_derivations(self, group: Group, count: int) -> None:
        if count > 1:
            self.many[group] = count
        else:
            self.many.pop(group, None)

    def exhausted(self) -> Exhausted | None:
        """The groups that wait for a number, if any."""
        return Exhausted(self.relation, tuple(sorted(self.waiting))) if self.waiting else None


def _without(fact: Fact, position: int) -> Group:
    return (*fact[:position], *fact[position + 1 :])
