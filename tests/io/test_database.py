"""A live database over its connection's life: real servers are stopped, replaced, frozen and wrong."""

from __future__ import annotations

import json
import shutil
import socket
import time

import ovs.poller
import pytest
from netschema import RELATIONS, SCHEMA, SWITCH, Held, dumped, facts_of, relation
from servers import drive

from ovn_rules.engine.ir import STR, UUID
from ovn_rules.io.database import Database
from ovn_rules.io.events import Connected, LockAwaited, LockGained, LockLost, Lost, Unusable, Updated, Waiting
from ovn_rules.io.streams import RemoteError


def switch(name, number, **row):
    return {"op": "insert", "table": "Switch", "row": {"name": name, "number": number, **row}}


@pytest.fixture
def connect():
    databases = []

    def make(remotes, schema="Net", relations=RELATIONS, **options):
        database = Database("net", remotes, schema, relations, **options)
        databases.append(database)
        return database

    yield make
    for database in databases:
        database.close()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def kinds(events):
    return [type(e) for e in events]


def test_first_snapshot_is_one_delta(ovsdb, connect):
    """What a database holds at the start comes as one change, before the news that it is connected."""
    server = ovsdb(SCHEMA)
    server.transact(*[switch(f"s{i}", i, tags=["set", ["a", "b"]]) for i in range(50)])
    database = connect(server.remote)
    events = drive([database], lambda _: database.synced)
    assert kinds(events) == [Updated, Connected]
    assert Held().take(events).facts == facts_of(dumped(server.dump()))
    assert str(events[-1]) == f"net: connected to {server.remote} (Net 1.2.3)"


def test_only_columns_that_are_read_are_monitored(ovsdb, connect):
    """A change in a column that no relation names is not even sent."""
    names = relation("net.Switch", "Switch", [("_uuid", UUID), ("name", STR)])
    server = ovsdb(SCHEMA)
    server.transact(switch("a", 1))
    database = connect(server.remote, relations=[names])
    drive([database], lambda _: database.synced)
    assert database.replica.tables["Switch"].monitored == ["name"]
    where = [["name", "==", "a"]]
    server.transact({"op": "update", "table": "Switch", "where": where, "row": {"number": 7}})
    server.transact({"op": "update", "table": "Switch", "where": where, "row": {"name": "b"}})
    events = drive([database], lambda e: e)
    ((deleted, inserted),) = [e.delta["net.Switch"] for e in events]
    assert [f[1] for f in deleted] == ["a"]
    assert [f[1] for f in inserted] == ["b"]


def test_updates_that_are_left(ovsdb, connect):
    """While replies alone matter, updates wait; what comes of them once they are caught up on is told at once."""
    server = ovsdb(SCHEMA)
    database = connect(server.remote)
    drive([database], lambda _: database.synced)
    database.replies_first = lambda: True
    replies = []
    database.transact(json.dumps(switch("a", 1)).encode(), lambda result, _error: replies.append(result))
    assert drive([database], lambda _: replies) == []
    assert database.replica.tables["Switch"].rows == {}
    database.catch_up()
    (row,) = database.replica.tables["Switch"].rows.values()
    assert row[1] == "a"
    poller = ovs.poller.Poller()
    database.wait(poller)
    assert poller.timeout == 0
    assert kinds(database.run()) == [Updated]


def test_updates_are_taken_when_replies_come_no_longer_first(ovsdb, connect):
    """They are taken by themselves, before those that come then, and before a reply to anything but a transaction."""
    server = ovsdb(SCHEMA)
    database = connect(server.remote)
    drive([database], lambda _: database.synced)
    database.replies_first = lambda: True
    for number in range(3):
        server.transact(switch(f"s{number}", number))
    echoes = []
    database.echo(lambda result, _error: echoes.append(result))
    events = drive([database], lambda _: echoes)
    assert len(database.replica.tables["Switch"].rows) == 3
    assert set(kinds(events)) == {Updated}
    server.transact(switch("s3", 3))
    for _ in range(20):
        assert database.run() == []
        time.sleep(0.01)
    database.replies_first = lambda: False
    assert kinds(drive([database], lambda e: e)) == [Updated]


