"""Why a fact doesn't hold: the nearest miss of each clause, and the smallest change that works."""

import pytest
from clauses import _, atom, bind, clause, expression, member, no, program, relation, where
from drawn_engines import drawn_engine
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from programs import VALUES

from ovn_rules.engine.findings import Status, Wanted
from ovn_rules.engine.ir import INT, STR, Aggregate, Allocate, Atom, Bind, Filter
from ovn_rules.engine.naive import value
from ovn_rules.engine.present import FREE
from ovn_rules.engine.repair import repairs
from ovn_rules.engine.runtime import Engine
from ovn_rules.engine.whynot import WhyNot

NODE, EDGE, NAME = relation("Node", "int"), relation("Edge", "int int"), relation("Name", "int str")
OUT, PAIR_OF = relation("Out", "int"), relation("Pair", "int int")


def engine_of(relations, *clauses, **facts):
    """An engine with facts."""
    engine = Engine(program(relations, *clauses))
    engine.transact({n: ((), f) for n, f in facts.items()})
    return engine


def nearest(engine, name, *pattern, **options):
    """The nearest reason for an absence; that what it claims is true has been checked."""
    absence = WhyNot(engine, **options).absence(name, pattern)
    check(engine, absence)
    return absence.reasons[0]


def told(reason):
    """What became of each condition: its status, and the fact or the pattern."""
    found = []
    for finding in reason.miss.findings:
        what = finding.fact if finding.fact is not None else finding.pattern or finding.result
        found.append((finding.status.value, what))
    return found


def facts_of(_engine, edits):
    """Edits of facts that no database has, as a transaction."""
    transaction = {}
    for edit in edits:
        gone, come = transaction.setdefault(edit.relation, ([], []))
        gone += [edit.old] if edit.old is not None else []
        come += [edit.new] if edit.new is not None else []
    return transaction


def smallest(engine, name, *pattern):
    """The edits of the smallest repair; that it works has been checked."""
    whynot = WhyNot(engine)
    absence = whynot.absence(name, pattern)
    found = repairs(whynot, absence, facts_of)
    check_repairs(engine, absence, found)
    return [(e.relation, e.old, e.new) for e in found[0].edits] if found else None


# -- what a miss claims is true ----------------------------------------------------------------------------------


def matches(fact, pattern):
    """Whether a fact has the values of a pattern."""
    return all(w is FREE or v == w for v, w in zip(fact, pattern, strict=True))


def check(engine, absence, seen=None):
    """Every claim of an explanation is true, by looking at all facts and evaluating anew."""
    seen = set() if seen is None else seen
    if id(absence) in seen:
        return
    seen.add(id(absence))
    fitting = [f for f in engine.facts(absence.relation) if matches(f, absence.pattern)]
    assert bool(absence.found) is bool(fitting)
    assert set(absence.found) <= set(fitting)
    assert set(absence.nearest) <= set(engine.facts(absence.relation))
    for fact, winner in absence.rivals:
        assert matches(fact, absence.pattern)
        assert fact not in engine.facts(absence.relation)
        assert engine.count(absence.relation, fact) > 0
        assert winner in engine.facts(absence.relation)
    for reason in absence.reasons:
        for finding in reason.miss.findings if reason.miss else ():
            check_finding(engine, finding)
        for child in reason.absences.values():
            check(engine, child, seen)


def check_finding(engine, finding):
    """What is said of one condition is true."""
    condition = finding.condition
    if finding.status is Status.OPEN:
        return
    holds = finding.status is Status.HOLDS
    if isinstance(condition, Atom):
        facts = engine.facts(condition.relation)
        if finding.fact is not None:
            assert finding.fact in facts
            assert matches(finding.fact, finding.pattern)
            assert holds is not condition.negated
        else:
            assert holds is condition.negated
            fitting = [f for f in facts if matches(f, finding.pattern)]
            assert not any(all(f[i] == f[j] for i, j in finding.equal) for f in fitting), finding
        return
    if set(finding.values) == set(condition.expr.variables):
        assert is_true(condition, finding) is holds, finding


def is_true(condition, finding):
    """Whether an expression comes out as it should."""
    try:
        result = value(condition.expr, dict(finding.values))
        if isinstance(condition, Filter):
            return bool(result)
        if isinstance(condition, Bind | Wanted):
            return finding.wanted is FREE or bool(result == finding.wanted)
        wanted = finding.wanted if condition.unpack and finding.wanted is not FREE else (finding.wanted,)
        items = [i if condition.unpack else (i,) for i in result]
        if any(not isinstance(i, tuple) or len(i) != len(condition.variables) for i in items):
            return False
        wanted = wanted if len(wanted) == len(condition.variables) else (FREE,) * len(condition.variables)
        return any(matches(i, wanted) for i in items)
    except Exception:  # noqa: BLE001 - functions of random programs raise on purpose
        return False


