"""Proofs: every step follows from those below it, nothing leans on itself, and what is cut off is named."""

import pytest
from clauses import _, atom, clause, expression, no, program, relation
from drawn_engines import drawn_engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovn_rules.engine import naive
from ovn_rules.engine.ir import INT, Aggregate, Allocate, Atom
from ovn_rules.engine.proof import INPUTS, Prover, name_of, named, prove
from ovn_rules.engine.runtime import Engine

NODE, EDGE = relation("Node", "int"), relation("Edge", "int int")
OUT, TOTAL, REACH = relation("Out", "int"), relation("Total", "int int"), relation("Reach", "int int")
PATHS = program(
    [EDGE, REACH],
    clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
    clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
)


def engine_of(rules, **base):
    """An engine with some base facts."""
    engine = Engine(rules)
    engine.transact({name: ((), facts) for name, facts in base.items()})
    return engine


def drawn_facts(data, engine):
    """Some (relation, fact) pairs that hold by rules."""
    facts = [(name, fact) for name in sorted(engine.program.derived) for fact in list(engine.facts(name))]
    return data.draw(st.lists(st.sampled_from(facts), max_size=4, unique=True)) if facts else []


def follows(engine, step, derivation):
    """Whether the clause makes the step's fact from the premises, by trying each literal in turn."""
    rule, values = derivation.clause, dict(derivation.variables)
    premises = iter(derivation.premises)
    for literal in rule.body:
        facts = {}
        if isinstance(literal, Atom):
            premise = next(premises)
            facts[literal.relation] = engine.facts(literal.relation) if literal.negated else [premise.fact]
            if premise.fact is not None:
                assert premise.fact in engine.facts(premise.relation)
        assert values in list(naive.attempts(literal, facts, values)), literal
    for place, term in enumerate(rule.terms):
        if not isinstance(term, Aggregate | Allocate):
            assert naive.value(term, values) == step.fact[place]


def heights(proof, without=None):
    """The height of each fact's shortest proof by the derivations of a complete proof, but for one fact."""
    found, change = {}, True
    while change:
        new = {}
        for key, step in proof.steps.items():
            if key in found or key == without:
                continue
            facts = [[(p.relation, p.fact) for p in r.derivation.premises if p.fact is not None] for r in step.reasons]
            tried = [[found[k] for k in each] for each in facts if all(k in found for k in each)]
            if step.state == "given":
                new[key] = 0
            elif tried:
                new[key] = 1 + min(max(each, default=0) for each in tried)
        change = bool(new)
        found |= new
    return found


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_proof_leads_down_to_given_facts_and_each_step_follows(data):
    """In random programs, each derivation in each proof follows by its clause; none leans on what it proves."""
    engine = drawn_engine(data)
    for relation_name, fact in drawn_facts(data, engine):
        proof = prove(engine, relation_name, fact, depth=1000)
        assert next(iter(proof.steps)) == proof.root == (relation_name, fact)
        proved = heights(proof)
        for key, step in proof.steps.items():
            assert key in proved, "a step leans on itself"
            assert step.state == ("derived" if step.relation in engine.program.derived else "given")
            for reason in step.reasons:
                assert not reason.circular
                follows(engine, step, reason.derivation)


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_derivations_and_which_of_them_are_circular(data):
    """With everything, as many derivations as are counted; circular are just those that need the fact itself."""
    engine = drawn_engine(data)
    for relation_name, fact in drawn_facts(data, engine):
        proof = prove(engine, relation_name, fact, depth=1000, everything=True)
        assert all(s.more == 0 for s in proof.steps.values())
        step = proof.steps[proof.root]
        if not step.collected and step.numbering is None:
            assert len(step.reasons) == engine.count(relation_name, fact)
        possible = heights(proof, without=proof.root)
        for reason in step.reasons:
            premises = [(p.relation, p.fact) for p in reason.derivation.premises if p.fact is not None]
            assert reason.circular is not all(p in possible for p in premises)
        assert not step.reasons[0].circular


