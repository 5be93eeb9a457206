"""Derived facts become rows: what differs is written, what is foreign is left alone."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest
from netschema import SCHEMA
from servers import drive

from ovn_rules.engine.sinks import Child, Constant, OwnRows, Parent, RowsWith, Sink, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.events import Contested
from ovn_rules.io.writer import Writer

COLUMNS = {
    "Wanted": ("name", "number", "tags", "opt"),
    "Content": ("name", "number"),
    "Opt": ("row", "opt"),
    "Hung": ("switch", "name", "id", "target"),
    "Whole": ("name", "port"),
    "Own": ("name", "number"),
    "Keyed": ("name", "hint", "number"),
}
NAMED = Sink(
    relation="Wanted",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "number": "number", "tags": "tags"},
    insert_only={"opt": "opt", "ids": Constant((("made", "here"),))},
)
CONTENT = Sink(
    relation="Content",
    database="net",
    table="Switch",
    key=("name", "number"),
    columns={"name": "name", "number": "number"},
)
UPDATE = Sink(
    relation="Opt",
    database="net",
    table="Switch",
    key=("_uuid",),
    columns={"_uuid": "row", "opt": "opt"},
    insert=False,
    delete=False,
)
HUNG = Sink(
    relation="Hung",
    database="net",
    table="Port",
    key=("name",),
    columns={"name": "name", "ids:mine": "id"},
    mine=RowsWith("ids", "mine"),
    replace=True,
    children=(Child("mirror", "Mirror", {"target": "target"}, only=True),),
    parent=Parent("Switch", "ports", "switch"),
)
WHOLE = Sink(
    relation="Whole",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name"},
    insert_only={"number": Constant(77)},
    delete=False,
    children=(
        Child(
            "ports",
            "Port",
            {"name": "port", "kind": Constant("vif")},
            key=("name",),
            children=(Child("mirror", "Mirror", {"target": "port"}),),
        ),
    ),
)
OWN = Sink(
    relation="Own",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "number": "number"},
    mine=OwnRows(),
)


class Setup:
    """A server, its database and a writer of some sinks."""

    def __init__(self, server, *sinks, start=True, **options):
        self.server = server
        self.database = Database("net", server.remote, "Net", [], extra=stored_columns(sinks, "net"))
        self.writer = Writer(self.database, sinks, COLUMNS, **options)
        if start:
            self.writer.start()
        drive(self.both, lambda _: self.database.synced)

    @property
    def both(self):
        """What a daemon's loop would run."""
        return [self.database, self.writer]

    def note(self, relation, deleted=(), inserted=()):
        """Notes a change, waits until it is written, and returns the events."""
        self.writer.note({relation: (list(deleted), list(inserted))})
        return self.settle()

    def settle(self):
        """Waits until the writer has seen the server's last transaction and has nothing to do."""
        seen = []
        marker = b'{"op":"comment","comment":"settle"}'
        self.database.transact(marker, lambda *_: seen.append(1))
        return drive(self.both, lambda _: seen and self.writer.idle)

    def rows(self, table, *columns):
        """The rows of a table as tuples of some columns, sorted."""
        return sorted(tuple(r[c] for c in columns) for r in self.server.select(table))


@pytest.fixture
def setup(ovsdb):
    made = []

    def make(*sinks, server=None, **options):
        made.append(Setup(server or ovsdb(SCHEMA), *sinks, **options))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


def insert(name, number, **row):
    return {"op": "insert", "table": "Switch", "row": {"name": name, "number": number, **row}}


def by_name(name):
    return [["name", "==", name]]


A = ("a", 1, ("x", "y"), (5,))
B = ("b", 2, (), ())


def test_rows_follow_facts(setup):
    """A fact makes a row, a changed fact changes only what it says, and a row goes with its fact."""
    net = setup(NAMED)
    net.note("Wanted", inserted=[A, B])
    assert net.rows("Switch", "name", "number", "opt") == [("a", 1, 5), ("b", 2, ["set", []])]
    before = net.server.select("Switch", ["_uuid", "name"])
    net.note("Wanted", deleted=[A, B], inserted=[("a", 3, ("y",), (6,))])
    assert net.rows("Switch", "name", "number", "tags", "opt") == [("a", 3, "y", 5)]
    assert net.server.select("Switch", ["_uuid", "name"])[0] in before


