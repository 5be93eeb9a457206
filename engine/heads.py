"""Heads of clauses against the fact that is wanted: what the variables must be for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.findings import Wanted
from ovn_rules.engine.inverse import Evaluator, Inverter
from ovn_rules.engine.ir import Aggregate, Clause, Const, Expr, Fact, Type, Var
from ovn_rules.engine.present import FREE

if TYPE_CHECKING:
    from collections.abc import Mapping


def unify(
    evaluator: Evaluator, clause: Clause, types: Mapping[str, Type], pattern: Fact
) -> tuple[list[dict[str, Any]], list[Wanted]] | int:
    """What a clause's variables must be for its head to be of a pattern.

    Args:
        evaluator: evaluates expressions.
        clause: the clause.
        types: the variables' types, as far as they are known.
        pattern: a value for each column, or FREE.

    Returns:
        Values of variables, one of several possibilities, and head terms that must come out as something; or the
        column in which what the clause makes is always different.
    """
    values: dict[str, Any] = {}
    for i, (term, value) in enumerate(zip(clause.terms, pattern, strict=True)):
        if value is FREE:
            continue
        if (isinstance(term, Const) and term.value != value) or (
            isinstance(term, Var) and values.setdefault(term.name, value) != value
        ):
            return i
    starts, wanted = [values], []
    inverter = Inverter(evaluator, types)
    for i, (term, value) in enumerate(zip(clause.terms, pattern, strict=True)):
        if value is not FREE and isinstance(term, Expr):
            starts = [{**s, **more} for s in starts for more in inverter.solutions(term, value, s)]
            if not starts:
                return i
            wanted.append(Wanted(i, term, value))
    return starts, wanted


def elements_wanted(term: Aggregate, value: Any) -> tuple[Any, ...] | None:
    """The values that an aggregate's result is made of, where that can be seen."""
    if term.function in ("min", "max") and term.wrap is None:
        return (value,)
    if term.function != "collect":
        return None
    if term.wrap is None:
        return value if isinstance(value, tuple) else None
    match term.wrap.tree:
        case ast.Call(ast.Attribute(ast.Constant(str(between)), "join"), [ast.Name("_aggregate")]) if between:
            if not isinstance(value, str):
                return None
            return _split(value, between, term)
    return None


def _split(text: str, between: str, term: Aggregate) -> tuple[str, ...]:
    """A joined text's parts; where the parts contain what stands between, by what every part begins with."""
    tree = term.value.tree
    start = tree.values[0] if isinstance(tree, ast.JoinedStr) else None
    if isinstance(start, ast.Constant) and between in text:
        begin = str(start.value)
        parts = text.split(between + begin)
        return (parts[0], *(begin + p for p in parts[1:]))
    return tuple(text.split(between)) if text else ()
