"""Rows whose UUIDs the facts give: references are plain values, whatever else is done to the database."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netschema import SCHEMA
from servers import drive

from ovn_rules.engine.ovsschema import parse_schema
from ovn_rules.engine.sinks import Child, Constant, Mapped, RowsWith, Sink, problems, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.events import Refused, Unusable
from ovn_rules.io.writer import Writer

COLUMNS = {"Row": ("row", "name", "number", "peer"), "Kind": ("name", "stage"), "Under": ("row", "name", "port")}
ROW = Sink(
    relation="Row",
    database="net",
    table="Switch",
    key=("_uuid",),
    columns={"_uuid": "row", "name": "name", "number": "number", "peer": "peer"},
    insert_only={"opt": Constant((7,))},
)
KINDS = {"in": "vif", "out": "tunnel"}
STAGES = {"in": 1, "out": 2}
KIND = Sink(
    relation="Kind",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "number": Mapped("stage", STAGES), "ids:stage": "stage"},
)
UUIDS = [f"{i:08x}-2222-4333-8444-555555555555" for i in range(6)]


def connect(server, *sinks, remote=None):
    """A database and a writer of some sinks."""
    database = Database("net", remote or server.remote, "Net", [], extra=stored_columns(sinks, "net"))
    writer = Writer(database, sinks, COLUMNS)
    writer.start()
    drive([database, writer], lambda _: database.synced)
    return database, writer


def settle(database, writer):
    """Waits until the writer has seen the server's last transaction and has nothing to do."""
    seen = []
    database.transact(b'{"op":"comment","comment":"settle"}', lambda *_: seen.append(1))
    return drive([database, writer], lambda _: seen and writer.idle)


@pytest.fixture
def net(ovsdb):
    """Makes (server, database, writer) of some sinks."""
    made = []

    def make(*sinks):
        server = ovsdb(SCHEMA)
        made.append((server, *connect(server, *sinks)))
        return made[-1]

    yield make
    for _, database, _ in made:
        database.close()


def stored(server, *columns):
    """The switches by UUID."""
    return {r["_uuid"][1]: tuple(r[c] for c in columns) for r in server.select("Switch")}


def test_facts_give_the_uuid(net):
    """A row is made with its fact's UUID, refers to another that is made with it, and goes with its fact."""
    server, database, writer = net(ROW)
    a, b = (UUIDS[0], "a", 1, (UUIDS[1],)), (UUIDS[1], "b", 2, ())
    commits = server.commits()
    writer.note({"Row": ((), [a, b])})
    assert settle(database, writer) == []
    rows = {UUIDS[0]: ("a", 1, ["uuid", UUIDS[1]], 7), UUIDS[1]: ("b", 2, ["set", []], 7)}
    assert stored(server, "name", "number", "peer", "opt") == rows
    assert server.commits() == commits + 1
    writer.note({"Row": ([a], [(UUIDS[0], "a", 3, ())])})
    settle(database, writer)
    assert stored(server, "name", "number")[UUIDS[0]] == ("a", 3)
    writer.note({"Row": ([b], [])})
    settle(database, writer)
    assert stored(server, "name") == {UUIDS[0]: ("a",)}
    assert writer.resync() == 0


def test_rows_without_facts_go(net):
    """Rows that others made are deleted, at the start and later, and counted by a full comparison."""
    server, database, writer = net(ROW)
    server.transact({"op": "insert", "table": "Switch", "uuid": UUIDS[3], "row": {"name": "x", "number": 9}})
    settle(database, writer)
    assert stored(server) == {}
    database.close()
    server.transact({"op": "insert", "table": "Switch", "uuid": UUIDS[3], "row": {"name": "x", "number": 9}})
    database, writer = connect(server, ROW)
    drive([database, writer], lambda _: writer.idle)
    assert stored(server) == {}
    database.replica.tables["Switch"].watchers.clear()
    server.transact({"op": "insert", "table": "Switch", "uuid": UUIDS[4], "row": {"name": "x", "number": 9}})
    settle(database, writer)
    assert writer.resync() == 1
    settle(database, writer)
    assert stored(server) == {}
    database.close()