@given(edges=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
@settings(max_examples=80, deadline=None)
def test_the_shortest_way_is_taken(edges):
    """A fact of a recursive relation is proved along a shortest path, whatever cycles there are."""
    engine = engine_of(PATHS, Edge=edges)
    for fact in list(engine.facts("Reach")):
        shortest = heights(prove(engine, "Reach", fact, depth=1000, everything=True))[("Reach", fact)]
        taken = prove(engine, "Reach", fact, depth=1000)
        assert heights(taken)[("Reach", fact)] == shortest
        assert len(taken.steps) == 2 * shortest


@given(edges=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14), everything=st.booleans())
@settings(max_examples=80, deadline=None)
def test_one_prover_for_several_facts(edges, everything):
    """Facts that are proved one after another have the proofs that each has alone, cut off wherever."""
    engine = engine_of(PATHS, Edge=edges)
    prover = Prover(engine, everything=everything)
    for i, fact in enumerate(engine.facts("Reach")):
        depth = (1000, 0, 1, 2)[i % 4]
        together = prover.prove("Reach", fact, depth)
        assert together == prove(engine, "Reach", fact, depth=depth, everything=everything)


def test_a_long_chain_among_cycles():
    """A long proof is found, and a ring closed behind it doesn't come into it."""
    chain = [(i, i + 1) for i in range(200)]
    engine = engine_of(PATHS, Edge=[*chain, (200, 0)])
    proof = prove(engine, "Reach", (0, 200), depth=1000)
    assert len(proof.steps) == 400
    (step, *_rest) = prove(engine, "Reach", (0, 5), depth=1, everything=True).steps.values()
    assert [r.circular for r in step.reasons] == [False]
    assert step.state == "derived"


def test_a_circular_derivation_comes_last_and_is_marked():
    """A way around through the fact itself is told from a reason."""
    engine = engine_of(PATHS, Edge=[(1, 2), (2, 1)])
    step = prove(engine, "Reach", (1, 2), everything=True).steps["Reach", (1, 2)]
    assert [(r.derivation.clause.rule, r.circular) for r in step.reasons] == [("edge", False), ("path", True)]
    engine.transact({"Edge": ((), [(2, 2)])})
    step = prove(engine, "Reach", (1, 2), everything=True).steps["Reach", (1, 2)]
    assert [r.circular for r in step.reasons] == [False, True, True]
    step = prove(engine, "Reach", (1, 2)).steps["Reach", (1, 2)]
    assert ([r.derivation.clause.rule for r in step.reasons], step.more) == (["edge"], 2)


def test_depth_cuts_off_and_what_is_cut_off_can_be_asked_for_by_name():
    """Below the depth a derived fact is only named; the name finds it again, and is the same every time."""
    engine = engine_of(PATHS, Edge=[(i, i + 1) for i in range(9)])
    proof = prove(engine, "Reach", (0, 9), depth=3)
    (cut,) = (s for s in proof.steps.values() if s.state == "cut")
    assert (cut.fact, cut.reasons, len(proof.steps)) == ((0, 6), (), 7)
    assert named(engine, cut.name) == [(0, 6)]
    assert named(engine, "Reach#00000000") == []
    assert cut.name == name_of("Reach", (0, 6)) == "Reach#e21bc101"
    assert prove(engine, "Reach", (0, 9), depth=0).steps[proof.root].state == "cut"
    with pytest.raises(KeyError):
        named(engine, "Nothing#00000000")


def test_a_fact_is_one_step_however_often_it_is_used():
    """What several derivations lean on is in the proof once, at its smallest distance."""
    rules = program(
        [NODE, OUT, TOTAL],
        clause("out", ("Out", "x"), atom("Node", "x")),
        clause("total", ("Total", "x", "x"), atom("Out", "x"), atom("Out", "x"), atom("Node", "x")),
    )
    proof = prove(engine_of(rules, Node=[(1,)]), "Total", (1, 1))
    assert [s.key for s in proof.steps.values()] == [("Total", (1, 1)), ("Out", (1,)), ("Node", (1,))]


