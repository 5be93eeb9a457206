"""A clause between its syntax and ``ir.Clause``: every term still knows the node it was read from."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovn_rules.engine.errors import Problem
from ovn_rules.engine.ir import Aggregate, Atom, Bind, Expr, Literal_, Member, Var

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovn_rules.engine.frontend_scope import Refused, Scope
    from ovn_rules.engine.frontend_source import POSITIONED, Source
    from ovn_rules.engine.ir import HeadTerm, RelationDef
    from ovn_rules.engine.language import Rule

AGGREGATE = "_aggregate"
"""The variable that stands for an aggregate's result."""


@dataclass
class Part:
    """A literal, its node, and the node of each term or variable in it (None where the source has none)."""

    literal: Literal_
    node: ast.expr
    nodes: tuple[ast.expr | None, ...] = ()


@dataclass
class Use:
    """One place where a variable stands; ``exact`` when it is a term by itself, not inside an expression."""

    name: str
    node: ast.expr
    exact: bool


@dataclass
class Draft:
    """One statement of a rule while it is read and checked."""

    rule: Rule
    index: int
    node: ast.stmt
    source: Source
    scope: Scope
    head: RelationDef
    terms: list[HeadTerm] = field(default_factory=list)
    nodes: list[ast.expr] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    used: dict[str, RelationDef] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def refuse(self, node: POSITIONED, message: str, hint: str = "") -> None:
        """Notes a problem, once."""
        if all(p.message != message for p in self.problems):
            self.problems.append(Problem(message, self.source.location(node), hint, self.rule.name))

    def note(self, refused: Refused) -> None:
        """Notes what was refused."""
        self.refuse(refused.node, refused.message, refused.hint)

    def fresh(self) -> str:
        """A variable that the source doesn't have."""
        number = len(self.made) + 1
        while (name := f"_term{number}") in self.scope.parameters or name in self.made:
            number += 1
        self.made.add(name)
        return name

    def literal_uses(self, part: Part) -> Iterator[Use]:
        """Where variables stand in a literal."""
        literal = part.literal
        if isinstance(literal, Atom):
            for term, node in zip(literal.terms, part.nodes, strict=True):
                if isinstance(term, Var):
                    yield Use(term.name, node or part.node, exact=True)
            return
        if isinstance(literal, Member):
            for name, node in zip(literal.variables, part.nodes, strict=True):
                if name is not None:
                    yield Use(name, node or part.node, exact=True)
        elif isinstance(literal, Bind):
            yield Use(literal.variable, part.nodes[0] or part.node, exact=True)
        yield from expression_uses(literal.expr)

    def head_uses(self) -> Iterator[Use]:
        """Where variables stand in the head."""
        for term, node in zip(self.terms, self.nodes, strict=True):
            if isinstance(term, Var):
                yield Use(term.name, node, exact=True)
            elif isinstance(term, Expr):
                yield from expression_uses(term)
            elif isinstance(term, Aggregate):
                yield from expression_uses(term.value)

    def uses(self) -> Iterator[Use]:
        """Where variables stand in the whole clause."""
        yield from self.head_uses()
        for part in self.parts:
            yield from self.literal_uses(part)


def expression_uses(expr: Expr) -> Iterator[Use]:
    """Where variables stand in an expression."""
    for node in ast.walk(expr.tree):
        if isinstance(node, ast.Name) and node.id in expr.variables:
            yield Use(node.id, node, exact=False)
