"""Incremental Datalog for rules written as Python functions."""

from typing import TYPE_CHECKING, Any

from ovn_rules.engine.errors import LoadError, Problem
from ovn_rules.engine.explain import Derivation, Explainer, Premise
from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.ir import Fact, Program, Uuid
from ovn_rules.engine.language import Relation, Rule, _, allocate, collect, column, count, every, pure, rule
from ovn_rules.engine.numbering import Exhausted
from ovn_rules.engine.runtime import Changes, Engine
from ovn_rules.engine.schema import Database
from ovn_rules.engine.store import Conflict

if TYPE_CHECKING:
    from ovn_rules.engine.frontend import load

__all__ = [
    "Changes",
    "Conflict",
    "Database",
    "Derivation",
    "Engine",
    "Exhausted",
    "Explainer",
    "Fact",
    "LoadError",
    "Premise",
    "Problem",
    "Program",
    "Relation",
    "Rule",
    "RuleFailure",
    "Uuid",
    "_",
    "allocate",
    "collect",
    "column",
    "count",
    "every",
    "load",
    "pure",
    "rule",
]


if not TYPE_CHECKING:  # for type checkers there is nothing else to be found here

    def __getattr__(name: str) -> Any:
        """``load`` is imported when it is used: a daemon whose program was kept reads no rules."""
        if name == "load":
            from ovn_rules.engine.frontend import load  # noqa: PLC0415 - a daemon whose rules are kept starts without it

            return load
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