def test_many_derivations_and_inputs_are_counted_not_listed():
    """Of ten thousand derivations one is found, of ten thousand inputs eight; as many as are asked for, or all."""
    rules = program(
        [EDGE, OUT, TOTAL],
        clause("out", ("Out", "x"), atom("Edge", "x", _)),
        clause("total", ("Total", "x", Aggregate("count", expression("y", INT))), atom("Edge", "x", "y")),
    )
    engine = engine_of(rules, Edge=[(1, i) for i in range(10_000)])
    out, total = ("Out", (1,)), ("Total", (1, 10_000))

    def found(key, **how):
        step = prove(engine, *key, **how).steps[key]
        return len(step.reasons), step.more, step.collected

    assert found(out) == (1, 9_999, False)
    assert found(total) == (INPUTS, 10_000 - INPUTS, True)
    assert found(out, most=3) == found(out, everything=True, most=3) == (3, 9_997, False)
    assert found(total, most=0) == (0, 10_000, True)
    assert found(total, everything=True) == (10_000, 0, True)


def test_what_is_absent_is_a_premise():
    """A negated literal is there as a pattern, in its place among the premises."""
    rules = program([NODE, EDGE, OUT], clause("r", ("Out", "x"), no("Edge", "x", _), atom("Node", "x")))
    (reason,) = prove(engine_of(rules, Node=[(1,)]), "Out", (1,)).steps["Out", (1,)].reasons
    absent, joined = reason.derivation.premises
    assert (absent.relation, absent.fact, absent.pattern) == ("Edge", None, (1, None))
    assert joined.fact == (1,)


def test_where_a_number_comes_from():
    """A number is one that a wish or a hint says, which is then proved as well, or prescribed, or just free."""
    hint, number = relation("Hint", "int int"), relation("Number", "int int")
    stored, wish = relation("Stored", "int int"), relation("Wish", "int int")
    rules = program(
        [NODE, stored, hint, wish, number],
        clause("hint", ("Hint", "x", "n"), atom("Stored", "x", "n")),
        clause("number", ("Number", "x", Allocate(1, 9, "Hint", wanted="Wish")), atom("Node", "x")),
    )
    engine = Engine(rules, {"Number": {(3,): 8}})
    said = {"Stored": ((), [(1, 7), (4, 5)]), "Wish": ((), [(4, 5)])}
    engine.transact({"Node": ((), [(1,), (2,), (3,), (4,)]), **said})
    sources = {}
    for fact in engine.facts("Number"):
        proof = prove(engine, "Number", fact)
        numbering = proof.steps["Number", fact].numbering
        assert (numbering.column, numbering.low, numbering.high) == (1, 1, 9)
        below = {relation for relation, _ in proof.steps} - {"Number", "Node"}
        sources[fact] = (numbering.hint, numbering.wanted, numbering.given, below)
    assert sources == {
        (1, 7): (("Hint", (1, 7)), False, False, {"Hint", "Stored"}),
        (2, 9): (None, False, False, set()),
        (3, 8): (None, False, True, set()),
        (4, 5): (("Wish", (4, 5)), True, False, {"Wish"}),
    }


def test_what_lost_against_another_fact_with_the_same_key():
    """The fact that is kept names its rivals, and a rival what is kept instead of it."""
    best = relation("Best", "int int", key=(0,))
    engine = engine_of(program([EDGE, best], clause("r", ("Best", "x", "y"), atom("Edge", "x", "y"))), Edge=[(1, 5)])
    assert prove(engine, "Best", (1, 5)).steps["Best", (1, 5)].rivals == ()
    engine.transact({"Edge": ((), [(1, 4), (1, 6)])})
    kept, lost = (prove(engine, "Best", (1, n)).steps["Best", (1, n)] for n in (4, 6))
    assert (kept.rivals, kept.kept) == (((1, 5), (1, 6)), None)
    assert (lost.rivals, lost.kept, len(lost.reasons)) == ((), (1, 4), 1)
    assert named(engine, lost.name) == [(1, 6)]


def test_what_does_not_hold_has_no_proof():
    """A fact that doesn't hold is a ValueError, a relation that doesn't exist a KeyError."""
    engine = engine_of(PATHS, Edge=[(1, 2)])
    with pytest.raises(ValueError, match=r"Reach\(2, 1\) doesn't hold"):
        prove(engine, "Reach", (2, 1))
    with pytest.raises(KeyError):
        prove(engine, "Nothing", (1,))