def check_repairs(engine, absence, found):
    """Trying repairs has changed nothing, and the smallest one works when it is really made."""
    assert engine.recompute() == {}
    for repair in found[:1]:
        assert not any(matches(f, absence.pattern) for f in engine.facts(absence.relation))
        engine.transact(facts_of(engine, repair.edits))
        facts = engine.facts(absence.relation)
        assert any(matches(f, absence.pattern) for f in facts), repair
        assert all(f in facts for f in repair.made)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_claimed_of_random_programs_is_true(data):
    """What is said to hold holds, what is said to fail fails, and every repair works."""
    engine = drawn_engine(data)
    drawn = engine.program
    name = data.draw(st.sampled_from(sorted(drawn.derived)))
    pattern = tuple(
        data.draw(st.sampled_from((FREE, *VALUES[c.type]))) if c.type in VALUES else FREE
        for c in drawn.relations[name].columns
    )
    whynot = WhyNot(engine, everything=data.draw(st.booleans()))
    absence = whynot.absence(name, pattern)
    event("there after all" if absence.found else "absent")
    check(engine, absence)
    if not absence.found:
        found = repairs(whynot, absence, facts_of)
        event(f"{len(found)} repairs")
        check_repairs(engine, absence, found)


# -- each kind of miss -------------------------------------------------------------------------------------------


def test_what_holds_is_named():
    """A pattern that facts match is answered with them."""
    engine = engine_of([NODE, OUT], clause("r", ("Out", "x"), atom("Node", "x")), Node=[(1,), (2,)])
    absence = WhyNot(engine).absence("Out", (FREE,))
    assert set(absence.found) == {(1,), (2,)}
    assert absence.reasons == []


def test_a_missing_fact_is_told_with_the_nearest():
    """An atom without a fact says what was looked for; the facts that differ least are named."""
    rule = clause("r", ("Pair", "x", "z"), atom("Edge", "x", "y"), atom("Edge", "y", "z"))
    engine = engine_of([EDGE, PAIR_OF], rule, Edge=[(1, 2), (2, 3), (7, 9)])
    reason = nearest(engine, "Pair", 1, 4)
    assert told(reason) == [("holds", (1, 2)), ("fails", (FREE, 4))] or told(reason)[1] == ("fails", (2, 4))
    assert reason.absences[1].nearest[0] == (2, 3)
    assert smallest(engine, "Pair", 1, 4) in ([("Edge", None, (2, 4))], [("Edge", (2, 3), (2, 4))])


def test_a_fact_in_the_way_of_a_negation():
    """A negated atom that fails names the fact that is there; taking it out is the repair."""
    rule = clause("r", ("Out", "x"), atom("Node", "x"), no("Edge", "x", _))
    engine = engine_of([NODE, EDGE, OUT], rule, Node=[(1,)], Edge=[(1, 5)])
    assert told(nearest(engine, "Out", 1)) == [("holds", (1,)), ("fails", (1, 5))]
    assert smallest(engine, "Out", 1) == [("Edge", (1, 5), None)]


def test_a_derived_fact_in_the_way_goes_with_what_it_comes_from():
    """What stands in the way and is derived is taken out by one of its premises."""
    blocked = relation("Blocked", "int")
    engine = engine_of(
        [NODE, EDGE, blocked, OUT],
        clause("block", ("Blocked", "y"), atom("Edge", _, "y")),
        clause("r", ("Out", "x"), atom("Node", "x"), no("Blocked", "x")),
        Node=[(1,)],
        Edge=[(4, 1)],
    )
    assert smallest(engine, "Out", 1) == [("Edge", (4, 1), None)]


def test_a_comparison_that_is_false():
    """A comparison that fails says with which values; one value is changed to one that will do."""
    rule = clause("r", ("Out", "x"), atom("Edge", "x", "y"), where("y > 5"))
    engine = engine_of([EDGE, OUT], rule, Edge=[(1, 5), (2, 6)])
    reason = nearest(engine, "Out", 1)
    assert told(reason) == [("holds", (1, 5)), ("fails", False)]
    assert dict(reason.miss.findings[1].values) == {"y": 5}
    assert smallest(engine, "Out", 1) == [("Edge", (1, 5), (1, 6))]


