"""The order in which relations are kept current."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from ovn_rules.engine.ir import Allocate, Atom, Clause, Program


@dataclass(frozen=True, slots=True)
class Stratum:
    """Relations that are computed together: one, or several that derive each other."""

    relations: tuple[str, ...]
    recursive: bool


def dependencies(program: Program) -> nx.DiGraph[str]:
    """The graph with an edge from every relation that a clause reads to the one it derives."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(program.relations)
    for clause in program.clauses:
        for source in read_by(clause):
            graph.add_edge(source, clause.relation)
    return graph


def read_by(clause: Clause) -> list[str]:
    """The relations that a clause depends on, those that say numbers for ``allocate`` included, each once."""
    names = [lit.relation for lit in clause.body if isinstance(lit, Atom)]
    names += [name for t in clause.terms if isinstance(t, Allocate) for name in t.reads]
    return list(dict.fromkeys(names))


def strata(program: Program) -> tuple[Stratum, ...]:
    """Strongly connected components of the dependency graph, sources first, in a stable order."""
    graph = dependencies(program)
    condensed = nx.condensation(graph)
    rank = {name: i for i, name in enumerate(program.relations)}

    def first(component: int) -> int:
        return min(rank[r] for r in condensed.nodes[component]["members"])

    result = []
    for component in nx.lexicographical_topological_sort(condensed, key=first):
        members = sorted(condensed.nodes[component]["members"], key=rank.__getitem__)
        recursive = len(members) > 1 or graph.has_edge(members[0], members[0])
        result.append(Stratum(tuple(members), recursive))
    return tuple(result)
