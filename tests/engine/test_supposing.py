"""Suppositions: inside, the engine is as if a transaction had been made; afterwards, as if nothing had been."""

from contextlib import ExitStack, suppress

import pytest
from agreement import show
from clauses import INT, STR, _, atom, clause, expression, no, program, relation
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from programs import changes, programs, transactions
from shipped import START, read_by
from shipped import transactions as shipped_transactions
from snapshot import differences, snapshot
from test_shipped_programs import PROGRAMS, Follower

from ovn_rules.engine.ir import Aggregate, Allocate, Atom, Const, Program, RelationDef, Var
from ovn_rules.engine.naive import Failure, evaluate
from ovn_rules.engine.runtime import Engine, RuleFailure

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
OWN = {"rules", "under way"}
"""What a supposition may differ in from the transaction that it supposes: costs, and the way back."""


class Stop(Exception):  # noqa: N818 - what happened, not a mistake
    """Raised inside suppositions."""


def delta(changed):
    """A transaction's report, without an order."""
    facts = {n: (frozenset(d), frozenset(i)) for n, (d, i) in changed.items()}
    return facts, set(changed.conflicts), set(changed.exhausted)


def after(base, given):
    """The base facts after a transaction."""
    return {n: base[n] - set(given.get(n, ((), ()))[0]) | set(given.get(n, ((), ()))[1]) for n in base}


def replayed(rules, history):
    """An engine to which some transactions were made, except those that failed."""
    engine = Engine(rules)
    for transaction in history:
        with suppress(RuleFailure):
            engine.transact(transaction)
    return engine


def check_supposition(rules, engine, history, given):
    """Inside it is a transaction, and afterwards it is nothing."""
    before = snapshot(engine)
    real = replayed(rules, history)
    try:
        with engine.supposing(given) as changed:
            assert delta(changed) == delta(real.transact(given))
            assert set(differences(snapshot(real), snapshot(engine))) <= OWN
    except RuleFailure:
        event("a supposition failed")
        with pytest.raises(RuleFailure):
            real.transact(given)
    assert differences(before, snapshot(engine)) == []


def nest(engine, all_given):
    """Suppositions within each other, with transactions between them, and an error in the innermost."""
    with ExitStack() as stack:
        for i, each in enumerate(all_given):
            if i % 3 == 2:
                engine.transact(each)
            else:
                stack.enter_context(engine.supposing(each))
        raise Stop


def check_nested(engine, all_given):
    """However suppositions within each other end, nothing is left of them."""
    before = snapshot(engine)
    with pytest.raises((Stop, RuleFailure)):
        nest(engine, all_given)
    assert differences(before, snapshot(engine)) == []


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
def test_a_supposition_is_a_transaction_that_never_was(data, compared):
    """For any program: an engine that supposes things is the engine that doesn't, but while it does."""
    rules = data.draw(programs())
    note(show(rules))
    *steps, first, second, third, fourth = data.draw(transactions(rules, 10))
    engine, plain, history = Engine(rules), Engine(rules), []
    base = {n: set() for n in rules.relations if n not in rules.derived}
    for step in steps:
        check_supposition(rules, engine, history, changes(first, base))
        check_nested(engine, [changes(s, base) for s in (first, second, third, fourth)])
        given = changes(step, base)
        history.append(given)
        try:
            expected = delta(plain.transact(given))
        except RuleFailure:
            with pytest.raises(RuleFailure):
                engine.transact(given)
        else:
            assert delta(engine.transact(given)) == expected
            base = after(base, given)
        assert set(differences(snapshot(plain), snapshot(engine))) <= OWN
        compared["suppositions compared with transactions"] += 1


def held_back(rules, withdrawn):
    """A program in which no clause makes certain facts: it derives them under another name first."""
    names = {n: f"{n} at first" for n in withdrawn if n in rules.derived}
    relations = dict(rules.relations)
    clauses = []
    for each in rules.clauses:
        renamed = names.get(each.relation, each.relation)
        clauses.append(type(each)(each.rule, each.index, renamed, each.terms, each.body))
    for name, first in names.items():
        definition = rules.relations[name]
        relations[first] = RelationDef(first, definition.columns)
        relations[f"{name} withdrawn"] = RelationDef(f"{name} withdrawn", definition.columns)
        terms = tuple(Var(c.name) for c in definition.columns)
        body = (Atom(first, terms), Atom(f"{name} withdrawn", terms, negated=True))
        clauses.append(clause(f"{name} rest", (name, *(c.name for c in definition.columns)), *body))
    return Program(relations, tuple(clauses)), names


