"""Column values: from OVSDB's JSON to what facts hold, and back (RFC 7047 section 5.1).

A column of exactly one atom is that atom (a UUID as text). Any other set, an optional column included, is a
sorted tuple of atoms; a map is a sorted tuple of (key, value). So equal values are equal facts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from operator import lt
from sys import intern
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ovsschema import ColumnSchema

Codec = Callable[[Any], Any]


def _uuid(atom: Any) -> str:
    return intern(atom[1])


def _same(atom: Any) -> Any:
    return atom


_ATOM_DECODERS: dict[str, Codec] = {
    "string": intern,
    "uuid": _uuid,
    "real": float,
    "integer": _same,
    "boolean": _same,
}


def _encode_uuid(uuid: str) -> list[str]:
    return ["uuid", uuid]


def decoder(column: ColumnSchema) -> Codec:
    """A function from a column's JSON to its value.

    The function raises TypeError, ValueError, IndexError or KeyError for JSON of another type.
    """
    key = _ATOM_DECODERS[column.key_type]
    if column.kind == "scalar":
        return key
    if column.value is not None:
        value = _ATOM_DECODERS[column.value.name]
        return lambda json: tuple(sorted([(key(k), value(v)) for k, v in json[1]]))

    def decode_set(json: Any) -> tuple[Any, ...]:
        if json.__class__ is list and json[0] == "set":
            elements = json[1]
            if len(elements) == 1:
                return (key(elements[0]),)
            return tuple(sorted(map(key, elements)))
        return (key(json),)

    return decode_set


def encoder(column: ColumnSchema) -> Codec:
    """A function from a column's value (``normaliser``) to JSON for a transaction."""
    key = _encode_uuid if column.key_type == "uuid" else _same
    if column.kind == "scalar":
        return key
    if column.value is not None:
        value = _encode_uuid if column.value.name == "uuid" else _same
        return lambda pairs: ["map", [[key(k), value(v)] for k, v in pairs]]
    return lambda elements: ["set", [key(e) for e in elements]]


def normaliser(column: ColumnSchema) -> Codec:
    """A function from what a fact holds to the column's value, as ``decoder`` would give it.

    For a set, a fact may hold one atom alone, or None for no element.
    """
    key = _real if column.key_type == "real" else _same
    if column.kind == "scalar":
        return key
    if column.value is not None:
        return lambda given: tuple(sorted(dict(given or ()).items()))

    def as_set(given: Any) -> tuple[Any, ...]:
        if given.__class__ is not tuple:
            return () if given is None else (key(given),)
        if len(given) == 1:
            return (key(given[0]),)
        return tuple(sorted(set(map(key, given))))

    return as_set


def _real(number: Any) -> Any:
    return float(number) if number.__class__ is int else number


def apply_difference(column: ColumnSchema, old: Any, difference: Any) -> Any:
    """A column's new value, from the old one and a difference (ovsdb-server(7) section 4.1.14).

    Args:
        column: The column.
        old: Its decoded value.
        difference: The decoded difference. For a column of at most one element, the new value; for a set, the
            elements that only one of old and new has; for a map, the pairs that went (as they were), came, or
            changed (as they are now).
    """
    if column.max == 1:
        return difference
    if column.value is None:
        return _toggle(old, difference)
    pairs = dict(old)
    for key, value in difference:
        if key in pairs and pairs[key] == value:
            del pairs[key]
        else:
            pairs[key] = value
    return tuple(sorted(pairs.items()))


def difference(
    column: ColumnSchema, old: tuple[Any, ...], new: tuple[Any, ...]
) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """What lies between two values of a set or a map: a few comparisons, where they have most in common.

    Args:
        column: The column.
        old: A decoded value.
        new: Another, or the elements in any order.

    Returns:
        The elements (of a map: the keys) that must go, and the elements that must come after that. None when
        ``new`` is not in order.
    """
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    near = new[max(head - 1, 0) : len(new) - tail + 1]
    order = near if column.value is None else tuple(k for k, _ in near)
    if not all(map(lt, order, order[1:])):
        return None
    kept = set(gone).intersection(come)
    gone, come = tuple(e for e in gone if e not in kept), tuple(e for e in come if e not in kept)
    return (gone if column.value is None else tuple(k for k, _ in gone)), come


def _common(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """With how many equal elements two tuples begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _toggle(old: tuple[Any, ...], elements: tuple[Any, ...]) -> tuple[Any, ...]:
    """Puts elements into a sorted tuple that has them not, takes out those it has."""
    if len(elements) * 8 > len(old):
        return tuple(sorted(set(old).symmetric_difference(elements)))
    new = list(old)
    for element in elements:
        at = bisect_left(new, element)
        if at < len(new) and new[at] == element:
            del new[at]
        else:
            new.insert(at, element)
    return tuple(new)
