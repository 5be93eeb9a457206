"""Database rows written down as Python dictionaries, turned into the facts that a program reads.

For demonstrations, tests and measurements: no server and no file is involved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Fact, Program, Type

DEFAULTS: Mapping[str, Any] = {"str": "", "uuid": "", "int": 0, "float": 0.0, "bool": False, "tuple": ()}


def facts_of(program: Program, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, list[Fact]]:
    """The facts that rows stand for.

    Args:
        program: says which columns it reads; others are passed over.
        tables: ``database.table`` → rows, each a dictionary by column with ``_uuid``. A set may be given as any
            iterable or, for an optional column, as the bare value; a map as a dictionary. A column that isn't
            given has its type's default: empty, zero or false.

    Returns:
        Relation → facts, for ``Engine.transact``.
    """
    result: dict[str, list[Fact]] = {}
    for name, rows in tables.items():
        for relation in program.relations.values():
            if relation.table is None or f"{relation.table.database}.{relation.table.table}" != name:
                continue
            facts = result.setdefault(relation.name, [])
            for row in rows:
                if relation.table.column is None:
                    facts.append(tuple(_value(row.get(c.name), c.type) for c in relation.columns))
                else:
                    facts.extend(_elements(row, relation.table.column, len(relation.columns)))
    return result


def _value(value: Any, kind: Type) -> Any:
    if kind.name != "tuple":
        return DEFAULTS[kind.name] if value is None else value
    return tuple(sorted(_many(value)))


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return [value]


def _elements(row: Mapping[str, Any], column: str, width: int) -> Iterable[Fact]:
    for element in _many(row.get(column)):
        yield (row["_uuid"], element) if width == 2 else (row["_uuid"], *element)