def check_withdrawn(rules, engine, base, withdrawn):
    """The visible facts are those of the program that can't make the withdrawn ones."""
    other, names = held_back(rules, withdrawn)
    given = {n: base[n] - withdrawn.get(n, set()) for n in base}
    given |= {f"{n} withdrawn": withdrawn[n] for n in names}
    numbers = {names.get(n, n): engine.allocations(n) for n in rules.derived}
    state = evaluate(other, given, numbers)
    for name in rules.relations:
        assert set(engine.facts(name)) == set(state.facts[name]), name
        assert {f for c in engine.conflicts() if c.relation == name for f in c.rejected} == set(state.losers[name])


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
def test_withdrawn_facts_are_made_by_no_clause(data, compared):
    """For any program and any facts taken out, the rest is what follows when no clause makes them."""
    rules = data.draw(programs())
    note(show(rules))
    *steps, first, second = data.draw(transactions(rules, 8))
    engine = Engine(rules)
    base = {n: set() for n in rules.relations if n not in rules.derived}
    for step in steps:
        try:
            engine.transact(given := changes(step, base))
        except RuleFailure:
            continue
        base = after(base, given)
    present = [(n, f) for n in rules.relations for f in sorted(engine.facts(n), key=repr)]
    chosen = data.draw(st.lists(st.sampled_from(present), max_size=3)) if present else []
    withdrawn = {n: {f for m, f in chosen if m == n} for n, _ in chosen}
    note(f"{base} without {withdrawn}")
    before = snapshot(engine)
    try:
        with engine.supposing(changes(first, base), withdrawn):
            base = after(base, changes(first, base))
            check_withdrawn(rules, engine, base, withdrawn)
            with engine.supposing(changes(second, base)):
                check_withdrawn(rules, engine, after(base, changes(second, base)), withdrawn)
            check_withdrawn(rules, engine, base, withdrawn)
    except RuleFailure:
        event("a function failed")
    except Failure as failure:
        # The other program calls a function with a value that the engine's doesn't make, or not yet.
        raise AssertionError("the naive evaluator failed, and the engine did not") from failure
    assert differences(before, snapshot(engine)) == []
    compared["withdrawals compared with the naive evaluator"] += 1


@pytest.mark.parametrize("role", PROGRAMS)
def test_suppositions_about_shipped_programs(role, compared):
    """The rules that are shipped: after any suppositions the engine is what it was, and goes on as another would."""
    rules = PROGRAMS[role]

    @given(sequence=shipped_transactions(rules, 4), supposed=shipped_transactions(rules, 2))
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def run(sequence, supposed):
        follower, plain = Follower(rules), Follower(rules)
        for transaction in [[], *sequence]:
            before = snapshot(follower.engine)
            rows, facts, base, seen = follower.rows, follower.facts, follower.base, follower.seen
            follower.rows = {t: dict(r) for t, r in rows.items()}
            follower.facts, follower.seen = {r: set(f) for r, f in facts.items()}, dict(seen)
            with follower.engine.supposing({}):
                for each in supposed:
                    follower.change(each)
                    follower.commit()
                    follower.compare()
            follower.rows, follower.facts, follower.base, follower.seen = rows, facts, base, seen
            assert differences(before, snapshot(follower.engine)) == []
            for each in (follower, plain):
                each.change(transaction)
                each.commit()
            assert set(differences(snapshot(plain.engine), snapshot(follower.engine))) <= OWN
            compared[f"suppositions about shipped rules ({role})"] += 1

    assert set(read_by(rules)) & START.keys()
    run()


# -- one thing at a time -----------------------------------------------------------------------------------

LINK, REACH = relation("Link", "int int"), relation("Reach", "int int")
NODE, NUMBER, SIZE = relation("Node", "str"), relation("Number", "str int"), relation("Size", "int int")
OWNER, OWNED = relation("Owner", "str int", key=(0,)), relation("Owned", "str int")

