"""Queries: the answers are those of a brute search, watching gives exact changes, and mistakes have a place."""

import re
import textwrap
from dataclasses import replace
from itertools import product

import pytest
from clauses import _, atom, clause, program, relation
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st
from refusals import check_refusal
from rule_files import Files

from ovn_rules.engine import Engine, pure
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.plan import Access
from ovn_rules.engine.queries import Watch, parse_query

A, B, S = (f"0{c}000000-0000-4000-8000-000000000001" for c in "abc")
FACTS = {
    "nb.Switch": [(S, "sw0")],
    "nb.Port": [(A, "vm1", S), (B, "vm2", S)],
    "nb.Port.macs": [(A, "02:01"), (A, "02:02"), (B, "02:03")],
    "Place": [("hall", 0), ("attic", 3), ("tower", 9)],
    "Link": [("hall", "attic"), ("attic", "tower"), ("hall", "hall")],
}
RULES = """
    @rule
    def port(port, switch, name, mac):
        \"\"\"Ports with an address.\"\"\"
        Reach(name, shout(mac)) <= (
            nb.Port(_uuid=port, name=name, switch=switch) & nb.Switch(_uuid=switch) & nb.Port.macs(port, mac)
        )

    @rule
    def way(a, b):
        \"\"\"Ways between places.\"\"\"
        Reach(a, b) <= Link(a, b) & Place(a, _)
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Two ports at a switch; three places."""
    files = Files(tmp_path, monkeypatch)
    engine = Engine(files.load(RULES, extra_columns={"nb.Switch": ["name"]}))
    engine.transact({r: ((), facts) for r, facts in FACTS.items()})
    return engine


def ask(engine, text, **options):
    """The answer of a query."""
    return parse_query(engine.program, text).answers(engine, **options)


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        (
            'nb.Port(_uuid=p, name=n, switch=_s) & nb.Port.macs(p, mac) & nb.Switch(_uuid=_s) & (n != "vm2")',
            "p n mac",
            [(A, "vm1", "02:01"), (A, "vm1", "02:02")],
        ),
        ("Place(name=n, floor=f) & (0 < f <= 9)", "n f", [("attic", 3), ("tower", 9)]),
        ("Place(n, f) &\n  is_high(f)", "n f", [("tower", 9)]),
        ("Place(n, f) & ~is_high(f) & ~Link(n, _)", "n f", []),
        ("Link(a, a)", "a", [("hall",)]),
        ("Link(a, b) & ~Link(b, _)", "a b", [("attic", "tower")]),
        ("Place(_n, 3) & (loud == shout(_n))", "loud", [("ATTIC",)]),
        ('Place(n, 3) & (w in ("x", n, "x"))', "n w", [("attic", "attic"), ("attic", "x")]),
        ('(x == "hall") & Place(x, floor)', "x floor", [("hall", 0)]),
        ("every(Place(a, 3)) & every(Place(b, 9))", "a b", [("attic", "tower")]),
        ("Place(a, 3) & Place(b, 9)", "a b", [("attic", "tower")]),
        ('Place("hall", 0)', "", [()]),
        ('Place("hall", 1)', "", []),
        ("(a, count(b)) <= Link(a, b)", "a count(b)", [("attic", 1), ("hall", 2)]),
        ("count(b) <= Link(_, b)", "count(b)", [(3,)]),
        ("(count(b),) <= Link(_, b) & (b == 'no')", "count(b)", []),
        ('", ".join(collect(b)) <= Link("hall", b)', '", ".join(collect(b))', [("attic, hall",)]),
        ("(max(f), n[0]) <= Place(n, f)", "max(f) n[0]", [(0, "h"), (3, "a"), (9, "t")]),
        ("(f'{n}!', f + 1) <= Place(n, f) & (f > 1)", "f'{n}!' f + 1", [("attic!", 4), ("tower!", 10)]),
        ("(n, 7) <= Place(n, 3)", "n 7", [("attic", 7)]),
    ],
)
def test_answers(engine, text, columns, rows):
    """Literals, negation, comparisons, functions, aggregates and expressions are those of rules."""
    found = ask(engine, text)
    assert "  ".join(found.columns).replace("  ", " ") == columns
    assert (found.rows, found.total, found.notes) == (rows, len(rows), [])


