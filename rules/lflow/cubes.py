"""Sets of packets as lists of cubes (``fields.py``): intersecting, covering intervals, merging."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.errors import TooManyFlowsError

if TYPE_CHECKING:
    from collections.abc import Iterable

Cube = tuple[int, int]
"""Value and mask. A packet p is in it when ``p & mask == value``."""

Interval = tuple[int, int]
"""First and last value of a range; lists of them are sorted, with gaps between."""

EVERYTHING: Cube = (0, 0)

LIMIT = 65_536
"""The most cubes that one expression may need at any stage of its conversion."""

PAIRS = 2_000_000
"""The most pairs of cubes that one conversion intersects: about half a second."""

TIDYING = 1_000_000
"""The most cubes that one conversion looks at to merge them; beyond that they stay as they are."""


def too_many() -> TooManyFlowsError:
    """The error for an expression whose conversion would go beyond LIMIT or PAIRS."""
    return TooManyFlowsError(f"Expression needs too many OpenFlow flows (the limit is {LIMIT}).", 0, "")


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The values in any of the intervals."""
    out: list[Interval] = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            if high > out[-1][1]:
                out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def complement(intervals: list[Interval], width: int) -> list[Interval]:
    """The values of that many bits in none of the intervals."""
    edges = [(-1, -1), *intervals, (1 << width, 1 << width)]
    return [(a[1] + 1, b[0] - 1) for a, b in pairwise(edges) if a[1] + 1 < b[0]]


def cover(intervals: list[Interval], width: int, maskable: bool = True) -> list[Cube]:
    """The fewest prefixes of ``width`` bits that are exactly the intervals' values; single values if not maskable.

    All values but one prefix become one cube for each of its bits, as in OVN: each says that its bit differs. (They
    become prefixes for an IPv6 address, whose masks ovs-ofctl does not all read: as many, and plainer.)

    Raises:
        TooManyFlowsError: they are more than LIMIT.
    """
    if not maskable:
        return _singles(intervals, width)
    gaps = complement(intervals, width)
    if len(gaps) == 1 and 1 < width < 128:
        low, size = gaps[0][0], gaps[0][1] - gaps[0][0] + 1
        if size & size - 1 == 0 and low % size == 0:
            return [(~low & bit, bit) for bit in (1 << i for i in range(size.bit_length() - 1, width))]
    ones = (1 << width) - 1
    out: list[Cube] = []
    for start, end in intervals:
        low = start
        while low <= end:
            size = min(low & -low or 1 << width, 1 << (end - low + 1).bit_length() - 1)
            out.append((low, ones & ~(size - 1)))
            low += size
        if len(out) > LIMIT:
            raise too_many()
    return out


def _singles(intervals: list[Interval], width: int) -> list[Cube]:
    if sum(end - start + 1 for start, end in intervals) > LIMIT:
        raise too_many()
    return [(v, (1 << width) - 1) for start, end in intervals for v in range(start, end + 1)]


class Work:
    """What one conversion may do with lists of cubes, within bounds.

    ``maskable`` are the bits that may be left out of a match one by one.
    """

    __slots__ = ("maskable", "pairs", "tidying")

    def __init__(self, maskable: int) -> None:
        """Starts with all the work that one conversion may cost."""
        self.maskable = maskable
        self.pairs = PAIRS
        self.tidying = TIDYING

    def product(self, left: list[Cube], right: list[Cube]) -> list[Cube]:
        """The packets in both: every pair of cubes that agree, without repetition.

        Raises:
            TooManyFlowsError: too many cubes or pairs.
        """
        if right == [EVERYTHING]:
            return left
        if left == [EVERYTHING]:
            return right
        self.pairs -= len(left) * len(right)
        if self.pairs < 0:
            raise too_many()
        out: dict[Cube, None] = {}
        for value, mask in left:
            for other, other_mask in right:
                if not (value ^ other) & mask & other_mask:
                    out[value | other, mask | other_mask] = None
            if len(out) > LIMIT:
                raise too_many()
        return list(out)

    def multiplied(self, clauses: list[list[Cube]]) -> list[Cube]:
        """The packets that are in a cube of every clause.

        Raises:
            TooManyFlowsError: too many cubes or pairs.
        """
        return self.multiplied_below(clauses, LIMIT + 1) or []

    def multiplied_below(self, clauses: list[list[Cube]], most: int) -> list[Cube] | None:
        """The same; None where more than ``most`` cubes stand at some stage."""
        out = [EVERYTHING]
        for clause in sorted(clauses, key=len):
            if len(clause) > most and out:
                return None
            out = self.minimize(self.product(out, clause))
            if len(out) > most:
                return None
        return out

    def minimize(self, cubes: list[Cube]) -> list[Cube]:
        """The same packets in fewer cubes: two that differ in one bit become one, one inside another goes.

        The order is kept where it can be.
        """
        if len(cubes) < 2:
            return cubes
        groups: dict[int, dict[int, None]] = {}
        for value, mask in cubes:
            groups.setdefault(mask, {})[value] = None
        self._merge(groups)
        self._absorb(groups)
        return [(value, mask) for mask, values in groups.items() for value in values]

    def _merge(self, groups: dict[int, dict[int, None]]) -> None:
        """Joins cubes with one mask whose values differ in one maskable bit."""
        waiting = dict.fromkeys(groups)
        while waiting and self.tidying > 0:
            mask = next(iter(waiting))
            del waiting[mask]
            self.tidying -= 1
            values = groups.get(mask, {})
            bits = _varying(values) & self.maskable if len(values) > 1 else 0
            while bits and self.tidying > 0:
                bit = bits & -bits
                bits ^= bit
                self.tidying -= len(values)
                merged = [v for v in values if not v & bit and v | bit in values]
                if merged:
                    larger = groups.setdefault(mask ^ bit, {})
                    for value in merged:
                        del values[value], values[value | bit]
                        larger[value] = None
                    waiting[mask ^ bit] = None
            if not values:
                groups.pop(mask, None)

    def _absorb(self, groups: dict[int, dict[int, None]]) -> None:
        """Drops cubes that lie inside another with fewer bits in its mask."""
        masks = sorted(groups, key=int.bit_count)
        for i, mask in enumerate(masks):
            values = groups[mask]
            for wider in masks[:i]:
                if mask & wider == wider:
                    self.tidying -= len(values)
                    larger = groups[wider]
                    for value in [v for v in values if v & wider in larger]:
                        del values[value]
            self.tidying -= i
            if self.tidying < 0:
                break
        for mask in masks:
            if not groups[mask]:
                del groups[mask]


def _varying(values: dict[int, None]) -> int:
    """The bits that are not the same in all values."""
    some, every = 0, -1
    for value in values:
        some |= value
        every &= value
    return some & ~every
