"""What rules mean, one promise at a time: the engine, the naive evaluator and pyDatalog all hold it."""

import pytest
from clauses import INTS, _, atom, bind, clause, expression, member, no, program, relation, where
from programs import fragile, letter, span

from ovn_rules.engine import reference
from ovn_rules.engine.ir import INT, STR, Aggregate, Allocate
from ovn_rules.engine.naive import Failure, evaluate
from ovn_rules.engine.runtime import Engine, RuleFailure

EDGE = relation("Edge", "int int")
NODE = relation("Node", "int")
NAME = relation("Name", "int str")
OUT = relation("Out", "int")
PAIRED = relation("Paired", "int int")


def run(given, **base):
    """The facts and derivation counts that the engine and the naive evaluator agree on; pyDatalog agrees too."""
    engine = Engine(given)
    engine.transact({name: ((), facts) for name, facts in base.items()})
    numbers = {c.relation: engine.allocations(c.relation) for c in given.clauses}
    state = evaluate(given, base, numbers)
    for name, facts in state.facts.items():
        assert {f: engine.count(name, f) for f in engine.facts(name)} == facts
    assert reference.evaluate(given, base, numbers) == {n: set(f) for n, f in state.facts.items()}
    return state


def refused(given, **base):
    """The rule that both refuse the facts for; the engine holds nothing of the transaction."""
    with pytest.raises(Failure) as naive:
        evaluate(given, base)
    engine = Engine(given)
    with pytest.raises(RuleFailure, match=naive.value.args[0]):
        engine.transact({name: ((), facts) for name, facts in base.items()})
    assert not any(list(engine.facts(name)) for name in given.relations)
    return naive.value.args[0]


def test_every_way_to_make_a_body_true_is_a_derivation():
    """A fact's derivation count is the number of ways in which clauses derive it."""
    given = program(
        [EDGE, OUT],
        clause("start", ("Out", "x"), atom("Edge", "x", "y")),
        clause("end", ("Out", "y"), atom("Edge", "x", "y")),
    )
    assert run(given, Edge=[(1, 2), (1, 3), (3, 1)]).facts["Out"] == {(1,): 3, (2,): 1, (3,): 2}


def test_a_wildcard_counts_each_fact():
    """A position that doesn't matter still ranges over facts: each is a derivation of its own."""
    given = program([EDGE, OUT], clause("r", ("Out", "x"), atom("Edge", "x", _), atom("Edge", "x", _)))
    assert run(given, Edge=[(1, 2), (1, 3)]).facts["Out"] == {(1,): 4}


def test_a_repeated_variable_is_one_value():
    """A variable that occurs twice in an atom stands for the same value in both places."""
    given = program([EDGE, OUT], clause("r", ("Out", "x"), atom("Edge", "x", "x")))
    assert run(given, Edge=[(1, 1), (1, 2)]).facts["Out"] == {(1,): 1}


def test_a_constant_selects():
    """A constant in an atom lets only facts with that value through; one in a head is the value."""
    given = program([EDGE, PAIRED], clause("r", ("Paired", 9, "x"), atom("Edge", 1, "x")))
    assert run(given, Edge=[(1, 4), (2, 5)]).facts["Paired"] == {(9, 4): 1}


