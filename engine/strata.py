"""The order in which relations are kept current."""

from __future__ import annotations

from dataclasses import dataclass

from ovn_rules.engine.digraph import in_order
from ovn_rules.engine.ir import Allocate, Atom, Clause, Program


@dataclass(frozen=True, slots=True)
class Stratum:
    """Relations that are computed together: one, or several that derive each other."""

    relations: tuple[str, ...]
    recursive: bool


def dependencies(program: Program) -> dict[str, set[str]]:
    """The graph with an edge from every relation that a clause reads to the one it derives."""
    graph: dict[str, set[str]] = {relation: set() for relation in program.relations}
    for clause in program.clauses:
        for source in read_by(clause):
            graph[source].add(clause.relation)
    return graph


def read_by(clause: Clause) -> list[str]:
    """The relations that a clause depends on, those that say numbers for ``allocate`` included, each once."""
    names = [lit.relation for lit in clause.body if isinstance(lit, Atom)]
    names += [name for t in clause.terms if isinstance(t, Allocate) for name in t.reads]
    return list(dict.fromkeys(names))


def strata(program: Program) -> tuple[Stratum, ...]:
    """Strongly connected components of the dependency graph, sources first, in a stable order."""
    graph = dependencies(program)
    rank = {name: i for i, name in enumerate(program.relations)}
    result = []
    for component in in_order(graph, lambda names: min(rank[name] for name in names)):
        members = sorted(component, key=rank.__getitem__)
        recursive = len(members) > 1 or members[0] in graph[members[0]]
        result.append(Stratum(tuple(members), recursive))
    return tuple(result)
