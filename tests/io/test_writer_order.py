"""A difference too large for one transaction: no part of it is ever refused, and what comes last comes last."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import drive

from ovn_rules.engine.sinks import Sink, stored_columns
from ovn_rules.io.database import Database
from ovn_rules.io.events import Refused
from ovn_rules.io.writer import MAX_FLIGHTS, Writer


def reference(table, **limits):
    """The type of a column that refers to a table."""
    return {"type": {"key": {"type": "uuid", "refTable": table, **limits}, "min": 0, "max": "unlimited"}}


SCHEMA = {
    "name": "South",
    "version": "1.0.0",
    "tables": {
        "Path": {"columns": {"key": {"type": "integer"}}, "indexes": [["key"]], "isRoot": True},
        "Port": {
            "columns": {
                "path": {"type": {"key": {"type": "uuid", "refTable": "Path"}}},
                "key": {"type": "integer"},
                "name": {"type": "string"},
            },
            "indexes": [["path", "key"], ["name"]],
            "isRoot": True,
        },
        "Group": {"columns": {"paths": reference("Path", refType="weak")}},
        "Flow": {
            "columns": {
                "name": {"type": "string"},
                "kind": {"type": {"key": {"type": "string", "enum": ["set", ["", "good"]]}}},
                "path": reference("Path"),
                "group": reference("Group"),
            },
            "isRoot": True,
        },
        "Note": {
            "columns": {"path": {"type": {"key": {"type": "uuid", "refTable": "Path", "refType": "weak"}}}},
            "isRoot": True,
        },
        "Status": {"columns": {"done": {"type": "integer"}}, "isRoot": True, "maxRows": 1},
    },
}
COLUMNS = {
    "Path": ("row", "key"),
    "Port": ("row", "path", "key", "name"),
    "Group": ("row", "paths"),
    "Flow": ("name", "kind", "path", "group"),
    "Note": ("row", "path"),
    "Status": ("row", "done"),
}


def sink(name, *columns, **options):
    """A sink of the relation and table of this name."""
    key = ("_uuid",) if "_uuid" in columns else ("name",)
    sources = {c: "row" if c == "_uuid" else c for c in columns}
    return Sink(relation=name, database="sb", table=name, key=key, columns=sources, **options)


SINKS = (
    sink("Status", "_uuid", "done", last=True),
    sink("Path", "_uuid", "key"),
    sink("Port", "_uuid", "path", "key", "name"),
    sink("Group", "_uuid", "paths"),
    sink("Flow", "name", "kind", "path", "group"),
    sink("Note", "_uuid", "path"),
)


def uuid(kind, number):
    """A UUID for a row."""
    return f"{number:08x}-{kind:04x}-4333-8444-555555555555"


class South:
    """A server, its database and a writer that sends few operations at a time.

    Attributes:
        sent: The operations of each transaction.
        failed: The errors of all transactions.
    """

    def __init__(self, server, most):
        self.server = server
        self.database = Database("sb", server.remote, "South", [], extra=stored_columns(SINKS, "sb"))
        self.writer = Writer(self.database, SINKS, COLUMNS, max_operations=most)
        self.writer.start()
        self.facts = {name: set() for name in COLUMNS}
        self.sent, self.failed = [], []
        transact = self.database.transact

        def observed(operations, done):
            self.sent.append(json.loads(b"[" + operations + b"]"))

            def answered(result, error):
                self.failed += [r for r in result or () if r and "error" in r]
                done(result, error)

            transact(operations, answered)

        self.database.transact = observed

    def note(self, **facts):
        """Asks for these facts and no others."""
        changes = {}
        for name, had in self.facts.items():
            now = set(facts.get(name, ()))
            changes[name] = (list(had - now), list(now - had))
            self.facts[name] = now
        self.writer.note(changes)

    def want(self, **facts):
        """Asks for these facts, and waits until they are written; returns the events."""
        self.note(**facts)
        return drive([self.database, self.writer], lambda _: self.database.synced and self.writer.idle)

    def rows(self, table, *columns):
        """The rows of a table, sets as sorted tuples."""

        def plain(value):
            if not isinstance(value, list):
                return value
            return tuple(sorted(u for _, u in value[1])) if value[0] == "set" else (value[1],)

        return {tuple(plain(r[c]) for c in columns) for r in self.server.select(table)}


@pytest.fixture
def server(ovsdb):
    return ovsdb(SCHEMA)


@pytest.fixture
def south(server):
    made = []

    def make(most=10):
        made.append(South(server, most))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


def switch(number, key, ports=3, flows=3, port_key=0):
    """The facts of one datapath with ports and flows."""
    path = uuid(1, number)
    return {
        "Path": {(path, key)},
        "Port": {(uuid(2, 100 * number + i), path, port_key + i, f"port{number}.{i}") for i in range(ports)},
        "Flow": {(f"flow{number}.{i}", "good", (path,), ()) for i in range(flows)},
    }


def together(*parts):
    """Facts of several parts."""
    return {name: set().union(*(p.get(name, ()) for p in parts)) for name in COLUMNS}


def test_rows_come_after_what_they_refer_to(south):
    """Many rows come and go in parts, those that refer to others later and gone sooner, and none is refused."""
    net = south()
    net.want(**together(*(switch(i, i) for i in range(20))))
    assert len(net.sent) >= 14
    assert len(net.rows("Flow", "name")) == 60
    net.want()
    assert net.rows("Path", "key") == set()
    assert net.failed == []


def test_keys_that_are_taken_over(south):
    """Datapaths that take the keys of others, all of whose rows go, are made although the parts are small."""
    net = south()
    net.want(**together(*(switch(i, i) for i in range(12))))
    net.want(**together(*(switch(100 + i, i) for i in range(12))))
    assert net.rows("Path", "_uuid", "key") == {((uuid(1, 100 + i),), i) for i in range(12)}
    assert net.failed == []


def test_keys_that_are_taken_over_from_rows_that_must_be_referred_to(south):
    """A weak reference that mustn't be empty keeps its row from going alone, like a strong one."""
    net = south()
    notes = {n: {"Note": {(uuid(4, n), uuid(1, n))}} for n in (*range(3), *range(100, 103))}
    net.want(**together(*(switch(i, i) for i in range(3)), *(notes[i] for i in range(3))))
    after = together(*(switch(100 + i, i, ports=20) for i in range(3)), *(notes[100 + i] for i in range(3)))
    assert net.want(**after) == []
    assert net.rows("Note", "path") == {((uuid(1, 100 + i),),) for i in range(3)}
    assert net.failed == []


