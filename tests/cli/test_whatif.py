"""``ovn-rules whatif``: the difference that changes would make, what is refused, and that nothing is written."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest
from asked import ask, loaded, refusal, saved, seated, shown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded import one_line, run

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.sources import load_network
from ovn_rules.cli.verbs.changes import parted
from ovn_rules.cli.verbs.facts import plain
from ovn_rules.cli.verbs.whatif import VERB, outputs
from ovn_rules.engine.errors import QuestionError
from ovn_rules.rules import ezbake

VM1, MAC1 = "10000001-0000-4000-8000-000000000001", "fa:16:3e:76:12:96"
NEW = "ffffffff-ffff-4fff-bfff-000000000001"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network: no test changes it."""
    return loaded(tmp_path_factory.mktemp("saved"))


def facts(document, relation, side):
    """The facts that go from a relation (``deleted``) or come (``inserted``), over all chassis."""
    found = [r for r in document["relations"] if r["relation"] == relation]
    return [f["fact"] for r in found for g in r["groups"] for f in g[side]]


def difference(document):
    """Relation → facts that go, facts that come, as sets of JSON."""
    return {
        r["relation"]: tuple(
            {json.dumps(list(f["fact"].values())) for g in r["groups"] for f in g[side]}
            for side in ("deleted", "inserted")
        )
        for r in document["relations"]
    }


def given_facts(document):
    """What is changed, as ``sign relation(values)``."""
    return {
        f"{sign}{c['relation']}{tuple(f['fact'].values())}"
        for c in document["changes"]
        for g in c["groups"]
        for sign, side in (("-", "deleted"), ("+", "inserted"))
        for f in g[side]
    }


# -- what is shown -----------------------------------------------------------------------------------------


def test_picture(world):
    """Boxes of what is supposed and of what is written; arrows pass through relations that have no box."""
    picture = VERB.graph(ask(world, VERB, "lport-set-port-security vm2"))
    labels = {node.name: (node.kind, node.label.splitlines()[0]) for node in picture.nodes}
    assert labels == {
        "nb.Logical_Port": ("row", "nb.Logical_Port  -1 +1"),
        "Pipeline": ("fact", "Pipeline  -2 +2"),
        "OpenFlow": ("fact", "OpenFlow  -4 +4"),
    }
    assert {(e.tail, e.head) for e in picture.edges} == {
        ("nb.Logical_Port", "Pipeline"),
        ("nb.Logical_Port", "OpenFlow"),
        ("Pipeline", "OpenFlow"),
    }
    (every,) = (n for n in picture.nodes if n.name == "OpenFlow")
    assert every.label.endswith("…")
    assert len(every.title.splitlines()) == 8


def test_a_port_is_deleted(world):
    """Every relation that is written shows what goes and comes, OpenFlow chassis by chassis, deletions first."""
    lines = shown(VERB, ask(world, VERB, "lport-del vm1"))
    assert lines[0] == "would change: Pipeline -4 +1, Binding -1, PortUp -1, BindingChassis -1, OpenFlow -14 +2"
    assert lines[2].startswith(f"  - nb.Logical_Port(_uuid='{VM1}', lswitch=0a000000, ")
    assert "Pipeline  -4 +1" in lines
    assert "Binding  -1 +0" in lines
    assert "OpenFlow  -14 +2" in lines
    flows = lines[lines.index("OpenFlow  -14 +2") :]
    assert flows[1] == "  host1  -8 +1"
    assert flows[2].startswith("    - table=0, priority=100,in_port=1 actions=set_field:0x1->metadata")
    assert [line.split()[0] for line in flows[2:11]] == ["-"] * 8 + ["+"]
    assert flows[11] == "  host2  -6 +1"
    assert lines[-1].startswith("--all also shows what changes in Claim, ")
    assert not any(line.startswith(("WantedBridge", "OwnChassis")) for line in lines)