def test_negation_asks_for_no_matching_fact():
    """A negated atom holds when no fact matches its variables and constants, whatever its wildcards are."""
    given = program([EDGE, NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x"), no("Edge", "x", _)))
    assert run(given, Node=[(1,), (2,)], Edge=[(1, 5), (1, 6)]).facts["Out"] == {(2,): 1}


def test_negation_of_a_relation_with_one_column():
    """A negated atom over a relation of a single column excludes the values that are there."""
    given = program([NODE, EDGE, OUT], clause("r", ("Out", "x"), atom("Edge", "x", _), no("Node", "x")))
    assert run(given, Node=[(1,)], Edge=[(1, 5), (2, 6)]).facts["Out"] == {(2,): 1}


def test_an_expression_gives_a_value_or_compares():
    """``y == f(x)`` gives y its value when nothing else does, and compares when something else does."""
    gives = clause("gives", ("Paired", "x", "y"), atom("Node", "x"), bind("y", "x + 1", INT))
    compares = clause("compares", ("Out", "x"), atom("Edge", "x", "y"), bind("y", "x + 1", INT))
    facts = run(program([NODE, EDGE, PAIRED, OUT], gives, compares), Node=[(1,)], Edge=[(1, 2), (2, 2)]).facts
    assert (facts["Paired"], facts["Out"]) == ({(1, 2): 1}, {(1,): 1})


def test_equal_variables_either_way_round():
    """``x == y`` gives a value to whichever has none."""
    one = clause("one", ("Out", "y"), atom("Node", "x"), bind("y", "x", INT))
    other = clause("other", ("Out", "y"), atom("Node", "x"), bind("x", "y", INT))
    assert run(program([NODE, OUT], one, other), Node=[(7,)]).facts["Out"] == {(7,): 2}


def test_a_comparison_with_any_operators_inside():
    """``b == (x < y)`` and ``b == (not c)`` compare b with the whole of the right side."""
    flags = relation("Flag", "bool int")
    less = clause("less", ("Out", "x"), atom("Flag", "b", "x"), bind("b", "x < 2"))
    denied = clause("denied", ("Out", "x"), atom("Flag", "b", "x"), bind("b", "not b"))
    facts = [(True, 1), (False, 1), (True, 3), (False, 3)]
    assert run(program([flags, OUT], less, denied), Flag=facts).facts["Out"] == {(1,): 1, (3,): 1}


def test_members_are_distinct():
    """``x in f(y)`` is tried once for each distinct element."""
    given = program([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "y"), member("x", "(y, y, 4)")))
    assert run(given, Node=[(1,), (4,)]).facts["Out"] == {(1,): 1, (4,): 2}


def test_members_taken_apart():
    """``(x, y) in f(z)`` matches records: bound and repeated variables compare, ``_`` takes anything."""
    source = "((z, 1), (z, 2), (3, 3), (3, 4))"
    given = program(
        [NODE, PAIRED, OUT],
        clause("bound", ("Paired", "z", "y"), atom("Node", "z"), member(("z", "y"), source)),
        clause("twice", ("Out", "x"), atom("Node", "z"), member(("x", "x"), source)),
        clause("some", ("Out", "x"), atom("Node", "z"), member(("x", None), source)),
    )
    facts = run(given, Node=[(1,)]).facts
    assert facts["Paired"] == {(1, 1): 1, (1, 2): 1}
    assert facts["Out"] == {(1,): 1 + 2, (3,): 1 + 2}


def test_a_record_of_another_length_fails_the_rule():
    """An element that can't be taken apart as the rule says is a failure of the rule."""
    given = program([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "z"), member(("x", "y"), "((z, 1), (z,))")))
    assert refused(given, Node=[(1,)]) == "r"


def test_recursion_reaches_around_cycles():
    """A recursive relation holds what can be reached, also around cycles, and nothing that supports itself."""
    reach = relation("Reach", "int int")
    given = program(
        [EDGE, reach],
        clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
        clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
    )
    engine = Engine(given)
    engine.transact({"Edge": ((), [(0, 1), (1, 2), (2, 1)])})
    assert engine.transact({"Edge": ([(0, 1)], ())})["Reach"][0].__len__() == 2
    assert set(run(given, Edge=[(1, 2), (2, 1)]).facts["Reach"]) == {(1, 2), (2, 1), (1, 1), (2, 2)}


def test_three_relations_may_derive_each_other():
    """A cycle of three relations, asked for with constants and bound variables, comes to an end."""
    names = ["P", "Q", "R"]
    clauses = [clause("start", ("P", "x"), atom("Node", "x"))]
    for i, name in enumerate(names):
        after = names[(i + 1) % 3]
        clauses.append(clause(f"to{after}", (after, "y"), atom("Edge", "x", "y"), atom(name, "x"), no("Edge", "y", 9)))
        clauses.append(clause(f"one{after}", (after, 1), atom(name, 2), atom(name, "x"), atom("P", "y")))
    given = program([EDGE, NODE, *(relation(n, "int") for n in names)], *clauses)
    facts = run(given, Node=[(0,)], Edge=[(0, 1), (1, 2), (2, 0), (2, 3), (3, 9)]).facts
    assert [set(facts[n]) for n in names] == [{(0,), (1,), (2,)}] * 3