def test_keys_that_go_round(south):
    """Rows that pass a unique value on to one another are written in one transaction."""
    net = south(most=5)
    net.want(**together(*(switch(i, i) for i in range(12))))
    net.want(**together(*(switch(i, (i + 1) % 12, port_key=1) for i in range(12))))
    assert net.rows("Path", "_uuid", "key") == {((uuid(1, i),), (i + 1) % 12) for i in range(12)}
    assert net.failed == []


def groups(*numbers, of=2):
    """Groups of datapaths, and flows that all refer to them."""
    return {
        "Group": {(uuid(3, g), (uuid(1, 0), uuid(1, 1))) for g in numbers},
        "Flow": {(f"g{g}.{i}", "good", (), (uuid(3, g),)) for g in numbers for i in range(of)},
    }


def test_rows_that_live_by_references(south):
    """A row outside the root set is made together with the first that refers to it, and goes with the last one."""
    net = south()
    both = together(switch(0, 1), switch(1, 2))
    net.want(**together(both, groups(*range(15), of=4)))
    assert len(net.rows("Group", "_uuid")) == 15
    assert net.rows("Flow", "group") >= {((uuid(3, g),),) for g in range(15)}
    moved = {"Flow": {(f"g{g}.0", "good", (), (uuid(3, 50 + g),)) for g in range(15)}}
    moved["Group"] = {(uuid(3, 50 + g), (uuid(1, 0),)) for g in range(15)}
    net.want(**together(both, moved))
    assert net.rows("Group", "_uuid", "paths") == {((uuid(3, 50 + g),), (uuid(1, 0),)) for g in range(15)}
    changed = {**moved, "Group": {(uuid(3, 50 + g), (uuid(1, 1),)) for g in range(15)}}
    net.want(**together(both, changed, {"Group": {(uuid(3, 99), ())}}))
    assert net.rows("Group", "_uuid", "paths") == {((uuid(3, 50 + g),), (uuid(1, 1),)) for g in range(15)}
    assert not any(o["op"] == "delete" and o["table"] == "Group" for operations in net.sent for o in operations)
    assert net.failed == []
    assert net.writer.resync() == 0


