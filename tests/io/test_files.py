"""Databases from files, as real servers and tools leave them."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess

import pytest
from netschema import PORT, RELATIONS, SCHEMA, SWITCH, TAGS, dumped, facts_of, relation

from ovn_rules.engine.ir import STR, UUID
from ovn_rules.io.files import FileError, identify, read_file, read_files
from ovn_rules.io.streams import RemoteError

NAMES = relation("net.Switch", "Switch", [("_uuid", UUID), ("name", STR)])


def facts(contents):
    """Relation name to the set of facts."""
    return {name: set(inserted) for name, (_, inserted) in contents.facts.items()}


def insert(name, number, **row):
    return {"op": "insert", "table": "Switch", "row": {"name": name, "number": number, **row}}


def where(name):
    return [["name", "==", name]]


@pytest.fixture
def server(ovsdb):
    """A server whose log has inserts, partial changes of every kind, and deletions."""
    server = ovsdb(SCHEMA)
    tags = ["set", ["x", "y", "z"]]
    pairs = ["map", [["k", "v"], ["l", "w"]]]
    server.transact(insert("a", 1, tags=tags, ids=pairs, opt=3, sizes=["map", [[1, 0.5], [2, 1]]], ratio=1))
    server.transact(insert("b\n\u2028é", 2), insert("gone", 3), {"op": "comment", "comment": "Switch"})
    mutations = [
        ["tags", "delete", "x"],
        ["tags", "insert", "w"],
        ["ids", "delete", "k"],
        ["ids", "insert", ["map", [["m", ""]]]],
    ]
    server.transact({"op": "mutate", "table": "Switch", "where": where("a"), "mutations": mutations})
    row = {
        "opt": ["set", []],
        "sizes": ["map", [[1, 0.75], [3, 2]]],
        "few": ["set", [1, 2]],
        "ids": ["map", [["l", "W"]]],
    }
    server.transact({"op": "update", "table": "Switch", "where": where("a"), "row": row})
    server.transact({"op": "update", "table": "Switch", "where": where("a"), "row": {"opt": 4, "on": True}})
    server.transact({"op": "delete", "table": "Switch", "where": where("gone")})
    return server


def expected(server):
    """The facts that the server's own dump says."""
    return {name: f for name, f in facts_of(dumped(server.dump())).items() if f}


def test_all_records_are_applied(server):
    """A database file gives what the server says, partial changes and deleted rows applied, while it is in use."""
    contents = read_file(server.file, "net", RELATIONS, "Net")
    assert facts(contents) == expected(server)
    assert contents.warnings == []


def test_compacted_file_and_backup(server, tmp_path):
    """A compacted file, and what ovsdb-client backup writes, give the same."""
    backup = tmp_path / "backup"
    with backup.open("wb") as out:
        subprocess.run(["ovsdb-client", "backup", server.remote, "Net"], check=True, stdout=out)
    server.appctl("ovsdb-server/compact")
    for path in (backup, server.file):
        assert facts(read_file(path, "net", RELATIONS)) == expected(server)


def test_file_of_an_older_server(server, tmp_path):
    """A log without differences (as servers before Open vSwitch 2.17 wrote) is read by its plain values."""
    old = tmp_path / "old.db"
    subprocess.run(["ovsdb-tool", "create", old, server.schema], check=True)
    text = json.dumps([{"op": "insert", "table": "Switch", "row": {"name": "a", "tags": ["set", ["x", "y"]]}}])
    subprocess.run(
        ["ovsdb-tool", "transact", old, json.dumps(["Net", *json.loads(text)])], check=True, capture_output=True
    )
    uuid = next(iter(facts(read_file(old, "net", [NAMES]))["net.Switch"]))[0]
    record = json.dumps({"_date": 1, "Switch": {uuid: {"tags": ["set", ["y", "z"]]}}}).encode() + b"\n"
    digest = hashlib.sha1(record, usedforsecurity=False).hexdigest()
    with old.open("ab") as out:
        out.write(f"OVSDB JSON {len(record)} {digest}\n".encode() + record)
    assert {t for _, t in facts(read_file(old, "net", [NAMES, TAGS]))["net.Switch.tags"]} == {"y", "z"}
    shown = subprocess.run(
        ["ovsdb-tool", "query", old, json.dumps(["Net", {"op": "select", "table": "Switch", "where": []}])],
        check=True,
        capture_output=True,
        text=True,
    )
    assert '["y","z"]' in shown.stdout


