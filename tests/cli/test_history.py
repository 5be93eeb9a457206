"""``ovn-rules history``: of running daemons, and of the files that servers keep."""

import json
import re
import socket
import subprocess

import pytest
from openvswitch import OpenVSwitch
from recorded import PROGRAM, one_line, run
from world import until

from ovn_rules.cli.verbs.history import VERB


def insert_port(world, name, comment, **row):
    """Add a logical port with a comment on the transaction."""
    row = {"name": name, "lswitch": ["uuid", world.switch], "macs": f"00:00:00:00:01:{name[1:]:>02}", **row}
    insert = {"op": "insert", "table": "Logical_Port", "row": row}
    comments = [{"op": "comment", "comment": comment}] if comment else []
    return world.nb.transact(insert, *comments)[0]["uuid"][1]


@pytest.fixture
def network(world):
    """A switch with a port, and a northd that has written all of it."""
    world.switch = world.add_switch("sw0")
    insert_port(world, "p1", "")
    world.first = world.northd("first").wait("active")
    until(lambda: "p1" in world.tunnel_keys(), "Binding")
    return world


def ask(daemon, fact, *options):
    """The document of a daemon's answer."""
    done = run("history", fact, "--attach", str(daemon.control), "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def entries(document, fact=0):
    """What happened to a fact: kind, comments, and the changed rows' signs, relations and names."""
    return [
        (
            e["kind"],
            [c["comment"] for s in e["sources"] for c in s["commits"]],
            sorted((r["change"][0], r["relation"], r["fact"].get("name")) for r in e["rows"]),
        )
        for e in document["facts"][fact]["entries"]
    ]


def test_who_made_a_port(network):
    """A derived fact's history names the transaction, its comment and the row; of other rows in it nothing."""
    world = network
    row = {"lswitch": ["uuid", world.switch], "macs": ["set", []]}
    others = [{"op": "insert", "table": "Logical_Port", "row": {**row, "name": f"x{i}"}} for i in range(50)]
    port = {"op": "insert", "table": "Logical_Port", "row": {**row, "name": "p7"}}
    world.nb.transact(*others[:20], port, *others[20:], {"op": "comment", "comment": "many ports\nfor a test"})
    until(lambda: "p7" in world.tunnel_keys(), "p7")
    world.nb.transact(
        {"op": "delete", "table": "Logical_Port", "where": [["name", "==", "p7"]]},
        {"op": "comment", "comment": "away with it"},
    )
    until(lambda: "p7" not in world.tunnel_keys(), "p7 to go")
    document = ask(world.first, "Binding(logical_port='p7')")
    (fact,) = document["facts"]
    assert (fact["holds"], fact["older"], fact["unsure"]) == (False, None, [])
    assert entries(document) == [
        ("vanished", ["away with it"], [("d", "nb.Logical_Port", "p7")]),
        ("appeared", ["many ports\nfor a test"], [("i", "nb.Logical_Port", "p7")]),
    ]
    assert all(e["exact"] for e in fact["entries"])
    text = run("history", 'Binding(logical_port="p7")', "--attach", str(world.first.control)).stdout
    assert re.search(
        r"^  \d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z  vanished\n {6}nb, .*Z: away with it\n {6}- nb.Logical",
        text,
        re.MULTILINE,
    )
    assert "many ports; for a test" in text
    assert "x1" not in text


def test_a_change_names_what_was_before(network):
    """When another fact with the same key takes a fact's place, the columns that differ are told."""
    world = network
    world.update(world.nb, "Logical_Port", "name", "p1", macs="00:00:00:00:09:09")
    until(lambda: "00:00:00:00:09:09" in str(world.sb.select("Binding", ["mac"])), "the address")
    document = ask(world.first, 'Binding(logical_port="p1")')
    assert [e["kind"] for e in document["facts"][0]["entries"]] == ["appeared"]
    assert document["facts"][0]["entries"][0]["instead"] == {"mac": ["00:00:00:00:01:01"]}


def test_a_base_row_and_no_comment(network):
    """A row's own history is told; a transaction without a comment is told as such."""
    insert_port(network, "p2", "")
    until(lambda: "p2" in network.tunnel_keys(), "p2")
    document = ask(network.first, "nb.Logical_Port(name='p2')")
    assert entries(document) == [("appeared", [""], [("i", "nb.Logical_Port", "p2")])]
    assert (
        "no comment was given"
        in run("history", 'nb.Logical_Port(name="p2")', "--attach", str(network.first.control)).stdout
    )


def test_a_large_load(network):
    """While northd writes much, it looks up only who asked for it; what comes later is known again."""
    world = network
    row = {"lswitch": ["uuid", world.switch], "macs": ["set", []]}
    ports = [{"op": "insert", "table": "Logical_Port", "row": {**row, "name": f"x{i}"}} for i in range(1500)]
    world.nb.transact(*ports, {"op": "comment", "comment": "a large load"})
    until(lambda: len(world.tunnel_keys()) == 1501, "all ports")
    assert entries(ask(world.first, "Binding(logical_port='x1')"))[0][1] == ["a large load"]
    reasons = [
        source["unknown"]
        for name in ("x0", "x700", "x1499")
        for source in ask(world.first, f"sb.Binding(logical_port='{name}')")["facts"][0]["entries"][0]["sources"]
    ]
    assert "too many changes came at once to look each up" in reasons
    insert_port(world, "p2", "later")
    until(lambda: "p2" in world.tunnel_keys(), "p2")
    assert entries(ask(world.first, "Binding(logical_port='p2')"))[0][1] == ["later"]
    assert entries(ask(world.first, "sb.Binding(logical_port='p2')"))[0][1] == ["ovn-rules-northd"]


def test_compaction_in_between(network):
    """Comments from before and after the server compacted its file are known."""
    insert_port(network, "p2", "before")
    until(lambda: "p2" in network.tunnel_keys(), "p2")
    ask(network.first, "Binding(logical_port='p2')")
    network.nb.appctl("ovsdb-server/compact")
    insert_port(network, "p3", "after")
    until(lambda: "p3" in network.tunnel_keys(), "p3")
    assert entries(ask(network.first, "Binding(logical_port='p2')"))[0][1] == ["before"]
    assert entries(ask(network.first, "Binding(logical_port='p3')"))[0][1] == ["after"]


def test_what_the_daemon_found_when_it_started(network):
    """Facts from before say so; a fact that never was is an error that says since when nothing came or went."""
    document = ask(network.first, "Binding(logical_port='p1')")
    (entry,) = document["facts"][0]["entries"]
    assert (entry["loaded"], entry["rows"]) == (True, [])
    text = run("history", 'Binding(logical_port="p1")', "--attach", str(network.first.control)).stdout
    assert "the database was read as a whole" in text
    status, line = one_line(run("history", "Binding(logical_port='px')", "--attach", str(network.first.control)))
    assert status == 1
    assert line.startswith(
        "no such fact: Binding(logical_port='px'); it doesn't hold, and hasn't come or gone since 20"
    )


def test_a_ring_that_is_too_small(world):
    """What is older than the transactions kept is told to be; the sizes are in status and memory/show."""
    world.switch = world.add_switch("sw0")
    world.small = world._started(
        "northd", f"--nb={world.nb.remote}", f"--sb={world.sb.remote}", "--history=3", title="small"
    ).wait("active")
    for i in range(1, 6):
        insert_port(world, f"p{i}", f"port {i}")
        until(lambda i=i: f"p{i}" in world.tunnel_keys(), f"p{i}")
    (old,) = ask(world.small, "Binding(logical_port='p1')")["facts"]
    assert old["entries"] == []
    assert old["older"].startswith("it is older than what is kept, since 20")
    assert "history: 3 of 3 transactions" in world.small.ask("status")
    assert f"comments of nb: from {world.nb.file}" in world.small.ask("status")
    assert "history-transactions:3 history-facts:" in world.small.ask("memory/show")


def test_no_history(world):
    """With --history 0 none is kept, and asking for it says so."""
    daemon = world._started("northd", f"--nb={world.nb.remote}", f"--sb={world.sb.remote}", "--history=0", title="none")
    daemon.wait("active")
    status, line = one_line(run("history", "Binding()", "--attach", str(daemon.control)))
    assert (status, line) == (1, "this daemon keeps no history; it was started with --history 0")
    assert "history: none is kept" in daemon.ask("status")
    assert "history" not in daemon.ask("memory/show")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_a_server_elsewhere(world, ovsdb):
    """Where the file can't be found, that is said with what to do; where it is named, comments are read from it."""
    number = free_port()
    world.nb.client.call("echo")
    world.nb.appctl("ovsdb-server/add-remote", f"ptcp:{number}:127.0.0.1")
    world.switch = world.add_switch("sw0")
    remote = f"tcp:127.0.0.1:{number}"
    plain = world._started("northd", f"--nb={remote}", f"--sb={world.sb.remote}", title="plain").wait("active")
    insert_port(world, "p1", "first")
    until(lambda: "p1" in world.tunnel_keys(), "p1")
    ((source,),) = [e["sources"] for e in ask(plain, "Binding(logical_port='p1')")["facts"][0]["entries"]]
    assert source["commits"] == []
    assert source["unknown"] == (
        f"the database's file isn't readable here (its server is {remote}); --database-file nb=FILE names it"
    )
    plain.kill()
    named = world._started(
        "northd", f"--nb={remote}", f"--sb={world.sb.remote}", f"--database-file=nb={world.nb.file}", title="named"
    ).wait("active")
    insert_port(world, "p2", "second")
    until(lambda: "p2" in world.tunnel_keys(), "p2")
    assert entries(ask(named, "Binding(logical_port='p2')"))[0][1] == ["second"]


def test_a_flow_of_a_controller(network, tmp_path_factory):
    """A host's daemon tells of a flow, as dump-flows prints it, when and why it came and went."""
    folder = tmp_path_factory.mktemp("h")
    switch = OpenVSwitch(folder)
    settings = {"system-id": "host1", "ovn-remote": network.sb.remote, "ovn-encap-type": "geneve"}
    settings |= {"ovn-encap-ip": "192.0.2.1", "ovn-bridge-datapath-type": "dummy"}
    switch.vsctl("--no-wait", "set", "Open_vSwitch", ".", *(f"external_ids:{k}={v}" for k, v in settings.items()))
    controller = network.controller(f"unix:{folder}/db.sock").wait("running")
    interface = ("set", "Interface", "i-p1", "type=internal", "external_ids:iface-id=p1")
    switch.vsctl("--no-wait", "add-port", "br-int", "i-p1", "--", *interface)

    def flow():
        return next((f for f in switch.dump("br-int") if "reg7=0x1 actions=output:" in f), None)

    pasted = until(flow, controller.text)
    document = ask(controller, pasted)
    (fact,) = document["facts"]
    assert fact["holds"]
    assert fact["entries"][-1]["kind"] == "appeared"
    switch.vsctl("--no-wait", "del-port", "i-p1")
    until(lambda: flow() is None, "the flow to go")
    document = ask(controller, pasted)
    (fact,) = document["facts"]
    assert not fact["holds"]
    gone = fact["entries"][0]
    assert gone["kind"] == "vanished"
    assert document["notes"] == ["it isn't there any more"]
    (source,) = gone["sources"]
    assert source["database"] == "ovs"
    assert source["commits"][0]["comment"].endswith("del-port i-p1")
    status, line = one_line(
        run("history", "table=64,priority=50,reg7=0x77 actions=drop", "--attach", str(controller.control))
    )
    assert status == 1
    assert "no such flow" in line
    assert "nor has it come or gone in the transactions kept" in line
    switch.close()


@pytest.fixture
def files(world):
    """The files of a northbound and a southbound server after some changes."""
    world.switch = world.add_switch("sw0")
    insert_port(world, "p1", "makes p1")
    insert_port(world, "p2", "makes p2")
    world.nb.transact(
        {
            "op": "update",
            "table": "Logical_Port",
            "where": [["name", "==", "p2"]],
            "row": {"macs": "00:00:00:00:02:02"},
        },
        {"op": "comment", "comment": "another address"},
    )
    world.nb.transact(
        {"op": "delete", "table": "Logical_Port", "where": [["name", "==", "p1"]]},
        {"op": "comment", "comment": "p1 is gone"},
    )
    world.sb.transact(
        {"op": "insert", "table": "Encap", "uuid-name": "e", "row": {"type": "geneve", "ip": "192.0.2.9"}},
        {"op": "insert", "table": "Chassis", "row": {"name": "host9", "encaps": ["named-uuid", "e"]}},
        {"op": "comment", "comment": "host9 is there"},
    )
    world.options = ["--nb", str(world.nb.file), "--sb", str(world.sb.file)]
    return world


def of_files(world, fact, *options):
    done = run("history", fact, *world.options, "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_files_tell_without_a_daemon(files):
    """The records of the servers' files are replayed: time, comment and rows of what came and went."""
    document = of_files(files, "Binding(logical_port='p1')")
    assert entries(document) == [
        ("vanished", ["p1 is gone"], [("d", "nb.Logical_Port", "p1")]),
        ("appeared", ["makes p1"], [("i", "nb.Logical_Port", "p1")]),
    ]
    document = of_files(files, "Binding(logical_port='p2')")
    assert [f["fact"]["mac"] for f in document["facts"]] == [["00:00:00:00:02:02"], ["00:00:00:00:01:02"]]
    assert entries(document)[0] == ("appeared", ["another address"], [("c", "nb.Logical_Port", "p2")])
    (row,) = document["facts"][0]["entries"][0]["rows"]
    assert row["was"] == {"macs": ["00:00:00:00:01:02"]}
    assert [e[:2] for e in entries(document, 1)] == [("vanished", ["another address"]), ("appeared", ["makes p2"])]
    assert entries(of_files(files, "sb.Chassis(name='host9')"))[0][:2] == ("appeared", ["host9 is there"])
    log = subprocess.run(["ovsdb-tool", "-mm", "show-log", files.nb.file], capture_output=True, text=True, check=True)
    date = re.search(r'record \d+: (\S+ \S+) "p1 is gone"', log.stdout)[1]
    text = run("history", 'Binding(logical_port="p1")', *files.options).stdout
    assert f"{date.replace(' ', 'T')}Z  vanished" in text


def test_picture(files):
    """The fact, its transactions newest first, the rows that changed in each."""
    picture = VERB.graph(of_files(files, "Binding(logical_port='p1')"))
    boxes = [(n.kind, n.label.splitlines()) for n in picture.nodes]
    assert [kind for kind, _ in boxes] == ["absent", "rule", "row", "rule", "row"]
    assert boxes[0][1][-1] == "does not hold"
    assert [lines[1].partition("Z: ")[2] for kind, lines in boxes if kind == "rule"] == ["p1 is gone", "makes p1"]
    assert boxes[2][1][0] == "nb.Logical_Port"
    assert boxes[2][1][1].startswith("- (_uuid=")
    assert [(e.tail, e.head) for e in picture.edges] == [
        ("0", "0/0"),
        ("0/0", "0/0/nb.Logical_Port"),
        ("0", "0/1"),
        ("0/1", "0/1/nb.Logical_Port"),
    ]


def test_a_compacted_file_begins_with_all_rows(files):
    """What was there when a file was compacted is told so, and what came later with its comment."""
    files.nb.appctl("ovsdb-server/compact")
    insert_port(files, "p3", "makes p3")
    assert entries(of_files(files, "Binding(logical_port='p3')"))[0][:2] == ("appeared", ["makes p3"])
    document = of_files(files, "Binding(logical_port='p2')")
    (source,) = document["facts"][0]["entries"][0]["sources"]
    assert source["commits"] == []
    assert source["unknown"].startswith(f"all rows of {files.nb.file} were written at once then")
    status, line = one_line(run("history", "Binding(logical_port='p1')", *files.options))
    assert (status, line.startswith("no such fact: Binding(logical_port='p1')")) == (1, True)


def test_limits(files):
    """--limit tells of so many transactions and how many more there are; 0 of all."""
    (fact,) = of_files(files, "Binding(logical_port='p1')", "--limit", "1")["facts"]
    assert (len(fact["entries"]), fact["more"]) == (1, 1)
    assert (
        "... and 1 earlier transactions"
        in run("history", "Binding(logical_port='p1')", "--limit=1", *files.options).stdout
    )
    (fact,) = of_files(files, "Binding(logical_port='p1')", "--limit", "0")["facts"]
    assert (len(fact["entries"]), fact["more"]) == (2, 0)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["Bindin()"], ["no relation Bindin", "did you mean 'Binding'"]),
        (["Binding(port=1)"], ["Binding has no column port"]),
        (["Binding(logical_port='nobody')"], ["no such fact", "hasn't come or gone since 20", "transactions)"]),
        (["Flow(chassis='nowhere', priority=5)"], ["no relation Flow"]),
        (["gar bage"], ["no relation gar"]),
        (["table=64 actions=drop"], ["no such flow", "nor has it come or gone"]),
        (["recirc_id(0),in_port(2), used:never, actions:3"], ["this is a datapath flow"]),
    ],
)
def test_bad_questions(files, words, parts):
    """What isn't there, or is misspelt, is an error that says what and where."""
    done = run("history", *words, *files.options)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert all(p in done.stderr for p in parts), done.stderr


