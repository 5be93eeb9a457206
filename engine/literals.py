"""Literals and heads as text, in the rules' own syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Aggregate, Allocate, Atom, Bind, Const, Expr, Filter, Var, Wild

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.ir import HeadTerm, Literal_, Program, Term


def literal_text(program: Program, literal: Literal_) -> str:
    """A literal of a body: ``~PortHolder(port=name)``, ``is_mac(mac)``, ``word in macs``.

    Args:
        program: has the literal's relation.
        literal: the literal.
    """
    if isinstance(literal, Atom):
        return ("~" if literal.negated else "") + _atom(program, literal.relation, literal.terms)
    if isinstance(literal, Filter):
        return literal.expr.source
    if isinstance(literal, Bind):
        return f"{literal.variable} == {literal.expr.source}"
    names = ", ".join(v or "_" for v in literal.variables)
    return f"{f'({names})' if literal.unpack else names} in {literal.expr.source}"


def head_text(program: Program, relation: str, terms: Iterable[HeadTerm]) -> str:
    """The head of a clause: ``Pipeline(logical_datapath=switch, table_id=1, ...)``."""
    return _atom(program, relation, terms)


def _atom(program: Program, relation: str, terms: Iterable[Term | HeadTerm]) -> str:
    columns = program.relations[relation].columns
    given = [(c.name, t) for c, t in zip(columns, terms, strict=True) if not isinstance(t, Wild)]
    return f"{relation}({', '.join(f'{name}={_term(term)}' for name, term in given)})"


def _term(term: Term | HeadTerm) -> str:
    match term:
        case Var(name):
            return name
        case Const(value):
            return repr(value)
        case Expr():
            return term.source
        case Aggregate():
            inside = f"{term.function}({term.value.source})"
            return inside if term.wrap is None else term.wrap.source.replace("_aggregate", inside)
        case Allocate():
            return f"allocate({term.low}, {term.high})"
    return "_"