def test_one_change_is_one_transaction(setup):
    """All that changes at once is one transaction; nothing changed is none."""
    net = setup(NAMED)
    commits = net.server.commits()
    net.note("Wanted", inserted=[A, B])
    assert net.server.commits() == commits + 1
    net.note("Wanted", deleted=[A], inserted=[A])
    assert net.server.commits() == commits + 1


def test_the_log_says_who_wrote(setup):
    """Each transaction has the writer's comment in the database's log (RFC 7047 section 5.2.9)."""
    net = setup(NAMED, comment="written by a test")
    net.note("Wanted", inserted=[A])
    net.note("Wanted", deleted=[A])
    log = subprocess.run(["ovsdb-tool", "show-log", net.server.file], capture_output=True, text=True, check=True)
    assert log.stdout.count('"written by a test"') == 2


def test_changes_in_flight_merge(setup):
    """While a transaction is under way further changes wait, and go together in the next one."""
    net = setup(NAMED)
    commits = net.server.commits()
    net.writer.note({"Wanted": ([], [A])})
    net.writer.run()
    net.writer.note({"Wanted": ([], [B])})
    net.writer.run()
    net.writer.note({"Wanted": ([A], [("a", 9, (), ())])})
    net.writer.note({"Wanted": ([B], [("b", 8, (), ())])})
    net.settle()
    assert net.rows("Switch", "name", "number") == [("a", 9), ("b", 8)]
    assert net.server.commits() == commits + 2


def test_converged_restart_writes_nothing(setup):
    """A writer that starts over rows that are right already leaves the file as it is, and finds no difference."""
    first = setup(NAMED)
    first.note("Wanted", inserted=[A, B])
    first.database.close()
    content = first.server.file.read_bytes()
    second = setup(NAMED, server=first.server, start=False)
    second.writer.note({"Wanted": ([], [A, B])})
    second.writer.start()
    drive(second.both, lambda _: second.writer.idle)
    assert second.writer.transactions == 0
    assert second.writer.resync() == 0
    assert first.server.file.read_bytes() == content


def test_nothing_is_written_before_the_start(setup):
    """Rows are not deleted while the facts are still being derived."""
    net = setup(NAMED, start=False)
    net.server.transact(insert("a", 1))
    drive(net.both, lambda _: net.database.replica.tables["Switch"].rows)
    assert net.writer.transactions == 0
    net.writer.note({"Wanted": ([], [("a", 1, (), ())])})
    net.writer.start()
    drive(net.both, lambda _: net.writer.idle)
    assert net.writer.transactions == 0


def test_hand_edits_are_repaired(setup):
    """A row that somebody changes, deletes or adds is put right, each time, and only that row is written."""
    net = setup(NAMED)
    net.note("Wanted", inserted=[A, B])
    for _ in range(3):
        operations = net.writer.operations
        net.server.transact({"op": "update", "table": "Switch", "where": by_name("a"), "row": {"number": 100}})
        net.settle()
        net.server.transact({"op": "delete", "table": "Switch", "where": by_name("b")})
        net.settle()
        net.server.transact(insert("c", 3))
        net.settle()
        assert net.rows("Switch", "name", "number") == [("a", 1), ("b", 2)]
        assert net.writer.operations == operations + 3


def test_foreign_columns_are_left_alone(setup):
    """Columns that the sink doesn't own, and those given to new rows only, keep what others wrote."""
    net = setup(NAMED)
    net.note("Wanted", inserted=[A])
    row = {"opt": 9, "ratio": 2.5, "ids": ["map", [["k", "v"]]]}
    net.server.transact({"op": "update", "table": "Switch", "where": by_name("a"), "row": row})
    net.note("Wanted", deleted=[A], inserted=[("a", 2, (), (1,))])
    assert net.rows("Switch", "number", "opt", "ratio", "ids") == [(2, 9, 2.5, ["map", [["k", "v"]]])]