PROGRAM = program(
    [LINK, REACH, NODE, NUMBER, SIZE, OWNER, OWNED],
    clause("reach", ("Reach", "x", "y"), atom("Link", "x", "y")),
    clause("further", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Link", "y", "z")),
    clause("number", ("Number", "n", Allocate(1, 2)), atom("Node", "n")),
    clause("size", ("Size", "x", Aggregate("count", expression("y", INT))), atom("Reach", "x", "y")),
    clause("owner", ("Owner", "n", "x"), atom("Owned", "n", "x")),
)


@pytest.fixture
def engine():
    """Two nodes have the only numbers; 1 and 2 reach each other; one key has a rival."""
    made = Engine(PROGRAM)
    made.transact({"Link": ((), [(1, 2), (2, 1)]), "Node": ((), [("a",), ("b",)]), "Owned": ((), [("k", 1), ("k", 2)])})
    return made


def test_a_group_that_came_to_wait_in_a_supposition_waits_no_more(engine):
    """Waiting lists and the last number given are as they were: the next group gets what it would have got."""
    with engine.supposing({"Node": ([("a",)], [("c",), ("d",)])}) as changed:
        assert changed["Number"] == ([("a", 1)], [("c", 1)])
        assert [e.groups for e in engine.exhausted()] == [(("d",),)]
    assert engine.exhausted() == []
    assert engine.transact({"Node": ([("b",)], [("e",)])})["Number"] == ([("b", 2)], [("e", 2)])


def test_a_fact_of_a_cycle_does_not_bring_itself_back(engine):
    """A withdrawn fact of a recursive relation stays away, though its own consequences would derive it again."""
    with engine.supposing({}, {"Reach": [(1, 1)]}) as changed:
        assert set(engine.facts("Reach")) == {(1, 2), (2, 1), (2, 2)}
        assert changed["Size"] == ([(1, 2)], [(1, 1)])
        engine.transact({"Link": ((), [(1, 1)])})
        assert (1, 1) not in engine.facts("Reach")
        with engine.supposing({}, {"Reach": [(1, 2)]}):
            assert set(engine.facts("Reach")) == {(2, 1), (2, 2)}
        assert (1, 2) in engine.facts("Reach")
    assert set(engine.facts("Reach")) == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert engine.transact({"Link": ([(2, 1)], ())})["Reach"][0] != []
    assert set(engine.facts("Reach")) == {(1, 2)}


def test_a_withdrawn_fact_leaves_its_key_to_the_rival(engine):
    """The kept fact of a key withdrawn, the next one is seen; both withdrawn, none."""
    with engine.supposing({}, {"Owner": [("k", 1)]}) as changed:
        assert changed["Owner"] == ([("k", 1)], [("k", 2)])
        assert engine.conflicts() == []
    with engine.supposing({}, {"Owner": {("k", 1), ("k", 2)}}) as changed:
        assert changed["Owner"] == ([("k", 1)], [])
    (conflict,) = engine.conflicts()
    assert (conflict.kept, conflict.rejected) == (("k", 1), (("k", 2),))


def test_a_withdrawn_aggregate_comes_back_with_another_value(engine):
    """A group's fact may be withdrawn; when its values change it makes another one."""
    with engine.supposing({}, {"Size": [(1, 2)]}):
        assert set(engine.facts("Size")) == {(2, 2)}
        engine.transact({"Link": ((), [(1, 3)])})
        assert set(engine.facts("Size")) == {(1, 3), (2, 3)}
        engine.transact({"Link": ([(1, 3)], ())})
        assert set(engine.facts("Size")) == {(2, 2)}


def test_a_withdrawn_number_stays_taken(engine):
    """The group of a withdrawn number has it still; nobody else gets it."""
    with engine.supposing({"Node": ((), [("c",)])}, {"Number": [("a", 1)]}):
        assert set(engine.facts("Number")) == {("b", 2)}


def test_withdrawing_base_facts(engine):
    """A withdrawn base fact is deleted, and not even the supposition's own transaction puts it back."""
    with engine.supposing({"Node": ((), [("b",), ("c",)])}, {"Node": [("b",), ("c",)]}):
        assert set(engine.facts("Node")) == {("a",)}
        assert set(engine.facts("Number")) == {("a", 1)}
    assert set(engine.facts("Node")) == {("a",), ("b",)}


def test_an_engine_that_has_never_been_asked_for_anything():
    """What holds without facts is derived in a supposition, and again in the first transaction."""
    node, out = relation("Node", "str"), relation("Out", "str")
    rules = program([node, out], clause("none", ("Out", Const("none")), no("Node", _)))
    made = Engine(rules)
    with made.supposing({}) as changed:
        assert set(changed["Out"][1]) == {("none",)}
    assert set(made.facts("Out")) == set()
    assert set(made.transact({})["Out"][1]) == {("none",)}


@pytest.mark.parametrize(
    ("given", "withdrawn", "error", "text"),
    [
        ({"Nope": ((), [(1,)])}, {}, KeyError, "no relation Nope"),
        ({"Reach": ((), [(1, 1)])}, {}, ValueError, "Reach is derived by rules"),
        ({}, {"Lnk": [(1, 2)]}, KeyError, "no relation Lnk; did you mean 'Link'"),
        ({}, {"Link": [(1,)]}, ValueError, "Link has 2 columns, but the fact has 1"),
        ({}, {"Link": [[1, 2]]}, ValueError, "a fact of Link is a tuple of 2 values"),
    ],
)
def test_what_cannot_be_supposed(engine, given, withdrawn, error, text):
    """Unknown relations and facts of the wrong shape are refused before anything happens."""
    before = snapshot(engine)
    with pytest.raises(error, match=text), engine.supposing(given, withdrawn):
        raise Stop
    assert differences(before, snapshot(engine)) == []


def test_a_rule_that_fails_in_a_supposition():
    """The failure is raised, and the engine is as it was, nested suppositions included."""

    def picky(number):
        if number == 3:
            raise ValueError("three")
        return "ok"

    node, out = relation("Node", "int"), relation("Out", "str")
    rules = program([node, out], clause("out", ("Out", expression("picky(n)", STR, picky=picky)), atom("Node", "n")))
    made = Engine(rules)
    made.transact({"Node": ((), [(1,)])})
    before = snapshot(made)
    with made.supposing({"Node": ((), [(2,)])}):
        with pytest.raises(RuleFailure, match="three"), made.supposing({"Node": ([(1,)], [(3,)])}):
            raise Stop
        assert set(made.facts("Node")) == {(1,), (2,)}
    assert differences(before, snapshot(made)) == []


def test_a_supposition_that_outlives_one_within_it(engine):
    """Suppositions end in the opposite order of their beginning; any other is a programmer's mistake that is told."""
    outer, inner = engine.supposing({}), engine.supposing({})
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="began later"):
        outer.__exit__(None, None, None)