def test_a_function_that_raises():
    """A function that raises for the values is said to, and with what."""

    def picky(number):
        if number == 5:
            raise ValueError("five")
        return True

    rule = clause("r", ("Out", "x"), atom("Edge", "x", "y"), where("y != 5"), where("picky(y)", picky=picky))
    engine = engine_of([EDGE, OUT], rule, Edge=[(1, 5)])
    findings = nearest(engine, "Out", 1).miss.findings
    assert [f.status for f in findings] == [Status.HOLDS, Status.FAILS, Status.FAILS]
    assert findings[2].error == "ValueError: five"


def test_a_value_that_is_not_among_the_elements():
    """Membership that fails shows what there is and what should be in it."""
    rule = clause("r", ("Pair", "x", "z"), atom("Edge", "x", "y"), member("z", "range(y)"))
    engine = engine_of([EDGE, PAIR_OF], rule, Edge=[(1, 3)])
    finding = nearest(engine, "Pair", 1, 7).miss.findings[1]
    assert (finding.status, list(finding.result), finding.wanted) == (Status.FAILS, [0, 1, 2], 7)


def test_a_binding_that_comes_out_otherwise():
    """An equation between two values that are both known shows both."""
    rule = clause("r", ("Pair", "x", "z"), atom("Edge", "x", "y"), bind("z", "y + 1", INT))
    engine = engine_of([EDGE, PAIR_OF], rule, Edge=[(1, 3)])
    reason = nearest(engine, "Pair", 1, 9)
    assert reason.miss.findings[1].result == 4
    assert reason.miss.findings[1].wanted == 9
    assert smallest(engine, "Pair", 1, 9) == [("Edge", (1, 3), (1, 8))]


def test_a_head_that_comes_out_otherwise():
    """A function in the head that can't be read backwards shows what it came out as."""
    rule = clause("r", ("Name", "x", expression("label(y)", STR, label=lambda y: "ab"[y % 2])), atom("Edge", "x", "y"))
    engine = engine_of([EDGE, NAME], rule, Edge=[(1, 2)])
    finding = nearest(engine, "Name", 1, "b").miss.findings[-1]
    assert (finding.status, finding.result, finding.wanted) == (Status.FAILS, "a", "b")


@pytest.mark.parametrize(
    ("source", "wanted", "edge"),
    [
        ("f'eth {y}'", "eth 7", (FREE, 7)),
        ("f'reg7={y:#x},x'", "reg7=0x1f,x", (FREE, 31)),
        ("f'{x}-{y}'", "3-4", (3, 4)),
        ("'a' + str(y)", "a5", (FREE, FREE)),
        ("f'<{quoted(y)}>'", "<'8'>", (FREE, FREE)),
    ],
)
def test_a_head_is_read_backwards(source, wanted, edge):
    """Texts in the head that are put together from variables say what the variables must be."""
    rule = clause("r", ("Name", 0, expression(source, STR, quoted=repr)), atom("Edge", "x", "y"))
    engine = engine_of([EDGE, NAME], rule, Edge=[(1, 1)])
    findings = nearest(engine, "Name", 0, wanted).miss.findings
    assert edge in (findings[0].pattern, (FREE, FREE))


def test_a_rule_that_never_makes_it_is_only_named():
    """A clause whose head has another constant, or a text that begins otherwise, is listed with the column."""
    engine = engine_of(
        [NODE, NAME],
        clause("one", ("Name", 1, "y"), atom("Node", "x"), bind("y", "str(x)", STR)),
        clause("two", ("Name", "x", expression("f'b{x}'", STR)), atom("Node", "x")),
        clause("three", ("Name", "x", expression("f'a{x}'", STR)), atom("Node", "x")),
        Node=[(1,)],
    )
    absence = WhyNot(engine).absence("Name", (2, "a2"))
    check(engine, absence)
    assert [r.clause.name for r in absence.reasons] == ["three"]
    assert [(c.name, column) for c, column in absence.unfit] == [("one", 0), ("two", 1)]


def test_a_number_that_is_written_otherwise():
    """A number in a text is read only if it would be written so: 7 isn't 007."""
    rule = clause("r", ("Name", "x", expression("f'<{y:03d}>'", STR)), atom("Edge", "x", "y"))
    engine = engine_of([EDGE, NAME], rule, Edge=[(1, 7)])
    assert [c.name for c, _ in WhyNot(engine).absence("Name", (1, "<7>")).unfit] == ["r"]
    assert told(nearest(engine, "Name", 1, "<008>"))[0] == ("fails", (1, 8))