def test_content_keys_keep_rows_and_remove_doubles(setup):
    """Rows compared by content keep their UUIDs, and of two that are alike one goes."""
    plain = {**SCHEMA, "tables": {**SCHEMA["tables"]}}
    plain["tables"]["Switch"] = {**SCHEMA["tables"]["Switch"], "indexes": []}
    net = setup(CONTENT, server=None)
    net.server.convert(plain)
    drive(net.both, lambda _: net.database.synced)
    net.note("Content", inserted=[("a", 1), ("b", 2)])
    kept = {r["name"]: r["_uuid"] for r in net.server.select("Switch")}
    net.server.transact(insert("a", 1), insert("a", 1))
    net.settle()
    net.note("Content", deleted=[("b", 2)], inserted=[("b", 3)])
    rows = net.server.select("Switch")
    assert sorted((r["name"], r["number"]) for r in rows) == [("a", 1), ("b", 3)]
    assert next(r["_uuid"] for r in rows if r["name"] == "b") != kept["b"]


def test_update_only_sink_makes_no_rows(setup):
    """A sink by UUID updates rows of others, repairs its column, and leaves everything else to them."""
    net = setup(UPDATE)
    result = net.server.transact(insert("a", 1), insert("b", 2))
    a, b = (r["uuid"][1] for r in result)
    net.note("Opt", inserted=[(a, (7,)), ("00000000-0000-0000-0000-00000000dead", (1,))])
    assert net.rows("Switch", "name", "opt") == [("a", 7), ("b", ["set", []])]
    net.server.transact({"op": "update", "table": "Switch", "where": [], "row": {"opt": 3}})
    net.settle()
    assert net.rows("Switch", "name", "opt") == [("a", 7), ("b", 3)]
    net.note("Opt", deleted=[(a, (7,))], inserted=[(b, None)])
    assert net.rows("Switch", "name", "opt") == [("a", 7), ("b", 3)]


def hung(net, switch="s"):
    """The ports of a switch: (name, ids, mirrors' targets)."""
    rows = net.server.select("Switch")
    ports = next(r["ports"] for r in rows if r["name"] == switch)
    uuids = ports[1] if ports[0] == "set" else [ports]
    mirrors = {tuple(m["_uuid"]): m["target"] for m in net.server.select("Mirror")}
    found = []
    for p in net.server.select("Port"):
        if p["_uuid"] in uuids:
            refs = p["mirror"][1] if p["mirror"][0] == "set" else [p["mirror"]]
            found.append((p["name"], p["ids"][1], [mirrors[tuple(r)] for r in refs]))
    return sorted(found)


def test_rows_under_a_parent(setup):
    """Rows hang on their parent with their children; a removed one comes back, a changed one is replaced at once."""
    net = setup(HUNG)
    s, t = (r["uuid"][1] for r in net.server.transact(insert("s", 1), insert("t", 2)))
    net.note("Hung", inserted=[(s, "p", "x", "m")])
    assert hung(net) == [("p", [["mine", "x"]], ["m"])]
    (before,) = net.rows("Port", "_uuid")
    net.server.transact({"op": "update", "table": "Switch", "where": by_name("s"), "row": {"ports": ["set", []]}})
    net.settle()
    assert hung(net) == [("p", [["mine", "x"]], ["m"])]
    (again,) = net.rows("Port", "_uuid")
    assert again != before
    commits = net.server.commits()
    net.note("Hung", deleted=[(s, "p", "x", "m")], inserted=[(s, "p", "x", "n")])
    assert hung(net) == [("p", [["mine", "x"]], ["n"])]
    assert net.server.commits() == commits + 1
    assert net.rows("Port", "_uuid") != [again]
    net.note("Hung", deleted=[(s, "p", "x", "n")], inserted=[(t, "p", "x", "n")])
    assert (hung(net), hung(net, "t")) == ([], [("p", [["mine", "x"]], ["n"])])
    net.note("Hung", deleted=[(t, "p", "x", "n")])
    assert net.rows("Port", "name") == net.rows("Mirror", "target") == []


