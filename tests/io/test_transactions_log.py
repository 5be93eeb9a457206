"""A server's own file, followed while it writes: every transaction once, with time and comment."""

import contextlib
import itertools
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from netschema import RELATIONS, SCHEMA

from ovn_rules.io import transactions_log
from ovn_rules.io.files import FileError
from ovn_rules.io.replay import Replay
from ovn_rules.io.transactions_log import LogTail, server_files

NORTHBOUND = Path("/usr/share/ovn/ovn-nb.ovsschema")
VSWITCH = Path("/usr/share/openvswitch/vswitch.ovsschema")


NUMBERS = itertools.count(1)


def insert(name, *comments):
    """Operations that insert a switch, with comments."""
    row = {"op": "insert", "table": "Switch", "row": {"name": name, "number": next(NUMBERS)}}
    return [row, *({"op": "comment", "comment": c} for c in comments)]


def add(server, name, *comments):
    """Insert a switch; its UUID."""
    return server.transact(*insert(name, *comments))[0]["uuid"][1]


@pytest.fixture
def server(ovsdb):
    """A server with one row."""
    made = ovsdb(SCHEMA)
    add(made, "before", "before it is followed")
    return made


@pytest.fixture
def tail(server):
    """Its file, followed."""
    made = LogTail(server.file, "Net")
    yield made
    made.close()


def comments(found):
    return [each.comment for each in found]


def test_each_transaction_once(server, tail):
    """What is committed is read once: time, comment, the columns of each row set and the rows deleted."""
    assert tail.read() == []
    earliest = time.time() - 0.001
    a = add(server, "a", "first")
    where = [["name", "==", "a"]]
    server.transact({"op": "update", "table": "Switch", "where": where, "row": {"opt": 7}})
    server.transact({"op": "delete", "table": "Switch", "where": where}, {"op": "comment", "comment": "x\ny"})
    found = tail.read()
    assert comments(found) == ["first", "", "x\ny"]
    assert [r.rows for r in found] == [
        {("Switch", a): frozenset({"name", "number"})},
        {("Switch", a): frozenset({"opt"})},
        {("Switch", a): None},
    ]
    assert all(earliest <= r.time <= time.time() for r in found)
    assert tail.read() == []


def test_comments_of_the_usual_tools(ovsdb):
    """ovn-nbctl and ovs-vsctl say what they were called with; ovsdb-client says what it is told."""
    northbound, switch = ovsdb(NORTHBOUND), ovsdb(VSWITCH)
    tails = LogTail(northbound.file, "OVN_Northbound"), LogTail(switch.file, "Open_vSwitch")
    subprocess.run(["ovn-nbctl", f"--db={northbound.remote}", "ls-add", "sw0"], check=True)
    subprocess.run(["ovs-vsctl", "--no-wait", f"--db={switch.remote}", "add-br", "br0"], check=True)
    operations = '["OVN_Northbound", {"op": "delete", "table": "Logical_Switch", "where": []}, '
    operations += '{"op": "comment", "comment": "all of them"}]'
    subprocess.run(["ovsdb-client", "transact", northbound.remote, operations], check=True, capture_output=True)
    first, second = tails[0].read()[-2:]
    assert first.comment == f"ovn-nbctl: ovn-nbctl --db={northbound.remote} ls-add sw0"
    assert second.comment == "all of them"
    assert tails[1].read()[-1].comment.endswith("add-br br0")


def test_the_record_of_all_rows_is_no_transaction(server, tail):
    """When the server writes another file, the rows in it are not told as if they had been changed."""
    add(server, "a", "before")
    server.appctl("ovsdb-server/compact")
    assert comments(tail.read()) == ["before"]
    add(server, "c", "after")
    assert comments(tail.read()) == ["after"]
    server.transact({"op": "delete", "table": "Switch", "where": []})
    tail.read()
    server.appctl("ovsdb-server/compact")
    add(server, "d", "first in an empty file")
    assert comments(tail.read()) == ["first in an empty file"]


def test_what_follows_a_compaction_at_once(server, tail):
    """What is committed between a compaction and the next look is read from the new file."""
    add(server, "a", "before")
    server.appctl("ovsdb-server/compact")
    add(server, "b", "after")
    assert comments(tail.read()) == ["before", "after"]


