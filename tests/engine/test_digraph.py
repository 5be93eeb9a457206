"""Graphs: what networkx says of them."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovn_rules.engine.digraph import components, in_order, shortest_path

SIZE = 8
graphs = st.lists(st.sets(st.integers(0, SIZE - 1)), min_size=SIZE, max_size=SIZE).map(lambda g: dict(enumerate(g)))


def peer(graph):
    made = nx.DiGraph()
    made.add_nodes_from(graph)
    made.add_edges_from((node, target) for node, targets in graph.items() for target in targets)
    return made


@given(graphs)
def test_components(graph):
    """The same sets of nodes, and none before one that leads to it."""
    found = components(graph)
    assert sorted(map(sorted, found)) == sorted(map(sorted, nx.strongly_connected_components(peer(graph))))
    group_of = {node: number for number, group in enumerate(found) for node in group}
    assert all(group_of[node] <= group_of[target] for node, targets in graph.items() for target in targets)


@given(graphs)
def test_order(graph):
    """The one topological order in which the lowest that may come next does."""
    condensed = nx.condensation(peer(graph))
    members = condensed.nodes(data="members")
    expected = nx.lexicographical_topological_sort(condensed, key=lambda n: min(members[n]))
    assert [set(group) for group in in_order(graph, min)] == [members[n] for n in expected]


@given(graphs, st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_paths(graph, start, end):
    """As short as it can be, along edges; or said not to be there."""
    if not nx.has_path(peer(graph), start, end):
        with pytest.raises(ValueError, match=f"no path from {start} to {end}"):
            shortest_path(graph, start, end)
        return
    path = shortest_path(graph, start, end)
    assert (path[0], path[-1]) == (start, end)
    assert nx.is_path(peer(graph), path)
    assert len(path) == nx.shortest_path_length(peer(graph), start, end) + 1
