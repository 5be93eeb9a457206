"""An order of facts and answers that never fails, whatever their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.ir import Fact


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts by their columns, left to right; values of different types by the types' names."""
    facts = list(facts)
    try:
        return sorted(facts)
    except TypeError:
        return sorted(facts, key=_comparable)


def _comparable(value: Any) -> tuple[str, Any]:
    if isinstance(value, tuple):
        return "tuple", tuple(map(_comparable, value))
    if isinstance(value, bool | int | float):
        return "number", value
    if isinstance(value, str):
        return "str", value
    return type(value).__name__, repr(value)
