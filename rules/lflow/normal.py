"""From an expression to cubes: prerequisites added, ports resolved, comparisons covered by masks.

The result is a list of alternatives. Each is a list of clauses, each clause a list of cubes: a packet matches when
it is, for some alternative, in at least one cube of every clause. What becomes of clauses is decided in
``conjunctions.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ovn_rules.rules.lflow.cubes import (
    EVERYTHING,
    LIMIT,
    Cube,
    Interval,
    Work,
    complement,
    cover,
    too_many,
    union,
)
from ovn_rules.rules.lflow.expressions import (
    All,
    Any,
    Comparison,
    Expression,
    Resident,
    Truth,
    bit_range,
    comparisons,
    negate,
)
from ovn_rules.rules.lflow.parser import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovn_rules.rules.lflow.symbols import Symbol, Table

Clause = list[Cube]
Alternative = list[Clause]


@dataclass(frozen=True, slots=True)
class Setting:
    """What an expression's meaning depends on besides its text.

    ``ports`` gives a port's tunnel key by its name; a name it doesn't have matches nothing. ``residents`` are the
    ports that ``is_chassis_resident`` is true of.
    """

    table: Table
    ports: Mapping[str, int] = field(default_factory=dict)
    residents: frozenset[str] = frozenset()


class Range(NamedTuple):
    """A condition on some adjacent bits of one symbol: which values they may have."""

    symbol: Symbol
    low: int
    width: int
    intervals: list[Interval]

    @property
    def place(self) -> tuple[Symbol, int, int]:
        """What the condition is on."""
        return self.symbol, self.low, self.width


def alternatives(expression: Expression, setting: Setting, work: Work) -> list[Alternative]:
    """The alternatives of an expression, each with its clauses.

    Raises:
        TooManyFlowsError: a clause needs too many cubes.
    """
    return _Conversion(setting, work).alternatives(_expanded(expression, setting.table))


def cubes_of(expression: Expression, setting: Setting) -> list[Cube]:
    """The cubes of an expression, multiplied out and minimal.

    Raises:
        TooManyFlowsError: it needs too many.
    """
    work = Work(setting.table.maskable)
    return work.minimize(_Conversion(setting, work).cubes(_expanded(expression, setting.table)))


class _Conversion:
    """The conversion of one expression without predicates, which must outlive it."""

    __slots__ = ("ranges", "setting", "work")

    def __init__(self, setting: Setting, work: Work) -> None:
        self.setting = setting
        self.work = work
        self.ranges: dict[int, Range | None] = {}
        """What ``range`` answered, by the identity of the expression."""

    def alternatives(self, expression: Expression) -> list[Alternative]:
        if not isinstance(expression, Any) or self.range(expression) is not None:
            return self.alternative(expression)
        plain: list[Cube] = []
        out: list[Alternative] = []
        for part in self.grouped(expression):
            if isinstance(part, All):
                out += self.alternative(part)
            else:
                plain += self.cubes(part)
        return ([[self.work.minimize(plain)]] if plain else []) + out

    def alternative(self, expression: Expression | Range) -> list[Alternative]:
        parts = self.grouped(expression) if isinstance(expression, All) else [expression]
        clauses = []
        for part in parts:
            clause = self.cubes(part)
            if not clause:
                return []
            if clause != [EVERYTHING]:
                clauses.append(self.work.minimize(clause))
        return [clauses]

    def cubes(self, expression: Expression | Range) -> list[Cube]:
        """The cubes of an expression, multiplied out."""
        match expression:
            case Range(symbol, low, width, intervals):
                shift, maskable = symbol.offset + low, symbol.level == "ordinal"
                covered = [(v << shift, m << shift) for v, m in cover(intervals, width, maskable)]
                return self.work.product(covered, needed(symbol, self.setting.table))
            case Comparison(symbol):
                found = self.range(expression)
                gapped = _gapped(expression) if found is None else []
                return self.cubes(found) if found else self.work.product(gapped, needed(symbol, self.setting.table))
            case Truth(value):
                return [EVERYTHING] if value else []
            case Resident(port, positive):
                return [EVERYTHING] if (port in self.setting.residents) == positive else []
            case Any():
                return self.any_cubes(expression)
            case All():
                return self.work.multiplied(list(map(self.cubes, self.grouped(expression))))

    def any_cubes(self, expression: Any) -> list[Cube]:
        out: list[Cube] = []
        for part in self.grouped(expression):
            out += self.cubes(part)
            if len(out) > LIMIT:
                raise too_many()
        return out

    def grouped(self, expression: All | Any) -> list[Expression | Range]:
        """The operands, those on the same bits of the same symbol joined into one Range."""
        places: dict[tuple[Symbol, int, int], list[Range]] = {}
        out: list[Expression | Range] = []
        for operand in expression.operands:
            found = self.range(operand)
            if found is None:
                out.append(operand)
            elif found.place in places:
                places[found.place].append(found)
            else:
                places[found.place] = [found]
                out.append(found)
        join = _both if isinstance(expression, All) else _either
        return [join(places[part.place]) if isinstance(part, Range) else part for part in out]

    def range(self, expression: Expression) -> Range | None:
        """The expression as a condition on adjacent bits of one symbol, if it is that."""
        if isinstance(expression, Comparison):
            return _interval(expression, self.setting.ports)
        if not isinstance(expression, All | Any):
            return None
        key = id(expression)
        if key not in self.ranges:
            self.ranges[key] = self.joined_range(expression)
        return self.ranges[key]

    def joined_range(self, expression: All | Any) -> Range | None:
        ranges: list[Range] = []
        for operand in expression.operands:
            found = self.range(operand)
            if found is None or (ranges and found.place != ranges[0].place):
                return None
            ranges.append(found)
        return _both(ranges) if isinstance(expression, All) else _either(ranges)


def _both(ranges: list[Range]) -> Range:
    if len(ranges) == 1:
        return ranges[0]
    outside = union(i for r in ranges for i in complement(r.intervals, r.width))
    return ranges[0]._replace(intervals=complement(outside, ranges[0].width))


def _either(ranges: list[Range]) -> Range:
    if len(ranges) == 1:
        return ranges[0]
    return ranges[0]._replace(intervals=union(i for r in ranges for i in r.intervals))


def _interval(c: Comparison, ports: Mapping[str, int]) -> Range | None:
    """The values that satisfy a comparison; None where its mask has gaps."""
    if c.text is not None:
        key = ports.get(c.text)
        return Range(c.symbol, 0, 32, [] if key is None else [(key, key)])
    bits = bit_range(c.mask)
    if bits is None:
        return None
    low, width = bits
    value, last = c.value >> low, (1 << width) - 1
    match c.operator:
        case "==":
            intervals = [(value, value)]
        case "!=":
            intervals = [(0, value - 1), (value + 1, last)]
        case "<":
            intervals = [(0, value - 1)]
        case "<=":
            intervals = [(0, value)]
        case ">":
            intervals = [(value + 1, last)]
        case _:
            intervals = [(value, last)]
    intervals = [(a, b) for a, b in intervals if a <= b]
    if low + width == c.symbol.width:  # the highest bits, as of a prefix: so many values of the whole field
        intervals = [(a << low, (b + 1 << low) - 1) for a, b in intervals]
        low, width = 0, c.symbol.width
    return Range(c.symbol, low, width, intervals)


def _gapped(c: Comparison) -> list[Cube]:
    """The cubes of an equality or inequality whose mask has gaps or no bits."""
    value, mask = c.value << c.symbol.offset, c.mask << c.symbol.offset
    if c.operator == "==":
        return [(value, mask)]
    bits = [1 << i for i in range(mask.bit_length()) if mask >> i & 1]
    return [(~value & bit, bit) for bit in bits]


def _expanded(expression: Expression, table: Table) -> Expression:
    """The expression without predicates: each is what it stands for."""
    match expression:
        case Comparison(symbol) if symbol.expansion:
            positive = bool(expression.value) == (expression.operator == "==")
            meaning = expansion(symbol, table)
            return meaning if positive else negate(meaning)
        case All(operands):
            return _joined(All, operands, table)
        case Any(operands):
            return _joined(Any, operands, table)
        case _:
            return expression


def _joined(kind: type[All | Any], operands: tuple[Expression, ...], table: Table) -> Expression:
    flat: list[Expression] = []
    for operand in operands:
        meaning = _expanded(operand, table)
        flat.extend(meaning.operands) if isinstance(meaning, kind) else flat.append(meaning)
    return kind(tuple(flat))


@lru_cache(maxsize=512)
def expansion(symbol: Symbol, table: Table) -> Expression:
    """What a predicate stands for, predicates in it expanded too."""
    return _expanded(parse(symbol.expansion, table), table)


@lru_cache(maxsize=1024)
def needed(symbol: Symbol, table: Table) -> list[Cube]:
    """The cubes of a symbol's prerequisites, theirs included; everything for a symbol without. Not to be changed."""
    return cubes_of(parse(symbol.needs, table), Setting(table)) if symbol.needs else [EVERYTHING]


def prerequisites(expression: Expression, table: Table) -> tuple[str, ...]:
    """What using the expression's symbols implies, theirs included: canonical names and texts, each once."""
    found: dict[str, None] = {}
    waiting = [expression]
    while waiting:
        for c in comparisons(waiting.pop(0)):
            if c.symbol.needs and c.symbol.needs not in found:
                found[c.symbol.needs] = None
                waiting.append(parse(c.symbol.needs, table))
            if c.symbol.expansion:
                waiting.append(expansion(c.symbol, table))
    return tuple(found)