@pytest.mark.parametrize(
    ("function", "result"), [("collect", (1, 2, 5)), ("count", 3), ("min", 1), ("max", 5), ("sum", 8)]
)
def test_aggregates_are_over_distinct_values(function, result):
    """An aggregate sees each value of a group once, however often it is derived, and its row counts once."""
    target = relation("Total", "int ints" if function == "collect" else "int int")
    given = program(
        [EDGE, target],
        clause("r", ("Total", "x", Aggregate(function, expression("y % 10", INT))), atom("Edge", "x", "y")),
    )
    facts = run(given, Edge=[(0, 1), (0, 11), (0, 2), (0, 5), (1, 1)]).facts["Total"]
    assert facts[0, result] == 1
    assert len(facts) == 2


def test_an_aggregate_of_nothing_gives_no_row():
    """A group without derivations has no row, also when there is no other term to group by."""
    total = relation("Total", "int")
    given = program(
        [EDGE, total], clause("r", ("Total", Aggregate("count", expression("x", INT))), atom("Edge", "x", _))
    )
    assert run(given, Edge=[]).facts["Total"] == {}
    assert run(given, Edge=[(1, 1), (2, 1)]).facts["Total"] == {(2,): 1}


def test_an_expression_around_an_aggregate():
    """What is written around an aggregate is applied to its result."""
    joined = relation("Joined", "int str")
    names = Aggregate("collect", expression("n", STR), expression("' '.join(_aggregate)", STR))
    given = program([NAME, joined], clause("r", ("Joined", "x", names), atom("Name", "x", "n")))
    assert run(given, Name=[(1, "b"), (1, "a"), (2, "c")]).facts["Joined"] == {(1, "a b"): 1, (2, "c"): 1}


def test_aggregates_of_two_clauses_are_separate():
    """Two clauses of a relation each aggregate their own groups; a row that both give counts twice."""
    most = relation("Most", "int")
    given = program(
        [NODE, EDGE, most],
        clause("a", ("Most", Aggregate("max", expression("x", INT))), atom("Node", "x")),
        clause("b", ("Most", Aggregate("max", expression("x", INT))), atom("Edge", "x", _)),
    )
    assert run(given, Node=[(1,), (3,)], Edge=[(3, 0)]).facts["Most"] == {(3,): 2}


def test_the_smallest_fact_of_a_key_is_seen():
    """Of the facts that share a key only the smallest by its other columns is seen, given or derived."""
    keyed = relation("Keyed", "int str int", key=(0,))
    best = relation("Best", "str int", key=(0,))
    given = program([keyed, best, OUT], clause("best", ("Best", "s", "x"), atom("Keyed", "x", "s", _)))
    state = run(given, Keyed=[(1, "b", 0), (1, "a", 9), (2, "a", 1)])
    assert state.facts["Keyed"] == {(1, "a", 9): 1, (2, "a", 1): 1}
    assert (state.facts["Best"], state.losers["Best"]) == ({("a", 1): 1}, {("a", 2): 1})


def test_allocate_gives_each_group_a_number():
    """Every group has a number of its own in the range; when all are taken the others wait without a row."""
    number = relation("Number", "int int")
    given = program([EDGE, number], clause("r", ("Number", "x", Allocate(1, 2)), atom("Edge", "x", _)))
    state = run(given, Edge=[(5, 0), (6, 0), (7, 0), (7, 1)])
    assert state.groups["Number"] == {(5,), (6,), (7,)}
    assert sorted(n for _, n in state.facts["Number"]) == [1, 2]
    assert set(state.facts["Number"].values()) == {1}


def numbers(engine, **changed):
    """The numbers after a transaction."""
    engine.transact(changed)
    return {group[0]: number for group, number in engine.allocations("Number").items()}


def allocating(high, *, hints=None):
    """An engine that gives each node a number."""
    term = Allocate(1, high, hints)
    rules = clause("r", ("Number", "x", term), atom("Node", "x"))
    return Engine(program([NODE, relation("Hint", "int int"), relation("Number", "int int")], rules))