def test_by_analogy():
    """What a function makes of a similar fact tells which fact it would make the wanted one of."""
    text, made = relation("Text", "str"), relation("Made", "str str")
    rule = clause("r", ("Made", "t", "m"), atom("Text", "t"), member("m", "[turned(t)]", turned=lambda t: t.swapcase()))
    other = relation("Words", "str str")
    engine = engine_of(
        [text, made, other],
        rule,
        clause("words", ("Words", "m", "m"), atom("Made", _, "m")),
        Text=[("field 1 OF host-1",)],
    )
    reason = nearest(engine, "Made", FREE, "FIELD 2 of HOST-1")
    assert told(reason)[0] == ("fails", ("field 2 OF host-1",))
    assert smallest(engine, "Words", "FIELD 2 of HOST-1", FREE) is not None


def test_a_rival_with_the_same_key():
    """A fact that has a derivation, but is kept out by another with its key, is said to be."""
    keyed = relation("Keyed", "int int", key=(0,))
    engine = engine_of([EDGE, keyed], clause("r", ("Keyed", "x", "y"), atom("Edge", "x", "y")), Edge=[(1, 5), (1, 7)])
    whynot = WhyNot(engine)
    absence = whynot.absence("Keyed", (1, 7))
    check(engine, absence)
    assert absence.rivals == (((1, 7), (1, 5)),)
    assert smallest(engine, "Keyed", 1, 7) == [("Edge", (1, 5), None)]


def test_an_aggregate_that_comes_to_something_else():
    """A group with another result says what it lacks and what it shouldn't have; what it lacks is explained."""
    every = relation("All", "int str")
    head = ("All", "x", Aggregate("collect", expression("f'p{y};'", STR), expression("' '.join(_aggregate)")))
    engine = engine_of([EDGE, every], clause("r", head, atom("Edge", "x", "y")), Edge=[(1, 2), (1, 3)])
    reason = nearest(engine, "All", 1, "p2; p4;")
    assert reason.outcome.fact == (1, "p2; p3;")
    assert (reason.outcome.missing, reason.outcome.surplus) == (("p4;",), ("p3;",))
    assert told(reason)[0] == ("fails", (1, 4))
    assert sorted(smallest(engine, "All", 1, "p2; p4;"), key=repr) == [("Edge", (1, 3), None), ("Edge", None, (1, 4))]


def test_an_aggregate_without_a_group():
    """A group without values has no row: the body is explained."""
    engine = engine_of(
        [EDGE, PAIR_OF],
        clause("r", ("Pair", "x", Aggregate("count", expression("y", INT))), atom("Edge", "x", "y")),
        Edge=[(1, 2)],
    )
    assert told(nearest(engine, "Pair", 5, 1))[0] == ("fails", (5, FREE))
    assert nearest(engine, "Pair", 1, 3).outcome.fact == (1, 1)
    assert smallest(engine, "Pair", 5, 1) is not None


def test_a_number_that_another_group_has():
    """A group that has another number says which, and who has the one that was asked for."""
    engine = engine_of(
        [NODE, PAIR_OF], clause("r", ("Pair", "x", Allocate(1, 2)), atom("Node", "x")), Node=[(5,), (6,), (7,)]
    )
    numbers = dict(engine.facts("Pair"))
    first, second = sorted(numbers)
    outcome = nearest(engine, "Pair", first, numbers[second]).outcome
    assert (outcome.fact, outcome.holder) == ((first, numbers[first]), (second, numbers[second]))
    (waiting,) = {5, 6, 7} - set(numbers)
    assert nearest(engine, "Pair", waiting, FREE).outcome.fact is None


def test_a_number_that_a_group_of_the_same_scope_has():
    """Who has the number in another scope is no hindrance, and isn't named."""
    numbered = relation("Numbered", "int int int")
    rule = clause("r", ("Numbered", "x", "y", Allocate(1, 9, within=(0,))), atom("Edge", "x", "y"))
    engine = engine_of([EDGE, numbered], rule, Edge=[(1, 5), (2, 5), (2, 6)])
    assert nearest(engine, "Numbered", 2, 6, 1).outcome.holder == (2, 5, 1)
    assert nearest(engine, "Numbered", 1, 5, 2).outcome.holder is None


# -- recursion, depth, sharing -----------------------------------------------------------------------------------

REACH = relation("Reach", "int int")
REACHING = (
    clause("edge", ("Reach", "x", "y"), atom("Edge", "x", "y")),
    clause("path", ("Reach", "x", "z"), atom("Reach", "x", "y"), atom("Edge", "y", "z")),
)