def test_long_lines(world):
    """On a terminal what doesn't fit goes on under the fact's beginning; a pipe has a line a fact."""
    document = ask(world, VERB, "lport-del vm1")
    lines = shown(VERB, document, 60, terminal=True)
    assert max(map(len, lines)) <= 60
    at = next(i for i, line in enumerate(lines) if line.startswith("  - nb.Logical_Port.macs("))
    assert lines[at + 1].startswith("    ")
    assert lines[at + 1].strip()[0] != "-"
    assert sum(line.lstrip().startswith(("- ", "+ ")) for line in shown(VERB, document, 60)) == 26


def test_reading_order(world):
    """Facts are listed as ``derive`` lists them: by columns, the highest priority first."""
    found = facts(ask(world, VERB, "lport-del vm1"), "OpenFlow", "deleted")
    order = [(f["chassis"], f["table"], -f["priority"], f["match"]) for f in found]
    assert order == sorted(order)


def test_summary_and_limit(world):
    """--summary shows numbers alone; --limit the first facts and how many more there are; 0 all."""
    document = ask(world, VERB, "-nb.Logical_Port(lswitch=net-a)", summary=True)
    assert facts(document, "OpenFlow", "deleted") == []
    assert "  host1  -39 +0" in shown(VERB, document)
    assert "  nb.Logical_Port  -5 +0" in shown(VERB, document)
    assert not any("vm1" in line for line in shown(VERB, document))
    document = ask(world, VERB, "-nb.Logical_Port(lswitch=net-a)", limit=2)
    assert len(facts(document, "OpenFlow", "deleted")) == 4
    assert "    - ... 37 more; --limit 0 shows all" in shown(VERB, document)
    document = ask(world, VERB, "-nb.Logical_Port(lswitch=net-a)", limit=0)
    assert len(facts(document, "OpenFlow", "deleted")) == 72


def test_all_relations(world):
    """--all shows every derived relation that changes."""
    document = ask(world, VERB, "lport-del vm1", all=True)
    assert {"PortKey", "Claim", "TranslatedFlow"} <= {r["relation"] for r in document["relations"]}
    assert document["unshown"] == []


def test_nothing_is_different(world):
    """What changes nothing, or nothing that is written, says so."""
    assert shown(VERB, ask(world, VERB, "acl-del net-a")) == ["nothing would be different"]
    assert shown(VERB, ask(world, VERB, f"lport-set-macs vm1 {MAC1}")) == ["nothing would be different"]
    lines = shown(VERB, ask(world, VERB, "+Leaving(nobody)"))
    assert lines == ["nothing that is written anywhere would change", "supposed", "  + Leaving(chassis='nobody')"]


def test_new_problems_are_named(world):
    """What a daemon would warn of is said."""
    lines = shown(VERB, ask(world, VERB, "acl-add net-a 5 'ip4 &&' drop"))
    assert lines[0] == "would change: Pipeline +1; 2 new problems"
    assert any(line.startswith("new problem: ") and "ip4 &&" in line for line in lines), lines
    assert not any("new problem" in line for line in shown(VERB, ask(world, VERB, "acl-add net-a 5 ip4 drop")))


def test_new_conflicts_and_exhaustion_are_named(tmp_path):
    """Keys that facts come to share, and groups that get no number, are said; those there were before aren't."""
    world = seated(tmp_path, ("ann", 1), ("bob", 2), ("bob", 1))
    document = ask(world, VERB, "+Seat(ann, 2); +Seat(zoe, 7)")
    assert [c["kept"]["fact"] for c in document["conflicts"]] == [{"row": 2, "who": "ann"}]
    assert document["exhausted"] == [{"relation": "Ticket", "groups": [["zoe"]]}]
    lines = shown(VERB, document)
    assert "new conflict: Place(row=2, who='ann') keeps out Place(row=2, who='bob')" in lines
    assert "no number left: Ticket has none for 'zoe'" in lines
    document = ask(world, VERB, "-Seat(who=bob)")
    assert (document["conflicts"], document["exhausted"]) == ([], [])
    assert [r["relation"] for r in document["relations"]] == ["Place", "Ticket"]


# -- it is what would happen -------------------------------------------------------------------------------