def test_restart_brings_only_the_difference(ovsdb, connect):
    """After a server's restart, only what changed meanwhile is reported, and nothing when nothing did."""
    server = ovsdb(SCHEMA)
    server.transact(switch("a", 1), switch("b", 2))
    database = connect(server.remote)
    held = Held().take(drive([database], lambda _: database.synced))
    server.stop()
    events = drive([database], lambda e: e)
    assert kinds(events) == [Lost]
    server.start()
    events = drive([database], lambda _: database.synced)
    assert kinds(events) == [Connected]
    server.stop()
    drive([database], lambda e: e)
    server.start()
    server.transact(
        {"op": "delete", "table": "Switch", "where": [["name", "==", "a"]]}, switch("c", 3, tags=["set", ["x"]])
    )
    events = drive([database], lambda _: database.synced)
    changes = {n: (len(d), len(i)) for e in events if isinstance(e, Updated) for n, (d, i) in e.delta.items()}
    assert changes == {"net.Switch": (1, 1), "net.Switch.tags": (0, 1)}
    assert held.take(events).facts == facts_of(dumped(server.dump()))


def test_older_snapshot_takes_facts_back(ovsdb, connect):
    """A database that comes back as an older copy of itself is read as it is: newer facts go again."""
    server = ovsdb(SCHEMA)
    server.transact(switch("a", 1))
    shutil.copy(server.file, server.folder / "old")
    server.transact(switch("b", 2))
    database = connect(server.remote)
    held = Held().take(drive([database], lambda _: database.synced))
    server.stop()
    drive([database], lambda e: e)
    shutil.copy(server.folder / "old", server.file)
    server.start()
    held.take(drive([database], lambda _: database.synced))
    assert {f[1] for f in held.facts["net.Switch"]} == {"a"}


def test_no_server_is_said_once(tmp_path, connect):
    """A server that isn't there is reported once, and found when it comes."""
    database = connect(f"unix:{tmp_path}/none.sock", max_backoff_ms=100)
    turns = []
    events = drive([database], lambda _: turns.append(1) or database._session.failures > 5)
    assert [str(e) for e in events] == [f"net: waiting for unix:{tmp_path}/none.sock: No such file or directory"]
    assert kinds(events) == [Waiting]


def test_wrong_database_names_what_is_there(ovsdb, connect):
    """A server without the database says which ones it has; it is said once, and tries go on."""
    server = ovsdb(SCHEMA)
    database = connect(server.remote, schema="OVN_Northbound", max_backoff_ms=100)
    events = drive([database], lambda _: database._session.failures > 4)
    assert [str(e) for e in events] == [
        f"net: {server.remote} can't be used: the server has no database OVN_Northbound; it has Net"
    ]
    assert kinds(events) == [Unusable]


def test_missing_columns_are_named_and_a_conversion_helps(ovsdb, connect):
    """Tables and columns that rules read and the server lacks are named; once the schema has them, it connects."""
    old = {**SCHEMA, "tables": {"Switch": {"columns": {"name": {"type": "string"}}, "isRoot": True}}}
    server = ovsdb(old)
    wanted = [
        relation("net.Switch", "Switch", [("_uuid", UUID), ("name", STR), ("number", STR)]),
        relation("net.Port", "Port", [("_uuid", UUID), ("name", STR)]),
    ]
    database = connect(server.remote, relations=wanted, max_backoff_ms=100)
    events = drive([database], lambda e: e)
    text = f"net: {server.remote} can't be used: Net 1.2.3 has no table Port, no column number of table Switch"
    assert [str(e) for e in events] == [text]
    server.convert(SCHEMA)
    server.transact(switch("a", 1))
    drive([database], lambda _: any(r[1] == "a" for r in database.replica.tables["Switch"].rows.values()))


def test_conversion_under_a_connection_is_followed(ovsdb, connect):
    """A schema converted while connected (a column becomes a set) is taken up, with the facts of the new form."""
    server = ovsdb(SCHEMA)
    server.transact(switch("a", 1))
    database = connect(server.remote, relations=[SWITCH])
    drive([database], lambda _: database.synced)
    tables = {**SCHEMA["tables"]}
    columns = {**tables["Switch"]["columns"], "name": {"type": {"key": "string", "min": 0, "max": 2}}}
    tables["Switch"] = {**tables["Switch"], "columns": columns}
    server.convert({**SCHEMA, "tables": tables})
    (row,) = drive([database], lambda e: any(isinstance(x, Updated) for x in e)) and list(
        database.replica.tables["Switch"].rows.values()
    )
    assert row[1] == ("a",)