def test_limit(engine):
    """The first rows are given, and it is told how many there are."""
    found = ask(engine, "nb.Port.macs(p, mac)", limit=2)
    assert (found.rows, found.total) == ([(A, "02:01"), (A, "02:02")], 3)


def test_values_of_different_types_have_an_order(engine):
    """A column may mix text and numbers."""
    found = ask(engine, "(n if f < 3 else f) <= Place(n, f)")
    assert sorted(map(str, (v for (v,) in found.rows))) == ["3", "9", "hall"]
    assert ask(engine, "min(n if f < 3 else f) <= Place(n, f)").total == 1


@pytest.mark.parametrize(
    ("text", "message", "mark"),
    [
        ("", "nothing is asked; write Relation(column=variable) & ...", ""),
        ("Plase(x, _)", "unknown relation 'Plase'; did you mean 'Place'?", "Plase"),
        ("Place(flor=x)", "unknown column 'flor' of relation Place; did you mean 'floor'?", "flor=x"),
        ("Place(1, 2, 3)", "wrong arity: Place has 2 columns, not 3; its columns are name, floor", "Place(1, 2, 3)"),
        ("nb.Prt(x)", "unknown relation 'nb.Prt'; did you mean 'nb.Port'?", "nb.Prt"),
        ("nb.Port.mac(x)", "unknown column 'mac' of relation nb.Port; did you mean 'macs'?", "nb.Port.mac"),
        ("nb.Port(up=x)", "nb.Port has a column up, but this program doesn't read it", "x"),
        ("nb.Port.tag(p, t)", "nb.Port.tag is in the database, but this program doesn't read it", "nb.Port.tag(p, t)"),
        ("Place(n, f) & f > 3", "missing parentheses: & binds tighter than >; write (f > 3)", "f > 3"),
        ("  Place(n, f) and Link(n, f)", "'and' between literals; join literals with &", "Place(n, f) and Link(n, f)"),
        ("Place(n, f) & ~is_hig(f)", "unknown function 'is_hig'; did you mean 'is_high'?", "is_hig"),
        ("Place(n, f) & unmarked(n)", "unknown function 'unmarked'", "unmarked"),
        ("Place(n, f) & open(n)", "unknown function 'open'", "open"),
        ("Place(n, f) & (n == roll(n))", "impure function 'roll': it uses random", "roll"),
        ("Place(n, 'x')", "wrong type: 'x' is str, column 'floor' of Place is int", "'x'"),
        ("Place(n, n)", "wrong type: 'n' is str, column 'floor' of Place is int; convert it with int()", "n"),
        ("(n > 3)", "unbound variable 'n'; a comparison or call binds nothing", "n"),
        ("Place(n, _) & ~Link(n, b)", "unbound variable 'b'; a negated atom binds nothing", "b"),
        ("(n, x) <= Place(n, _)", "unbound variable 'x'; use it in a positive atom of the body", "x"),
        ("(n,) <= Place(n, f)", "variable 'f' is used once; write _ when its value doesn't matter", "f"),
        ("(count(n), count(f)) <= Place(n, f)", "two aggregates in one head", "count(f)"),
        ("(n, allocate(1, 9)) <= Place(n, _)", "unknown function 'allocate'", "allocate"),
        ("Place(n, f", "this is no query: '(' was never closed", "("),
        ("Place(n, f) & ", "this is no query: invalid syntax", None),
        ("Place(nb, 3) & nb.Port(name=_)", "wrong type: <database nb> can't be the value of a column", "nb"),
        ("Place(n, 3) & Place", "this is not a literal", "Place"),
        ("lambda: 1", "a lambda has no name to show in a derivation", "lambda: 1"),
    ],
)
def test_what_cannot_be_asked(engine, text, message, mark):
    """One line says what is wrong and what to do; a caret stands under it."""
    with pytest.raises(QuestionError) as caught:
        ask(engine, text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    if mark is not None:
        assert text[caught.value.start : caught.value.end] == mark


def test_the_place_of_a_mistake(engine):
    """The line that has the mistake is shown, with a caret and the hint."""
    with pytest.raises(QuestionError) as caught:
        ask(engine, "Place(n, _) &\n   Lnk(n, b)")
    assert caught.value.shown() == textwrap.dedent("""\
        unknown relation 'Lnk'
            Lnk(n, b)
            ^^^
          hint: did you mean 'Link'?""")


def test_what_an_expression_fails_on_is_left_out(engine):
    """A combination for which an expression raises is no answer, which is noted."""
    found = ask(engine, "Place(n, f) & (9 // f == 1)")
    assert (found.rows, found.total) == ([("tower", 9)], 1)
    assert found.notes == [
        "left out: 9 // f == 1 fails with f=0, n='hall': ZeroDivisionError: integer division or modulo by zero"
    ]
    found = ask(engine, "(n[f],) <= Place(n, f)")
    assert found.rows == [("h",), ("i",)]
    assert found.notes[0].startswith("left out: the head fails with f=9, n='tower': IndexError")


def test_a_query_that_takes_too_long_is_given_up(engine):
    """The steps are limited, in loops over facts and in those over elements."""
    for text in ("Link(a, b) & Link(c, d) & Link(e, f) & Link(g, h)", "Place(n, 3) & (x in range(10 ** 9))"):
        with pytest.raises(QuestionError) as caught:
            ask(engine, text, steps=100)
        assert str(caught.value) == (
            "given up after looking at 100 facts; join its literals through variables, or give more values"
        )
    assert ask(engine, "Link(a, b) & Link(c, d)", steps=100).total == 9
    with pytest.raises(QuestionError, match="the query has too many literals"):
        ask(engine, " & ".join(f"Link(a{i}, a{i + 1})" for i in range(30)))


EDGE, KEYED, OUT = relation("Edge", "int int"), relation("Keyed", "int int", (0,)), relation("Out", "int int")
RULE = clause("out", ("Out", "x", "y"), atom("Edge", "x", "y"), atom("Keyed", "x", _))
PROGRAM = program([EDGE, KEYED, OUT], replace(RULE, module=__name__))


def test_the_engines_own_indexes_are_used(monkeypatch):
    """Where the engine has an index, none is made."""
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), [(1, 2), (1, 3)]), "Keyed": ((), [(1, 4)])})
    assert (0,) in engine.network.members["Edge"].outer.indexes
    monkeypatch.delattr("ovn_rules.engine.queries.Index")
    assert ask(engine, "Keyed(x, _) & Edge(x, y)").rows == [(1, 2), (1, 3)]


