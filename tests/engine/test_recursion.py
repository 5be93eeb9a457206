"""Reachability under cut edges: what networkx says, after every change."""

import networkx as nx
from clauses import atom, clause, no, program, relation
from hypothesis import given, settings
from hypothesis import strategies as st

from ovn_rules.engine.runtime import Engine

EDGE, REACH = relation("Edge", "int int"), relation("Reach", "int int")
CUT, OUT = relation("Cut", "int int"), relation("Unreached", "int int")
ASK = relation("Ask", "int int")

PROGRAM = program(
    [EDGE, CUT, ASK, REACH, OUT],
    clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y"), no("Cut", "x", "y")),
    clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Reach", "y", "z")),
    clause("unreached", ("Unreached", "x", "y"), atom("Ask", "x", "y"), no("Reach", "x", "y")),
)
NODES = range(5)
PAIR = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))
CHANGE = st.tuples(st.sampled_from(("Edge", "Cut")), st.booleans(), PAIR)


def reachable(edges):
    """Pairs with a path of at least one edge between them."""
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(NODES)
    closure = nx.transitive_closure(graph, reflexive=False)
    return set(closure.edges)


@given(st.lists(st.lists(CHANGE, min_size=1, max_size=5), min_size=1, max_size=15))
@settings(max_examples=60, deadline=None)
def test_reachability_is_what_a_graph_library_says(history):
    """After any edges come, go or are cut, Reach holds the pairs with a path, and reports exactly what changed."""
    engine = Engine(PROGRAM)
    every = {(x, y) for x in NODES for y in NODES}
    engine.transact({"Ask": ((), every)})
    held = {"Edge": set(), "Cut": set()}
    before = set()
    for transaction in history:
        given_facts = {"Edge": ([], []), "Cut": ([], [])}
        for name, come, pair in transaction:
            given_facts[name][come].append(pair)
        for name, (gone, come) in given_facts.items():
            held[name] = held[name] - set(gone) | set(come)
        changes = engine.transact(given_facts)
        now = reachable(held["Edge"] - held["Cut"])
        assert set(engine.facts("Reach")) == now
        assert set(engine.facts("Unreached")) == every - now
        assert tuple(map(set, changes["Reach"])) == (before - now, now - before)
        assert tuple(map(set, changes["Unreached"])) == (now - before, before - now)
        before = now
    assert engine.recompute() == {}


def test_a_cycle_that_is_cut_off_vanishes():
    """Facts on a cycle that only support each other go together when the last way in is cut."""
    reached = relation("Reached", "int")
    engine = Engine(
        program(
            [EDGE, reached],
            clause("start", ("Reached", 0), atom("Edge", -1, 0)),
            clause("on", ("Reached", "y"), atom("Reached", "x"), atom("Edge", "x", "y")),
        )
    )
    ring = [(i, i % 50 + 1) for i in range(1, 51)]
    engine.transact({"Edge": ((), [(-1, 0), (0, 1), (0, 25), *ring])})
    assert len(engine.facts("Reached")) == 51
    assert dict(engine.transact({"Edge": ([(0, 1)], ())})) == {}
    gone, come = engine.transact({"Edge": ([(0, 25)], ())})["Reached"]
    assert (sorted(gone), list(come)) == ([(i,) for i in range(1, 51)], [])
    assert engine.transact({"Edge": ([(-1, 0)], ())})["Reached"] == ([(0,)], [])


def test_mutual_recursion_under_deletion():
    """Two relations that derive each other lose what came through an edge that goes, and keep the rest."""
    even, odd = relation("Even", "int"), relation("Odd", "int")
    engine = Engine(
        program(
            [EDGE, even, odd],
            clause("zero", ("Even", 0), atom("Edge", 0, "x")),
            clause("odd", ("Odd", "y"), atom("Even", "x"), atom("Edge", "x", "y")),
            clause("even", ("Even", "y"), atom("Odd", "x"), atom("Edge", "x", "y")),
        )
    )
    engine.transact({"Edge": ((), [(0, 1), (1, 2), (2, 3), (3, 0), (2, 1)])})
    assert (sorted(engine.facts("Even")), sorted(engine.facts("Odd"))) == ([(0,), (2,)], [(1,), (3,)])
    changes = engine.transact({"Edge": ([(1, 2)], ())})
    assert {n: (sorted(d), sorted(i)) for n, (d, i) in changes.items()} == {
        "Even": ([(2,)], []),
        "Odd": ([(3,)], []),
    }
    assert engine.recompute() == {}