def test_rows_of_others_stay(net):
    """With a mark, only marked rows are deleted; a sink that deletes none leaves all rows."""
    marked = Sink(
        relation="Row",
        database="net",
        table="Switch",
        key=("_uuid",),
        columns={"_uuid": "row", "name": "name", "number": "number", "ids:mine": "name"},
        mine=RowsWith("ids", "mine"),
    )
    server, database, writer = net(marked)
    fact = (UUIDS[0], "a", 1, ())
    writer.note({"Row": ((), [fact])})
    theirs = {"name": "theirs", "number": 4}
    ours = {"name": "ours", "number": 5, "ids": ["map", [["mine", "x"]]]}
    server.transact(*({"op": "insert", "table": "Switch", "row": r} for r in (theirs, ours)))
    settle(database, writer)
    assert sorted(stored(server, "name").values()) == [("a",), ("theirs",)]
    writer.note({"Row": ([fact], [])})
    settle(database, writer)
    assert sorted(stored(server, "name").values()) == [("theirs",)]


def test_a_uuid_that_is_there_already(net):
    """A row that somebody makes with the wanted UUID just before is taken over, and nothing is reported."""
    server, database, writer = net(ROW)
    row = {"name": "theirs", "number": 9}
    writer.note({"Row": ((), [(UUIDS[0], "a", 1, ()), (UUIDS[1], "b", 2, ())])})
    insert = {"op": "insert", "table": "Switch", "uuid": UUIDS[0], "row": row}
    server.transact(insert)
    writer.run()
    assert writer.in_flight
    assert settle(database, writer) == []
    assert stored(server, "name", "number") == {UUIDS[0]: ("a", 1), UUIDS[1]: ("b", 2)}
    assert writer.refused == []


def test_a_uuid_that_is_none(net):
    """A fact whose UUID is none is refused by name, and the others are written."""
    server, database, writer = net(ROW)
    writer.note({"Row": ((), [("nonsense", "a", 1, ()), (UUIDS[1], "b", 2, ())])})
    (event,) = settle(database, writer)
    assert isinstance(event, Refused)
    assert "bad uuid" in event.reason
    assert stored(server, "name") == {UUIDS[1]: ("b",)}


class OldServer(threading.Thread):
    """Stands between a client and a real server, which then doesn't know the insert's ``uuid``."""

    def __init__(self, path, server):
        """Listens on a Unix socket."""
        super().__init__(daemon=True)
        self.server = server
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.remote = f"unix:{path}"
        self.start()

    def run(self):
        """Takes connections one after the other, until one sends nothing more and none follows."""
        while True:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(str(self.server.socket))
            back = threading.Thread(target=_pump, args=(theirs, ours, b"'uUid'", b"'uuid'"), daemon=True)
            back.start()
            _pump(ours, theirs, b'"uuid":"', b'"uUid":"')
            back.join()


def _pump(source, target, old, new):
    with suppress(OSError):
        while data := source.recv(1 << 20):
            target.sendall(data.replace(old, new))
        target.shutdown(socket.SHUT_RDWR)


def test_a_server_without_uuids(net, tmp_path_factory):
    """A server that doesn't know the member is named once, nothing spins, and it is tried after a reconnect."""
    server, *_ = net(KIND)
    old = OldServer(tmp_path_factory.mktemp("old") / "s", server)
    database, writer = connect(server, ROW, remote=old.remote)
    writer.note({"Row": ((), [(u, f"s{i}", i, ()) for i, u in enumerate(UUIDS)])})
    events = drive([database, writer], lambda e: any(isinstance(x, Unusable) for x in e))
    for _ in range(20):
        events += database.run() + writer.run()
    (line,) = [str(e) for e in events if isinstance(e, Unusable)]
    assert line.endswith("no client choose the UUIDs of new rows; that of Open vSwitch 2.13 does")
    assert writer.transactions == 1
    database.reconnect("the test says so")
    drive([database, writer], lambda _: writer.transactions == 2)
    database.close()
    old.listener.close()


