"""What an expression is once it has been read, and how it is printed again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.rules.lflow.symbols import Symbol

Operator = Literal["==", "!=", "<", "<=", ">", ">="]

OPERATORS: frozenset[str] = frozenset(("==", "!=", "<", "<=", ">", ">="))
OPPOSITE: dict[Operator, Operator] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TURNED: dict[Operator, Operator] = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """``symbol operator constant``.

    ``value`` and ``mask`` are in the symbol's own bits (bit 0 is its lowest), value bits outside the mask are
    0, and only an equality's mask may have gaps. A string symbol has ``text`` instead.
    """

    symbol: Symbol
    operator: Operator
    value: int = 0
    mask: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class All:
    """``a && b && …``: two operands or more, none of them an All."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """``a || b || …``: two operands or more, none of them an Any."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """``1`` or ``0``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Resident:
    """``is_chassis_resident("port")``, or that it is not."""

    port: str
    positive: bool = True


Expression = Comparison | All | Any | Truth | Resident


def join(kind: type[All | Any], operands: list[Expression]) -> Expression:
    """``operands`` joined by ``&&`` or ``||``; operands joined by the same operator are taken apart."""
    flat: list[Expression] = []
    for operand in operands:
        if isinstance(operand, kind):
            flat.extend(operand.operands)
        else:
            flat.append(operand)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negate(expression: Expression) -> Expression:
    """The expression that is true where this one is false (prerequisites aside: both have the same)."""
    match expression:
        case Comparison(symbol, operator, value, mask, text):
            return Comparison(symbol, OPPOSITE[operator], value, mask, text)
        case All(operands):
            return Any(tuple(map(negate, operands)))
        case Any(operands):
            return All(tuple(map(negate, operands)))
        case Truth(value):
            return Truth(not value)
        case Resident(port, positive):
            return Resident(port, not positive)


def comparisons(expression: Expression) -> Iterator[Comparison]:
    """Every comparison in an expression, from left to right."""
    if isinstance(expression, Comparison):
        yield expression
    elif isinstance(expression, All | Any):
        for operand in expression.operands:
            yield from comparisons(operand)


def bit_range(mask: int) -> tuple[int, int] | None:
    """Lowest bit and number of bits of a mask without gaps; None for one with gaps or without bits."""
    low = (mask & -mask).bit_length() - 1
    count = mask.bit_length() - low
    return (low, count) if mask and mask >> low == (1 << count) - 1 else None


def format_expression(expression: Expression) -> str:
    """The canonical text of an expression, as OVN prints it; reading it gives the same expression."""
    match expression:
        case Comparison():
            return _comparison(expression)
        case All(operands):
            return " && ".join(map(_operand, operands))
        case Any(operands):
            return " || ".join(map(_operand, operands))
        case Truth(value):
            return "1" if value else "0"
        case Resident(port, positive):
            return f"{'' if positive else '!'}is_chassis_resident({quoted(port)})"


def quoted(text: str) -> str:
    """A string as the language writes it: JSON's escapes, everything else as it is."""
    return json.dumps(text, ensure_ascii=False)


def _operand(expression: Expression) -> str:
    text = format_expression(expression)
    return f"({text})" if isinstance(expression, All | Any) else text


def _comparison(c: Comparison) -> str:
    name, operator, width = c.symbol.name, c.operator, c.symbol.width
    if c.text is not None:
        return f"{name} {operator} {quoted(c.text)}"
    bits = bit_range(c.mask)
    if bits is None:
        return f"{name} {operator} {_hex(c.value)}/{_hex(c.mask)}"
    low, count = bits
    if count == 1 and operator in ("==", "!="):
        positive = bool(c.value) == (operator == "==")
        return f"{'' if positive else '!'}{name}{f'[{low}]' if width > 1 else ''}"
    part = "" if count == width else f"[{low}]" if count == 1 else f"[{low}..{low + count - 1}]"
    return f"{name}{part} {operator} {_hex(c.value >> low)}"


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"