def test_a_group_that_went_a_moment_ago(south):
    """A row that refers to a group which others just let go is written with the group made anew."""
    net = south()
    both = together(switch(0, 1), switch(1, 2))
    net.want(**together(both, groups(1, of=1)))
    net.server.transact({"op": "delete", "table": "Flow", "where": [["name", "==", "g1.0"]]})
    net.note(**together(both, groups(1, of=3)))
    net.writer.run()
    assert net.writer.in_flight
    assert net.want(**together(both, groups(1, of=3))) == []
    assert len(net.failed) == 1
    assert {r for r in net.rows("Flow", "name", "group") if r[1]} == {(f"g1.{i}", (uuid(3, 1),)) for i in range(3)}


def test_the_last_thing(south):
    """What tells that all is there is in the last transaction, with all that is left, or alone after a refusal."""
    net = south()
    status = {"Status": {(uuid(9, 0), 1)}}
    net.want(**together(status, *(switch(i, i) for i in range(10))))
    tables = [{o["table"] for o in operations} for operations in net.sent]
    assert [t for t in tables if "Status" in t] == [tables[-1]]
    assert len(tables) > 5
    net.sent.clear()
    bad = {"Flow": {("bad", "bad", (), ())}, "Status": {(uuid(9, 0), 4)}}
    (event,) = net.want(**together(bad, *(switch(i, i) for i in range(3))))
    assert isinstance(event, Refused)
    assert event.table == "Flow"
    done = [n for n, operations in enumerate(net.sent) if any(o["table"] == "Status" for o in operations)]
    assert done in ([0, len(net.sent) - 1], [len(net.sent) - 1])
    assert net.rows("Status", "done") == {(4,)}


def test_the_last_thing_after_rows_that_are_right_only_together(south):
    """What tells that all is there waits for two rows that had to be found among others, and written together."""
    net = south(most=50)
    net.want(**together({"Status": {(uuid(9, 0), 1)}}, *(switch(i, i, ports=0, flows=0) for i in range(6))))
    net.sent.clear()
    keys = (5, 11, 12, 13, 14, 0)
    dangling = {"Flow": {("dangling", "good", (uuid(1, 99),), ())}, "Status": {(uuid(9, 0), 2)}}
    events = net.want(**together(dangling, *(switch(i, k, ports=0, flows=0) for i, k in enumerate(keys))))
    assert [e.table for e in events] == ["Flow"]
    assert net.rows("Path", "_uuid", "key") == {((uuid(1, i),), k) for i, k in enumerate(keys)}
    assert [o["table"] for o in net.sent[-1]] == ["Status"]


def test_the_server_is_kept_busy(south):
    """Of a large load more transactions are under way before the first is answered, but not of what it changes."""
    net = south(most=5)
    net.want()
    net.server.freeze()
    net.note(**together(*(switch(i, i) for i in range(10))))
    for _ in range(5):
        net.writer.run()
    assert len(net.sent) == MAX_FLIGHTS
    net.server.thaw()
    net.want(**together(*(switch(i, i) for i in range(10))))
    net.server.freeze()
    net.note(**together(*(switch(i, i + 20, ports=0, flows=0) for i in range(10))))
    net.writer.run()
    net.note(**together(*(switch(i, i + 40, ports=0, flows=0) for i in range(10))))
    for _ in range(5):
        net.writer.run()
    assert net.writer.in_flight
    net.server.thaw()
    net.want(**together(*(switch(i, i + 40, ports=0, flows=0) for i in range(10))))
    assert net.rows("Path", "key") == {(i + 40,) for i in range(10)}
    assert net.failed == []


def test_what_is_under_way_changes(south):
    """While a row that is being made is no longer wanted, nothing takes its key."""
    net = south(most=5)
    net.want()
    net.server.freeze()
    net.note(Path={(uuid(1, i), i) for i in range(5)})
    net.writer.run()
    net.note(Path={(uuid(1, 10 + i), i) for i in range(5)})
    for _ in range(3):
        net.writer.run()
    assert len(net.sent) == 1
    net.server.thaw()
    net.want(Path={(uuid(1, 10 + i), i) for i in range(5)})
    assert net.rows("Path", "_uuid") == {((uuid(1, 10 + i),),) for i in range(5)}
    assert net.failed == []


