"""Every variable of a clause gets a value, and is used for something."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Atom, Bind, Expr, Filter, Member, Var, Wild

if TYPE_CHECKING:
    from ovn_rules.engine.frontend_draft import Draft, Part, Use
    from ovn_rules.engine.ir import Literal_


def check_binding(draft: Draft) -> None:
    """Notes unbound variables and variables used once.

    Makes a variable that is used once and starts with ``_`` anonymous, and turns ``x == y`` round where only
    ``y`` needs a value. Leaves ``draft.parts`` in the order of the source.
    """
    counts = Counter(u.name for u in draft.uses())
    anonymous = {n for n, c in counts.items() if c == 1 and n.startswith("_")}
    for part in draft.parts:
        part.literal = _anonymised(part.literal, anonymous)
    single = {n for n, c in counts.items() if c == 1} - anonymous
    reported = set()
    for part in draft.parts:
        for use in draft.literal_uses(part):
            if use.exact and use.name in single:
                reported.add(use.name)
                draft.refuse(
                    use.node,
                    f"variable {use.name!r} is used once",
                    "write _ when its value doesn't matter; look for a typing mistake when it does",
                )
    bound = _bound(draft)
    _report_unbound(draft, bound | reported)


def _anonymised(literal: Literal_, anonymous: set[str]) -> Literal_:
    if isinstance(literal, Atom):
        terms = tuple(Wild() if isinstance(t, Var) and t.name in anonymous else t for t in literal.terms)
        return replace(literal, terms=terms)
    if isinstance(literal, Member):
        return replace(literal, variables=tuple(None if v in anonymous else v for v in literal.variables))
    return literal


def _bound(draft: Draft) -> set[str]:
    """The variables that get a value."""
    bound = {
        t.name
        for p in draft.parts
        if isinstance(p.literal, Atom) and not p.literal.negated
        for t in p.literal.terms
        if isinstance(t, Var)
    }
    waiting = [p for p in draft.parts if isinstance(p.literal, Bind | Member)]
    while ready := [p for p in waiting if _gives(p, bound)]:
        waiting = [p for p in waiting if p not in ready]
        for part in ready:
            bound |= set(_targets(part.literal))
    return bound


def _gives(part: Part, bound: set[str]) -> bool:
    """Whether a literal can be evaluated; turns ``x == y`` round when it can then."""
    literal = part.literal
    if not isinstance(literal, Bind | Member):
        return False
    if set(literal.expr.variables) <= bound:
        return True
    node = part.nodes[0] if part.nodes else None
    if isinstance(literal, Bind) and literal.variable in bound and _is_variable(literal.expr) and node is not None:
        flipped = Expr(node, literal.variable, (literal.variable,))
        part.literal = replace(literal, variable=literal.expr.variables[0], expr=flipped)
        part.nodes = (literal.expr.tree,)
        return True
    return False


def _is_variable(expr: Expr) -> bool:
    return expr.variables == (getattr(expr.tree, "id", None),)


def _targets(literal: Literal_) -> list[str]:
    if isinstance(literal, Bind):
        return [literal.variable]
    return [v for v in literal.variables if v is not None] if isinstance(literal, Member) else []


def _report_unbound(draft: Draft, fine: set[str]) -> None:
    """Reports each variable without a value once, those that only wait for others left out."""
    missing: dict[str, tuple[Use, str]] = {}
    for part in draft.parts:
        for use in draft.literal_uses(part):
            if use.name not in fine and not (isinstance(part.literal, Bind | Member) and use.exact):
                missing.setdefault(use.name, (use, _reason(part.literal)))
    for use in draft.head_uses():
        if use.name not in fine:
            missing.setdefault(use.name, (use, "use it in a positive atom of the body, or give it a value with =="))
    waiting = {t for p in draft.parts for t in _targets(p.literal)}
    roots = {n: m for n, m in missing.items() if n not in waiting} or missing
    for name, (use, hint) in roots.items():
        draft.refuse(use.node, f"unbound variable {name!r}", hint)


def _reason(literal: Literal_) -> str:
    if isinstance(literal, Atom):
        return "a negated atom binds nothing: use it in a positive atom too, or write _ for any value"
    if isinstance(literal, Filter):
        return "a comparison or call binds nothing: use it in a positive atom, or give it a value with =="
    return "an expression needs all its variables: use it in a positive atom, or give it a value with =="