def test_child_edits_are_repaired(setup):
    """A child row that somebody changes, or doubles, brings its row back to what the fact says."""
    net = setup(HUNG)
    (s,) = (r["uuid"][1] for r in net.server.transact(insert("s", 1)))
    net.note("Hung", inserted=[(s, "p", "x", "m")])
    net.server.transact({"op": "update", "table": "Mirror", "where": [], "row": {"target": "wrong"}})
    net.settle()
    assert hung(net) == [("p", [["mine", "x"]], ["m"])]
    net.server.transact(
        {"op": "insert", "table": "Mirror", "uuid-name": "n", "row": {"target": "more"}},
        {"op": "mutate", "table": "Port", "where": [], "mutations": [["mirror", "insert", ["named-uuid", "n"]]]},
    )
    net.settle()
    assert hung(net) == [("p", [["mine", "x"]], ["m"])]


def test_updates_in_place(setup):
    """Without replacement a row moves to another parent, and gets a map's key and one child changed, as itself."""
    net = setup(dataclasses.replace(HUNG, replace=False))
    s, t = (r["uuid"][1] for r in net.server.transact(insert("s", 1), insert("t", 2)))
    net.note("Hung", inserted=[(s, "p", "x", "m")])
    (before,) = net.rows("Port", "_uuid")
    net.server.transact(
        {"op": "insert", "table": "Mirror", "uuid-name": "n", "row": {"target": "more"}},
        {"op": "mutate", "table": "Port", "where": [], "mutations": [["mirror", "insert", ["named-uuid", "n"]]]},
        {"op": "mutate", "table": "Port", "where": [], "mutations": [["ids", "insert", ["map", [["k", "v"]]]]]},
    )
    net.settle()
    assert hung(net) == [("p", [["k", "v"], ["mine", "x"]], ["m"])]
    net.note("Hung", deleted=[(s, "p", "x", "m")], inserted=[(t, "p", "y", "n")])
    assert (hung(net), hung(net, "t")) == ([], [("p", [["k", "v"], ["mine", "y"]], ["n"])])
    assert net.rows("Port", "_uuid") == [before]


def test_only_marked_rows_are_ours(setup):
    """Rows with the mark and no fact are removed from every parent; rows without the mark are somebody else's."""
    net = setup(HUNG)
    net.server.transact(
        insert("s", 1, ports=["set", [["named-uuid", "mine"], ["named-uuid", "theirs"]]]),
        {"op": "insert", "table": "Port", "uuid-name": "mine", "row": {"name": "a", "ids": ["map", [["mine", "1"]]]}},
        {"op": "insert", "table": "Port", "uuid-name": "theirs", "row": {"name": "b", "ids": ["map", [["k", "1"]]]}},
    )
    net.settle()
    assert net.rows("Port", "name") == [("b",)]


def test_parent_that_comes_later(setup):
    """A row whose parent isn't there yet is made when the parent comes."""
    net = setup(HUNG)
    uuid = "11111111-2222-4333-8444-555555555555"
    net.note("Hung", inserted=[(uuid, "p", "x", "m")])
    assert net.writer.transactions == 0
    net.server.transact({"op": "insert", "table": "Switch", "uuid": uuid, "row": {"name": "s"}})
    net.settle()
    assert hung(net) == [("p", [["mine", "x"]], ["m"])]


def test_chain_of_children(setup):
    """A row with a child and that child's child is made in one transaction, and what exists of it is completed."""
    net = setup(WHOLE)
    net.note("Whole", inserted=[("s", "p")])
    assert net.rows("Port", "name", "kind") == [("p", "vif")]
    assert net.rows("Mirror", "target") == [("p",)]
    assert net.writer.transactions == 1
    net.server.transact(
        insert("old", 5, ports=["set", [["named-uuid", "n"]]]),
        {"op": "insert", "table": "Port", "uuid-name": "n", "row": {"name": "other", "kind": "tunnel"}},
    )
    net.note("Whole", inserted=[("old", "q")])
    assert net.rows("Switch", "name", "number") == [("old", 5), ("s", 77)]
    assert net.rows("Port", "name", "kind") == [("other", "tunnel"), ("p", "vif"), ("q", "vif")]
    net.server.transact({"op": "update", "table": "Mirror", "where": [], "row": {"target": "wrong"}})
    net.settle()
    assert net.rows("Mirror", "target") == [("p",), ("q",)]
    net.note("Whole", deleted=[("s", "p")])
    assert len(net.rows("Switch", "name")) == 2


