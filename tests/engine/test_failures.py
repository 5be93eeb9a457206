"""A function that fails poisons nothing: the error names rule and facts, and the engine is as it was."""

import pytest
from clauses import STR, atom, clause, expression, no, program, relation, where

from ovn_rules.engine.ir import INT, Aggregate, Allocate
from ovn_rules.engine.runtime import Engine, RuleFailure

NODE, EDGE, OUT = relation("Node", "int"), relation("Edge", "int int"), relation("Out", "int")
JOINED = relation("Joined", "int str")


def short(values):
    if len(values) > 2:
        raise OverflowError(f"{len(values)} are too many")
    return " ".join(map(str, values))


def fragile(number):
    if number == 3:
        raise ValueError("three")
    return number


def wrong(number):
    return str(number)


SHORT = Aggregate("collect", expression("y", INT), expression("short(_aggregate)", STR, short=short))


def test_a_failing_expression_around_an_aggregate():
    """When what is written around an aggregate raises, the error names the group's facts; nothing is changed."""
    engine = Engine(program([EDGE, JOINED], clause("names", ("Joined", "x", SHORT), atom("Edge", "x", "y"))))
    engine.transact({"Edge": ((), [(1, 5), (1, 6), (2, 7)])})
    with pytest.raises(RuleFailure) as failure:
        engine.transact({"Edge": ([(2, 7)], [(1, 7), (3, 1)])})
    assert str(failure.value) == (
        "rule names failed on Edge(1, 5), Edge(1, 6), Edge(1, 7): OverflowError: 3 are too many"
    )
    assert failure.value.facts == (("Edge", (1, 5)), ("Edge", (1, 6)), ("Edge", (1, 7)))
    assert set(engine.facts("Joined")) == {(1, "5 6"), (2, "7")}
    assert engine.recompute() == {}
    assert engine.transact({"Edge": ([(1, 5)], [(1, 7)])})["Joined"] == ([(1, "5 6")], [(1, "6 7")])


def test_a_failed_aggregate_leaves_the_rule_careful():
    """After an aggregate's expression failed, a value that a condition excludes still isn't a failure."""
    engine = Engine(
        program(
            [EDGE, NODE, JOINED],
            clause(
                "names",
                ("Joined", "x", SHORT),
                atom("Edge", "x", "y"),
                where("fragile(y) >= 0", fragile=fragile),
                no("Node", "y"),
            ),
        )
    )
    with pytest.raises(RuleFailure, match="too many"):
        engine.transact({"Edge": ((), [(1, 4), (1, 5), (1, 6)])})
    engine.transact({"Edge": ((), [(1, 3), (1, 4)]), "Node": ((), [(3,)])})
    assert set(engine.facts("Joined")) == {(1, "4")}
    with pytest.raises(RuleFailure, match=r"failed on Edge\(1, 3\): ValueError: three"):
        engine.transact({"Node": ([(3,)], ())})


def test_many_facts_are_summed_up():
    """The message names eight facts and counts the others; ``facts`` holds them all."""
    engine = Engine(program([EDGE, JOINED], clause("names", ("Joined", "x", SHORT), atom("Edge", "x", "y"))))
    with pytest.raises(RuleFailure, match=r"Edge\(1, 7\) and 12 more: OverflowError") as failure:
        engine.transact({"Edge": ((), [(1, i) for i in range(20)])})
    assert len(failure.value.facts) == 20


def test_a_value_of_the_wrong_class_is_a_failure():
    """A function that gives another class than it promised fails its rule."""
    engine = Engine(
        program([NODE, OUT], clause("liar", ("Out", expression("wrong(x)", INT, wrong=wrong)), atom("Node", "x")))
    )
    with pytest.raises(RuleFailure, match=r"rule liar failed on Node\(1,\): TypeError: expected int, got str '1'"):
        engine.transact({"Node": ((), [(1,)])})
    assert not engine.facts("Node")


def test_after_a_failure_the_engine_is_like_a_fresh_one():
    """Counts, indexes, groups and numbers after a refused transaction serve what comes next as if it never was."""
    reach, number = relation("Reach", "int int"), relation("Number", "int int")
    rules = program(
        [NODE, EDGE, reach, number, JOINED, OUT],
        clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
        clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
        clause("number", ("Number", "x", Allocate(1, 9)), atom("Edge", "x", "y")),
        clause("names", ("Joined", "x", SHORT), atom("Edge", "x", "y")),
        clause(
            "out", ("Out", expression("fragile(x)", INT, fragile=fragile)), atom("Node", "x"), atom("Edge", "x", "y")
        ),
    )
    start = {"Edge": ((), [(0, 1), (1, 0), (2, 2)]), "Node": ((), [(1,), (3,)])}
    refused = {"Edge": ([(1, 0)], [(3, 1), (4, 4), (1, 2)])}
    then = {"Edge": ([(0, 1)], [(4, 0), (0, 2)]), "Node": ([(3,)], [(0,)])}
    tried, fresh = Engine(rules), Engine(rules)
    for engine in (tried, fresh):
        engine.transact(start)
    with pytest.raises(RuleFailure, match="rule out failed on"):
        tried.transact(refused)
    changes = [{n: tuple(map(sorted, c)) for n, c in engine.transact(then).items()} for engine in (tried, fresh)]
    assert changes[0] == changes[1]
    for name in rules.relations:
        assert {f: tried.count(name, f) for f in tried.facts(name)} == {
            f: fresh.count(name, f) for f in fresh.facts(name)
        }
    assert tried.allocations("Number") == fresh.allocations("Number")
    assert tried.recompute() == {}
