"""Impact: what depends on a fact, and what would become of it without the fact."""

import pytest
from clauses import INT, _, atom, clause, expression, no, program, relation, where
from drawn_engines import drawn_engine
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from snapshot import differences, snapshot

from ovn_rules.engine import Explainer
from ovn_rules.engine.impact import Effect, dependents, impact, impact_of
from ovn_rules.engine.ir import Aggregate, Allocate
from ovn_rules.engine.runtime import Engine, RuleFailure


def visible(engine):
    """Every visible fact, with its relation."""
    return {(n, f) for n in engine.program.relations for f in engine.facts(n)}


def closure(engine, start, through=None):
    """What depends on a fact, from the derivations of every other fact; on from some facts alone, if they are given."""
    explainer = Explainer(engine)
    causes = {
        fact: {(p.relation, p.fact) for d in explainer.derivations(*fact) for p in d.premises if not p.negated}
        for fact in visible(engine)
    }
    reached, more = {start}, {start}
    while more:
        more = {fact for fact, each in causes.items() if fact not in reached and each & more}
        reached |= more
        more = more if through is None else more & through
    return reached - {start}


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_impact_is_what_derivations_and_suppositions_say(data, compared):
    """For any program and fact: forward through rules is backward through derivations; the rest is a difference."""
    engine = drawn_engine(data)
    rules = engine.program
    facts = sorted(visible(engine), key=repr)
    if not facts:
        return
    name, fact = data.draw(st.sampled_from(facts))
    note(f"{name}{fact}")
    before, was = snapshot(engine), visible(engine)
    found = dependents(engine, {name: [fact]})
    assert {(n, f) for n, each in found.items() for f in each} == closure(engine, (name, fact))
    try:
        effects = impact(engine, name, fact).effects
        everything = impact(engine, name, fact, everything=True).effects
    except RuleFailure:
        return
    finally:
        assert differences(before, snapshot(engine)) == []
    with engine.supposing({}, {name: [fact]}):
        now = visible(engine)
    gone = {(n, f) for n, e in effects.items() for f in (*e.vanishes, *(old for old, _ in e.changes))}
    come = {(n, f) for n, e in effects.items() for f in (*e.appears, *(new for _, new in e.changes))}
    assert gone == {(n, f) for n, f in was - now if n in rules.derived} - {(name, fact)}
    assert come == {(n, f) for n, f in now - was if n in rules.derived}
    assert {n: set(e.depends) for n, e in everything.items() if e.depends} == found
    assert {(n, f) for n, e in effects.items() for f in e.depends} == closure(engine, (name, fact), gone)
    compared["impacts compared with derivations and suppositions"] += 1


LINK, REACH, CLOSED = relation("Link", "int int"), relation("Reach", "int int"), relation("Closed", "int")
SIZE, ALL, ROUND = relation("Size", "int int"), relation("All", "int"), relation("Round", "int")
NODE, NUMBER = relation("Node", "str"), relation("Number", "str int")
OWNED, OWNER = relation("Owned", "str int"), relation("Owner", "str int", key=(0,))