COMMANDS = (
    "lport-del vm1",
    "lport-add net-a vm9 -- lport-set-macs vm9 02:00:00:00:00:09",
    "lport-add net-a c1 vm1 5 -- lport-set-port-security c1 02:00:00:00:00:0c",
    "lport-set-macs vm1 unknown 02:00:00:00:00:01",
    "lport-set-macs vm1 -- lport-set-port-security vm2",
    "acl-add net-a 1000 'ip4 && tcp.dst == 22' drop -- acl-add net-b from-lport 7 ip6 allow",
    "lport-del other -- lswitch-del net-b",
    "lport-set-external-id vm1 owner me -- lswitch-set-external-id net-a owner",
    "--if-exists lport-del vm99 -- --may-exist lport-add net-a vm1",
    "acl-add net-a 9 ip4 drop -- acl-del net-a 9 ip4",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_what_the_commands_do(command, tmp_path, ovsdb):
    """Whatif's difference is the one that the same commands make in a real server; and whatif writes nothing."""
    options = saved(tmp_path)
    server = ovsdb(f"{ezbake.__path__[0]}/ovn-nb.ovsschema")
    _copy(load_network(options[1], None, (), "ezbake"), server)
    live = (server.remote, options[3], options[5::2], "ezbake")
    network = load_network(*live)
    before = {r: set(network.engine.facts(r)) for r in outputs(network)}
    rows = _rows(server)
    expected = difference(ask(network, VERB, command, limit=0))
    assert _rows(server) == rows
    assert before == {r: set(network.engine.facts(r)) for r in outputs(network)}
    subprocess.run(
        ["sh", "-c", f"{sys.executable} -m ovn_rules.cli.main nbctl --db {server.remote} {command}"],
        check=True,
    )
    now = load_network(*live).engine
    made_up = {r["_uuid"][1] for r in _rows(server)["Logical_Port"]} - {r["_uuid"][1] for r in rows["Logical_Port"]}
    found = {}
    for relation, old in before.items():
        new = set(now.facts(relation))
        if old != new:
            found[relation] = tuple({_text(f, made_up) for f in side} for side in (old - new, new - old))
    assert expected == found


def _copy(network, server):
    """Puts the northbound rows of a network into a server, under their own UUIDs."""
    operations = []
    for table in ("Logical_Switch", "Logical_Port"):
        columns = [c.name for c in network.engine.program.relations[f"nb.{table}"].columns]
        for fact in network.engine.facts(f"nb.{table}"):
            row = {c: ["set", plain(v)] if isinstance(v, tuple) else v for c, v in zip(columns, fact, strict=True)}
            uuid = row.pop("_uuid")
            if "lswitch" in row:
                row["lswitch"] = ["uuid", row["lswitch"]]
            operations.append({"op": "insert", "table": table, "row": row, "uuid": uuid})
    server.transact(*operations)


def _rows(server):
    """Every row of the tables, with the version of each."""
    tables = {
        "Logical_Switch": ["_uuid", "_version", "name"],
        "Logical_Port": ["_uuid", "_version", "name", "macs"],
        "ACL": ["_uuid", "_version", "match"],
    }
    return {t: sorted(server.select(t, columns), key=str) for t, columns in tables.items()}


def _text(fact, made_up):
    text = json.dumps(plain(fact))
    for uuid in made_up:
        text = text.replace(uuid, NEW)
    return text


# -- rows and facts ----------------------------------------------------------------------------------------


def test_a_row_and_its_elements(world):
    """A row inserted brings its elements, with defaults for what isn't given; part of a UUID refers to a row."""
    document = ask(world, VERB, "+nb.Logical_Port(name=vm9, lswitch=0a00, macs=['02:00:00:00:00:09'])")
    switch = next(u for u, name in world.engine.facts("nb.Logical_Switch") if name == "net-a")
    assert given_facts(document) == {
        f"+nb.Logical_Port{(NEW, switch, 'vm9', [], [], ['02:00:00:00:00:09'], [])}",
        f"+nb.Logical_Port.macs{(NEW, '02:00:00:00:00:09')}",
    }
    assert facts(document, "Binding", "inserted")[0]["logical_port"] == "vm9"


def test_elements_and_their_row(world):
    """An element inserted or deleted changes the row that holds it."""
    (port,) = (f for f in world.engine.facts("nb.Logical_Port") if f[2] == "vm1")
    old = f"nb.Logical_Port{tuple(plain(port))}"
    found = given_facts(ask(world, VERB, "+nb.Logical_Port.macs(vm1, 02:00:00:00:00:07)"))
    new = f"nb.Logical_Port{tuple(plain((*port[:5], ('02:00:00:00:00:07', MAC1), port[6])))}"
    assert found == {f"-{old}", f"+{new}", f"+nb.Logical_Port.macs{(VM1, '02:00:00:00:00:07')}"}
    found = given_facts(ask(world, VERB, f"-nb.Logical_Port.macs({VM1}, _)"))
    new = f"nb.Logical_Port{tuple(plain((*port[:5], (), port[6])))}"
    assert found == {f"-{old}", f"+{new}", f"-nb.Logical_Port.macs{(VM1, MAC1)}"}


def test_maps(world):
    """An entry of a map is set and taken out like an element; two entries of one key are refused."""
    (uuid,) = (f[0] for f in world.engine.facts("ovs.Open_vSwitch.external_ids") if f[1:] == ("system-id", "host1"))
    renamed = f"-ovs.Open_vSwitch.external_ids({uuid}, system-id, _); +ovs.Open_vSwitch.external_ids({uuid}, "
    document = ask(world, VERB, renamed + '"system-id", "host9")')
    assert {f["chassis"] for f in facts(document, "OpenFlow", "deleted")} >= {"host1"}
    with pytest.raises(Failure, match="column external_ids: key 'system-id' is given twice"):
        ask(world, VERB, f'+ovs.Open_vSwitch.external_ids({uuid}, "system-id", "host9")')


def test_later_changes_see_earlier_ones(world):
    """A row may be replaced, and what an earlier change inserted referred to and deleted."""
    document = ask(world, VERB, f"-nb.Logical_Port({VM1}); +nb.Logical_Port({VM1}, lswitch=net-a, name=vm1)")
    assert [g for r in document["changes"] for g in r["groups"] if g["insertions"]] != []
    text = "+nb.Logical_Switch(name=x)\nlport-add x p1\n-nb.Logical_Port(name=p1) -- lswitch-del x"
    assert ask(world, VERB, text)["changes"] == []
    with pytest.raises(Failure, match=r"nothing in nb\.Logical_Port fits"):
        ask(world, VERB, "lport-del vm1; -nb.Logical_Port(name=vm1)")


def test_rows_that_nothing_refers_to_go(world):
    """What is there only while something refers to it goes with the last reference, as a server would have it."""
    port = min(world.engine.facts("ovs.Bridge.ports"))
    document = ask(world, VERB, f"-ovs.Bridge.ports({port[0]}, {port[1]})")
    deleted = {c["relation"] for c in document["changes"] if c["deletions"]}
    assert {"ovs.Bridge.ports", "ovs.Port", "ovs.Port.interfaces"} <= deleted
    assert any(r.startswith("ovs.Interface") for r in deleted)


def test_facts_of_no_database(world):
    """Facts that are given, and are no rows, are inserted and deleted too."""
    assert given_facts(ask(world, VERB, "+Leaving(host1)")) == {"+Leaving('host1',)"}
    assert ask(world, VERB, "+Leaving(host1); -Leaving(_)")["changes"] == []


def test_a_program_without_a_northbound_database(tmp_path):
    """A host's program doesn't read it, and says so."""
    options = saved(tmp_path)
    host = load_network(None, options[3], options[5:6], "ezbake")
    with pytest.raises(Failure, match=r"nb\.Logical_Port: no rule of this program reads it"):
        ask(host, VERB, "lport-del vm1")


# -- how changes are written -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lport-del a -- lport-del b; lport-del c\nlport-del d", ["lport-del " + c for c in "abcd"]),
        ("--if-exists lport-del a --\n-- lport-del b", ["--if-exists lport-del a", "lport-del b"]),
        ("+A(x=1,\n  y='; -- (') -B()", ["+A(x=1,\n  y='; -- (') -B()"]),
        ("acl-add s 1 'a; (b -- c' drop;+A(\"'\")", ["acl-add s 1 'a; (b -- c' drop", '+A("\'")']),
        ("# a comment; it's\n  # another\n+A(1)\n\n;;", ["+A(1)"]),
        ("acl-add s 1 outport=={ drop\n-A(')')", ["acl-add s 1 outport=={ drop", "-A(')')"]),
        ("", []),
        ("  \n; --", []),
        ("+A('\\'; ')", ["+A('\\'; ')"]),
    ],
)
def test_parts(text, parts):
    """Changes are parted by lines, ; and --, outside of quotes and of the brackets of facts."""
    assert list(parted(text)) == parts


