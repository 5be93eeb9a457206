"""What an engine tells of itself: sizes, costs, plans; recompute; and errors for wrong input."""

import pytest
from clauses import _, atom, clause, expression, no, program, relation, where

from ovn_rules.engine import inspection
from ovn_rules.engine.ir import INT, Aggregate
from ovn_rules.engine.runtime import Engine

NODE, EDGE, OUT = relation("Node", "int"), relation("Edge", "int int"), relation("Out", "int")
REACH = relation("Reach", "int int")
ROW = relation("Row", "int str int", key=(0,))

PATHS = (
    clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
    clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
)


def test_plans():
    """The plans of a rule say for each atom that can change what is looked up, how, and in which order."""
    rules = program(
        [NODE, EDGE, OUT, ROW],
        clause("r", ("Out", "x"), atom("Edge", "x", "y"), atom("Row", "y", _, "z"), where("z > x"), no("Node", "z")),
        clause("other", ("Out", "x"), atom("Node", "x")),
    )
    assert inspection.plans(Engine(rules), "r") == (
        "r: Out\n"
        "    on ~Node\n"
        "      Row: index on c2\n"
        "      Edge: index on c1\n"
        "      filter z > x\n"
        "    on Edge\n"
        "      Row: key c0\n"
        "      filter z > x\n"
        "      not Node: membership\n"
        "    on Row\n"
        "      not Node: membership\n"
        "      Edge: index on c1\n"
        "      filter z > x"
    )
    assert "other: Out\n    on Node" in inspection.plans(Engine(rules))
    assert inspection.plans(Engine(rules), "nothing") == ""


def test_relations():
    """Each relation has its stratum, facts, derivations and indexes."""
    engine = Engine(program([EDGE, REACH], *PATHS))
    engine.transact({"Edge": ((), [(1, 2), (2, 3), (1, 3)])})
    edge, reach = inspection.relations(engine)
    assert (edge.name, edge.derived, edge.facts, edge.derivations) == ("Edge", False, 3, 3)
    assert (reach.name, reach.derived, reach.facts, reach.derivations) == ("Reach", True, 3, 4)
    assert edge.stratum < reach.stratum
    assert edge.indexes == ("c0",)
    assert reach.indexes == ("c1 (inside the recursion)",)
    assert inspection.strata(engine) == [(("Edge",), False), (("Reach",), True)]


def test_rules():
    """Each clause has the number of times that it ran and the time that took, the longest first."""
    engine = Engine(program([EDGE, REACH], *PATHS))
    assert {(r.name, r.calls) for r in inspection.rules(engine)} == {("edge", 0), ("path", 0)}
    engine.transact({"Edge": ((), [(1, 2)])})
    found = inspection.rules(engine)
    assert {r.name: r.calls > 0 for r in found} == {"edge": True, "path": True}
    assert [r.seconds for r in found] == sorted((r.seconds for r in found), reverse=True)


def test_recompute_finds_nothing():
    """Evaluation from scratch gives the same, rivals for a key, counts and groups included."""
    total = relation("Total", "int int")
    engine = Engine(
        program(
            [EDGE, REACH, ROW, OUT, total],
            *PATHS,
            clause("out", ("Out", "x"), atom("Row", _, _, "x")),
            clause("total", ("Total", "x", Aggregate("sum", expression("y", INT))), atom("Edge", "x", "y")),
        )
    )
    engine.transact({"Edge": ((), [(1, 2), (2, 1), (2, 3)]), "Row": ((), [(1, "b", 5), (1, "a", 6), (2, "a", 6)])})
    engine.transact({"Edge": ([(1, 2)], [(3, 1)]), "Row": ([(1, "a", 6)], ())})
    assert engine.recompute() == {}


def test_recompute_finds_a_fault():
    """A fact too many, one too few and a wrong derivation count are found."""
    engine = Engine(program([NODE, OUT], clause("out", ("Out", "x"), atom("Node", "x"))))
    engine.transact({"Node": ((), [(1,), (2,)])})
    counts = engine.network.members["Out"].store.counts
    counts[9,] = 1
    del counts[1,]
    assert engine.recompute() == {"Out": ({(1,)}, {(9,)})}
    del counts[9,]
    counts[1,] = 2
    assert engine.recompute() == {"Out": ({(1,)}, {(1,)})}


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"Nod": ((), [(1,)])}, KeyError, r"no relation Nod; did you mean 'Node'\?"),
        ({"Zebra": ((), [(1,)])}, KeyError, "no relation Zebra'"),
        ({"Out": ((), [(1,)])}, ValueError, "Out is derived by rules; its facts can't be given"),
        ({"Node": ((), [(1, 2)])}, ValueError, r"Node has 1 columns, but the fact has 2: \(1, 2\)"),
        ({"Node": ([()], ())}, ValueError, r"Node has 1 columns, but the fact has 0: \(\)"),
        ({"Node": ((), [[1]])}, ValueError, r"a fact of Node is a tuple of 1 values, not \[1\]"),
        ({"Node": ((), ["1"])}, ValueError, "a fact of Node is a tuple of 1 values, not '1'"),
    ],
)
def test_wrong_input_is_named(changes, error, text):
    """What can't be a fact of a base relation is refused with its reason, and nothing of the transaction is taken."""
    engine = Engine(program([NODE, OUT], clause("out", ("Out", "x"), atom("Node", "x"))))
    with pytest.raises(error, match=text):
        engine.transact({"Node": ((), [(7,)])} | changes if "Node" not in changes else changes)
    assert not engine.facts("Node")
    assert engine.transactions == 0
    for question in (engine.facts, engine.allocations, lambda name: engine.count(name, (1,))):
        with pytest.raises(KeyError):
            question("Nod")
