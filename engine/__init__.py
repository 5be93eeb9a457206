"""Incremental Datalog for rules written as Python functions."""

from ovn_rules.engine.errors import LoadError, Problem
from ovn_rules.engine.frontend import load
from ovn_rules.engine.ir import Program, Uuid
from ovn_rules.engine.language import Relation, Rule, _, allocate, collect, column, count, every, pure, rule
from ovn_rules.engine.schema import Database

__all__ = [
    "Database",
    "LoadError",
    "Problem",
    "Program",
    "Relation",
    "Rule",
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
