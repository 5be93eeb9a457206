"""Cross products: atoms of one clause that share no variable, and so combine each fact with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Atom, Bind, Member, Var

if TYPE_CHECKING:
    from ovn_rules.engine.frontend_draft import Draft, Part


def check_product(draft: Draft) -> None:
    """Notes a cross product.

    A property of the clause, not of a plan: variables are nodes, an atom connects all of its own. ``x == e``
    and ``x in e`` connect x with the variables of e when these are connected already; a value made from two
    unconnected parts doesn't connect them, since every pair has to be made. Atoms whose variables all equal
    constants only say whether to go on.
    """
    atoms = [p for p in draft.parts if isinstance(p.literal, Atom) and not p.literal.negated]
    if len(atoms) < 2:
        return
    links = [p.literal for p in draft.parts if isinstance(p.literal, Bind | Member)]
    constant = _constants([k for k in links if isinstance(k, Bind)])
    groups: list[set[str]] = [v for p in atoms if (v := _variables(p))]
    groups = _merged(groups)
    pending = [(_targets(k) - constant, set(k.expr.variables) - constant) for k in links]
    progress = True
    while progress:
        progress = False
        for link in list(pending):
            targets, sources = link
            if sources and any(sources <= g for g in groups):
                pending.remove(link)
                groups = _merged([*groups, targets | sources])
                progress = True
    wanted = [p for p in atoms if not (isinstance(p.literal, Atom) and p.literal.every)]
    found: dict[int, Part] = {}
    for part in wanted:
        variables = _variables(part) - constant
        if variables:
            found.setdefault(next(i for i, g in enumerate(groups) if variables <= g), part)
    if len(found) > 1:
        first, second, *_ = found.values()
        texts = [draft.source.text(p.node) for p in (first, second)]
        draft.refuse(
            second.node,
            f"cross product: {texts[1]} shares no variable with {texts[0]}",
            f"join them through a variable, or write every({texts[1]}) when each is to meet each",
        )


def _variables(part: Part) -> set[str]:
    assert isinstance(part.literal, Atom)  # noqa: S101 - only atoms are looked at
    return {t.name for t in part.literal.terms if isinstance(t, Var)}


def _targets(literal: Bind | Member) -> set[str]:
    if isinstance(literal, Bind):
        return {literal.variable}
    return {v for v in literal.variables if v is not None}


def _constants(binds: list[Bind]) -> set[str]:
    """Variables whose value follows from constants alone."""
    found: set[str] = set()
    while new := {b.variable for b in binds if set(b.expr.variables) <= found} - found:
        found |= new
    return found


def _merged(groups: list[set[str]]) -> list[set[str]]:
    """The groups with those that share a variable made one."""
    result: list[set[str]] = []
    for group in groups:
        apart = [g for g in result if not g & group]
        joined = set(group).union(*(g for g in result if g & group))
        result = [*apart, joined]
    return result
