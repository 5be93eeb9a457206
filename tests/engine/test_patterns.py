"""Patterns: what can be written, which facts it finds, and what is said of what can't be read."""

import textwrap

import pytest
from clauses import _, atom, clause, program, relation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from refusals import check_refusal
from rule_files import Files

from ovn_rules.engine import Engine
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.ir import Const, Var, Wild
from ovn_rules.engine.order import in_order
from ovn_rules.engine.pattern_values import Prefix
from ovn_rules.engine.patterns import parse_pattern

A, B = "0a000000-0000-4000-8000-000000000001", "0b000000-0000-4000-8000-000000000002"
RULES = """
    @rule
    def reach(port, switch, name, mac, key, value):
        \"\"\"Ports, in a way that reads most columns.\"\"\"
        Reach(name, mac) <= (
            nb.Port(_uuid=port, name=name, switch=switch, up=True, rate=1.0, tag=(), macs=(), options=())
            & nb.Switch(_uuid=switch)
            & nb.Port.macs(port, mac)
            & nb.Port.options(port, key, value)
            & Place(key, 1)
            & Place(value, 2)
        )
"""
PORTS = [
    (A, "vm1", A, (7,), ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02"), (("mtu", "1500"),), True, 1.5),
    (B, "vm2", A, (), ("fa:16:3e:00:00:02",), (), False, 2.0),
]
FACTS = {
    "nb.Port": PORTS,
    "nb.Port.macs": [(p[0], m) for p in PORTS for m in p[4]],
    "Place": [("hall", 0), ("attic", 3), ("x", 16), ("1", 16)],
    "Link": [("a", "b"), ("b", "b"), ("vm1", "c")],
}


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Two ports, some places and links."""
    files = Files(tmp_path, monkeypatch)
    program = files.load("@rule\ndef r(a, b):\n    Reach(a, b) <= Link(a, b) & Place(a, _)\n" + textwrap.dedent(RULES))
    engine = Engine(program)
    engine.transact({r: ((), facts) for r, facts in FACTS.items()})
    return engine


def ask(engine, text):
    """The facts that fit."""
    return parse_pattern(engine.program, text).matching(engine)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Place", [("1", 16), ("attic", 3), ("hall", 0), ("x", 16)]),
        (" Place ( ) ", [("1", 16), ("attic", 3), ("hall", 0), ("x", 16)]),
        ("Place(floor=0x10)", [("1", 16), ("x", 16)]),
        ("Place(_, 3)", [("attic", 3)]),
        ("Place('hall', floor=f,)", [("hall", 0)]),
        ("Place(name=1)", [("1", 16)]),
        ("Place(name, floor)", [("1", 16), ("attic", 3), ("hall", 0), ("x", 16)]),
        ('Place("hall", 1)', []),
        ("Link(x, x)", [("b", "b")]),
        ("Link(x,\n  y)", [("a", "b"), ("b", "b"), ("vm1", "c")]),
        ("nb.Port.macs(0a00, fa:16:3e:00:00:02)", [(A, "fa:16:3e:00:00:02")]),
        ("nb.Port.macs('0a000000 a name', fa:16:3e:00:00:02)", [(A, "fa:16:3e:00:00:02")]),
        ("nb.Port.macs(macs=fa:16:3e:00:00:02)", [(A, "fa:16:3e:00:00:02"), (B, "fa:16:3e:00:00:02")]),
        (f"nb.Port({A})", PORTS[:1]),
        ("nb.Port(_uuid=0B000000)", PORTS[1:]),
        ('nb.Port("0b000000")', PORTS[1:]),
        ("nb.Port(macs=[fa:16:3e:00:00:02, fa:16:3e:00:00:01])", PORTS[:1]),
        ("nb.Port(macs=fa:16:3e:00:00:02)", PORTS[1:]),
        ("nb.Port(tag=())", PORTS[1:]),
        ("nb.Port(tag=7)", PORTS[:1]),
        ("nb.Port(options={mtu: 1500})", None),
        ('nb.Port(options={"mtu": "1500"})', PORTS[:1]),
        ('nb.Port(options=[("mtu", 1500)])', PORTS[:1]),
        ("nb.Port(up=true, rate=1.5)", PORTS[:1]),
        ("nb.Port(up=False, rate=2)", PORTS[1:]),
    ],
)
def test_what_fits(engine, text, found):
    """Values are Python's or pasted text, by name or place; sets in any order; UUIDs by their beginning."""
    if found is None:
        with pytest.raises(QuestionError, match="mtu is a variable, which can't stand inside a set"):
            ask(engine, text)
        return
    assert ask(engine, text) == found
    pattern = parse_pattern(engine.program, text)
    assert parse_pattern(engine.program, pattern.text()) == pattern
    assert sorted(pattern.found(engine)) == found
    assert sorted(filter(pattern.fits, engine.facts(pattern.relation.name))) == found


def test_terms(engine):
    """Names are variables, ``_`` and what isn't given is anything, values are constants in the columns' types."""
    pattern = parse_pattern(engine.program, "nb.Port(_uuid=cafe1234, name=n, switch=_, tag=5, rate=1)")
    assert pattern.terms == (
        Prefix("cafe1234"), Var("n"), Wild(), Const((5,)), Wild(), Wild(), Wild(), Const(1.0),
    )  # fmt: skip
    assert pattern.text() == "nb.Port(_uuid=cafe1234, name=n, tag=[5], rate=1.0)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing is asked; write Relation(column=value, ...)"),
        ("(x)", "this is no pattern; write Relation(column=value, ...)"),
        ("Plase()", "no relation Plase; did you mean 'Place'?"),
        ("Place(flor=1)", "Place has no column flor; did you mean 'floor'?"),
        ("Place(zzz=1)", "Place has no column zzz; its columns are name, floor"),
        ("Place(1, 2, 3)", "Place has 2 columns, not 3; its columns are name, floor"),
        ("Place(name=a, name=b)", "column name is given twice"),
        ("Place(a, name=b)", "column name is given twice"),
        ("Place(floor=1, a)", "a value without a column after those with one; name its column too, or put text"),
        ("Place(floor=)", "column floor has no value; write _ for any value"),
        ("Place(, 1)", "a value is missing before the comma; write _ for any value"),
        ('Place(floor="1")', 'wrong type: column floor is a whole number, not "1"'),
        ("Place(floor=1.0)", "wrong type: column floor is a whole number, not 1.0"),
        ("Place(floor=True)", "wrong type: column floor is a whole number, not True"),
        ("Place(floor=007)", "wrong type: column floor is a whole number, not 007"),
        ('Place(name=f"a")', 'wrong type: column name is text, not f"a"'),
        ("Place(name='a' b)", "this is no text as Python writes it"),
        ("nb.Port(up=1)", "wrong type: column up is True or False, not 1"),
        ("nb.Port(rate=x:y)", "wrong type: column rate is a number, not x:y"),
        ("nb.Port(tag=[x:y])", "wrong type: column tag holds a whole number, not x:y"),
        ("nb.Port(options=5)", "wrong type: column options holds a tuple of 2 values, not 5"),
        ("nb.Port(options={'a'})", 'this is no entry of a map; write {"key": value}'),
        ("nb.Port(_uuid=0a0)", "0a0 is too short for a UUID; give four digits or more"),
        ("Place(floor > 1)", "a comparison can't stand in a pattern; comparisons belong in a query"),
        ("Place(floor=> 1)", "a comparison can't stand in a pattern"),
        ("Place(", "'(' is never closed"),
        ("Place(name=[a)", "unbalanced ')'; '[' is open"),
        ("Place(name='a)", "the quote ' is never closed"),
        ("Place() x", "nothing may follow a pattern, but 'x' does"),
        ("Place() & Link()", "nothing may follow a pattern, but '& Link()' does; a pattern has one relation"),
        ("nb.Nothing()", "no relation nb.Nothing"),
    ],
)
def test_what_cannot_be_read(engine, text, message):
    """One line says what is wrong, and what to do."""
    with pytest.raises(QuestionError) as caught:
        parse_pattern(engine.program, text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_place_of_a_mistake(engine):
    """On a terminal a caret stands under the mistake, in the line that has it."""
    with pytest.raises(QuestionError) as caught:
        parse_pattern(engine.program, 'Place(\n  name="hall",\n  flor=1)')
    assert caught.value.shown().splitlines() == [
        "Place has no column flor",
        "    flor=1)",
        "    ^^^^",
        "  hint: did you mean 'floor'?",
    ]
    with pytest.raises(QuestionError) as caught:
        parse_pattern(engine.program, "Place(")
    assert caught.value.shown().splitlines() == ["'(' is never closed", "    Place(", "         ^"]


def test_what_the_program_does_not_read(tmp_path, monkeypatch):
    """A column or table that the database has and the program doesn't read is called that."""
    files = Files(tmp_path, monkeypatch)
    found = files.load("@rule\ndef r(a):\n    Reach(a, a) <= nb.Port(name=a)\n")
    for text, message in (
        ("nb.Port(up=True)", "nb.Port has a column up, but this program doesn't read it"),
        ("nb.Switch(name=a)", "nb.Switch is in the database, but this program doesn't read it"),
    ):
        with pytest.raises(QuestionError, match=message):
            parse_pattern(found, text)


def test_notes(engine):
    """It is said when a variable's name is a value of its column, and when a UUID is none."""

    def notes(text):
        return parse_pattern(engine.program, text).notes(engine)

    assert notes("Link(a=vm1)") == ['vm1 is a variable here; write "vm1" for the text']
    assert notes("Link(vm1, b)") == [f'{v} is a variable here; write "{v}" for the text' for v in ("vm1", "b")]
    assert notes("Link(b=vm1)") == notes('Link("vm1")') == notes("Place(floor=hall)") == []
    assert notes("nb.Port(vm-1)") == ["_uuid holds UUIDs, and 'vm-1' is none"]


def test_keys_and_indexes_are_used():
    """A key, a whole fact or an index is looked up: of many facts only those with the value are compared."""
    keyed, edge, out = relation("Keyed", "int str", (0,)), relation("Edge", "int int"), relation("Out", "int")
    engine = Engine(program([keyed, edge, out], clause("r", ("Out", "x"), atom("Keyed", "x", _), atom("Edge", "x", _))))
    engine.transact(
        {"Keyed": ((), [(i, str(i % 7)) for i in range(1000)]), "Edge": ((), [(i % 100, i) for i in range(1000)])}
    )

    def looked_at(text):
        pattern = parse_pattern(engine.program, text)
        exact = {i: t.value for i, t in enumerate(pattern.terms) if isinstance(t, Const)}
        return len(pattern._candidates(engine, exact)), pattern.matching(engine)

    assert looked_at("Keyed(5)") == (1, [(5, "5")])
    assert looked_at("Keyed(5, '4')") == (1, [])
    assert looked_at("Keyed(5000)") == (0, [])
    assert looked_at("Edge(5, 105)") == (1, [(5, 105)])
    assert looked_at("Edge(5)") == (10, [(5, i) for i in range(5, 1000, 100)])
    assert looked_at("Edge(_, 5)") == (1000, [(5, 5)])
    other = relation("Wide", "int int int")
    engine = Engine(program([other]))
    engine.transact({"Wide": ((), [(0, i, i) for i in range(1000)])})
    for positions in ((0,), (1,)):
        engine.network.index(engine.network.members["Wide"].outer, positions)
    assert looked_at("Wide(0, 7)") == (1, [(0, 7, 7)])


def test_a_few_of_many():
    """With a limit no more facts are looked for."""
    engine = Engine(PROGRAM)
    engine.transact({"Edge": ((), [(i, "a", A) for i in range(1000)])})
    pattern = parse_pattern(PROGRAM, 'Edge(c1="a")')
    assert len(pattern.matching(engine, 5)) == 5
    assert len(pattern.matching(engine)) == 1000


def test_order_of_mixed_values():
    """Values of different types have an order too."""
    mixed = [("b", 1), (1, 2), (("a", 1), 0), (None, 3), ("a", 2), (0.5, 2), (("a", "b"), 0)]
    assert in_order(mixed) == in_order(reversed(mixed))
    assert [f for f in in_order(mixed) if isinstance(f[0], str)] == [("a", 2), ("b", 1)]


EDGE, TAGGED = relation("Edge", "int str uuid"), relation("Tagged", "ints pairs bool", None)
PROGRAM = program([EDGE, TAGGED])
SMALL = st.integers(0, 2)
VALUES = {
    "int": SMALL,
    "str": st.sampled_from(["a", "a'b", 'a"b', "a'\"b", "a\\b", "a,b", "(", "", "_"]),
    "uuid": st.sampled_from([A, B]),
    "bool": st.booleans(),
    "ints": st.lists(SMALL, unique=True).map(sorted).map(tuple),
    "pairs": st.lists(st.tuples(st.sampled_from("ab:"), SMALL), unique=True).map(sorted).map(tuple),
}
KINDS = {"Edge": ("int", "str", "uuid"), "Tagged": ("ints", "pairs", "bool")}


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_same_as_comparing_every_fact(data):
    """Of random facts a pattern finds those that comparing each column finds; it is read as it is printed."""
    name = data.draw(st.sampled_from(sorted(KINDS)))
    facts = data.draw(st.sets(st.tuples(*(VALUES[k] for k in KINDS[name])), max_size=12))
    engine = Engine(PROGRAM)
    engine.transact({name: ((), facts)})
    wanted = [data.draw(st.none() | st.sampled_from(("x", "y")).map(Var) | VALUES[k].map(Const)) for k in KINDS[name]]
    parts = []
    for i, term in enumerate(wanted):
        if term is not None:
            parts.append(f"c{i}={term.name if isinstance(term, Var) else repr(term.value)}")
    pattern = parse_pattern(PROGRAM, f"{name}({', '.join(parts)})")
    assert pattern.terms == tuple(t or Wild() for t in wanted)
    assert parse_pattern(PROGRAM, pattern.text()) == pattern
    variables = [i for i, t in enumerate(wanted) if isinstance(t, Var)]
    expected = [
        f
        for f in facts
        if all(f[i] == t.value for i, t in enumerate(wanted) if isinstance(t, Const))
        and all(f[i] == f[j] for i in variables for j in variables if wanted[i] == wanted[j])
    ]
    assert pattern.matching(engine) == sorted(expected)
    assert [f for f in facts if pattern.fits(f)] == [f for f in facts if f in expected]


WORDS = "( ) [ ] { } , = : ' \" \\ x _ 1 - ~ & é <= 0x f' c0 c1 c2 Edge Tagged 0a00 True None"


@given(
    text=st.lists(st.sampled_from([" ", "\n", "\0", *WORDS.split()]) | st.text(max_size=3), max_size=14).map("".join)
)
@example(text="Edge(" + "[" * 3000)
@example(text="Edge(" + "[" * 3000 + "]" * 3000 + ")")
@example(text="Tagged(" + "[" * 3000 + "]" * 3000 + ")")
@example(text="Edge(" + "9" * 5000 + ")")
@example(text="Edge(1,\\)")
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_garbage(text):
    """Whatever is typed is a pattern, or an error of one line whose place is in the text."""
    try:
        pattern = parse_pattern(PROGRAM, text)
    except QuestionError as error:
        check_refusal(error, text)
        return
    assert parse_pattern(PROGRAM, pattern.text()) == pattern


def test_the_place_of_a_column_is_the_schema_s(tmp_path, monkeypatch):
    """A database's columns stand in the schema's order, as in queries, whichever of them the program reads."""
    rule = """
        @rule
        def weight(name, rate):
            \"\"\"Reads two columns that don't follow each other.\"\"\"
            Weight(name, rate) <= nb.Port(name=name, rate=rate)
    """
    engine = Engine(Files(tmp_path, monkeypatch).load(textwrap.dedent(rule)))
    engine.transact({"nb.Port": ((), [(A, "vm1", 1.5), (B, "vm2", 2.0)])})
    assert ask(engine, 'nb.Port(_, "vm1")') == [(A, "vm1", 1.5)]
    assert ask(engine, "nb.Port(_, _, _, _, _, _, _, 2.0)") == [(B, "vm2", 2.0)]
    with pytest.raises(QuestionError, match=r"nb\.Port has a column switch, but this program doesn't read it"):
        ask(engine, "nb.Port(_, _, 0a00)")
    with pytest.raises(QuestionError, match=r"nb\.Port has 8 columns, not 9"):
        ask(engine, "nb.Port(_, _, _, _, _, _, _, _, _)")


@pytest.mark.parametrize("text", ["x" * 50_000, "Place(" + "x" * 50_000 + "=1)", "Place(floor='" + "x" * 50_000 + "')"])
def test_messages_are_short(engine, text):
    """Of a pasted mass only the beginning is said again."""
    with pytest.raises(QuestionError) as error:
        ask(engine, text)
    assert len(str(error.value)) < 300
