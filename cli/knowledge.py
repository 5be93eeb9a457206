"""What somebody who types a question may want to know: relations, columns, rules, and the values that are there."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.cli.verbs.verb import Document
    from ovn_rules.engine import Engine

MOST_VALUES = 100
"""Values offered at a time: more than a person looks through."""

MOST_FACTS = 100_000
"""Facts looked at for them: a few hundredths of a second."""


def catalogue(engine: Engine) -> Document:
    """The program's relations with their columns and types, and the names of its rules."""
    return {
        "relations": {
            name: {c.name: str(c.type) for c in definition.columns}
            for name, definition in engine.program.relations.items()
        },
        "rules": sorted({c.rule for c in engine.program.clauses}),
    }


def values(engine: Engine, relation: str, column: str, prefix: str) -> list[str]:
    """Values in a column as questions write them, texts in double quotes; in order, at most a hundred.

    Args:
        engine: where the facts are.
        relation: a relation; nothing is found for one that isn't there.
        column: one of its columns, likewise.
        prefix: what the value begins with, with or without an opening quote.
    """
    definition = engine.program.relations.get(relation)
    if definition is None or all(c.name != column for c in definition.columns):
        return []
    begun = prefix.lstrip("\"'")
    return sorted(islice(_beginning(engine, relation, definition.position(column), begun), MOST_VALUES))


def _beginning(engine: Engine, relation: str, position: int, prefix: str) -> Iterator[str]:
    seen: set[Any] = set()
    for fact in islice(engine.facts(relation), MOST_FACTS):
        value = fact[position]
        if value not in seen and str(value).startswith(prefix):
            seen.add(value)
            yield literal(value)


def literal(value: Any) -> str:
    """A value as rules write it, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(literal, value))}]"
    return str(value)
