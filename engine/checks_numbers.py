"""Numbers that ``allocate`` gives are unique in their relation: all clauses of it must give them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Allocate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.frontend_draft import Draft


def check_numbers(drafts: Iterable[Draft]) -> None:
    """Notes in each draft where it derives numbered facts in another way than a clause before it.

    Clauses that agree in the column, the bounds and the hints share one allocation: a group that several of them
    derive has one number. A clause that disagrees, or brings numbers of its own, could give one twice.
    """
    first: dict[str, tuple[Draft, tuple[int, Allocate] | None]] = {}
    for draft in drafts:
        given = _allocation(draft)
        before, known = first.setdefault(draft.head.name, (draft, given))
        if given == known:
            continue
        place = draft.nodes[given[0]] if given is not None else draft.node
        draft.refuse(
            place,
            f"{draft.head.name} is numbered in two ways: {_text(before, known)}, {_text(draft, given)}",
            "let each clause of the relation have the same allocate(), or number a relation of its own",
        )


def _allocation(draft: Draft) -> tuple[int, Allocate] | None:
    return next(((i, t) for i, t in enumerate(draft.terms) if isinstance(t, Allocate)), None)


def _text(draft: Draft, given: tuple[int, Allocate] | None) -> str:
    if given is None:
        return f"rule {draft.rule.name} has no allocate()"
    column, term = given
    hints = f", {term.hints}" if term.hints else ""
    name = draft.head.columns[column].name
    return f"rule {draft.rule.name} has allocate({term.low}, {term.high}{hints}) for {name}"
