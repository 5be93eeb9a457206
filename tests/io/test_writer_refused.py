"""What the server refuses is found, reported once and set aside; everything else is written, and nothing spins."""

from __future__ import annotations

import pytest
from netschema import SCHEMA
from servers import drive

from ovn_rules.engine.ovsschema import parse_schema
from ovn_rules.engine.sinks import Sink, problems, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.events import LockGained, Refused, Unusable
from ovn_rules.io.writer import Writer

COLUMNS = {"Wanted": ("name", "number")}
SINK = Sink(
    relation="Wanted",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "number": "number"},
)
THEIRS = Sink(**{**{f: getattr(SINK, f) for f in SINK.__slots__}, "delete": False})


class Net:
    """A server, its database and a writer."""

    def __init__(self, server, sink, **options):
        self.server = server
        self.database = Database("net", server.remote, "Net", [], extra=stored_columns([sink], "net"), **options)
        self.writer = Writer(self.database, [sink], COLUMNS, explain=lambda r, f: f"{r}{f} because of a test")
        self.writer.start()

    def settle(self):
        """Waits until the writer has seen the server's last transaction and has nothing to do."""
        events = drive([self.database, self.writer], lambda _: self.database.synced)
        seen = []
        self.database.transact(b'{"op":"comment","comment":"settle"}', lambda *_: seen.append(1))
        return events + drive([self.database, self.writer], lambda _: seen and self.writer.idle)

    def note(self, *inserted, deleted=()):
        """Notes a change and waits until all that can be written is."""
        self.writer.note({"Wanted": (list(deleted), list(inserted))})
        return self.settle()

    def rows(self):
        """(name, number) of each row."""
        return sorted((r["name"], r["number"]) for r in self.server.select("Switch"))


@pytest.fixture
def make(ovsdb):
    made = []

    def make_one(sink=SINK, **options):
        made.append(Net(ovsdb(SCHEMA), sink, **options))
        made[-1].settle()
        return made[-1]

    yield make_one
    for one in made:
        one.database.close()


def other(name, number):
    return {"op": "insert", "table": "Switch", "row": {"name": name, "number": number}}


def test_one_bad_row_does_not_hold_up_the_others(make):
    """A row that breaks a unique index is set aside with the server's reason and its fact; 99 others are written."""
    net = make(THEIRS)
    net.server.transact(other("theirs", 50))
    events = net.note(*[(f"s{i}", i) for i in range(100)])
    assert len(net.rows()) == 100
    assert ("s50", 50) not in net.rows()
    (event,) = events
    assert isinstance(event, Refused)
    assert 'identical values (50) for index on column "number"' in event.reason
    assert str(event).endswith("wanted: Wanted('s50', 50) because of a test")
    assert net.writer.transactions < 25


def test_refused_rows_do_not_spin(make):
    """A refused row is not sent again while nothing of it changes, whatever else is written."""
    net = make(THEIRS)
    net.server.transact(other("theirs", 50))
    net.note(("bad", 50), ("worse", 5000))
    assert [r[0] for r in net.writer.refused] == ["Switch", "Switch"]
    before = net.writer.transactions
    for _ in range(5):
        assert net.settle() == []
    assert net.writer.transactions == before
    for i in range(5):
        assert net.note((f"good{i}", i)) == []
    assert net.writer.transactions == before + 5


def test_refused_row_is_tried_again_when_its_fact_changes(make):
    """A new value for a refused row is sent, and the row is written when it is right."""
    net = make()
    assert len(net.note(("a", 5000))) == 1
    assert len(net.note(("a", 6000), deleted=[("a", 5000)])) == 1
    assert net.note(("a", 7), deleted=[("a", 6000)]) == []
    assert net.rows() == [("a", 7)]
    assert net.writer.refused == []


def test_refused_row_is_tried_again_when_the_way_is_free(make):
    """A row that was refused for another one's sake is written when that one is deleted or changed."""
    net = make(THEIRS)
    net.server.transact(other("x", 50), other("y", 60))
    net.note(("a", 50), ("b", 60))
    net.server.transact({"op": "delete", "table": "Switch", "where": [["name", "==", "x"]]})
    net.settle()
    net.server.transact({"op": "update", "table": "Switch", "where": [["name", "==", "y"]], "row": {"number": 61}})
    net.settle()
    assert net.rows() == [("a", 50), ("b", 60), ("y", 61)]


def test_the_way_is_free_before_a_row_is_refused(make):
    """A row that failed is tried again when what stood in its way goes before it is set aside."""
    net = make(THEIRS)
    net.server.transact(other("x", 50))
    net.settle()
    net.writer.note({"Wanted": ([], [("a", 50)])})
    net.writer.run()
    drive([net.database], lambda _: not net.writer.in_flight)
    net.server.transact({"op": "delete", "table": "Switch", "where": [["name", "==", "x"]]})
    drive([net.database], lambda _: not net.database.replica.tables["Switch"].rows)
    assert net.settle() == []
    assert net.rows() == [("a", 50)]


