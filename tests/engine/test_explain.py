"""Why a fact holds: every derivation is found again, and no other."""

import pytest
from clauses import _, atom, clause, expression, no, program, relation, where
from drawn_engines import drawn_engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.ir import INT, Aggregate, Allocate
from ovn_rules.engine.runtime import Engine

NODE, EDGE = relation("Node", "int"), relation("Edge", "int int")
OUT, TOTAL = relation("Out", "int"), relation("Total", "int int")


def rules_of(engine, name, fact):
    """The rule and the facts of each derivation, in order."""
    return [
        (d.clause.rule, tuple((p.relation, p.fact) for p in d.premises))
        for d in Explainer(engine).derivations(name, fact)
    ]


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_as_many_derivations_as_are_counted(data):
    """In random programs, after random transactions, each derived fact has as many derivations as its count says."""
    engine = drawn_engine(data)
    drawn = engine.program
    explainer = Explainer(engine)
    grouped = {c.relation for c in drawn.clauses if any(isinstance(t, Aggregate | Allocate) for t in c.terms)}
    for name in drawn.derived:
        for fact in list(engine.facts(name)):
            found = list(explainer.derivations(name, fact))
            if name in grouped:
                assert found
            else:
                assert len(found) == engine.count(name, fact), (name, fact)
            for derivation in found:
                for premise in derivation.premises:
                    assert (premise.fact is None) is premise.negated
                    assert premise.negated or explainer.holds(premise.relation, premise.fact)


def test_premises_say_what_was_joined_and_what_is_absent():
    """A derivation names the facts that were joined, the pattern that is absent, and the variables' values."""
    given_rules = program([NODE, EDGE, OUT], clause("r", ("Out", "x"), atom("Node", "x"), no("Edge", "x", _)))
    engine = Engine(given_rules)
    engine.transact({"Node": ((), [(1,), (2,)]), "Edge": ((), [(2, 2)])})
    (derivation,) = Explainer(engine).derivations("Out", (1,))
    joined, absent = derivation.premises
    assert (joined.relation, joined.fact, joined.negated) == ("Node", (1,), False)
    assert (absent.relation, absent.fact, absent.pattern, absent.negated) == ("Edge", None, (1, None), True)
    assert derivation.variables == {"x": 1}


def test_an_aggregate_is_explained_by_its_inputs_and_by_no_other_clause():
    """The inputs of a group explain the value that they make, not one that another clause makes."""
    most = relation("Most", "int int")
    engine = Engine(
        program(
            [EDGE, NODE, most],
            clause("large", ("Most", "x", Aggregate("max", expression("y", INT))), atom("Edge", "x", "y")),
            clause("small", ("Most", "x", Aggregate("min", expression("y", INT))), atom("Edge", "x", "y")),
        )
    )
    engine.transact({"Edge": ((), [(1, 5), (1, 7)])})
    inputs = [(("Edge", (1, 5)),), (("Edge", (1, 7)),)]
    assert rules_of(engine, "Most", (1, 7)) == [("large", i) for i in inputs]
    assert rules_of(engine, "Most", (1, 5)) == [("small", i) for i in inputs]


def test_what_does_not_hold_has_no_derivation():
    """A fact that doesn't hold, or is given, has none; a relation that doesn't exist is a KeyError."""
    engine = Engine(program([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x"))))
    engine.transact({"Node": ((), [(1,)])})
    assert rules_of(engine, "Out", (2,)) == []
    assert rules_of(engine, "Node", (1,)) == []
    with pytest.raises(KeyError):
        rules_of(engine, "Nothing", (1,))


def test_recursive_facts_are_explained_in_full():
    """Every way around a cycle is a derivation of its own."""
    reach = relation("Reach", "int int")
    engine = Engine(
        program(
            [EDGE, reach],
            clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
            clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
        )
    )
    engine.transact({"Edge": ((), [(1, 2), (2, 1), (3, 2)])})
    for fact in engine.facts("Reach"):
        assert len(rules_of(engine, "Reach", fact)) == engine.count("Reach", fact)
    assert rules_of(engine, "Reach", (1, 2)) == [
        ("edge", (("Edge", (1, 2)),)),
        ("path", (("Reach", (1, 1)), ("Edge", (1, 2)))),
    ]


def test_a_question_changes_nothing():
    """Asking makes no index and calls no clause of the engine."""
    given_rules = program(
        [EDGE, OUT], clause("r", ("Out", "y"), atom("Edge", "x", "y"), atom("Edge", "y", _), where("x < 9"))
    )
    engine = Engine(given_rules)
    engine.transact({"Edge": ((), [(1, 2), (2, 3)])})
    node = engine.network.members["Edge"].outer
    before = (list(node.indexes), list(node.late), [r.calls for r in engine.network.rules])
    assert len(rules_of(engine, "Out", (2,))) == 1
    assert (list(node.indexes), list(node.late), [r.calls for r in engine.network.rules]) == before
