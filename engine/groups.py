"""Aggregates in heads: values of groups of derivations.

An aggregate stands between a clause's body and its relation: it takes changes of derivation counts of (group, value),
and gives changes of derivation counts of facts. Every change can be undone.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Aggregate, Fact
    from ovn_rules.engine.store import Counts

Group = tuple[Any, ...]
Undo = Callable[[], object]


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
        members = self.groups.get(without(fact, self.position))
        return None if members is None else members.fact

    def inputs(self, fact: Fact) -> int:
        """How many derivations the group of a fact has."""
        members = self.groups.get(without(fact, self.position))
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


def without(fact: Fact, position: int) -> Group:
    """A fact's group: all but the value at the position."""
    return (*fact[:position], *fact[position + 1 :])
