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

EFFORT = 2_000_000
"""How many pairs ``minimize`` looks at before it leaves the rest as it is."""


def too_many(text: str = "") -> TooManyFlowsError:
    """The error for an expression that would need more than LIMIT cubes."""
    return TooManyFlowsError(f"Expression needs more than {LIMIT} OpenFlow flows.", 0, text)


def product(left: list[Cube], right: list[Cube]) -> list[Cube]:
    """The packets in both: every pair of cubes that agree, without repetition.

    Raises:
        TooManyFlowsError: more than LIMIT cubes, or 64 times as many pairs to look at.
    """
    if right == [EVERYTHING]:
        return left
    if left == [EVERYTHING]:
        return right
    if len(left) * len(right) > 64 * LIMIT:
        raise too_many()
    out: dict[Cube, None] = {}
    for value, mask in left:
        for other, other_mask in right:
            if not (value ^ other) & mask & other_mask:
                out[value | other, mask | other_mask] = None
        if len(out) > LIMIT:
            raise too_many()
    return list(out)


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

    All values but one become one cube a bit, as in OVN: each says that its bit differs.

    Raises:
        TooManyFlowsError: they are more than LIMIT.
    """
    ones = (1 << width) - 1
    gaps = complement(intervals, width)
    if maskable and len(gaps) == 1 and gaps[0][0] == gaps[0][1] and width > 1:
        return [(~gaps[0][0] & bit, bit) for bit in (1 << i for i in range(width))]
    out: list[Cube] = []
    for start, end in intervals:
        low = start
        while low <= end:
            size = (low & -low or 1 << width) if maskable else 1
            while size > end - low + 1:
                size >>= 1
            out.append((low, ones & ~(size - 1)))
            low += size
            if len(out) > LIMIT:
                raise too_many()
    return out


def minimize(cubes: Iterable[Cube], maskable: int) -> list[Cube]:
    """The same packets in fewer cubes: two that differ in one bit of ``maskable`` become one, one inside another goes.

    The order is kept where it can be; the work is bounded by EFFORT, beyond which cubes stay as they are.
    """
    groups: dict[int, dict[int, None]] = {}
    for value, mask in cubes:
        groups.setdefault(mask, {})[value] = None
    if sum(map(len, groups.values())) > 1:
        effort = _merge(groups, maskable, EFFORT)
        _absorb(groups, effort)
    return [(value, mask) for mask, values in groups.items() for value in values]


def _merge(groups: dict[int, dict[int, None]], maskable: int, effort: int) -> int:
    """Joins cubes with one mask whose values differ in one maskable bit; returns the effort left."""
    waiting = dict.fromkeys(groups)
    while waiting and effort > 0:
        mask = next(iter(waiting))
        del waiting[mask]
        effort -= 1
        values = groups.get(mask, {})
        bits = _varying(values) & maskable if len(values) > 1 else 0
        while bits and effort > 0:
            bit = bits & -bits
            bits ^= bit
            effort -= len(values)
            merged = [v for v in values if not v & bit and v | bit in values]
            if merged:
                larger = groups.setdefault(mask ^ bit, {})
                for value in merged:
                    del values[value], values[value | bit]
                    larger[value] = None
                waiting[mask ^ bit] = None
        if not values:
            groups.pop(mask, None)
    return effort


def _varying(values: dict[int, None]) -> int:
    """The bits that are not the same in all values."""
    some, every = 0, -1
    for value in values:
        some |= value
        every &= value
    return some & ~every


def _absorb(groups: dict[int, dict[int, None]], effort: int) -> None:
    """Drops cubes that lie inside another with fewer bits in its mask."""
    masks = sorted(groups, key=int.bit_count)
    for i, mask in enumerate(masks):
        if not groups[mask]:
            continue
        for wider in masks[:i]:
            effort -= len(groups[mask])
            if effort < 0:
                return
            if mask & wider == wider:
                larger = groups[wider]
                inside = [v for v in groups[mask] if v & wider in larger]
                for value in inside:
                    del groups[mask][value]
    for mask in masks:
        if not groups[mask]:
            del groups[mask]
