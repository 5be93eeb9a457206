"""The faults that mutants have."""

from dataclasses import replace

from clauses import atom, bind, clause, expression, member, no, program, relation, where
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import changes, programs, transactions

from ovn_rules.engine.coverage import evaluable
from ovn_rules.engine.failure import RuleFailure
from ovn_rules.engine.ir import STR, Aggregate, Allocate, Program
from ovn_rules.engine.mutants import mutants
from ovn_rules.engine.runtime import Engine
from ovn_rules.rules.ezbake.programs import EZBAKE

RELATIONS = [relation("Node", "int"), relation("Edge", "int int"), relation("Out", "int str")]


def faults(*clauses):
    """The names of all mutants, without the rule's name."""
    return [m.name.partition(": ")[2] for m in mutants(program(RELATIONS, *clauses))]


def test_literals_and_constants():
    """Each literal goes and turns where every variable keeps its value; each constant changes."""
    rule = clause(
        "out",
        ("Out", "a", expression("f'n{a}'", STR)),
        atom("Edge", "a", 7),
        no("Node", "a"),
        where("a > 1"),
    )
    assert faults(rule) == [
        "rule dropped",
        "c1 7 to 8 in Edge(c0=a, c1=7)",
        "dropped ~Node(c0=a)",
        "negated ~Node(c0=a)",
        "dropped a > 1",
        "negated a > 1",
        "1 to 2 in a > 1",
        "'n' to 'n~' in Out.c1",
    ]


def test_what_binds_can_be_turned_where_it_is_bound_elsewhere():
    """``x == f()`` and ``x in f()`` are negated when x has its value from another literal, and only then."""
    bound = clause(
        "out", ("Out", "a", "t"), atom("Edge", "a", "b"), bind("b", "a + 1"), member("a", "(b,)"), bind("t", "'x'")
    )
    names = faults(bound)
    assert "negated b == a + 1" in names
    assert "dropped b == a + 1" in names
    assert "negated a in (b,)" in names
    assert not any(n.startswith(("dropped t", "negated t")) for n in names)


def test_aggregates_and_allocations():
    """What is collected changes too, and the ends of a range, which are the same in all clauses of a relation."""
    counted = clause(
        "out", ("Out", Aggregate("count", expression("a + 1")), "t"), atom("Edge", "a", "_b"), bind("t", "''")
    )
    assert "1 to 2 in Out.c0" in faults(counted)
    numbered = clause("out", ("Out", Allocate(1, 9), "t"), atom("Edge", "a", "_b"), bind("t", "''"))
    assert {"1 to 2 in Out.c0", "9 to 8 in Out.c0"} <= set(faults(numbered))
    assert [f for f in faults(numbered, replace(numbered, rule="two")) if " in Out.c0" in f] == [
        "1 to 2 in Out.c0",
        "9 to 8 in Out.c0",
    ]


def test_no_negation_in_a_cycle():
    """A recursive atom is dropped, never negated."""
    rules = clause("out", ("Out", "a", "t"), atom("Out", "a", "t"), atom("Node", "a"))
    assert [f for f in faults(rules) if "Out(" in f] == []
    assert "negated Node(c0=a)" in faults(rules)


def test_a_name_is_unique_and_the_program_keeps_the_rest():
    """Faults that read alike are numbered; only the mutated clause is another."""
    rule = clause("out", ("Out", "a", "t"), atom("Node", "a"), atom("Node", "a"), bind("t", "''"))
    whole = program(RELATIONS, rule, clause("two", ("Node", "a"), atom("Edge", "a", 1)))
    found = list(mutants(whole))
    assert len({m.name for m in found}) == len(found)
    assert "out: dropped Node(c0=a) (2)" in {m.name for m in found}
    for mutant in found:
        changed = mutant.program(whole)
        others = [c for c in changed.clauses if c.name != mutant.clause.name]
        assert others == [c for c in whole.clauses if c.name != mutant.clause.name]
        assert len(changed.clauses) == len(whole.clauses) - (mutant.changed is None)


@given(drawn=programs())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_mutant_is_a_program(drawn):
    """An engine runs each mutant of a random program, and each differs from the program."""
    for mutant in mutants(drawn):
        Engine(mutant.program(drawn))
        assert mutant.changed != mutant.clause


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_functions_that_are_taken_over(data):
    """A mutant derives what it would if nothing had been generated for the program before."""
    drawn = data.draw(programs())
    transaction = data.draw(transactions(drawn, 4))[0]
    facts = changes(transaction, {n: set() for n in drawn.relations})
    outcome(drawn, facts)
    quick = data.draw(st.sampled_from(list(mutants(drawn)))).program(drawn)
    anew = Program(quick.relations, quick.clauses)
    assert outcome(quick, facts) == outcome(anew, facts)


def outcome(whole, facts):
    """The facts with their derivations, or why there are none."""
    engine = Engine(whole)
    try:
        engine.transact({n: each for n, each in facts.items() if n not in whole.derived})
    except RuleFailure as failure:
        return str(failure)
    return {n: {(f, engine.count(n, f)) for f in engine.facts(n)} for n in whole.relations}


def test_of_the_shipped_program():
    """Every clause has mutants, and each one's literals can be evaluated."""
    whole = EZBAKE.everything.load()
    found = list(mutants(whole))
    assert {m.clause.name for m in found} == {c.name for c in whole.clauses}
    assert all(m.changed is None or evaluable(m.changed.body) == m.changed.body for m in found)
