"""Mutants of a program: one small fault each. A specification that no mutant survives says everything.

A mutant is a program again, one that the front end could have read: what would leave a variable unbound, or
negation in a cycle, is not made.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ovn_rules.engine.coverage import evaluable
from ovn_rules.engine.ir import (
    Aggregate,
    Allocate,
    Atom,
    Bind,
    Clause,
    Const,
    Expr,
    Filter,
    HeadTerm,
    Literal_,
    Member,
    Program,
    Term,
    Var,
)
from ovn_rules.engine.literals import literal_text
from ovn_rules.engine.plan import binds
from ovn_rules.engine.strata import strata

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Mutant:
    """A clause with a fault.

    Attributes:
        name: says which clause and which fault; unique in a program and the same at every load.
        clause: the clause as it should be.
        changed: the clause with the fault; None where it is left out.
    """

    name: str
    clause: Clause
    changed: Clause | None

    def program(self, program: Program) -> Program:
        """The program with the fault.

        Functions that have been generated for the other clauses are taken over. A fault can only end a cycle, never
        begin one, and what clauses read in a cycle they may read without one.

        Args:
            program: has the clause.
        """
        number = next(n for n, c in enumerate(program.clauses) if c.name == self.clause.name)
        instead = () if self.changed is None else (self.changed,)
        changed = Program(program.relations, (*program.clauses[:number], *instead, *program.clauses[number + 1 :]))
        moved = 1 - len(instead)
        for (n, literal), function in program.functions.items():
            if n != number:
                changed.functions[n - moved if n > number else n, literal] = function
        return changed


def mutants(program: Program) -> Iterator[Mutant]:
    """Every mutant of a program: each rule dropped, each literal dropped and negated, each constant changed."""
    recursive = {r for stratum in strata(program) if stratum.recursive for r in stratum.relations}
    for clause in program.clauses:
        seen: dict[str, int] = {}
        for fault, changed in _faults(program, clause, recursive):
            seen[fault] = seen.get(fault, 0) + 1
            again = f" ({seen[fault]})" if seen[fault] > 1 else ""
            yield Mutant(f"{clause.name}: {fault}{again}", clause, changed)


def _faults(program: Program, clause: Clause, recursive: set[str]) -> Iterator[tuple[str, Clause | None]]:
    yield "rule dropped", None
    for i, literal in enumerate(clause.body):
        text = literal_text(program, literal)
        without = (*clause.body[:i], *clause.body[i + 1 :])
        if _safe(clause, without):
            yield f"dropped {text}", replace(clause, body=without)
        turned = _negated(literal, clause, recursive)
        if turned is not None:
            body = (*clause.body[:i], turned, *clause.body[i + 1 :])
            if _safe(clause, body):
                yield f"negated {text}", replace(clause, body=body)
        for fault, changed in _literal_constants(program, literal):
            yield f"{fault} in {text}", replace(clause, body=(*clause.body[:i], changed, *clause.body[i + 1 :]))
    columns = program.relations[clause.relation].columns
    first = next(c for c in program.clauses if c.relation == clause.relation)
    for i, term in enumerate(clause.terms):
        if isinstance(term, Allocate) and clause is not first:  # it has no ends of its own
            continue
        for fault, other in _head_constants(term):
            terms = (*clause.terms[:i], other, *clause.terms[i + 1 :])
            yield f"{fault} in {clause.relation}.{columns[i].name}", replace(clause, terms=terms)


def _safe(clause: Clause, body: tuple[Literal_, ...]) -> bool:
    """Whether every variable has a value: all literals can be evaluated, and then the head."""
    if len(evaluable(body)) < len(body):
        return False
    bound = set().union(*map(binds, body))
    return all(_needed(t) <= bound for t in clause.terms)


def _needed(term: HeadTerm) -> set[str]:
    match term:
        case Var(name):
            return {name}
        case Expr():
            return set(term.variables)
        case Aggregate():
            return set(term.value.variables)
    return set()


# -- negation ------------------------------------------------------------------------------------------------------


def _negated(literal: Literal_, clause: Clause, recursive: set[str]) -> Literal_ | None:
    match literal:
        case Atom():
            if literal.relation in recursive and clause.relation in recursive:
                return None
            return replace(literal, negated=not literal.negated)
        case Filter():
            return replace(literal, expr=_not(literal.expr))
        case Bind():
            other = ast.Compare(ast.Name(literal.variable, ast.Load()), [ast.NotEq()], [literal.expr.tree])
            return Filter(_changed(literal.expr, other, (*literal.expr.variables, literal.variable)))
        case Member() if len(literal.variables) == 1 and literal.variables[0] is not None:
            name = literal.variables[0]
            other = ast.Compare(ast.Name(name, ast.Load()), [ast.NotIn()], [literal.expr.tree])
            return Filter(_changed(literal.expr, other, (*literal.expr.variables, name)))
    return None


def _not(expr: Expr) -> Expr:
    return _changed(expr, ast.UnaryOp(ast.Not(), expr.tree), expr.variables)


def _changed(expr: Expr, tree: ast.expr, variables: tuple[str, ...]) -> Expr:
    tree = ast.fix_missing_locations(ast.copy_location(tree, expr.tree))
    return replace(expr, tree=tree, source=ast.unparse(tree), variables=tuple(dict.fromkeys(variables)))


# -- constants -----------------------------------------------------------------------------------------------------


def _literal_constants(program: Program, literal: Literal_) -> Iterator[tuple[str, Literal_]]:
    if isinstance(literal, Atom):
        columns = program.relations[literal.relation].columns
        for i, term in enumerate(literal.terms):
            if isinstance(term, Const):
                other: tuple[Term, ...] = (
                    *literal.terms[:i],
                    Const(_other(term.value)),
                    *literal.terms[i + 1 :],
                )
                fault = f"{columns[i].name} {term.value!r} to {_other(term.value)!r}"
                yield fault, replace(literal, terms=other)
    else:
        for fault, expr in _expression_constants(literal.expr):
            yield fault, replace(literal, expr=expr)


def _head_constants(term: HeadTerm) -> Iterator[tuple[str, HeadTerm]]:
    match term:
        case Const(value):
            yield f"{value!r} to {_other(value)!r}", Const(_other(value))
        case Expr():
            yield from _expression_constants(term)
        case Aggregate():
            for fault, value in _expression_constants(term.value):
                yield fault, replace(term, value=value)
            if term.wrap is not None:
                for fault, wrap in _expression_constants(term.wrap):
                    yield fault, replace(term, wrap=wrap)
        case Allocate():
            yield f"{term.low} to {term.low + 1}", replace(term, low=term.low + 1)
            yield f"{term.high} to {term.high - 1}", replace(term, high=term.high - 1)


def _expression_constants(expr: Expr) -> Iterator[tuple[str, Expr]]:
    places = [i for i, n in enumerate(ast.walk(expr.tree)) if isinstance(n, ast.Constant) and _constant(n.value)]
    for place in places:
        tree = copy.deepcopy(expr.tree)
        node: Any = next(n for i, n in enumerate(ast.walk(tree)) if i == place)
        fault = f"{node.value!r} to {_other(node.value)!r}"
        node.value = _other(node.value)
        yield fault, replace(expr, tree=tree, source=ast.unparse(tree))


def _constant(value: Any) -> bool:
    return isinstance(value, str | int | float | tuple)


def _other(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}~"
        case ():
            return ("~",)
        case tuple():
            return value[1:]
    return value