@given(st.text(alphabet="+-A()[]{}'\"\\;#\n ab=,.@"))
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_refused_in_words(world, text):
    """Whatever is typed, it is an answer or a refusal, and the network is as it was."""
    count = world.engine.transactions
    with suppress(Failure, QuestionError):
        VERB.answer(world, text, VERB.defaults())
    assert world.engine.transactions == count


def test_files_and_standard_input(world, tmp_path):
    """@FILE stands for a file's changes, also among others; - for standard input."""
    file = tmp_path / "changes"
    file.write_text("# take it away\nlport-del vm1\n")
    expected = ask(world, VERB, "lport-del vm1\n+Leaving(host1)")
    assert ask(world, VERB, f"@{file}\n+Leaving(host1)") == expected
    with pytest.raises(Failure, match=f"{file}x: No such file or directory"):
        ask(world, VERB, f"@{file}x")
    file.write_bytes(b"\xff")
    with pytest.raises(Failure, match="this is no text: invalid start byte at byte 0"):
        ask(world, VERB, f"@{file}")


BAD = [
    ("", "no changes: write"),
    ("# nothing", "no changes: write"),
    ("+Binding()", "Binding is derived by rules; only rows"),
    ("-Binding()", "Binding is derived by rules; only rows"),
    ("+Nope(1)", "no relation Nope"),
    ("-nb.Logical_Prt(name=vm1)", "no relation nb.Logical_Prt; did you mean 'nb.Logical_Port'?"),
    ("+nb.Logical_Port(nam=x)", "nb.Logical_Port has no column nam; did you mean 'name'?"),
    ("-nb.Logical_Port(up=True)", "nb.Logical_Port has a column up, but this program doesn't read it"),
    ("+nb.Logical_Router(ip=x)", "table nb.Logical_Router: no rule of this program reads it"),
    ("+nb.Logical_Port(name=x", "'(' is never closed"),
    ("+nb.Logical_Port(name=x) y", "nothing may follow a pattern"),
    ("-nb.Logical_Port(name=vm77)", "-nb.Logical_Port(name=vm77): nothing in nb.Logical_Port fits"),
    ("-Leaving(host1)", "nothing in Leaving fits"),
    ("+Leaving()", "+Leaving(): column chassis has no value"),
    ("+Leaving(a); +Leaving(a)", "+Leaving(a): this holds already"),
    ("+nb.Logical_Port(name=x)", "nb.Logical_Port x, column lswitch: has no value; it refers to a row of nb.Logical_S"),
    ("+nb.Logical_Port(name=x, lswitch=net-z)", "column lswitch: no row of nb.Logical_Switch is called 'net-z'"),
    (f"+nb.Logical_Port(name=x, lswitch={VM1})", f"x, column lswitch: there is no row {VM1} in nb.Logical_Switch"),
    ("+nb.Logical_Port(name=vm1, lswitch=net-a)", "vm1: there is another row of nb.Logical_Port with name='vm1'"),
    ("+nb.Logical_Port(name=x, lswitch=net-a, tag=4096)", "x, column tag: 4096 is out of range; at most 4095"),
    ("+nb.Logical_Port(name=x, lswitch=net-a, tag=-1)", "x, column tag: -1 is out of range; at least 0"),
    ("+nb.Logical_Port(name=x, lswitch=net-a, tag=[1, 2])", "x, column tag: 2 values; it holds 0 to 1"),
    ("+nb.Logical_Port(name=x, lswitch=net-a, tag=a)", "column tag: 'a' is no whole number"),
    ("+nb.Logical_Port(name=1, lswitch=net-a, tag='a')", "tag"),
    (
        "+nb.ACL(lswitch=net-a, priority=1, action=fly)",
        "new row of nb.ACL, column action: 'fly' is none of allow, allow-related, drop, reject",
    ),
    ("+nb.Logical_Port(_uuid='a b', name=x, lswitch=net-a)", "column _uuid: 'a b' is no UUID"),
    ("+nb.Logical_Port(_uuid=abcd, name=x, lswitch=net-a)", "column _uuid: 'abcd' is no UUID"),
    (f"+nb.Logical_Port(_uuid={VM1}, name=x, lswitch=net-a)", f"nb.Logical_Port: there is a row {VM1} already"),
    (f"+nb.Logical_Port.macs(vm1, {MAC1})", "this holds already"),
    ("+nb.Logical_Port.macs(vm77, a:b)", "column _uuid: no row of nb.Logical_Port is called 'vm77'"),
    ("+nb.Logical_Port.macs(vm1)", "column macs has no value"),
    ("-nb.Logical_Switch(name=net-a)", "nb.Logical_Switch net-a: it can't be deleted, since nb.Logical_Port "),
    ("+ovs.Interface()", "nothing refers to this row, so the database wouldn't keep it"),
    (f"+ovs.Bridge.ports(40000001, {VM1})", f"br-int, column ports: there is no row {VM1} in ovs.Port"),
    ("-ovs.Bridge.ports(br-int)", "2 rows of ovs.Bridge are called 'br-int'; use a UUID: 4000"),
    ("-ovs.Open_vSwitch.bridges(tap, _)", "no row has the UUID 'tap', and no rule reads names of these rows"),
    ("lport-del vm77", "lport-del vm77: vm77: no logical port has this name or UUID"),
    ("lport-ad net-a", "lport-ad net-a: no command 'lport-ad'; a change is"),
    ("lport-add net-a", "lport-add net-a: wrong number of arguments: lport-add LSWITCH LPORT [PARENT TAG]"),
    ("''", "'': no command ''"),
    ("lport-del 'vm1", "lport-del 'vm1: No closing quotation"),
    ("lport-get-up vm1", "nb.Logical_Port, column up: no rule reads it, so what it holds isn't known here"),
    ("acl-add net-a 5 ip4 fly", "fly: no action of an ACL"),
    ("lswitch-del net-a", "lswitch-del net-a: net-a: still has 5 ports; delete first (lport-del)"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text or "empty" for text, _ in BAD])