def test_numbers_are_given_in_turn_and_kept():
    """A group gets the first free number after the last one given, wrapping, and keeps it as long as it lives."""
    engine = allocating(3)
    assert numbers(engine, Node=((), [(8,), (7,)])) == {7: 1, 8: 2}
    assert numbers(engine, Node=([(7,)], [(9,)])) == {8: 2, 9: 3}
    assert numbers(engine, Node=((), [(7,)])) == {8: 2, 9: 3, 7: 1}


def test_groups_wait_for_a_number():
    """A group that finds all numbers taken waits, is reported, and gets the next one that is released."""
    engine = allocating(1)
    assert numbers(engine, Node=((), [(7,), (8,), (9,)])) == {7: 1}
    assert [e.groups for e in engine.exhausted()] == [((8,), (9,))]
    assert numbers(engine, Node=([(7,), (8,)], ())) == {9: 1}
    assert engine.exhausted() == []


def test_hints_are_taken_where_they_are_free():
    """A group that appears takes its hint if it is in range and free, before others get numbers in turn."""
    engine = allocating(4, hints="Hint")
    hints = [(7, 3), (8, 3), (9, 5), (6, 2)]
    assert numbers(engine, Hint=((), hints), Node=((), [(8,), (7,), (9,)])) == {7: 3, 8: 4, 9: 1}
    assert numbers(engine, Node=((), [(6,)]))[6] == 2


@pytest.mark.parametrize("column", [0, 1, 2])
def test_an_update_wakes_the_rules_that_read_its_columns(column):
    """A row that changes in one column is seen by rules that join, select or negate on that column."""
    keyed = relation("Keyed", "int int int int", key=(3,))
    given = program(
        [keyed, NODE, OUT],
        clause("constant", ("Out", "id"), atom("Keyed", *(1 if i == column else _ for i in range(3)), "id")),
        clause(
            "negated",
            ("Out", "x"),
            atom("Node", "x"),
            no("Keyed", *("x" if i == column else _ for i in range(3)), _),
        ),
    )
    engine, old = Engine(given), (0, 0, 0, 5)
    engine.transact({"Node": ((), [(0,), (1,)]), "Keyed": ((), [old])})
    for value in (1, 0, 2, 1):
        new = tuple(value if i == column else v for i, v in enumerate(old))
        engine.transact({"Keyed": ([old], [new])})
        old = new
        state = evaluate(given, {"Node": [(0,), (1,)], "Keyed": [new]})
        assert {f: engine.count("Out", f) for f in engine.facts("Out")} == state.facts["Out"]


def test_a_function_sees_only_what_atoms_let_through():
    """A function that raises is a failure only for values that all atoms which share variables let through."""
    rule = clause("r", ("Out", "x"), where("fragile(x) >= 0", fragile=fragile), atom("Node", "x"), atom("Edge", "x", _))
    given = program([NODE, EDGE, OUT], rule)
    assert run(given, Node=[(3,), (1,)], Edge=[(1, 0)]).facts["Out"] == {(1,): 1}
    assert refused(given, Node=[(3,)], Edge=[(3, 0)]) == "r"


@pytest.mark.parametrize("first", [True, False])
def test_a_condition_guards_functions_wherever_it_is_written(first):
    """A function that raises is a failure only for values that all other conditions let through as well."""
    literals = [where("x < 3"), where("fragile(x) >= 0", fragile=fragile), atom("Node", "x")]
    given = program([NODE, OUT], clause("r", ("Out", "x"), *(literals if first else literals[::-1])))
    assert run(given, Node=[(3,), (1,)]).facts["Out"] == {(1,): 1}


def test_what_needs_a_missing_value_guards_nothing():
    """Literals that need the value that a function failed to give can't excuse the failure."""
    call = bind("y", "fragile(x)", INT, fragile=fragile)
    given = program(
        [NODE, EDGE, OUT], clause("r", ("Out", "y"), atom("Node", "x"), call, where("y < 3"), no("Edge", "y", _))
    )
    assert refused(given, Node=[(3,)]) == "r"


