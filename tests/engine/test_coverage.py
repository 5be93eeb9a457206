"""What coverage says of rules: heads that were derived, literals that were reached."""

from clauses import atom, clause, no, program, relation, where
from drawn_engines import drawn_engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovn_rules.engine.coverage import Coverage
from ovn_rules.engine.explain import Explainer
from ovn_rules.engine.runtime import Engine

RELATIONS = [relation("Node", "int"), relation("Edge", "int int"), relation("Shut", "int"), relation("Out", "int")]
RULE = clause("out", ("Out", "a"), atom("Node", "a"), atom("Edge", "a", "b"), no("Shut", "b"), where("b > 1"))


def observed(*states):
    """The coverage of the one rule after each of the states."""
    coverage = Coverage()
    for facts in states:
        engine = Engine(program(RELATIONS, RULE))
        engine.transact({name: ((), given) for name, given in facts.items()})
        coverage.observe(engine)
    return coverage


def test_nothing_holds():
    """The first literal is always reached; it stops at the one that finds no fact."""
    coverage = observed({})
    (covered,) = coverage.gaps()
    assert (covered.derived, covered.reached, covered.unreached) == (False, 1, (1, 2, 3))
    assert coverage.percent() == 20


def test_each_literal_in_turn():
    """What holds so far decides which literal is reached, and a later state adds to it."""
    node, edge, shut = {"Node": [(1,)]}, {"Edge": [(1, 1)]}, {"Shut": [(1,)]}
    assert observed(node).gaps()[0].reached == 2
    assert observed(node | edge | shut).gaps()[0].reached == 3
    assert observed(node | edge).gaps()[0].reached == 4
    assert observed(node, edge).gaps()[0].reached == 2
    complete = observed(node, node | {"Edge": [(1, 2)]})
    assert complete.gaps() == []
    assert complete.percent() == 100


def test_a_fact_of_another_rule_doesnt_count():
    """A head is covered when its own rule derived it."""
    other = clause("other", ("Out", "a"), atom("Node", "a"))
    engine = Engine(program(RELATIONS, RULE, other))
    engine.transact({"Node": ((), [(1,)])})
    coverage = Coverage()
    coverage.observe(engine)
    assert [c.clause.rule for c in coverage.gaps()] == ["out"]


def test_a_literal_that_needs_a_later_one():
    """A comparison written before the atom that gives it values doesn't stop what comes after it."""
    early = clause("early", ("Out", "a"), where("b > 5"), atom("Edge", "a", "b"), atom("Node", "a"))
    engine = Engine(program(RELATIONS, early))
    engine.transact({"Edge": ((), [(1, 2)])})
    coverage = Coverage()
    coverage.observe(engine)
    assert coverage.gaps()[0].reached == 2, "no edge leads to more than 5, so the node isn't asked for"


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_derived_is_what_has_a_derivation(data):
    """In random programs a head is covered exactly when some fact has a derivation by the rule."""
    engine = drawn_engine(data)
    drawn = engine.program
    coverage = Coverage()
    coverage.observe(engine)
    explainer = Explainer(engine)
    reasons = {
        d.clause.name
        for name in drawn.derived
        for fact in engine.facts(name)
        for d in explainer.derivations(name, fact)
    }
    visible = {c.clause.name for c in coverage.clauses.values() if c.derived}
    assert reasons <= visible
    rivals = {c.relation for c in engine.conflicts()} | {e.relation for e in engine.exhausted()}
    assert {n for n in visible - reasons if coverage.clauses[n].clause.relation not in rivals} == set()