def test_mapped_columns(net):
    """A column follows from another one of the fact; what has no value is refused by name, and the rest is written."""
    server, database, writer = net(KIND)
    writer.note({"Kind": ((), [("a", "in"), ("b", "out"), ("c", "sideways")])})
    (event,) = settle(database, writer)
    assert event == Refused("net", "Switch", "there is no number for 'sideways'", "Kind('c', 'sideways')")
    assert sorted(stored(server, "name", "number").values()) == [("a", 1), ("b", 2)]
    writer.note({"Kind": ([("a", "in"), ("b", "out"), ("c", "sideways")], [("b", None), ("c", "in")])})
    assert settle(database, writer) == []
    assert sorted(stored(server, "name", "number").values()) == [("b", 2), ("c", 1)]
    server.transact({"op": "update", "table": "Switch", "where": [], "row": {"ids": ["map", []]}})
    settle(database, writer)
    assert writer.resync() == 0
    database.close()
    again, second = connect(server, KIND)
    second.note({"Kind": ((), [("b", None), ("c", "in")])})
    drive([again, second], lambda _: second.idle)
    again.close()


def test_sinks_that_do_not_fit():
    """What can't be a UUID's or a mapped column's source is said in a line each."""
    schema = parse_schema(SCHEMA)

    def wrong(**changes):
        fields = {f: getattr(ROW, f) for f in ROW.__slots__}
        return problems(Sink(**{**fields, **changes}), COLUMNS["Row"], schema)

    assert wrong() == []
    whole = ["sink of Row: _uuid can only be the whole key, from a column of the relation"]
    assert wrong(key=("_uuid", "name")) == whole
    assert wrong(columns={"_uuid": Constant(UUIDS[0])}) == whole
    assert wrong(replace=True) == ["sink of Row: a row can't be replaced by one with the same _uuid"]
    stage = Mapped("stage", KINDS)
    assert wrong(columns={"_uuid": "row", "name": stage}) == [
        "sink of Row: relation Row has no column stage; it has row, name, number, peer"
    ]
    child = (Child("ports", "Port", {"kind": stage}),)
    assert "no column stage" in wrong(children=child)[0]
    assert wrong(key=("name",), columns={"name": Mapped("number", {})}) == [
        "sink of Row: key column name can't be mapped from another; the key can have that one instead"
    ]
    assert hash(stage) == hash(Mapped("stage", dict(KINDS)))
    assert stage == Mapped("stage", dict(KINDS))


@pytest.fixture
def plain(ovsdb):
    """A server without unique indexes."""
    switch = {**SCHEMA["tables"]["Switch"], "indexes": []}
    return ovsdb({**SCHEMA, "tables": {**SCHEMA["tables"], "Switch": switch}})


NUMBERS = st.permutations(range(6))
FACTS = st.dictionaries(
    st.sampled_from(UUIDS), st.tuples(st.sampled_from("abcdef"), st.lists(st.sampled_from(UUIDS), max_size=1))
)
EDIT = st.tuples(st.sampled_from(["insert", "update", "delete"]), st.sampled_from(UUIDS))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FACTS, NUMBERS, st.lists(EDIT, max_size=3), st.booleans()), min_size=1, max_size=4))
def test_rows_equal_facts(plain, steps):
    """Whatever facts come and go, and whatever others do at the same moment, in the end the rows are the facts'."""
    database, writer = connect(plain, ROW)
    had = set()
    try:
        for facts, numbers, edits, lose in steps:
            wanted = {
                (u, name, numbers[UUIDS.index(u)], tuple(p for p in peer if p in facts))
                for u, (name, peer) in facts.items()
            }
            writer.note({"Row": (list(had - wanted), list(wanted - had))})
            had = wanted
            for what, uuid in edits:
                plain.client.call("transact", "Net", edit(what, uuid))
            if lose:
                database.reconnect("the test says so")
                drive([database, writer], lambda _: not database.synced)
                drive([database, writer], lambda _: database.synced)
            assert not [e for e in settle(database, writer) if isinstance(e, Refused)]
            assert stored(plain, "name", "number", "peer") == {
                u: (name, number, ["uuid", *peer] if peer else ["set", []]) for u, name, number, peer in wanted
            }
    finally:
        database.close()


def edit(what, uuid):
    """What somebody else does to a row."""
    if what == "insert":
        return {"op": what, "table": "Switch", "uuid": uuid, "row": {"name": "theirs"}}
    where = [["_uuid", "==", ["uuid", uuid]]]
    return {"op": what, "table": "Switch", "where": where, **({"row": {"number": 999}} if what == "update" else {})}