def test_what_fails_because_of_another(south):
    """A transaction that refers to rows of one that fails is tried again after it."""
    net = south(most=5)
    net.want()
    net.server.freeze()
    parts = together(*(switch(i, i, ports=2, flows=0) for i in range(4)))
    parts["Path"] |= {(uuid(1, 50), 2)}
    net.note(**parts)
    for _ in range(3):
        net.writer.run()
    assert [{o["table"] for o in operations} for operations in net.sent[-2:]] == [{"Path"}, {"Port"}]
    net.server.thaw()
    events = net.want(**parts)
    ports = len(net.rows("Port", "name"))
    assert ports in (6, 8)  # which of two paths with one key is refused is the writer's choice
    assert len(events) == 1 + 8 - ports
    assert len(net.rows("Path", "key")) == 4


def test_the_last_thing_is_not_sent_ahead(south):
    """What tells that all is there waits for the answer to what was sent before it."""
    net = south(most=5)
    net.want()
    flows = [(f"flow{i}", "good", (), ()) for i in range(8)]
    net.writer.note({"Flow": ((), [*flows, ("bad", "bad", (), ())]), "Status": ((), [(uuid(9, 0), 1)])})
    drive([net.database, net.writer], lambda _: net.writer.idle)
    assert len(net.rows("Flow", "name")) == 8
    assert [n for n, operations in enumerate(net.sent) if "Status" in str(operations)] == [len(net.sent) - 1]


def test_what_is_written_is_looked_at_in_the_end(south):
    """While much is written, replies alone are read; what others did meanwhile is seen to before the last thing."""
    net = south(most=5)
    net.want()
    flows = {(f"flow{i}", "good", (), ()) for i in range(100)}
    net.note(Flow=flows, Status={(uuid(9, 0), 1)})
    table = net.database.replica.tables["Flow"].rows
    drive([net.database, net.writer], lambda _: net.writer.waiting < 50)
    assert net.writer.waiting > 5
    assert len(table) == 0
    written = net.server.select("Flow", ["name"])[0]["name"]
    net.server.transact(
        {"op": "update", "table": "Flow", "where": [["name", "==", written]], "row": {"kind": ""}},
        {"op": "insert", "table": "Flow", "row": {"name": "foreign"}},
    )
    drive([net.database, net.writer], lambda _: net.writer.idle)
    assert net.rows("Flow", "name", "kind", "path", "group") == flows
    assert len(table) == 100
    assert "Status" in str(net.sent[-1])
    assert net.failed == []


def test_facts_that_change_in_a_large_load(south):
    """Facts that change while their rows are written, but not read back, make no row twice."""
    net = south(most=5)
    net.want()
    flows = [(f"flow{i}", "good", (), ()) for i in range(100)]
    net.note(Flow=set(flows))
    drive([net.database, net.writer], lambda _: net.writer.waiting < 50)
    changed = {(name, "", path, group) for name, _, path, group in flows[:50]} | set(flows[60:])
    assert net.want(Flow=changed) == []
    assert net.rows("Flow", "name", "kind", "path", "group") == changed
    assert net.failed == []
    inserted = [o["row"]["name"] for operations in net.sent for o in operations if o["op"] == "insert"]
    assert len(inserted) == len(set(inserted))


def test_all_is_compared_in_a_large_load(south):
    """What was written is read before it is compared: only what isn't answered yet differs, and none is made twice."""
    net = south(most=5)
    net.want()
    flows = {(f"flow{i}", "good", (), ()) for i in range(100)}
    net.note(Flow=flows)
    drive([net.database, net.writer], lambda _: net.writer.waiting < 50)
    stored = len(net.rows("Flow", "name"))
    assert stored > 40
    assert net.writer.resync() <= 100 - stored + MAX_FLIGHTS * 5
    drive([net.database, net.writer], lambda _: net.writer.idle)
    inserted = [o["row"]["name"] for operations in net.sent for o in operations if o["op"] == "insert"]
    assert sorted(inserted) == sorted(name for name, *_ in flows)
    assert net.rows("Flow", "name", "kind", "path", "group") == flows
    assert net.failed == []


