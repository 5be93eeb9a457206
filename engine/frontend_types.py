"""Types of columns, variables and expressions: from annotations and values, and whether two agree.

Beside the types of ``ir.py`` there is one that only exists while a program is loaded: ``list``, for what can
be iterated but not stored in a fact (lists, sets, iterators).
"""

from __future__ import annotations

import collections.abc
import enum
import typing
from typing import Any

from ovn_rules.engine.ir import ANY, BOOL, FLOAT, INT, STR, UUID, Type, Uuid

SCALARS: dict[Any, Type] = {str: STR, int: INT, float: FLOAT, bool: BOOL, Uuid: UUID}
ITERABLES = (
    list,
    set,
    frozenset,
    collections.abc.Iterable,
    collections.abc.Iterator,
    collections.abc.Collection,
    collections.abc.Sequence,
    collections.abc.Generator,
    collections.abc.Set,
)


def listing(element: Type = ANY) -> Type:
    """The type of what can be iterated but not stored."""
    return Type("list", (element,))


def from_annotation(annotation: Any, *, columns: bool = False) -> Type | None:
    """The type that an annotation stands for.

    Args:
        annotation: An annotation's value, not its text.
        columns: Take only what a column can have, and None for all else; otherwise ``any`` stands for what
            has no type here.
    """
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if tuple in (annotation, origin):
        inside = [from_annotation(a, columns=columns) for a in args if a is not Ellipsis]
        found = Type("tuple", tuple(t for t in inside if t is not None))
        return None if None in inside or (columns and len(args) < 2) else found
    return None if columns else _of_other(annotation, origin, args)


def _of_other(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Type:
    """The type of an annotation that no column can have."""
    if annotation in ITERABLES or origin in ITERABLES:
        return listing((from_annotation(args[0]) if args else None) or ANY)
    if isinstance(annotation, typing.NewType):
        return from_annotation(annotation.__supertype__) or ANY
    if origin is typing.Literal:
        found = {of_value(a) for a in args}
        return found.pop() if len(found) == 1 else ANY
    return ANY


def hints_of(function: Any) -> dict[str, Any]:
    """A function's annotations as values; without those whose text can't be evaluated."""
    given = getattr(function, "__annotations__", {})
    if not given:
        return {}
    try:
        return typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 - an annotation is any expression
        return {n: a for n, a in given.items() if not isinstance(a, str)}


def plain(value: Any) -> Any:
    """The value itself, or an enumeration member's."""
    return value.value if isinstance(value, enum.Enum) else value


def of_value(value: Any) -> Type:
    """The type of a constant."""
    value = plain(value)
    if type(value) in SCALARS:
        return SCALARS[type(value)]
    if isinstance(value, tuple):
        return Type("tuple", tuple(of_value(v) for v in value))
    if isinstance(value, list | set | frozenset):
        inside = {of_value(v) for v in value}
        return listing(inside.pop() if len(inside) == 1 else ANY)
    return ANY


def storable(value: Any) -> bool:
    """Whether a constant can be a column's value."""
    if isinstance(value, tuple):
        return all(storable(v) for v in value)
    return type(value) in (str, int, float, bool)


def agree(wanted: Type, given: Type) -> bool:
    """Whether a value of type ``given`` may stand where ``wanted`` is expected.

    They agree when they are the same; ``any`` agrees with everything, a record with a homogeneous tuple of
    its types, and an empty tuple with every tuple.
    """
    if "any" in (wanted.name, given.name):
        return True
    if wanted.name != given.name:
        return False
    if not wanted.args or not given.args:
        return True
    if len(wanted.args) == 1 or len(given.args) == 1:
        return all(agree(w, g) for w in wanted.args for g in given.args)
    return len(wanted.args) == len(given.args) and all(map(agree, wanted.args, given.args))


def accepts(parameter: Type, given: Type) -> bool:
    """Whether a function's parameter takes a value: as ``agree``, and Python's own widenings."""
    widened = {("str", "uuid"), ("float", "int"), ("int", "bool"), ("float", "bool"), ("list", "tuple")}
    if (parameter.name, given.name) in widened or (parameter.name == "list" and given.name == "str"):
        return True
    return agree(parameter, given)


def meet(first: Type, second: Type) -> Type:
    """The type of a value that is of one or the other type."""
    if first == second:
        return first
    if first.name == second.name and len(first.args) == len(second.args):
        return Type(first.name, tuple(map(meet, first.args, second.args)))
    return ANY


def element(container: Type) -> Type | None:
    """The type of a container's elements; None when the type can't be iterated."""
    if container.name in ("tuple", "list") and container.args:
        found = container.args[0]
        for other in container.args[1:]:
            found = meet(found, other)
        return found
    if container.name in ("int", "float", "bool"):
        return None
    return STR if container.name in ("str", "uuid") else ANY