def test_joins_without_an_index_are_no_nested_scans():
    """A look-up that the engine has no index for gets one; the engine's are not added to."""
    engine = Engine(PROGRAM)
    many = 2000
    engine.transact(
        {"Edge": ((), [(i, -i) for i in range(many)]), "Keyed": ((), [(i, i - many + 1) for i in range(many)])}
    )
    node = engine.network.members["Edge"].outer
    before = (set(node.indexes), [r.calls for r in engine.network.rules], engine.transactions)
    query = parse_query(PROGRAM, "Keyed(_, y) & Edge(_, y)")
    assert query.answers(engine, steps=3 * many).total == many
    assert [s.access for s in query.plan(engine).steps] == [Access.SCAN, Access.INDEX]
    assert ask(engine, "Edge(x, _) & ~Keyed(_, x)", steps=2 * many).total == many - 1
    assert ask(engine, "Edge(x, -5) & Keyed(x, y)", steps=2 * many).rows == [(5, 6 - many)]
    assert [s.access for s in parse_query(PROGRAM, "Edge(x, -5)").plan(engine).steps] == [Access.SCAN]
    assert (set(node.indexes), [r.calls for r in engine.network.rules], engine.transactions) == before


def test_a_crowded_index_is_not_used():
    """An index with many facts to a value is no help where two values are known."""
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), [(0, i) for i in range(1000)]), "Keyed": ((), [(i, i) for i in range(1000)])})
    text = "Keyed(y, _) & (x == 0 * y) & Edge(x, y)"
    assert ask(engine, text, steps=5000).total == 1000
    access = {(s.access, s.positions) for s in parse_query(PROGRAM, text).plan(engine).steps}
    assert (Access.MEMBER, (0, 1)) in access
    wide = relation("Wide", "int int int")
    other = program(
        [wide, KEYED, OUT], clause("r", ("Out", "x", "y"), atom("Keyed", "x", _), atom("Wide", "x", "y", _))
    )
    engine = Engine(other)
    engine.transact({"Wide": ((), [(0, i, i) for i in range(1000)]), "Keyed": ((), [(i, i) for i in range(1000)])})
    assert (0,) in engine.network.members["Wide"].outer.indexes
    assert ask(engine, "Keyed(y, _) & (x == 0 * y) & Wide(x, y, z)", steps=5000).total == 1000


