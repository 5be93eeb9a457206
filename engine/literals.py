"""Literals as text, in the rules' own syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Atom, Bind, Filter, Var, Wild

if TYPE_CHECKING:
    from ovn_rules.engine.ir import Literal_, Program


def literal_text(program: Program, literal: Literal_) -> str:
    """A literal of a body: ``~PortHolder(port=name)``, ``is_mac(mac)``, ``word in macs``.

    Args:
        program: has the literal's relation.
        literal: the literal.
    """
    if isinstance(literal, Atom):
        return ("~" if literal.negated else "") + _atom(program, literal)
    if isinstance(literal, Filter):
        return literal.expr.source
    if isinstance(literal, Bind):
        return f"{literal.variable} == {literal.expr.source}"
    names = ", ".join(v or "_" for v in literal.variables)
    return f"{f'({names})' if literal.unpack else names} in {literal.expr.source}"


def _atom(program: Program, atom: Atom) -> str:
    columns = program.relations[atom.relation].columns
    given = [(c.name, t) for c, t in zip(columns, atom.terms, strict=True) if not isinstance(t, Wild)]
    terms = (f"{name}={term.name if isinstance(term, Var) else repr(term.value)}" for name, term in given)
    return f"{atom.relation}({', '.join(terms)})"
