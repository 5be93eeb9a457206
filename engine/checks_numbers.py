"""Numbers that ``allocate`` gives are unique in their relation: all clauses of it must give them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.ir import Allocate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovn_rules.engine.frontend_draft import Draft


def check_numbers(drafts: Iterable[Draft]) -> None:
    """Notes in each draft where it derives numbered facts in another way than a clause before it.

    Clauses that agree in the column and in all that ``allocate`` is given share one allocation: a group that several
    of them derive has one number. A clause that disagrees, or brings numbers of its own, could give one twice.
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
    names = [c.name for c in draft.head.columns]
    parts = [str(term.low), str(term.high), *([term.hints] if term.hints else ())]
    parts += [f"within={names[i]}" for i in term.within[:1] if len(term.within) == 1]
    parts += [f"within=({', '.join(names[i] for i in term.within)})"] if len(term.within) > 1 else []
    parts += [f"wanted={term.wanted}"] if term.wanted else []
    parts += [f"after={term.after!r}"] if term.after != "last" else []
    return f"rule {draft.rule.name} has allocate({', '.join(parts)}) for {names[column]}"