def test_conversion_is_no_transaction(server, tail):
    """When the database gets another schema, its rows are not told as if they had been changed."""
    add(server, "a", "before")
    server.convert(SCHEMA | {"version": "9.9.9"})
    add(server, "b", "after")
    assert comments(tail.read()) == ["before", "after"]


def test_a_restart_goes_on(server, tail):
    """A server that starts again adds to the same file."""
    server.stop()
    server.start()
    add(server, "a", "after the restart")
    assert comments(tail.read()) == ["after the restart"]


def test_a_torn_record_waits(server, tail):
    """A record that is written in part is read when it is whole, wherever it was cut."""
    start = server.file.stat().st_size
    add(server, "a", "in parts")
    server.stop()
    whole = server.file.read_bytes()
    for cut in range(start, len(whole)):
        server.file.write_bytes(whole[:cut])
        assert tail.read() == [], cut
    server.file.write_bytes(whole)
    assert comments(tail.read()) == ["in parts"]


def test_a_record_taken_back(server, tail):
    """A record that was cut off again, in part or as a whole, doesn't hide the one in its place."""
    whole = server.file.read_bytes()
    with server.file.open("ab") as file:
        file.write(b"OVSDB JSON 100000 0123")
    assert tail.read() == []
    server.file.write_bytes(whole)
    add(server, "a" * 200, "for now")
    assert comments(tail.read()) == ["for now"]
    server.stop()
    server.file.write_bytes(whole)
    assert tail.read() == []
    server.start()
    add(server, "a", "in its place")
    assert comments(tail.read()) == ["in its place"]


def test_much_is_read_in_parts(server, tail, monkeypatch):
    """What is more than one look may take comes with the next ones; a record too long for that is passed over."""
    monkeypatch.setattr(transactions_log, "MOST", 1000)
    names = [f"s{i}" for i in range(30)]
    for name in names[:15]:
        add(server, name, name)
    add(server, "x" * 2000, "too long")
    for name in names[15:]:
        add(server, name, name)
    parts = [tail.read()]
    while not tail.caught_up:
        parts.append(tail.read())
    assert len(parts) > 3
    assert [c for p in parts for c in comments(p)] == names
    monkeypatch.setattr(transactions_log, "FAR", 500)
    for name in names:
        add(server, f"again {name}", f"again {name}")
    found = comments(tail.read())
    assert found
    assert found == [f"again {n}" for n in names[-len(found) :]]


def test_what_is_passed_over(server, tail):
    """After a jump to the end, only what comes later is read."""
    add(server, "a", "one")
    tail.skip()
    add(server, "b", "two")
    assert comments(tail.read()) == ["two"]
    server.appctl("ovsdb-server/compact")
    tail.skip()
    add(server, "c", "three")
    assert comments(tail.read()) == ["three"]


def test_a_cluster(ovsdb):
    """Of a cluster each member's file has the transactions, before and after a compaction."""
    addresses = []
    for _ in range(2):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            addresses.append(f"tcp:127.0.0.1:{sock.getsockname()[1]}")
    switch = SCHEMA["tables"]["Switch"]
    columns = {c: s for c, s in switch["columns"].items() if c != "note"}
    schema = SCHEMA | {"tables": SCHEMA["tables"] | {"Switch": switch | {"columns": columns}}}
    servers = [ovsdb(schema, clustered=(addresses[0], None)), ovsdb(schema, clustered=(addresses[1], addresses[0]))]
    for each in servers:
        subprocess.run(["ovsdb-client", "-t", "20", "wait", each.remote, "Net", "connected"], check=True)
    tails = [LogTail(s.file, "Net") for s in servers]
    found = [[], []]

    def until(expected):
        end = time.monotonic() + 15
        while found != [expected, expected]:
            for tail, here in zip(tails, found, strict=True):
                here.extend(comments(tail.read()))
            assert time.monotonic() < end, found
            time.sleep(0.02)

    add(servers[0], "a", "one")
    add(servers[1], "b", "two")
    until(["one", "two"])
    for each in servers:
        each.appctl("ovsdb-server/compact")
    add(servers[0], "c", "three")
    until(["one", "two", "three"])


