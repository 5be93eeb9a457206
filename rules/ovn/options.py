"""Options as ovn-nb(5) maps have them: texts that stand for numbers and truth values, read as ovn-northd reads them."""

import re

from ovn_rules.engine import pure

Options = tuple[tuple[str, str], ...]
"""A map column of texts: names with values, in order."""

_WHOLE = re.compile(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]+)")


@pure
def whole(text: str, default: int) -> int:
    """The number that an option says; the default when it is none of 32 bits, or anything stands behind it."""
    found = _WHOLE.fullmatch(text)
    number = _number(found) if found else default
    return number if -(1 << 31) <= number < 1 << 31 else default


@pure
def unsigned(text: str) -> int:
    """The number that an option says; 0 when it is negative or over 32 bits, or anything stands behind it."""
    found = _WHOLE.fullmatch(text)
    number = _number(found) if found else 0
    return number if 0 <= number < 1 << 32 else 0


@pure
def leading_number(text: str) -> int:
    """The number that a text begins with, as C's atoi reads it on a 64-bit machine; 0 without one."""
    found = _WHOLE.match(text)
    number = min(max(_number(found), -1 << 63), (1 << 63) - 1) if found else 0
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


@pure
def is_true(text: str) -> bool:
    """Whether an option that is off by default is on."""
    return text.lower() == "true"


@pure
def is_false(text: str) -> bool:
    """Whether an option that is on by default is off."""
    return text.lower() == "false"


@pure
def flag(options: Options, key: str) -> bool:
    """Whether an option that is off by default is on in a map of options."""
    return any(name == key and is_true(value) for name, value in options)


@pure
def merged(given: Options, extra: Options) -> Options:
    """Options of two maps; of what both say, ovsdb-server's order of values has the smaller one left over."""
    return tuple(sorted(dict(sorted({*given, *extra}, reverse=True)).items()))


@pure
def values(options: Options, key: str) -> tuple[str, ...]:
    """What a map of options says under a name, if anything."""
    return tuple(value for name, value in options if name == key)


def _number(found: re.Match[str]) -> int:
    """The number that was found; of more digits than 64 bits have, the first ones, which are too many as well."""
    return int(found[1] + found[2][:20])