# -- random queries ----------------------------------------------------------------------------------------


@pure
def around(number: int) -> tuple[int, ...]:
    """A number and the next one."""
    return (number, number + 1)


NUMBER = st.integers(0, 2)
FACT = st.tuples(NUMBER, NUMBER)
RELATIONS = st.sampled_from(["Edge", "Keyed", "Out"])
VARIABLE = st.sampled_from("wxyz")
EXTRAS = {
    "~{r}({a}, {b})": lambda f, a, b, _c: (a, b) not in f,
    "~{r}({a}, _)": lambda f, a, _b, _c: all(a != x for x, _y in f),
    "~{r}(c1={a}, c0=1)": lambda f, a, _b, _c: (1, a) not in f,
    "({a} < {b})": lambda _f, a, b, _c: a < b,
    "({a} != 1)": lambda _f, a, _b, _c: a != 1,
    "({c} == {a} + 1)": lambda _f, a, _b, c: c == a + 1,
    "({c} in ({a}, 2))": lambda _f, a, _b, c: c in (a, 2),
    "({c} in around({a}))": lambda _f, a, _b, c: c in (a, a + 1),
}
"""Literals over a relation and two variables that have values; c may get one."""


def atom_test(name, terms):
    """Whether a relation has a fact with these terms: variables, numbers or _."""

    def test(facts, values):
        wanted = [values.get(t, t) for t in terms]
        return any(all(w in (v, "_") for w, v in zip(wanted, fact, strict=True)) for fact in facts[name])

    return test


def extra_test(form, name, variables):
    """What decides about one of the other literals."""
    return lambda facts, values: EXTRAS[form](facts[name], *(values.get(v) for v in variables))


@st.composite
def queries(draw):
    """A query's text, the variables in it, and what decides for their values whether it is true of some facts."""
    texts, tests, bound = [], [], []
    for _number in range(draw(st.integers(1, 3))):
        name, terms = draw(RELATIONS), [draw(VARIABLE | VARIABLE | NUMBER | st.just("_")) for _column in "ab"]
        form = draw(st.sampled_from(["{0}({1}, {2})", "{0}(c1={2}, c0={1})", "every({0}({1}, {2}))"]))
        texts.append(form.format(name, *terms))
        tests.append(atom_test(name, terms))
        bound += [t for t in terms if t in tuple("wxyz")]
    assume(bound)
    for form in draw(st.lists(st.sampled_from(sorted(EXTRAS)), max_size=3)):
        a, b, c = draw(st.sampled_from(bound)), draw(st.sampled_from(bound)), draw(VARIABLE)
        name = draw(RELATIONS)
        texts.append(form.format(r=name, a=a, b=b, c=c))
        tests.append(extra_test(form, name, (a, b, c)))
        if "{c}" in form and c != a:
            bound.append(c)
    text = " & ".join(draw(st.permutations(texts)))
    return text, list(dict.fromkeys(re.findall(r"\b[wxyz]\b", text))), tests