def test_another_server_takes_over(ovsdb, connect):
    """With several remotes, a server that dies is replaced by another at once."""
    servers = [ovsdb(SCHEMA) for _ in range(3)]
    for i, server in enumerate(servers):
        server.transact(switch(f"s{i}", i))
    database = connect(",".join(s.remote for s in servers))
    held = Held().take(drive([database], lambda _: database.synced))
    first = next(s for s in servers if s.remote == database.remote)
    first.stop()
    drive_events = drive([database], lambda e: database.synced and any(isinstance(x, Lost) for x in e))
    held.take(drive_events)
    second = next(s for s in servers if s.remote == database.remote)
    assert second is not first
    assert held.facts == facts_of(dumped(second.dump()))


def test_tcp_and_names(ovsdb, connect):
    """A remote may be a host's name or an IPv6 address."""
    port, port6 = free_port(), free_port()
    ovsdb(SCHEMA, remotes=[f"ptcp:{port}:127.0.0.1", f"ptcp:{port6}:[::1]"])
    for remote in (f"tcp:127.0.0.1:{port}", f"tcp:localhost:{port}", f"tcp:[::1]:{port6}"):
        database = connect(remote)
        drive([database], lambda _, d=database: d.synced)
    assert "resolve" in str(drive([connect("tcp:no.such.host.invalid:1")], lambda e: e)[0])


def test_silence_ends_a_connection(ovsdb, connect):
    """A server that stops answering without closing is given up after the probe, and found again when it answers."""
    port = free_port()
    server = ovsdb(SCHEMA, remotes=[f"ptcp:{port}:127.0.0.1"])
    database = connect(f"tcp:127.0.0.1:{port}", probe_ms=1000, max_backoff_ms=1000)
    drive([database], lambda _: database.synced)
    server.freeze()
    events = drive([database], lambda e: e)
    assert [str(e) for e in events] == [f"net: connection to tcp:127.0.0.1:{port} lost: no answer to a probe"]
    server.thaw()
    drive([database], lambda _: database.synced)


def test_garbage_from_a_peer_is_reported(connect):
    """A peer that is no database server is named with what it said, and doesn't end the program."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        database = connect(f"tcp:127.0.0.1:{listener.getsockname()[1]}")
        drive([database], lambda _: database._session.connected)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220 mail.example ESMTP\r\n")
            events = drive([database], lambda e: e)
    assert "received '220 mail.example ESMTP" in str(events[0])


def test_bad_replies_do_not_end_the_program(connect):
    """A peer that answers everything with the wrong kind of JSON is given up with one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        database = connect(f"tcp:127.0.0.1:{listener.getsockname()[1]}")
        drive([database], lambda _: database._session.connected)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b'{"id":2,"result":{"Database":[]},"error":null}{"method":"update2","params":7}')
            events = drive([database], lambda e: e)
    assert "is not of the form RFC 7047 gives" in str(events[0])


@pytest.mark.parametrize("remotes", ["", "nb.sock", "tcp:host", "tcp:host:99999", "http:x:1", "unix:"])
def test_wrong_remotes_are_named(remotes):
    """Something that is no remote is an error that says what one looks like."""
    with pytest.raises(RemoteError, match="remote"):
        Database("net", remotes, "Net", RELATIONS)


def test_lock_goes_to_the_next(ovsdb, connect):
    """Of two that ask for a lock one holds it; when its connection goes the other gets it."""
    server = ovsdb(SCHEMA)
    first = connect(server.remote, lock="active")
    assert LockGained in kinds(drive([first], lambda _: first.writable))
    second = connect(server.remote, lock="active")
    events = drive([second], lambda e: any(isinstance(x, LockAwaited) for x in e))
    assert second.synced
    assert not second.writable
    assert LockGained not in kinds(events)
    first.close()
    assert kinds(drive([second], lambda _: second.writable)) == [LockGained]


def test_lock_is_lost_with_the_connection_or_stolen(ovsdb, connect):
    """Who loses the connection, or whose lock is stolen, knows at once that it must not write."""
    server = ovsdb(SCHEMA)
    database = connect(server.remote, lock="active")
    drive([database], lambda _: database.writable)
    server.client.call("steal", "active")
    assert kinds(drive([database], lambda e: e)) == [LockLost]
    assert not database.writable
    server.client.call("unlock", "active")
    drive([database], lambda _: database.writable)
    server.stop()
    assert set(kinds(drive([database], lambda e: e))) == {Lost, LockLost}
