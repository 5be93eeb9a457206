"""The names an expression may use: fields, subfields and predicates (ovn-sb(5), "Symbols")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.fields import Field

Level = Literal["nominal", "Boolean", "ordinal"]


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """A name of the language; two tables have symbols of their own.

    Attributes:
        name: as written, ``ip4.src``.
        width: bits; 0 for a string (a port name), 1 for a predicate.
        level: what may be asked of it: nominal only whether it equals a constant, Boolean also whether not,
            ordinal everything, bit by bit.
        offset: its lowest bit in a cube; -1 for a predicate.
        needs: the expression that using it implies, empty for none.
        expansion: what a predicate stands for, empty for fields.
        root: the OpenFlow field that actions name when they read or write it; None for a predicate.
        low: its lowest bit in ``root``.
    """

    name: str
    width: int
    level: Level
    offset: int = -1
    needs: str = ""
    expansion: str = ""
    root: Field | None = None
    low: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A set of symbols: the language of one program.

    Hashed by identity, so that it can be an argument of cached functions. ``maskable`` are the bits of a cube that
    may be left out of a match one by one: not those of ports, which are names rather than numbers.
    """

    name: str
    maskable: int
    symbols: dict[str, Symbol] = field(default_factory=dict)