def test_what_is_refused(world, text, message):
    """Bad input, and what a database server would refuse, is one clear line; the network is as it was."""
    assert message in refusal(world, VERB, text)


def test_a_column_that_cannot_change(world):
    """A column that the schema makes immutable keeps its value in a row that is replaced."""
    uuid = min(f[0] for f in world.engine.facts("ovs.Bridge"))
    with pytest.raises(Failure, match=r"ovs\.Bridge br9, column name: it can't be changed once the row is there"):
        ask(world, VERB, f"-ovs.Bridge({uuid}); +ovs.Bridge({uuid}, br9)")


# -- the command -------------------------------------------------------------------------------------------


def test_the_command(recorded, tmp_path):
    """Files of a network that ran: the difference as text and JSON; a deletion needs no -- before it."""
    done = run("whatif", "--summary", "-nb.Logical_Port(name=p1)", *recorded.files)
    assert done.returncode == 0, done.stderr
    assert "Binding  -1 +0" in done.stdout
    done = run("whatif", "lport-del p1", *recorded.files, "--format", "json")
    assert json.loads(done.stdout)["changes"][0]["relation"] == "nb.Logical_Port"
    status, line = one_line(run("whatif", "lport-del p9", *recorded.files))
    assert (status, line) == (1, "lport-del p9: p9: no logical port has this name or UUID")
    status, line = one_line(run("whatif", "+nb.Logical_Port(nam=x)", *recorded.files))
    assert (status, line) == (1, "nb.Logical_Port has no column nam; did you mean 'name'?")
    done = run("whatif", "-", *recorded.files, typed="# both\nlport-del p1\nlport-del p2\n")
    assert "Binding  -2 +0" in done.stdout