def test_what_has_no_history(files):
    """A live server is refused with what to do, and so is a dump; --attach goes with no databases."""
    status, line = one_line(run("history", "Binding()", "--nb", files.nb.remote, "--sb", str(files.sb.file)))
    assert status == 1
    assert line.startswith("a server tells what is there now, not what was: ask a daemon, with --attach northd")
    dump = files.folder / "nb.json"
    dump.write_text(files.nb.dump())
    status, line = one_line(run("history", "Binding()", "--nb", str(dump)))
    assert (status, "a dump holds no transactions" in line) == (1, True)
    status, line = one_line(run("history", "Binding()", "--attach", "northd", *files.options))
    assert (status, line.startswith("--attach asks a daemon about its own databases")) == (2, True)


def test_a_wrong_name_of_a_file(world):
    """--database-file names a database that the daemon follows."""
    for given, message in (
        ("ovs=/x", "--database-file ovs=...: there is no database ovs, but nb, sb"),
        ("x", "Invalid value for '--database-file': 'x' is not NAME=FILE, like nb=/etc/ovn/ovnnb_db.db"),
    ):
        databases = (f"--nb={world.nb.remote}", f"--sb={world.sb.remote}", f"--database-file={given}")
        done = subprocess.run(
            [*PROGRAM, "daemon", "northd", "--unixctl=none", *databases],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert done.returncode
        assert message in done.stderr
