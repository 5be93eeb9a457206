"""Column values as JSON text (RFC 7047 section 5.1), for transactions of many thousand rows.

The text is put together from the strings' own: a fifth of what making lists and encoding those would take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring
from sys import intern
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ovsschema import ColumnSchema


class UnsendableError(ValueError):
    """What a fact asks for can't be said to ovsdb-server, or it would drop the connection instead of refusing it."""


Text = Callable[[Any], str]

as_text: Text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""JSON text of a JSON value."""

NO_TEXT = (TypeError, ValueError, RecursionError)
"""What ``as_text``, and all that is built on it, raises for what has no text."""


def string_text(string: str) -> str:
    """A string, quoted. The row that comes back will hold this string itself, and no copy."""
    return encode_basestring(intern(string))


def uuid_text(uuid: str) -> str:
    """A row's UUID."""
    return f'["uuid",{encode_basestring(uuid)}]'


def _integer_text(number: int) -> str:
    return repr(number) if number.__class__ is int else as_text(number)


_ATOMS: dict[str, Text] = {"string": string_text, "uuid": uuid_text, "integer": _integer_text}


def atom_text(atomic_type: str) -> Text:
    """A function from an atom of a type to its text; it raises ``NO_TEXT``."""
    return _ATOMS.get(atomic_type, as_text)


def value_text(column: ColumnSchema) -> Text:
    """A function from a column's value (``columns.normaliser``) to its text; it raises ``NO_TEXT``."""
    key = atom_text(column.key_type)
    if column.kind == "scalar":
        return key
    if column.value is None:
        return lambda elements: key(elements[0]) if len(elements) == 1 else set_text(map(key, elements))
    value = atom_text(column.value.name)
    return lambda pairs: map_text([f"[{key(k)},{value(v)}]" for k, v in pairs])


def set_text(elements: Any) -> str:
    """A set, from its elements' texts."""
    return f'["set",[{",".join(elements)}]]'


def map_text(pairs: Any) -> str:
    """A map, from its pairs' texts."""
    return f'["map",[{",".join(pairs)}]]'


def extended(text: str, more: Iterable[str]) -> str:
    """A set or map that is not empty, with further elements or pairs."""
    return f"{text.removesuffix(']]')},{','.join(more)}]]"


def unsendable(error: Exception) -> UnsendableError:
    """What is to be raised for one of ``NO_TEXT``."""
    return error if isinstance(error, UnsendableError) else UnsendableError(f"a value can't be sent: {error}")
