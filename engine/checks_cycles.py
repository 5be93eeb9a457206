"""Cycles of relations: negation, aggregates, allocation and keys must stay outside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovn_rules.engine.digraph import components, shortest_path
from ovn_rules.engine.ir import Aggregate, Allocate, Atom

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from ovn_rules.engine.frontend_draft import Draft

_HINT = "derive what doesn't depend on itself in a relation of its own, and start from that"


def check_cycles(drafts: Iterable[Draft]) -> None:
    """Notes in each draft what it does inside a cycle that has a meaning outside cycles only."""
    drafts = list(drafts)
    graph: dict[str, dict[str, None]] = {}
    for draft in drafts:
        graph.setdefault(draft.head.name, {})
        for name, _ in _reads(draft):
            graph.setdefault(name, {})[draft.head.name] = None
    component: dict[str, int] = {}
    for number, names in enumerate(components(graph)):
        if len(names) > 1 or names[0] in graph[names[0]]:
            component.update(dict.fromkeys(names, number))
    keyed: set[str] = set()
    for draft in drafts:
        head = draft.head.name
        inside = component.get(head)
        if inside is None:
            continue
        cyclic = [(n, i) for n, i in _reads(draft) if component.get(n) == inside]
        if not cyclic:
            continue
        _check_clause(draft, cyclic, graph)
        if draft.head.key is not None and head not in keyed:
            keyed.add(head)
            cycle = _cycle(graph, head, cyclic[0][0])
            draft.refuse(draft.node, f"key of {head} inside a cycle: {' -> '.join(cycle)}", _HINT)


def _reads(draft: Draft) -> Iterator[tuple[str, int | None]]:
    """The relations a clause depends on, with the part that says so (None: the numbers of an allocation)."""
    for i, part in enumerate(draft.parts):
        if isinstance(part.literal, Atom):
            yield part.literal.relation, i
    for term in draft.terms:
        if isinstance(term, Allocate):
            yield from ((name, None) for name in term.reads)


def _check_clause(draft: Draft, cyclic: list[tuple[str, int | None]], graph: Mapping[str, Collection[str]]) -> None:
    for term, node in zip(draft.terms, draft.nodes, strict=True):
        if isinstance(term, Aggregate | Allocate):
            what = "aggregate" if isinstance(term, Aggregate) else "allocation"
            cycle = _cycle(graph, draft.head.name, cyclic[0][0])
            draft.refuse(node, f"{what} inside a cycle: {' -> '.join(cycle)}", _HINT)
    for name, index in cyclic:
        part = draft.parts[index] if index is not None else None
        if part is not None and isinstance(part.literal, Atom) and part.literal.negated:
            cycle = _cycle(graph, draft.head.name, name)
            cycle[-2] = f"~{cycle[-2]}"
            draft.refuse(part.node, f"negation inside a cycle: {' -> '.join(cycle)}", _HINT)


def _cycle(graph: Mapping[str, Collection[str]], head: str, read: str) -> list[str]:
    """Relations from a head through what is derived from it to one that its clause reads, and back."""
    return [*shortest_path(graph, head, read), head]