def test_recursion_ends_at_what_is_asked_already():
    """A relation that depends on itself is explained once; where it comes back to the question it says so."""
    engine = engine_of([EDGE, REACH], *REACHING, Edge=[(1, 2), (2, 1)])
    absence = WhyNot(engine, everything=True).absence("Reach", (5, 6))
    check(engine, absence)
    assert {r.clause.name for r in absence.reasons} == {"edge", "path"}
    assert smallest(engine, "Reach", 5, 6) == [("Edge", None, (5, 6))]
    assert smallest(engine, "Reach", 1, 6) is not None


def test_a_derivation_that_needs_itself_only():
    """Facts that could only support each other don't hold, and the explanation ends."""
    one, two = relation("One", "int"), relation("Two", "int")
    engine = engine_of(
        [NODE, one, two],
        clause("a", ("One", "x"), atom("Two", "x"), atom("Node", "x")),
        clause("b", ("Two", "x"), atom("One", "x")),
        Node=[(1,)],
    )
    absence = WhyNot(engine).absence("One", (1,))
    check(engine, absence)
    below = absence.reasons[0].absences[0].reasons[0].absences[0]
    assert below.cut == "cycle"
    assert smallest(engine, "One", 1) is None


def chain(length):
    """Relations that each follow from the one before."""
    steps = [relation(f"R{i}", "int") for i in range(length)]
    rules = [clause(f"r{i}", (f"R{i}", "x"), atom(f"R{i - 1}", "x")) for i in range(1, length)]
    return steps, rules


def test_depth_is_limited():
    """Below the depth that was asked for nothing is explained, and it is said that more could be."""
    steps, rules = chain(6)
    engine = engine_of(steps, *rules)
    absence = WhyNot(engine, depth=2).absence("R5", (1,))
    below = absence.reasons[0].absences[0].reasons[0].absences[0]
    assert (below.relation, below.cut, below.reasons) == ("R3", "depth", [])


def test_shared_subproblems_are_explained_once():
    """What is lacking twice is one object."""
    engine = engine_of(
        [NODE, EDGE, OUT, PAIR_OF],
        clause("a", ("Out", "x"), atom("Node", "x")),
        clause("b", ("Pair", "x", "x"), atom("Out", "x"), atom("Out", "x")),
    )
    reason = nearest(engine, "Pair", 1, 1)
    assert reason.absences[0] is reason.absences[1]
    assert reason.follows == [1]


def test_a_base_relation():
    """What is given and isn't there has no reasons, but near facts, and is put in."""
    engine = engine_of([EDGE, OUT], clause("r", ("Out", "x"), atom("Edge", "x", _)), Edge=[(1, 2)])
    absence = WhyNot(engine).absence("Edge", (1, 3))
    assert (absence.reasons, absence.nearest) == ([], ((1, 2),))
    assert smallest(engine, "Edge", 1, 3) == [("Edge", None, (1, 3))]


def test_an_unknown_relation():
    """A relation that the program doesn't have is a KeyError."""
    with pytest.raises(KeyError):
        WhyNot(engine_of([NODE])).absence("Nothing", ())


def test_ten_thousand_candidates():
    """Of ten thousand ways to fail the nearest is found, and the steps that may be spent are kept to."""
    rule = clause("r", ("Pair", "x", "z"), atom("Edge", "x", "y"), atom("Name", "y", "n"), atom("Edge", "y", "z"))
    edges = [(20_000, n) for n in range(1, 10_000)] + [(5_000, 77)]
    engine = engine_of([EDGE, NAME, PAIR_OF], rule, Edge=edges, Name=[(n, f"n{n}") for n in range(9_000)])
    whynot = WhyNot(engine)
    absence = whynot.absence("Pair", (20_000, 78))
    check(engine, absence)
    assert not whynot.spent
    assert [f.status for f in absence.reasons[0].miss.failures] == [Status.FAILS]
    assert absence.reasons[0].absences[2].nearest[0][1] in (77, 79)
    hurried = WhyNot(engine, steps=10)
    check(engine, hurried.absence("Pair", (20_000, 78)))
    assert hurried.spent


def test_a_question_changes_nothing():
    """Asking makes no index in the engine and calls no clause."""
    rule = clause("r", ("Out", "y"), atom("Edge", "x", "y"), atom("Edge", "y", _), where("x < 9"))
    engine = engine_of([EDGE, OUT], rule, Edge=[(1, 2), (2, 3)])
    node = engine.network.members["Edge"].outer
    before = (list(node.indexes), list(node.late), [r.calls for r in engine.network.rules], engine.transactions)
    whynot = WhyNot(engine)
    repairs(whynot, whynot.absence("Out", (9,)), facts_of)
    assert (list(node.indexes), list(node.late), [r.calls for r in engine.network.rules], engine.transactions) == before
