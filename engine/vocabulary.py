"""What a question may name beside a program's relations: what the modules of its rules know."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.schema import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovn_rules.engine.ir import Program


def databases(program: Program) -> list[Database]:
    """The databases that the modules of the program's rules name, each once."""
    found = (v for names in _globals(program) for v in names.values() if isinstance(v, Database))
    return list({id(d): d for d in found}.values())


def _globals(program: Program) -> Iterator[Mapping[str, Any]]:
    for name in dict.fromkeys(c.module for c in program.clauses):
        if name in sys.modules:
            yield vars(sys.modules[name])
