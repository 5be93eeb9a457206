"""Columns written along with others: the time at which a value came, and what belongs to a value."""

from __future__ import annotations

import time

import pytest
from netschema import SCHEMA
from servers import drive

from ovn_rules.engine.ovsschema import parse_schema
from ovn_rules.engine.sinks import Clock, Sink, problems, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.writer import Writer

COLUMNS = {"Progress": ("name", "wanted", "done", "of")}
PROGRESS = Sink(
    relation="Progress",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "number": "done"},
    along={"opt": "of", "ratio": Clock("wanted")},
    delete=False,
)


@pytest.fixture
def net(ovsdb):
    """A server with one row, which a writer of ``PROGRESS`` follows."""
    server = ovsdb(SCHEMA)
    server.transact({"op": "insert", "table": "Switch", "row": {"name": "a", "number": 1, "ratio": 5.0, "opt": 6}})
    database = Database("net", server.remote, "Net", [], extra=stored_columns([PROGRESS], "net"))
    writer = Writer(database, [PROGRESS], COLUMNS)
    writer.start()
    drive([database, writer], lambda _: database.synced)
    yield server, database, writer
    database.close()


def settle(database, writer):
    """Waits until the writer has seen the server's last transaction and has nothing to do."""
    seen = []
    database.transact(b'{"op":"comment","comment":"settle"}', lambda *_: seen.append(1))
    drive([database, writer], lambda _: seen and writer.idle)


def stored(server):
    """Number, what belongs to it, and since when."""
    return [(r["number"], r["opt"], r["ratio"]) for r in server.select("Switch")]


def test_alone_they_are_no_reason_to_write(net):
    """A row that has what is wanted is left alone, whatever it has in the columns that go along."""
    server, database, writer = net
    writer.note({"Progress": ((), [("a", 1, 1, (2,))])})
    settle(database, writer)
    assert stored(server) == [(1, 6, 5.0)]
    assert writer.transactions == 0
    assert writer.resync() == 0


def test_they_are_written_with_a_change(net):
    """The time is that at which the value came, not that of writing; a value that stays keeps its time."""
    server, database, writer = net
    first, second, third = ("a", 1, 1, (2,)), ("a", 2, 1, (2,)), ("a", 2, 2, ())
    writer.note({"Progress": ((), [first])})
    settle(database, writer)
    before = time.time_ns() // 1_000_000
    writer.note({"Progress": ([first], [second])})
    after = time.time_ns() // 1_000_000
    settle(database, writer)
    assert stored(server) == [(1, 6, 5.0)]
    while time.time_ns() // 1_000_000 <= after:
        pass
    writer.note({"Progress": ([second], [third])})
    settle(database, writer)
    [(number, opt, since)] = stored(server)
    assert (number, opt) == (2, ["set", []])
    assert before <= since <= after
    assert writer.transactions == 1


def test_what_is_wrong_with_them():
    """Columns that the table or the relation doesn't have are found before anything is written."""
    schema = parse_schema(SCHEMA)
    wrong = Sink("Progress", "net", "Switch", ("name",), {"name": "name"}, along={"when": Clock("since")})
    assert problems(PROGRESS, COLUMNS["Progress"], schema) == []
    assert problems(wrong, COLUMNS["Progress"], schema) == [
        "sink of Progress: Net table Switch has no column when",
        "sink of Progress: relation Progress has no column since; it has name, wanted, done, of",
    ]
