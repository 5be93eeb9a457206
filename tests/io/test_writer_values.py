"""Column values on their way to the server: any value arrives, and of a large one only what is new is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netschema import SCHEMA
from servers import drive

from ovn_rules.engine.sinks import Sink, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.writer import Writer

FIELDS = ("ratio", "on", "home", "tags", "few", "opt", "ids", "sizes")
COLUMNS = {"All": ("name", *FIELDS)}
ALL = Sink(
    relation="All",
    database="net",
    table="Switch",
    key=("name",),
    columns={c: c for c in COLUMNS["All"]},
)
HOME = "11111111-2222-4333-8444-555555555555"
PLAIN = {"ratio": 1.5, "on": True, "home": HOME, "tags": (), "few": (1,), "opt": (), "ids": (), "sizes": ()}


def fact(**values):
    """A fact with these values and else those of ``PLAIN``."""
    return ("s", *({**PLAIN, **values}[c] for c in FIELDS))


class Net:
    """A server, its database and a writer of whole rows.

    Attributes:
        sent: The bytes of each transaction.
    """

    def __init__(self, server, *facts):
        self.server = server
        self.database = Database("net", server.remote, "Net", [], extra=stored_columns([ALL], "net"))
        self.writer = Writer(self.database, [ALL], COLUMNS)
        self.writer.start()
        self.writer.note({"All": ((), list(facts))})
        self.had = list(facts)
        self.sent = []
        transact = self.database.transact
        self.database.transact = lambda operations, done: (self.sent.append(operations), transact(operations, done))
        drive([self.database, self.writer], lambda _: self.database.synced)

    def want(self, *facts):
        """Asks for these facts alone, waits until they are written, and returns the operations."""
        self.sent.clear()
        self.writer.note({"All": (self.had, list(facts))})
        self.had = list(facts)
        events = drive([self.database, self.writer], lambda _: self.writer.idle)
        assert events == []
        return [o for sent in self.sent for o in json.loads(b"[" + sent + b"]")]

    def stored(self, column):
        """What the only row that was read has in a column."""
        table = self.database.replica.tables["Switch"]
        (row,) = table.rows.values()
        return row[table.position[column]]

    def row(self):
        """The only row's values, as facts hold them."""
        (row,) = self.server.select("Switch")

        def plain(value):
            if not isinstance(value, list) or value[0] == "uuid":
                return value[1] if isinstance(value, list) else value
            elements = [tuple(e) if value[0] == "map" else e for e in value[1]]
            return tuple(sorted(elements))

        whole = {c: plain(row[c]) for c in FIELDS}
        sets = {c: v if isinstance(v, tuple) else (v,) for c, v in whole.items() if c in ("tags", "few", "opt")}
        return ("s", *({**whole, **sets}[c] for c in FIELDS))


@pytest.fixture
def server(ovsdb):
    switch = {**SCHEMA["tables"]["Switch"], "indexes": []}
    return ovsdb({**SCHEMA, "tables": {**SCHEMA["tables"], "Switch": switch}})


@pytest.fixture
def net(server):
    one = Net(server)
    yield one
    one.database.close()


MANY = tuple(f"10.{i // 250}.{i % 250}.1" for i in range(10000))


def test_one_more_element(net):
    """An element more or less in a set of 10,000 is a mutation of a few bytes."""
    net.want(fact(tags=tuple(sorted(MANY))))
    (operation,) = net.want(fact(tags=tuple(sorted([*MANY, "new"]))))
    assert operation["mutations"] == [["tags", "insert", "new"]]
    assert len(net.sent[0]) < 250
    (operation,) = net.want(fact(tags=tuple(sorted([*MANY[1:], "newer"]))))
    assert operation["mutations"] == [
        ["tags", "delete", ["set", [MANY[0], "new"]]],
        ["tags", "insert", "newer"],
    ]
    (operation,) = net.want(fact(tags=(*MANY[::-1], MANY[3])))
    assert operation["mutations"] == [
        ["tags", "delete", ["set", ["newer"]]],
        ["tags", "insert", MANY[0]],
    ]
    assert net.want(fact(tags=MANY)) == []
    assert net.row() == fact(tags=tuple(sorted(MANY)))
    (operation,) = net.want(fact(tags=MANY[:3]))
    assert operation["row"] == {"tags": ["set", sorted(MANY[:3])]}


def test_one_more_pair(net):
    """A map's changed value is its key out and the pair in; a small map is sent as a whole."""
    pairs = tuple((f"k{i}", "v") for i in range(9))
    net.want(fact(ids=pairs))
    (operation,) = net.want(fact(ids=(("k0", "w"), *pairs[1:])))
    assert operation["mutations"] == [["ids", "delete", ["set", ["k0"]]], ["ids", "insert", ["map", [["k0", "w"]]]]]
    assert net.row() == fact(ids=(("k0", "w"), *pairs[1:]))
    (operation,) = net.want(fact(ids=(("k0", "x"), ("k1", "v"))))
    assert operation["row"] == {"ids": ["map", [["k0", "x"], ["k1", "v"]]]}


def test_strings_that_look_like_escapes(net):
    """A backslash before u0000 is no NUL character, and no quote ends a string."""
    odd = ("\\u0000", "\\\\u0000", '"}', "\x1f\u2028𝄞\\")
    net.want(fact(tags=tuple(sorted(odd))))
    assert net.row() == fact(tags=tuple(sorted(odd)))


def test_strings_are_held_once(server):
    """A stored row holds its fact's own strings: after it was written, and after a restart that reads it first."""
    words = ("a long name", " of a switch")
    written = Net(server)
    name = "".join(words)
    written.want((name, *fact()[1:]))
    assert written.stored("name") is name
    written.database.close()
    name = "".join(words)
    restarted = Net(server, (name, *fact()[1:]))
    drive([restarted.database, restarted.writer], lambda _: restarted.writer.idle)
    assert restarted.sent == []
    assert restarted.stored("name") is name
    restarted.database.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | st.sampled_from(
    ['"', "\\", "\\u0000", '","', "]]", "\n\t\x7f", "é\u2028", "𝄞"]
)
VALUES = st.fixed_dictionaries(
    {
        "ratio": st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
        "on": st.booleans(),
        "home": st.uuids().map(str),
        "tags": st.sets(TEXT | st.sampled_from("abcdefghij"), max_size=12).map(lambda s: tuple(sorted(s))),
        "few": st.sets(st.integers(-3, 3), min_size=1, max_size=3).map(lambda s: tuple(sorted(s))),
        "opt": st.sets(st.integers(-3, 3), max_size=1).map(tuple),
        "ids": st.dictionaries(TEXT | st.sampled_from("abcdefghij"), TEXT, max_size=12).map(
            lambda d: tuple(sorted(d.items()))
        ),
        "sizes": st.dictionaries(st.integers(0, 9), st.sampled_from([0.5, 1.0, 2.25])).map(
            lambda d: tuple(sorted(d.items()))
        ),
    }
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_any_value_after_any_other(server, values):
    """Whatever a column had, in the end it has what the fact says, and a full comparison finds nothing."""
    net = Net(server)
    try:
        for one in values:
            net.want(fact(**one))
            assert net.row() == fact(**one)
            assert net.writer.resync() == 0
        net.want()
    finally:
        net.database.close()
