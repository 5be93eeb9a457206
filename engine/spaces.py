"""The numbers that ``allocate`` has given in one scope: who has which, and which is the next one free."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovn_rules.engine.groups import Group


@dataclass(slots=True)
class Space:
    """The numbers taken in one scope, and by whom; in order once somebody has searched for a free one."""

    taken: dict[int, Group] = field(default_factory=dict)
    order: list[int] | None = None

    def take(self, number: int, group: Group) -> None:
        """Note who has a number."""
        self.taken[number] = group
        if self.order is not None:
            insort(self.order, number)

    def free(self, number: int) -> None:
        """Note that nobody has a number any more."""
        del self.taken[number]
        if self.order is not None:
            del self.order[bisect_left(self.order, number)]

    def sorted(self) -> list[int]:
        """The numbers taken, in order."""
        if self.order is None:
            self.order = sorted(self.taken)
        return self.order

    def free_from(self, number: int) -> int:
        """The first free number that is not below a number."""
        order = self.sorted()
        i = bisect_left(order, number)
        if i == len(order) or order[i] != number:
            return number
        # Along a run of numbers without a gap, number and position grow alike.
        end = bisect_right(range(len(order)), order[i] - i, i, key=lambda j: order[j] - j)
        return order[end - 1] + 1