def test_json_dump(server, tmp_path):
    """What ovsdb-client dump --format=json prints gives the same facts as the database file."""
    dump = tmp_path / "dump.json"
    dump.write_text(server.dump())
    assert facts(read_file(dump, "net", RELATIONS)) == expected(server)


@pytest.mark.parametrize("cut", [1, 30, 60, 100])
def test_torn_last_record(server, cut):
    """A last record that was being written is left out with a warning; everything before it counts."""
    before = facts(read_file(server.file, "net", RELATIONS))
    length = server.file.stat().st_size
    server.transact(insert("torn", 9, tags=["set", ["t" * 100]]))
    data = server.file.read_bytes()
    server.file.write_bytes(data[: length + cut])
    contents = read_file(server.file, "net", RELATIONS)
    assert facts(contents) == before
    assert contents.warnings == [f"{server.file}: record 7, the last, is cut off and left out (at byte {length})"]
    damaged = data[:-10] + b"?" + data[-9:]
    server.file.write_bytes(damaged)
    assert facts(read_file(server.file, "net", RELATIONS)) == before


def test_damage_in_the_middle(server):
    """A record that is damaged with others behind it is an error that says where."""
    data = server.file.read_bytes()
    at = data.index(b'"gone"')
    server.file.write_bytes(data[:at] + b'"gonE"' + data[at + 6 :])
    with pytest.raises(FileError, match=r"db.file: record 2 at byte \d+ is damaged \(its SHA-1 is wrong\)$"):
        read_file(server.file, "net", RELATIONS)
    server.file.write_bytes(data[: at - 5] + data[at:])
    with pytest.raises(FileError, match=r"damaged|no record starts"):
        read_file(server.file, "net", RELATIONS)


