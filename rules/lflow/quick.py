"""A short way for what most logical flows are: terms like ``inport == "P"`` joined by ``&&``.

It gives the cubes that the long way (``parser``, ``normal``, ``conjunctions``) gives, in a fraction of the time, or
nothing when a text is of another kind or may be wrong; then the long way is taken.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from ovn_rules.rules.lflow.cubes import EVERYTHING, Cube, Work
from ovn_rules.rules.lflow.lexer import BadConstantError, integer
from ovn_rules.rules.lflow.matches import PARTICULAR, settled
from ovn_rules.rules.lflow.normal import Setting, cubes_of, needed
from ovn_rules.rules.lflow.parser import parse

if TYPE_CHECKING:
    from ovn_rules.rules.lflow.symbols import Symbol, Table

TERM = re.compile(
    r"""([A-Za-z_][A-Za-z_.0-9]*+)          # a symbol
    (?: == (?: "([^"\\]*+)"                 # a string
           |   ([0-9][0-9A-Za-z.:]*+)       # a number without mask
           |   \{([0-9][0-9A-Za-z.: ]*+)\}  # a set of them
        )
    |   \[([0-9]{1,3})\]                    # one bit
    )?""".replace(" == ", "[ ]==[ ]"),
    re.VERBOSE,
)
MOST = 16
"""The most members of a set; larger ones go the long way."""


def quick(match: str, setting: Setting) -> list[Cube] | None:
    """The settled cubes of a match, minimal; None for a text to be taken the long way."""
    out = [EVERYTHING]
    if match == "1":
        return out
    work = Work(setting.table.maskable)
    for text in match.split(" && "):
        term = _term(text, setting, work)
        if term is None:
            return None
        out = work.product(out, term)
    if len(out) > 1:
        out = work.minimize(out)
        if len(out) > MOST:
            return None
    if any(mask & PARTICULAR for _, mask in out):
        return list(dict.fromkeys(each for cube in out for each in settled(cube)))
    return out


def _term(text: str, setting: Setting, work: Work) -> list[Cube] | None:
    found = TERM.fullmatch(text)
    if found is None:
        return None
    name, port, number, numbers, bit = found.groups()
    symbol = setting.table.symbols.get(name)
    if symbol is None:
        return None
    if port is not None:
        return _port(symbol, port, setting)
    if number or numbers:
        return _equal(symbol, (number or numbers).split(), setting.table, work)
    return _bit(symbol, bit, setting.table, work)


def _port(symbol: Symbol, port: str, setting: Setting) -> list[Cube] | None:
    if symbol.width:
        return None
    key = setting.ports.get(port)
    return [] if key is None else [(key << symbol.offset, 0xFFFFFFFF << symbol.offset)]


def _equal(symbol: Symbol, numbers: list[str], table: Table, work: Work) -> list[Cube] | None:
    """The cubes of a comparison with numbers; None where the parser has something to say."""
    width, offset = symbol.width, symbol.offset
    if not width or symbol.expansion or len(numbers) > MOST or 2 * len(numbers) > 1 << width:
        return None  # of most values of a field, the long way says which it does not have
    mask = (1 << width) - 1 << offset
    out = []
    for text in numbers:
        try:
            number = integer(text)
        except BadConstantError:
            return None
        if number.width > width:
            return None
        out.append((number.value << offset, mask))
    return work.product(out, needed(symbol, table)) if symbol.needs else out


def _bit(symbol: Symbol, bit: str | None, table: Table, work: Work) -> list[Cube] | None:
    if bit is None:
        return _named(symbol, table) if symbol.width == 1 else None
    number = int(bit)
    if symbol.level != "ordinal" or number >= symbol.width or (bit[0] == "0" and number) or bit == "00":
        return None
    one = 1 << symbol.offset + number
    return work.product([(one, one)], needed(symbol, table))


@lru_cache(maxsize=512)
def _named(symbol: Symbol, table: Table) -> list[Cube]:
    """The cubes of a predicate or one-bit field by its name alone."""
    return cubes_of(parse(symbol.name, table), Setting(table))