def test_own_rows_only(setup):
    """In a table with a row for each writer, others' rows stay, and our own goes when its fact goes."""
    net = setup(OWN)
    net.server.transact(insert("theirs", 1))
    net.note("Own", inserted=[("ours", 2)])
    assert net.rows("Switch", "name") == [("ours",), ("theirs",)]
    net.note("Own", deleted=[("ours", 2)])
    assert net.rows("Switch", "name") == [("theirs",)]


def test_facts_with_one_key(setup):
    """Of two facts with one key the smallest counts, whichever came first; the other takes its place."""
    net = setup(NAMED)
    low, high = ("a", 1, (), ()), ("a", 2, (), ())
    net.note("Wanted", inserted=[high, low])
    assert net.rows("Switch", "number") == [(1,)]
    net.note("Wanted", deleted=[low])
    assert net.rows("Switch", "number") == [(2,)]


def test_large_loads_come_in_parts(setup):
    """Many rows are written in several transactions; one that takes another's number goes together with it."""
    net = setup(NAMED, max_operations=50, start=False)
    net.server.transact(*[insert(f"old{i}", i) for i in range(120)])
    drive(net.both, lambda _: len(net.database.replica.tables["Switch"].rows) == 120)
    net.writer.start()
    events = net.note("Wanted", inserted=[(f"new{i}", i, (), ()) for i in range(120)])
    assert not events
    assert len(net.rows("Switch", "name")) == 120
    assert net.writer.transactions == 3
    assert net.writer.resync() == 0


def test_connection_lost_in_flight(setup):
    """A transaction whose answer never came is compared again after the reconnect, and written once."""
    net = setup(NAMED)
    net.server.freeze()
    net.writer.note({"Wanted": ([], [A])})
    net.writer.run()
    net.server.stop(9)
    net.server.start()
    net.writer.note({"Wanted": ([], [B])})
    drive(net.both, lambda _: net.database.synced and net.writer.idle)
    assert net.rows("Switch", "name") == [("a",), ("b",)]


def test_resync_finds_and_repairs(setup):
    """A full comparison counts what differs and has it written."""
    net = setup(NAMED)
    net.note("Wanted", inserted=[A, B])
    assert net.writer.resync() == 0
    net.database.replica.tables["Switch"].watchers.clear()
    net.server.transact({"op": "delete", "table": "Switch", "where": by_name("a")}, insert("c", 3))
    net.settle()
    assert net.writer.resync() == 2
    net.settle()
    assert net.rows("Switch", "name") == [("a",), ("b",)]


def test_somebody_who_fights_back(setup):
    """A row that somebody else changes back every time is reported and written ever more slowly, not in a loop."""
    net = setup(NAMED)
    net.note("Wanted", inserted=[A])
    events = []
    for number in range(40):
        row = {"number": 100 + number}
        net.server.transact({"op": "update", "table": "Switch", "where": by_name("a"), "row": row})
        events += net.settle()
    assert [type(e) for e in events] == [Contested]
    assert net.writer.transactions <= 8
    drive(net.both, lambda _: net.rows("Switch", "number") == [(1,)])


KEYED = Sink(
    relation="Keyed",
    database="net",
    table="Switch",
    key=("name",),
    columns={"name": "name", "ids:hint": "hint"},
    insert_only={"number": "number"},
)


def test_a_key_of_a_map_may_be_left_out(setup):
    """An empty tuple asks for no such key, which then comes and goes; other keys of the map stay."""
    net = setup(KEYED)
    net.note("Keyed", inserted=[("a", (), 1)])
    assert net.rows("Switch", "ids") == [(["map", []],)]
    net.note("Keyed", deleted=[("a", (), 1)], inserted=[("a", ("h",), 1)])
    assert net.rows("Switch", "ids") == [(["map", [["hint", "h"]]],)]
    other = {"op": "mutate", "table": "Switch", "where": by_name("a")}
    net.server.transact(other | {"mutations": [["ids", "insert", ["map", [["other", "o"]]]]]})
    net.note("Keyed", deleted=[("a", ("h",), 1)], inserted=[("a", (), 1)])
    assert net.rows("Switch", "ids") == [(["map", [["other", "o"]]],)]