def test_clustered_file(ovsdb, tmp_path):
    """A cluster's file is recognised, the error says how to convert it, and the converted file is read."""
    columns = {c: s for c, s in SCHEMA["tables"]["Switch"]["columns"].items() if c != "note"}
    schema = {**SCHEMA, "tables": {**SCHEMA["tables"], "Switch": {**SCHEMA["tables"]["Switch"], "columns": columns}}}
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address = f"tcp:127.0.0.1:{sock.getsockname()[1]}"
    server = ovsdb(schema, clustered=(address, None))
    subprocess.run(["ovsdb-client", "-t", "20", "wait", server.remote, "Net", "connected"], check=True)
    server.transact(insert("a", 1, tags=["set", ["x"]]))
    with pytest.raises(FileError) as error:
        read_file(server.file, "net", RELATIONS)
    message = str(error.value)
    assert message == (
        f"{server.file}: a clustered database file can't be read as it is; convert it first:"
        f" ovsdb-tool cluster-to-standalone standalone.db {server.file}"
    )
    converted = expected(server)
    server.stop()
    command = message.partition("first: ")[2].split()
    subprocess.run(command, check=True, cwd=tmp_path)
    assert facts(read_file(tmp_path / "standalone.db", "net", RELATIONS)) == converted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory (a server is named as unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT)"),
        (b"", "it is empty"),
        (b"hello", "neither an OVSDB database file nor what ovsdb-client dump --format=json prints"),
        (b"\xff\xfe", "neither an OVSDB database file nor what ovsdb-client dump --format=json prints"),
        (b'{"a": 1}', "neither an OVSDB database file nor what ovsdb-client dump --format=json prints"),
        (b"OVSDB JSON 10 0123\nabc", "it is cut off or damaged in its schema"),
        (b"OVSDB JSON 10", "it is cut off or damaged in its schema"),
        (json.dumps(SCHEMA).encode(), "it is a schema; a database file or a dump is needed"),
        (
            b'{"caption":"Port table","headings":["_uuid","name"],"data":[]}\n{"caption":',
            "line 2: the dump is cut off or damaged: not JSON",
        ),
        (
            b'{"caption":"Switch table","headings":["_uuid","name"],"data":[[["uuid","u"]]]}',
            "table Switch, row 1: it has not the 2 columns of the headings",
        ),
        (
            b'{"caption":"Switch table","headings":["_uuid"],"data":[]}',
            "the dump has no table Port, no column name of table Switch",
        ),
        (
            (
                b'{"caption":"Switch table","headings":["_uuid","name"],"data":[[["uuid","u"],7]]}'
                b'{"caption":"Port table","headings":["_uuid","name","kind"],"data":[]}'
            ),
            "table Switch, row u, column name: 7 is not a scalar of string",
        ),
    ],
)
def test_malformed_files_are_named(tmp_path, content, message):
    """A file that is no database is one line that starts with its path and says what it is."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError) as error:
        read_file(path, "net", [NAMES, PORT])
    assert str(error.value) == f"{path}: {message}"


def test_file_of_another_database(server):
    """A file of another database, or with too old a schema, says what it is and what is missing."""
    with pytest.raises(FileError, match=r"it is a database of Net, not of OVN_Northbound$"):
        read_file(server.file, "net", [NAMES], "OVN_Northbound")
    missing = relation("net.Router", "Router", [("_uuid", UUID), ("name", STR)])
    with pytest.raises(FileError, match=r"Net 1\.2\.3 has no table Router$"):
        read_file(server.file, "net", [missing])


def test_what_an_argument_is(server, tmp_path):
    """Remotes are told from files, and files say their schema."""
    assert identify("unix:/x,tcp:h:1").kind == "remote"
    with pytest.raises(RemoteError):
        identify("tcp:h")
    found = identify(str(server.file))
    assert (found.kind, found.schema_name, found.version) == ("database", "Net", "1.2.3")
    assert found.tables == {"Switch", "Port", "Mirror"}
    dump = tmp_path / "d"
    dump.write_text(server.dump())
    assert (identify(str(dump)).kind, identify(str(dump)).tables) == ("dump", found.tables)
    with pytest.raises(FileError):
        identify(str(tmp_path / "none"))


def test_cloned_databases_are_told_apart(server, ovsdb, tmp_path):
    """Two hosts' files with the same row UUIDs give facts of both, references following the renamed rows."""
    server.transact(
        {"op": "insert", "table": "Port", "uuid-name": "p", "row": {"name": "p"}},
        {
            "op": "mutate",
            "table": "Switch",
            "where": where("a"),
            "mutations": [["ports", "insert", ["named-uuid", "p"]]],
        },
        {"op": "update", "table": "Switch", "where": where("b\n\u2028é"), "row": {"peer": ["set", []]}},
    )
    clone = tmp_path / "clone.db"
    clone.write_bytes(server.file.read_bytes())
    one = facts(read_files([server.file], "net", RELATIONS))
    both = read_files([server.file, clone], "net", RELATIONS)
    assert all(len(f) == 2 * len(one[name]) for name, f in facts(both).items())
    again = read_files([server.file, clone], "net", RELATIONS)
    assert facts(again) == facts(both)
    ports = {f[0] for f in facts(both)["net.Port"]}
    at = SWITCH.position("ports")
    referred = {u for f in facts(both)["net.Switch"] for u in f[at]}
    assert len(ports) == 2
    assert referred == ports
