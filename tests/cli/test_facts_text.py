"""Facts as answers print them: each can be asked about as it stands there."""

import types

import pytest
from asked import ask, shown
from hypothesis import given
from hypothesis import strategies as st

from ovn_rules.cli.verbs import query, show
from ovn_rules.cli.verbs.facts import fact_document, fact_text
from ovn_rules.engine import Engine, Relation, column, load
from ovn_rules.engine.patterns import parse_pattern


class Thing(Relation):
    """A value of every type."""

    text: str = column("any text")
    number: int = column("a whole number")
    share: float = column("a number")
    whether: bool = column("yes or no")
    labels: tuple[str, ...] = column("texts")
    numbers: tuple[int, ...] = column("numbers")
    pairs: tuple[tuple[str, str], ...] = column("a map")
    record: tuple[str, int] = column("two values")


ODD = ["_", "True", "None", "x", "'", '"', "\\", "a, b)", "{", "0x1", "é", "\n"]
TEXTS = st.one_of(st.text(), st.sampled_from(ODD))
SIZES = st.floats(allow_nan=False, allow_infinity=False)
THINGS = st.tuples(
    TEXTS,
    st.integers(),
    SIZES,
    st.booleans(),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(st.integers(), max_size=3).map(tuple),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    st.tuples(TEXTS, st.integers()),
)


@given(st.sets(THINGS, min_size=1, max_size=4))
def test_pasted_back(things):
    """A fact that was printed finds itself and no other."""
    engine = Engine(load(Thing))
    engine.transact({"Thing": ((), things)})
    for thing in things:
        text = fact_text(fact_document(engine, "Thing", thing)).plain
        assert parse_pattern(engine.program, text).matching(engine) == [thing], text
        assert "\n" not in text


@pytest.mark.parametrize("verb", [show, query])
def test_tables_keep_their_lines(verb):
    """What a terminal would obey, and ends of lines, are escaped in tables: a fact is a line."""
    engine = Engine(load(Thing))
    engine.transact({"Thing": ((), [("a\nb\x1b[31m é", 1, 1.0, True, ("\t",), (), (), ("", 0))])})
    world = types.SimpleNamespace(engine=engine, program=None)
    lines = shown(verb.VERB, ask(world, verb.VERB, "Thing(text, number)" if verb is query else "Thing"))
    assert lines[1].startswith("a\\nb\\x1b[31m é")
    assert len([line for line in lines if line.startswith("a")]) == 1
    assert all(line.isprintable() for line in lines)