PROGRAM = program(
    [LINK, REACH, CLOSED, SIZE, ALL, ROUND, NODE, NUMBER, OWNED, OWNER],
    clause("reach", ("Reach", "x", "y"), atom("Link", "x", "y"), no("Closed", "y")),
    clause("further", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Link", "y", "z"), no("Closed", "z")),
    clause("size", ("Size", "x", Aggregate("count", expression("y", INT))), atom("Reach", "x", "y")),
    clause("all", ("All", Aggregate("count", expression("x", INT))), atom("Link", "x", _)),
    clause("round", ("Round", "x"), atom("Reach", "x", "x")),
    clause("number", ("Number", "n", Allocate(1, 1)), atom("Node", "n")),
    clause("owner", ("Owner", "n", "x"), atom("Owned", "n", "x")),
)


@pytest.fixture
def engine():
    """From 1 one gets to 3 in two ways; 3 and 4 reach each other; 5 is closed."""
    made = Engine(PROGRAM)
    links = [(1, 2), (2, 3), (1, 3), (3, 4), (4, 3), (4, 5)]
    made.transact(
        {
            "Link": ((), links),
            "Closed": ((), [(5,)]),
            "Node": ((), [("a",), ("b",)]),
            "Owned": ((), [("k", 1), ("k", 2)]),
        }
    )
    return made


def test_what_has_another_reason_depends_but_stays(engine):
    """A fact with two reasons depends on each, and vanishes with neither; what follows from it has lost nothing."""
    effect = impact(engine, "Link", (2, 3)).effects["Reach"]
    assert set(effect.depends) == {(2, 3), (2, 4), (1, 3)}
    assert set(effect.vanishes) == {(2, 3), (2, 4)}
    effect = impact(engine, "Link", (2, 3), everything=True).effects["Reach"]
    assert set(effect.depends) == {(2, 3), (2, 4), (1, 3), (1, 4)}
    assert set(effect.vanishes) == {(2, 3), (2, 4)}


def test_a_group_changes(engine):
    """The fact of a group that loses an input changes; that of one that loses its last input vanishes."""
    effect = impact(engine, "Link", (1, 2)).effects["Size"]
    assert effect == Effect({(1, 3)}, [], [((1, 3), (1, 2))], [])
    effects = impact(engine, "Link", (2, 3)).effects
    assert effects["Size"] == Effect({(2, 2)}, [(2, 2)], [], [])
    assert effects["All"] == Effect({(4,)}, [], [((4,), (3,))], [])


def test_facts_on_a_cycle_do_not_hold_each_other(engine):
    """What only a cycle would still derive vanishes, and the relations come in the order of evaluation."""
    effects = impact(engine, "Link", (3, 4)).effects
    assert set(effects["Reach"].vanishes) == {(1, 4), (2, 4), (3, 4), (3, 3), (4, 4)}
    assert set(effects["Reach"].depends) == {(x, y) for x in (1, 2, 3, 4) for y in (3, 4)}
    assert set(effects["Round"].vanishes) == {(3,), (4,)}
    assert list(effects) == sorted(effects, key=lambda n: (engine.network.rank[n], n))


def test_what_the_absence_of_a_fact_would_bring(engine):
    """What a fact hinders doesn't depend on it, and would appear."""
    effects = impact(engine, "Closed", (5,)).effects
    assert effects["Reach"].depends == ()
    assert set(effects["Reach"].appears) == {(1, 5), (2, 5), (3, 5), (4, 5)}
    assert {new for _, new in effects["Size"].changes} == {(1, 4), (2, 3), (3, 3), (4, 3)}


def test_the_next_in_line_appears(engine):
    """A rival takes the place of a withdrawn fact, and a group that waits the number that becomes free."""
    assert impact(engine, "Owner", ("k", 1)).effects == {"Owner": Effect((), [], [], [("k", 2)])}
    assert impact(engine, "Owned", ("k", 1)).effects["Owner"].changes == [(("k", 1), ("k", 2))]
    assert impact(engine, "Node", ("a",)).effects["Number"] == Effect({("a", 1)}, [("a", 1)], [], [("b", 1)])
    assert [e.groups for e in engine.exhausted()] == [(("b",),)]


def test_a_rival_has_no_consequences(engine):
    """Nothing depends on a fact that another with its key keeps out, nor on one that doesn't hold."""
    assert impact(engine, "Owner", ("k", 2)).effects == {}
    assert dependents(engine, {"Owned": [("k", 2)]}) == {}
    assert impact(engine, "Round", (3,)).effects == {}
    assert impact(engine, "Link", (7, 7)).effects == {}


def test_several_facts_and_what_comes_instead(engine):
    """Facts may be taken together, and something else may be supposed than that they are gone."""
    assert set(impact_of(engine, {"Link": [(1, 2), (1, 3)]}).effects["Reach"].vanishes) == {(1, 2), (1, 3), (1, 4)}
    effects = impact_of(engine, {"Owned": [("k", 1)]}, {"Owned": ([("k", 1)], [("k", 0)])}).effects
    assert effects["Owner"].changes == [(("k", 1), ("k", 0))]


def test_conflicts_and_exhaustion_are_told(engine):
    """What would still be in conflict, or wait for a number, after the change is said."""
    engine.transact({"Owned": ((), [("k", 3)]), "Node": ((), [("c",)])})
    assert [c.rejected for c in impact(engine, "Owned", ("k", 1)).conflicts] == [(("k", 3),)]
    assert [e.groups for e in impact(engine, "Node", ("a",)).exhausted] == [(("c",),)]


def picky(number):
    if number == 3:
        raise ValueError("three")
    return number > 0


def test_a_function_that_raises_for_what_a_rule_excludes():
    """Looking forward calls functions with values that the rule excludes further on; that is no failure."""
    node, bad, out = relation("Node", "int"), relation("Bad", "int"), relation("Out", "int")
    rules = program(
        [node, bad, out], clause("out", ("Out", "n"), atom("Node", "n"), where("picky(n)", picky=picky), no("Bad", "n"))
    )
    made = Engine(rules)
    made.transact({"Node": ((), [(1,), (3,)]), "Bad": ((), [(3,)])})
    before = snapshot(made)
    assert dependents(made, {"Node": [(1,), (3,)]}) == {"Out": {(1,)}}
    with pytest.raises(RuleFailure, match="three"):
        impact(made, "Bad", (3,))
    assert dependents(made, {"Node": [(1,), (3,)]}) == {"Out": {(1,)}}
    assert differences(before, snapshot(made)) == []


def test_what_is_no_fact(engine):
    """An unknown relation, and a fact of the wrong length, are refused."""
    with pytest.raises(KeyError, match="no relation Lnk; did you mean 'Link'"):
        impact(engine, "Lnk", (1, 2))
    with pytest.raises(ValueError, match="Link has 2 columns, but the fact has 3"):
        impact(engine, "Link", (1, 2, 3))