def test_the_server_is_asked_for_its_file(server):
    """The file behind a Unix socket is found by itself; where nobody listens, there is none."""
    assert server_files(str(server.socket)) == [server.file]
    server.appctl("ovsdb-server/compact")
    assert server_files(str(server.socket)) == [server.file]
    server.stop()
    with pytest.raises(OSError, match="No such file"):
        server_files(str(server.socket))


def test_connections_that_close_while_the_server_is_looked_at(server):
    """Descriptors that are gone when it is their turn hide no file."""
    done = threading.Event()

    def come_and_go():
        while not done.is_set():
            with contextlib.ExitStack() as stack:
                for _ in range(3):
                    stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(server.socket))

    others = threading.Thread(target=come_and_go)
    others.start()
    try:
        assert [server_files(str(server.socket)) for _ in range(60)] == [[server.file]] * 60
    finally:
        done.set()
        others.join()


def test_what_can_not_be_followed(server, tail, tmp_path):
    """A file that is missing, of another database, or no database is refused; one that goes away is told."""
    with pytest.raises(FileError, match=r"gone: No such file or directory$"):
        LogTail(tmp_path / "gone", "Net")
    with pytest.raises(FileError, match=r"it is a database of Net, not of OVN_Northbound$"):
        LogTail(server.file, "OVN_Northbound")
    (tmp_path / "text").write_text("some text\n")
    with pytest.raises(FileError, match=r"text: it is no database file$"):
        LogTail(tmp_path / "text", "Net")
    server.file.unlink()
    with pytest.raises(FileError, match=r"db.file: No such file or directory$"):
        tail.read()


def replayed(*paths):
    replay = Replay()
    replay.read([str(p) for p in paths], "net", RELATIONS, "Net")
    return replay


def test_a_whole_file_is_replayed(server):
    """All transactions of a file, one after the other, come to the rows that the server has."""
    server.transact({"op": "update", "table": "Switch", "where": [], "row": {"tags": ["set", ["x", "y"]]}})
    mutation = ["tags", "delete", ["set", ["x"]]]
    server.transact({"op": "mutate", "table": "Switch", "where": [], "mutations": [mutation]})
    add(server, "a", "added")
    server.transact({"op": "delete", "table": "Switch", "where": [["name", "==", "before"]]})
    replay = replayed(server.file)
    assert [t.comment for t in replay.transactions] == ["before it is followed", "", "", "added", ""]
    assert not any(t.snapshot for t in replay.transactions)
    tags = [t.delta.get("net.Switch.tags") for t in replay.transactions]
    assert [(len(d[0]), len(d[1])) if d else None for d in tags] == [None, (0, 2), (1, 0), None, (1, 0)]
    assert {f[1] for t in replay.transactions for f in t.delta.get("net.Switch", ((), ()))[1]} == {"before", "a"}
    server.appctl("ovsdb-server/compact")
    add(server, "b", "later")
    (whole, later) = replayed(server.file).transactions
    assert (whole.snapshot, later.snapshot, later.comment) == (True, False, "later")


def test_several_files_by_their_times(ovsdb, tmp_path):
    """The transactions of several hosts' files are told in the order of their times; same UUIDs are told apart."""
    first = ovsdb(SCHEMA)
    add(first, "a", "1")
    first.stop()
    copy = tmp_path / "copy.db"
    copy.write_bytes(first.file.read_bytes())
    first.start()
    add(first, "b", "2")
    replay = replayed(first.file, copy)
    assert [t.comment for t in replay.transactions] == ["1", "1", "2"]
    rows = [f[0] for t in replay.transactions for f in t.delta["net.Switch"][1]]
    assert len(set(rows)) == 3


def test_files_that_hold_no_transactions(server, tmp_path):
    """A dump is refused; a torn last record is left out with a warning."""
    (tmp_path / "dump.json").write_text(server.dump())
    with pytest.raises(FileError, match=r"dump.json: it is no database file; a dump holds no transactions"):
        replayed(tmp_path / "dump.json")
    add(server, "a", "torn")
    torn = tmp_path / "torn.db"
    torn.write_bytes(server.file.read_bytes()[:-5])
    replay = replayed(torn)
    assert [t.comment for t in replay.transactions] == ["before it is followed"]
    (warning,) = replay.warnings
    assert warning.startswith(f"{torn}: record 2, the last, is cut off and left out")