def brute(names, tests, facts):
    """The values that make every test true, tried one by one."""
    rows = set()
    for values in product(range(7), repeat=len(names)):
        assigned = dict(zip(names, values, strict=True))
        if all(t(facts, assigned) for t in tests):
            rows.add(values)
    return rows


def known(engine):
    """All facts of an engine."""
    return {n: set(engine.facts(n)) for n in PROGRAM.relations}


@given(query=queries(), edges=st.sets(FACT, max_size=6), keyed=st.dictionaries(NUMBER, NUMBER), head=st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_as_a_brute_search(query, edges, keyed, head):
    """Random queries have the answers that trying every value gives; with an aggregate, those of each group."""
    text, names, tests = query
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), edges), "Keyed": ((), keyed.items())})
    expected = brute(names, tests, known(engine))
    note(text)
    if head and len(names) == 2:
        group, value = names
        text = f"(count({value}), {group}) <= {text}"
        expected = {(len({w for h, w in expected if h == g}), g) for g, _ in expected}
    found = parse_query(PROGRAM, text).answers(engine)
    if not head:
        assert list(found.columns) == names
    assert found.rows == sorted(expected)


@given(query=queries(), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_watching(query, data):
    """After every random transaction the change is exactly the difference between the answers before and after."""
    text, names, tests = query
    engine = Engine(PROGRAM)
    engine.transact({})
    watch = Watch(parse_query(PROGRAM, text), engine)
    before = watch.rows
    for _number in range(4):
        change = {n: tuple(data.draw(st.lists(FACT, max_size=3)) for _side in "-+") for n in ("Edge", "Keyed")}
        changes = {**change, **engine.transact(change)}
        after = brute(names, tests, known(engine))
        assert watch.update(changes) == (sorted(before - after), sorted(after - before))
        assert watch.rows == after
        before = after


def test_watching_computes_nothing_for_what_the_query_cannot_use():
    """Facts of other relations, or with other values than the query's constants, cost no evaluation."""
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), [(1, 1)])})
    watch = Watch(parse_query(PROGRAM, "Edge(1, x)"), engine, steps=3)
    for change, expected in (
        ({"Keyed": ((), [(2, 2)])}, ([], [])),
        ({"Edge": ((), [(2, 2)])}, ([], [])),
        ({"Edge": ((), [(1, 2)])}, ([], [(2,)])),
        ({"Edge": ([(1, 1)], [])}, ([(1,)], [])),
    ):
        engine.transact(change)
        watch.steps = 0 if expected == ([], []) else 3
        assert watch.update(change) == expected


WORDS = (
    "( ) [ ] { } , = == != <= < > : ' \" \\ x y _ 1 - ~ & | é + * . 0x f' c0 c1 Edge Keyed Out every count sum and or "
    "not in if else for lambda := True None Edge(x,y) (x<y) ; #"
)


@given(
    text=st.lists(st.sampled_from([" ", "\n", "\0", *WORDS.split()]) | st.text(max_size=2), max_size=16).map("".join)
)
@example(text="(" * 500)
@example(text="-" * 5000 + "x")
@example(text="Edge(x, " + "x+" * 5000 + "1)")
@example(text="Edge(x, x) & (x == " + "9" * 5000 + ")")
@example(text="Edge(x, y) & (" + "x," * 300 + ")")
@example(text="Edge(x, y) & (x is 1)")
@example(text="Edge(x, y) & ('\\q' == x)")
@example(text="Edge(x, y) & (f'{x!'")
@example(text="(x, x) <= Edge(x, x) <= Edge(x, x)")
@example(text="(*x, y) <= Edge(x, y)")
@example(text="Edge(x, [y for y in y])")
@example(text="Edge(x, y).z")
@example(text="Edge(*x, **y)")
@example(text="x.y(Edge(x, y))")
@example(text="(x,) <= Edge(x, _) & ([x] == x)")
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
def test_garbage(text):
    """Whatever is typed has answers, or an error of one line whose place is in the text."""
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), [(0, 1), (1, 1)])})
    try:
        ask(engine, text, steps=10_000)
    except QuestionError as error:
        check_refusal(error, text)