@pytest.mark.parametrize("number", range(0, 48, 4))
def test_somebody_is_faster_in_a_large_load(south, number):
    """A row that somebody puts in the way of one that is still to be written goes, and nothing stays refused."""
    net = south(most=5)
    net.want(Path={(uuid(1, 0), 7)})
    ports = [(uuid(2, i), uuid(1, 0), i, f"port{i}") for i in range(100)]
    net.writer.note({"Port": ((), ports)})  # the last is written first
    drive([net.database, net.writer], lambda _: net.writer.waiting < 70)
    row = {"path": ["uuid", uuid(1, 0)], "key": 1000, "name": f"port{number}"}
    net.server.transact({"op": "insert", "table": "Port", "row": row})
    drive([net.database, net.writer], lambda _: net.writer.idle and not net.writer.refused)
    assert {f["error"] for f in net.failed} == {"constraint violation"}  # and no row is inserted twice
    assert {r[0] for r in net.rows("Port", "name")} == {name for *_, name in ports}


def test_bad_rows_in_a_large_load(south):
    """Rows that are refused hold up no others, whichever of the transactions under way they are in."""
    net = south(most=5)
    good = together(*(switch(i, i, ports=4, flows=4) for i in range(15)))
    bad = {("bad", "bad", (), ()), ("worse", "bad", (), ()), ("dangling", "good", (uuid(1, 99),), ())}
    events = net.want(**{**good, "Flow": good["Flow"] | bad, "Status": {(uuid(9, 0), 1)}})
    assert len([e for e in events if isinstance(e, Refused)]) == 3
    assert net.rows("Flow", "name", "kind", "path", "group") == good["Flow"]
    assert len(net.rows("Port", "name")) == 60
    assert net.rows("Status", "done") == {(1,)}
    assert len(net.writer.refused) == 3
    assert net.want(**{**good, "Status": {(uuid(9, 0), 1)}}) == []
    assert net.writer.refused == []


STATE = st.builds(
    lambda paths, ports, flows, done: (paths, ports, flows, done),
    st.dictionaries(st.integers(0, 5), st.integers(0, 5), max_size=6),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(0, 3), st.integers(0, 7)), max_size=8),
    st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 5), max_size=2, unique=True)), max_size=10),
    st.integers(0, 3),
)


def consistent(paths, ports, flows, done):
    """Facts that break no unique index and refer to nothing that isn't there."""
    free = {}
    for path, key in paths.items():
        free.setdefault(key, path)
    facts = {"Path": {(uuid(1, p), k) for k, p in free.items()}, "Port": set(), "Group": set(), "Flow": set()}
    there = set(free.values())
    rows, keys, names = set(), set(), set()
    for row, path, key, name in ports:
        if path in there and row not in rows and (path, key) not in keys and name not in names:
            facts["Port"].add((uuid(2, row), uuid(1, path), key, f"port{name}"))
            rows.add(row), keys.add((path, key)), names.add(name)
    for name, on in dict(flows).items():
        paths = sorted(uuid(1, p) for p in on if p in there)
        group = uuid(3, sum(1 << p for p in on)) if len(paths) > 1 else None
        if group:
            facts["Group"].add((group, tuple(paths)))
        facts["Flow"].add((f"flow{name}", "good", () if group else tuple(paths), (group,) if group else ()))
    facts["Status"] = {(uuid(9, 0), done)}
    return facts


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STATE, st.sampled_from([None, None, 3, 10, 30])), min_size=1, max_size=5), st.integers(1, 6))
def test_any_state_after_any_other(server, states, most):
    """From any consistent state to any other in small parts: nothing is refused, and the status is never early."""
    net = South(server, most)
    net.want()
    for state, rounds in states:
        facts = consistent(*state)
        net.sent.clear()
        if rounds is not None:  # the next one comes while this one is under way
            net.note(**facts)
            for _ in range(rounds):
                assert net.database.run() + net.writer.run() == []
                time.sleep(0.0002)
            continue
        assert net.want(**facts) == []
        assert net.failed == []
        assert net.rows("Path", "_uuid", "key") == {((u,), k) for u, k in facts["Path"]}
        assert net.rows("Port", "_uuid", "path", "key", "name") == {((u,), (p,), *r) for u, p, *r in facts["Port"]}
        assert net.rows("Group", "_uuid", "paths") == {((u,), p) for u, p in facts["Group"]}
        assert net.rows("Flow", "name", "kind", "path", "group") == facts["Flow"]
        assert net.rows("Status", "done") == {(r[1],) for r in facts["Status"]}
        assert not any(o["table"] == "Status" for operations in net.sent[:-1] for o in operations)
    net.database.close()
