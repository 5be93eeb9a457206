"""A real cluster of three: the leader is found, followed and replaced."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest
from netschema import RELATIONS, SCHEMA, Held, dumped, facts_of
from servers import drive

from ovn_rules.io.database import Database

KEPT = {
    **SCHEMA,
    "tables": {
        **SCHEMA["tables"],
        "Switch": {
            **SCHEMA["tables"]["Switch"],
            "columns": {c: s for c, s in SCHEMA["tables"]["Switch"]["columns"].items() if c != "note"},
        },
    },
}
"""Clusters have no ephemeral columns."""


@pytest.fixture
def cluster(ovsdb):
    addresses = []
    for _ in range(3):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            addresses.append(f"tcp:127.0.0.1:{sock.getsockname()[1]}")
    servers = [ovsdb(KEPT, clustered=(addresses[0], None))]
    servers += [ovsdb(KEPT, clustered=(a, addresses[0])) for a in addresses[1:]]
    for server in servers:
        subprocess.run(["ovsdb-client", "-t", "20", "wait", server.remote, "Net", "connected"], check=True)
    return servers


def leader_of(servers):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for server in servers:
            if server.process and "Role: leader" in server.appctl("cluster/status", "Net"):
                return server
        time.sleep(0.05)
    pytest.fail("no leader")


def test_leader_is_followed(cluster):
    """A client that wants the leader reads from it, writes to it, and moves with the leadership without false news."""
    remotes = ",".join(s.remote for s in cluster)
    database = Database("net", remotes, "Net", RELATIONS, max_backoff_ms=500)
    held = Held().take(drive([database], lambda _: database.synced))
    leader = leader_of(cluster)
    assert database.remote == leader.remote
    leader.transact({"op": "insert", "table": "Switch", "row": {"name": "a", "tags": ["set", ["x"]]}})
    held.take(drive([database], lambda e: e))
    assert held.facts == facts_of(dumped(leader.dump()))
    leader.stop()
    others = [s for s in cluster if s is not leader]
    events = drive([database], lambda _: database.synced and database.remote != leader.remote)
    assert not [e for e in events if hasattr(e, "delta")]
    new = leader_of(others)
    assert database.remote == new.remote
    new.transact({"op": "delete", "table": "Switch", "where": []})
    held.take(drive([database], lambda e: any(hasattr(x, "delta") for x in e)))
    assert not any(held.facts.values())
    database.close()


def test_reconnect_to_the_cluster_gets_changes_only(cluster):
    """After a short loss the server sends only the transactions since the last one that was seen."""

    def optional():
        return [r[8] for r in database.replica.tables["Switch"].rows.values()]

    leader = leader_of(cluster)
    leader.transact(*[{"op": "insert", "table": "Switch", "row": {"name": f"s{i}", "number": i}} for i in range(20)])
    database = Database("net", leader.remote, "Net", RELATIONS)
    drive([database], lambda _: database.synced)
    where = [["name", "==", "s1"]]
    leader.transact({"op": "update", "table": "Switch", "where": where, "row": {"opt": 1}})
    drive([database], lambda _: (1,) in optional())
    snapshots = []
    whole = database._snapshot
    database._snapshot = lambda tables: (snapshots.append(1), whole(tables))
    database.reconnect("the test says so")
    database.run()
    leader.transact({"op": "update", "table": "Switch", "where": [["name", "==", "s3"]], "row": {"opt": 5}})
    drive([database], lambda _: database.synced and (5,) in optional())
    assert not snapshots
    database.close()


def test_any_member_will_do_for_readers(cluster):
    """A client that takes any member reads from a follower, and leaves it when it loses its cluster."""
    leader = leader_of(cluster)
    follower = next(s for s in cluster if s is not leader)
    leader.transact({"op": "insert", "table": "Switch", "row": {"name": "a"}})
    database = Database("net", follower.remote, "Net", RELATIONS, leader_only=False)
    drive([database], lambda _: len(database.replica.tables["Switch"].rows) == 1)
    for server in cluster:
        if server is not follower:
            server.stop()
    events = drive([database], lambda e: e)
    assert "the server is not connected to its cluster" in str(events[0])
    database.close()
