"""What a question may name: a program's relations, and what the modules of its rules know beside them."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.frontend_purity import known
from ovn_rules.engine.language import collect, count, every
from ovn_rules.engine.schema import Database, DatabaseRelation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ovn_rules.engine.ir import Program


def databases(program: Program) -> list[Database]:
    """The databases that the modules of the program's rules name, each once."""
    found = (v for names in _modules(program) for v in names.values() if isinstance(v, Database))
    return list({id(d): d for d in found}.values())


def functions(program: Program) -> dict[str, Callable[..., Any]]:
    """The pure functions that the modules of the program's rules define or import, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for names in _modules(program):
        for name, value in names.items():
            if callable(value) and known(value):
                found.setdefault(name, value)
    return found


def names(program: Program) -> dict[str, Any]:
    """What the names in a query stand for, functions apart: as in a rule of the program."""
    found = SimpleNamespace(collect=collect, count=count, every=every)
    for name in sorted(program.relations):  # nb.Port comes before nb.Port.macs
        place: Any = found
        *path, last = name.split(".")
        for part in path:
            if not hasattr(place, part):
                setattr(place, part, SimpleNamespace())
            place = getattr(place, part)
        setattr(place, last, DatabaseRelation(program.relations[name]))
    return vars(found) | {d.name: d for d in databases(program)}


def _modules(program: Program) -> Iterator[Mapping[str, Any]]:
    for name in dict.fromkeys(c.module for c in program.clauses):
        if name in sys.modules:
            yield vars(sys.modules[name])