def test_functions_that_fail_together_are_a_failure():
    """Two functions that raise for the same values don't excuse each other."""
    calls = [where(f"fragile(x) > {i}", fragile=fragile) for i in range(2)]
    assert refused(program([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x"), *calls)), Node=[(3,)]) == "r"


def test_values_of_the_middle_of_a_transaction_fail_nothing():
    """A function may raise for facts that meet only while a transaction is carried out, old ones with new ones."""
    given = program(
        [NODE, EDGE, OUT],
        clause("r", ("Out", "x"), atom("Node", "x"), atom("Edge", "x", _), where("fragile(x) >= 0", fragile=fragile)),
    )
    for old, new in (("Node", "Edge"), ("Edge", "Node")):
        facts = {"Node": (3,), "Edge": (3, 0)}
        engine = Engine(given)
        engine.transact({old: ((), [facts[old]])})
        engine.transact({old: ([facts[old]], ()), new: ((), [facts[new]])})
        assert list(engine.facts(new)) == [facts[new]]
        with pytest.raises(RuleFailure) as failure:
            engine.transact({old: ((), [facts[old]])})
        assert set(failure.value.facts) == set(facts.items())


def test_an_excluded_failure_counts_once_it_is_included():
    """A value that a condition kept from a function that raises is refused when the condition changes."""
    given = program(
        [NODE, EDGE, OUT],
        clause("r", ("Out", "x"), atom("Node", "x"), no("Edge", "x", _), where("fragile(x) >= 0", fragile=fragile)),
    )
    engine = Engine(given)
    engine.transact({"Node": ((), [(3,), (1,)]), "Edge": ((), [(3, 0)])})
    with pytest.raises(RuleFailure, match=r"rule r failed on Node\(3,\): ValueError: three"):
        engine.transact({"Edge": ([(3, 0)], [(1, 0)])})
    assert (list(engine.facts("Out")), list(engine.facts("Edge"))) == ([(1,)], [(3, 0)])
    engine.transact({"Node": ([(3,)], ()), "Edge": ([(3, 0)], ())})
    assert list(engine.facts("Out")) == [(1,)]


def test_a_refused_transaction_leaves_nothing_behind():
    """Facts, counts, groups, conflicts and numbers are after a refused transaction what they were before."""
    keyed, total = relation("Keyed", "int str", key=(0,)), relation("Total", "int int")
    number, reach = relation("Number", "int int"), relation("Reach", "int int")
    given = program(
        [NODE, EDGE, keyed, total, number, reach, OUT],
        clause("total", ("Total", "x", Aggregate("sum", expression("y", INT))), atom("Edge", "x", "y")),
        clause("number", ("Number", "x", Allocate(1, 3)), atom("Edge", "x", _)),
        clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
        clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
        clause(
            "fails", ("Out", expression("fragile(x)", INT, fragile=fragile)), atom("Node", "x"), atom("Reach", _, _)
        ),
    )
    engine = Engine(given)

    def seen():
        counts = {n: {f: engine.count(n, f) for f in engine.facts(n)} for n in given.relations}
        return counts, engine.allocations("Number"), engine.exhausted(), engine.conflicts()

    start = {"Edge": ((), [(0, 1), (1, 0), (2, 0), (5, 5)]), "Keyed": ((), [(1, "b"), (1, "c")]), "Node": ((), [(1,)])}
    engine.transact(start)
    before = seen()
    change = {
        "Edge": ([(0, 1), (5, 5)], [(1, 2), (6, 6)]),
        "Keyed": ([(1, "b")], [(1, "a"), (2, "a")]),
        "Node": ([(1,)], [(3,)]),
    }
    with pytest.raises(RuleFailure, match="rule fails failed on Node"):
        engine.transact(change)
    assert seen() == before
    engine.transact(change | {"Node": ((), ())})
    assert seen() != before


def test_a_large_load_is_what_many_small_ones_are():
    """A load that is worth handling at once gives the same facts and counts, also where values repeat."""
    total, names = relation("Total", "int int"), relation("Names", "int ints")
    given = program(
        [EDGE, total, names],
        clause("total", ("Total", "x", Aggregate("sum", expression("y % 40", INT))), atom("Edge", "x", "y")),
        clause("names", ("Names", "x", Aggregate("collect", expression("y % 30", INT))), atom("Edge", "x", "y")),
    )
    facts = [(i % 5, i * 7 % 1000) for i in range(1000)]
    engine = Engine(given)
    engine.transact({"Edge": ((), facts)})
    for gone, come in (((), ()), (facts[:400], ()), (facts[300:900], facts[:300])):
        engine.transact({"Edge": (gone, come)})
        state = evaluate(given, {"Edge": list(engine.facts("Edge"))})
        for name in ("Total", "Names"):
            assert {f: engine.count(name, f) for f in engine.facts(name)} == state.facts[name]


def test_the_head_is_computed_last():
    """A function in a head is called for complete derivations only."""
    head = expression("fragile(x)", INT, fragile=fragile)
    given = program([NODE, EDGE, OUT], clause("r", ("Out", head), atom("Node", "x"), no("Edge", "x", _)))
    assert run(given, Node=[(3,), (1,)], Edge=[(3, 0)]).facts["Out"] == {(1,): 1}
    assert refused(given, Node=[(3,)]) == "r"


def test_the_same_source_may_mean_different_functions():
    """Two rules that write the same expression each call the function that their own module defines."""
    given = program(
        [NODE, relation("Letters", "str")],
        clause("a", ("Letters", expression("f(x)", STR, f=letter)), atom("Node", "x")),
        clause("b", ("Letters", expression("f(x)", STR, f=str)), atom("Node", "x")),
    )
    assert run(given, Node=[(1,)]).facts["Letters"] == {("b",): 1, ("1",): 1}


def test_rules_may_need_no_facts():
    """A clause without atoms, or with negated ones only, holds before any fact is given."""
    given = program(
        [NODE, OUT, PAIRED],
        clause("always", ("Out", "x"), member("x", "span(2)", span=span)),
        clause("without", ("Paired", 1, 1), no("Node", _)),
    )
    state = run(given, Node=[])
    assert (state.facts["Out"], state.facts["Paired"]) == ({(0,): 1, (1,): 1}, {(1, 1): 1})


def test_tuples_are_values():
    """A tuple in a column joins and compares as a whole, and its elements can be listed."""
    sets = relation("Set", "int ints")
    same = clause("same", ("Paired", "x", "y"), atom("Set", "x", "s"), atom("Set", "y", "s"), where("x < y"))
    inside = clause("inside", ("Out", "v"), atom("Set", _, "s"), member("v", "s"))
    given = program([sets, PAIRED, OUT], same, inside)
    facts = run(given, Set=[(1, (4, 5)), (2, (4, 5)), (3, ())]).facts
    assert (facts["Paired"], facts["Out"]) == ({(1, 2): 1}, {(4,): 2, (5,): 2})
    assert given.relations["Set"].columns[1].type == INTS


def test_a_cycle_through_negation_has_no_meaning():
    """A program that negates a relation in the course of deriving it is refused."""
    given = program([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x"), no("Out", "x")))
    for evaluator in (evaluate, reference.evaluate):
        with pytest.raises(ValueError, match="r needs Out finished before it is started"):
            evaluator(given, {"Node": [(1,)]})


def test_pydatalog_names_what_it_cannot_express():
    """A program that pyDatalog can't express is refused by name, not answered wrongly."""
    empty = program([relation("Nothing", "")])
    with pytest.raises(reference.Unsupported, match="Nothing: a relation without columns"):
        reference.evaluate(empty, {})


def test_pydatalog_forgets_between_runs():
    """A run leaves nothing behind: neither facts, nor rules, nor functions."""
    from pyDatalog import pyEngine

    given = program(
        [NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x"), where("fragile(x) >= 0", fragile=fragile))
    )
    assert reference.evaluate(given, {"Node": [(3,), (2,)]})["Out"] == {(2,)}
    assert not pyEngine.Python_resolvers
    assert not [p for p in pyEngine.Logic.tl.logic.Db if p[0].isalpha()]
    assert reference.evaluate(given, {"Node": [(1,)]})["Out"] == {(1,)}