def test_refused_row_that_another_client_writes(make):
    """Once somebody else has seen to it that a refused row is there, nothing is refused any more."""
    columns = {"name": "name", "ports": "number"}
    net = make(Sink(relation="Wanted", database="net", table="Switch", key=("name",), columns=columns))
    port = "11111111-2222-4333-8444-555555555555"
    (event,) = net.note(("a", (port,)))
    assert "nonexistent row" in event.reason
    sent = net.writer.transactions
    switch = {"name": "a", "ports": ["uuid", port]}
    net.server.transact(
        {"op": "insert", "table": "Port", "uuid": port, "row": {"name": "p"}},
        {"op": "insert", "table": "Switch", "row": switch},
    )
    assert net.settle() == []
    assert net.writer.refused == []
    assert net.writer.transactions == sent


def test_rows_that_are_right_only_together(make):
    """Two rows that swap unique values are written together, even beside one that is refused."""
    net = make(THEIRS)
    net.server.transact(other("x", 50), other("y", 60))
    net.note(("a", 1), ("b", 2), ("c", 3), ("d", 4))
    old, new = [("d", 4), ("b", 2), ("c", 3), ("a", 1)], [("a", 2), ("b", 3), ("c", 1), ("d", 5)]
    events = net.note(("bad", 50), *new, ("worse", 60), deleted=old)
    assert sorted(e.fact for e in events) == [
        "Wanted('bad', 50) because of a test",
        "Wanted('worse', 60) because of a test",
    ]
    assert net.rows() == [*new, ("x", 50), ("y", 60)]


def test_everything_refused_ends(make):
    """Where all rows are refused the number of tries is bounded, and each row is reported once."""
    net = make()
    events = net.note(*[(f"s{i}", 5000 + i) for i in range(100)])
    assert len(events) == 100
    assert net.rows() == []
    assert net.writer.transactions < 250
    assert net.writer.operations < 2500


def test_strings_that_cannot_be_sent(make):
    """A value the server would drop the connection for is refused here, named, and the others are written."""
    net = make()
    events = net.note(("nul\0", 1), ("half \ud800", 2), ("good", 3), ("not\x07", 4))
    assert sorted(e.reason.partition(":")[0] for e in events) == [
        "a string holds a NUL character, which OVSDB can't store",
        "a value can't be sent",
    ]
    assert net.rows() == [("good", 3), ("not\x07", 4)]


def test_reconnect_tries_once_more(make):
    """After a reconnect what was refused is tried once, and not reported again for the same reason."""
    net = make()
    assert len(net.note(("a", 5000))) == 1
    before = net.writer.transactions
    net.database.reconnect("the test says so")
    net.database.run()
    assert not [e for e in net.settle() if isinstance(e, Refused)]
    assert net.writer.transactions == before + 1


def test_only_the_lock_holder_writes(make):
    """Without the lock nothing is written; who gets it writes what differs."""
    first = make(lock="l")
    first.note(("a", 1))
    second = Net(first.server, SINK, lock="l")
    second.writer.note({"Wanted": ([], [("a", 2)])})
    drive([second.database, second.writer], lambda _: second.database.synced)
    for _ in range(3):
        second.database.run()
        second.writer.run()
    assert second.writer.transactions == 0
    first.database.close()
    drive([second.database, second.writer], lambda _: second.writer.idle and second.writer.transactions)
    assert second.rows() == [("a", 2)]
    second.database.close()


def test_refusal_under_a_lock_names_the_right_row(make):
    """With a lock asserted in each transaction the row that is refused is still the right one."""
    net = make(lock="l")
    drive([net.database, net.writer], lambda _: net.database.writable)
    (event,) = net.note(("a", 1), ("bad", 5000), ("b", 2))
    assert event.fact == "Wanted('bad', 5000) because of a test"
    assert net.writer.transactions == 2


def test_lost_lock_fails_the_transaction(make):
    """A lock stolen between comparing and writing makes the server refuse: nothing is written by the loser."""
    net = make(lock="l")
    net.server.client.call("steal", "l")
    net.writer.note({"Wanted": ([], [("a", 1)])})
    net.writer.run()
    assert net.writer.transactions == 1
    drive([net.database, net.writer], lambda _: not net.database.writable)
    assert net.rows() == []
    net.server.client.call("unlock", "l")
    events = drive([net.database, net.writer], lambda _: net.writer.idle and net.rows())
    assert net.rows() == [("a", 1)]
    assert LockGained in [type(e) for e in events]


def test_sinks_that_do_not_fit_are_named(make):
    """A sink with unknown tables, columns or sources is described, a line for each mistake, and nothing is written."""
    bad = Sink(
        relation="Wanted",
        database="net",
        table="Switch",
        key=("nmae",),
        columns={"name": "name", "number": "nubmer"},
        insert_only={"color": "name"},
    )
    assert problems(bad, COLUMNS["Wanted"], parse_schema(SCHEMA)) == [
        "sink of Wanted: Net table Switch has no column color",
        "sink of Wanted: relation Wanted has no column nubmer; it has name, number",
        "sink of Wanted: key column nmae is not among its columns",
    ]
    net = make()
    writer = Writer(net.database, [bad], COLUMNS)
    writer.start()
    (event,) = writer.run()
    assert isinstance(event, Unusable)
    assert "no column color" in str(event)
    assert writer.run() == []
