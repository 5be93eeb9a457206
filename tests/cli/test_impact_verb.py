"""``ovn-rules impact``: what depends on a fact or row, as numbers and examples; and what it says of bad questions."""

import json

import pytest
from asked import ask, loaded, refusal, seated, shown
from recorded import one_line, run

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.sources import load_network
from ovn_rules.cli.verbs.impact import VERB

VM1, MAC1 = "10000001-0000-4000-8000-000000000001", "fa:16:3e:76:12:96"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network: no test changes it."""
    return loaded(tmp_path_factory.mktemp("saved"))


def numbers(document):
    """Relation → how many facts depend, would vanish, change and appear."""
    return {
        r["relation"]: tuple(r[k] for k in ("depends", "vanishes", "changes", "appears")) for r in document["relations"]
    }


def test_a_row(world):
    """A row counts with all its columns; what vanishes, changes and appears is counted by relation."""
    document = ask(world, VERB, "nb.Logical_Port vm1")
    assert document["without"] == {"nb.Logical_Port": 1, "nb.Logical_Port.macs": 1}
    found = numbers(document)
    assert found["Binding"] == (1, 1, 0, 0)
    assert found["Pipeline"] == (4, 3, 1, 0)
    assert found["OpenFlow"] == (14, 12, 2, 0)
    rank = world.engine.network.rank
    assert [rank[r] for r in found] == sorted(rank[r] for r in found)


def test_the_same_row_in_other_words(world):
    """A row may be named by its UUID, by a name in quotes, or by a pattern that fits it."""
    expected = ask(world, VERB, "nb.Logical_Port vm1")
    for text in (VM1, f" {VM1.upper()} ", "nb.Logical_Port 'vm1'", f"nb.Logical_Port {VM1}"):
        assert ask(world, VERB, text) == expected, text
    assert ask(world, VERB, 'nb.Logical_Port(name="vm1")') == expected


def test_what_is_shown(world):
    """Numbers first, then examples with a sign each, and how many more there are."""
    lines = shown(VERB, ask(world, VERB, "nb.Logical_Port vm1"))
    assert lines[0] == "57 facts would vanish, 5 would change, 7 would appear"
    assert lines[1] == "without"
    assert lines[2].startswith(f"  - nb.Logical_Port(_uuid='{VM1}', lswitch=0a000000, ")
    assert lines[4].split() == ["relation", "depend", "would", "vanish", "change", "appear"]
    assert ["Pipeline", "4", "3", "1"] in [line.split() for line in lines]
    pipeline = lines[lines.index("Pipeline") + 1 :]
    assert [line.split()[0] for line in pipeline[:4]] == ["-", "-", "-", "~"]
    flood = pipeline[3]
    assert flood.index("eth.dst[40]") < flood.index(" -> actions=")
    assert 'outport = "vm1"' in flood.split(" -> ")[0]
    assert 'outport = "vm1"' not in flood.split(" -> ")[1]
    flows = lines[lines.index("OpenFlow") + 1 :]
    assert flows[5] == "  - ... 7 more; --limit 0 shows all"
    assert not any("more; --limit" in line for line in shown(VERB, ask(world, VERB, VM1, limit=0)))


def test_picture(world):
    """A box for each relation with its numbers and some facts, arrows from the relations that its rules read."""
    document = ask(world, VERB, f'nb.Logical_Port.macs(_, "{MAC1}")')
    picture = VERB.graph(document)
    boxes = {node.name: node for node in picture.nodes}
    assert list(boxes) == ["nb.Logical_Port.macs", *(each["relation"] for each in document["relations"])]
    assert boxes["nb.Logical_Port.macs"].kind == "row"
    assert boxes["OpenFlow"].label.splitlines()[0] == "OpenFlow  -2"
    assert boxes["OpenFlow"].label.splitlines()[1].startswith("- (chassis='host1', ")
    arrows = {(edge.tail, edge.head) for edge in picture.edges}
    assert {("nb.Logical_Port.macs", "Pipeline"), ("Pipeline", "TranslatedFlow"), ("WantedFlow", "OpenFlow")} <= arrows
    assert ("Pipeline", "OpenFlow") not in arrows


def test_an_element(world):
    """One address of a port: the port stays, and its Binding changes."""
    document = ask(world, VERB, f"nb.Logical_Port.macs(_, {MAC1})")
    assert document["without"] == {"nb.Logical_Port.macs": 1}
    assert numbers(document)["Binding"] == (0, 0, 1, 0)
    (line,) = (line for line in shown(VERB, document) if line.startswith("  ~ Binding("))
    assert line.endswith(" -> mac=[]")


def test_rows_that_cannot_be_without_it(world):
    """With a switch go its ports, since each must refer to one; facts listed are limited, and the rest counted."""
    document = ask(world, VERB, "nb.Logical_Switch net-a", limit=2)
    assert document["without"] == {"nb.Logical_Switch": 1, "nb.Logical_Port": 5, "nb.Logical_Port.macs": 5}
    assert numbers(document)["Binding"] == (5, 5, 0, 0)
    lines = shown(VERB, document)
    assert "  - ... 3 more of nb.Logical_Port that can't be without it" in lines
    assert lines[2].startswith("  - nb.Logical_Switch(")


def test_what_other_rows_can_be_without(world):
    """A port of a bridge is taken out of the bridge, which stays; what belongs to the port alone goes too."""
    port = min(world.engine.facts("ovs.Port"))[0]
    document = ask(world, VERB, port)
    assert document["without"]["ovs.Bridge.ports"] == 1
    assert "ovs.Interface.external_ids" in document["without"] or "ovs.Interface.ofport" in document["without"]
    assert "ovs.Bridge" not in document["without"]


def test_a_derived_fact(world):
    """Derived facts have an impact as well: their other reasons don't count."""
    document = ask(world, VERB, 'Binding(logical_port="vm1")')
    assert document["without"] == {"Binding": 1}
    assert numbers(document) == {"PortUp": (1, 1, 0, 0)}
    flow = min(world.engine.facts("OpenFlow"))
    document = ask(world, VERB, f"OpenFlow({', '.join(map(repr, flow))})")
    assert shown(VERB, document)[0] == "nothing depends on it"
    found = numbers(ask(world, VERB, 'PortKey(name="vm1")'))
    assert found["Binding"] == (1, 1, 0, 0)


def test_what_has_another_reason(world):
    """A fact that stays is listed with =; --all goes on from there."""
    document = ask(world, VERB, "nb.Logical_Port vm1")
    assert any(line.startswith("  = DatapathNumber(") for line in shown(VERB, document))
    everything = numbers(ask(world, VERB, "nb.Logical_Port vm1", all=True))
    some = numbers(document)
    assert everything["OpenFlow"][0] > some["OpenFlow"][0]
    assert {r: n[1:] for r, n in everything.items() if any(n[1:])} == {r: n[1:] for r, n in some.items() if any(n[1:])}


def test_what_would_be_in_conflict(world, tmp_path):
    """Keys that facts would still share without it, and groups that would still get no number, are said."""
    seats = seated(tmp_path, ("ann", 1), ("bob", 1), ("cat", 1), ("dan", 2))
    document = ask(seats, VERB, "Seat('ann', 1)")
    assert [c["kept"]["fact"] for c in document["conflicts"]] == [{"row": 1, "who": "bob"}]
    assert document["exhausted"] == [{"relation": "Ticket", "groups": [["dan"]]}]
    lines = shown(VERB, document)
    assert "new conflict: Place(row=1, who='bob') keeps out Place(row=1, who='cat')" in lines
    assert "no number left: Ticket has none for 'dan'" in lines
    document = ask(world, VERB, "nb.Logical_Port vm1")
    assert (document["conflicts"], document["exhausted"]) == ([], [])


BAD = [
    ("", "nothing is asked"),
    ("nb.Logical_Port vm77", "no row of nb.Logical_Port is called 'vm77', nor has that UUID"),
    ("nb.Logical_Prt vm1", "no relation nb.Logical_Prt"),
    ("ovs.Bridge br-int", "2 rows of ovs.Bridge are called 'br-int'; use a UUID: 4000"),
    ("nb.Logical_Port()", "6 facts of nb.Logical_Port fit, and impact is of one; give more columns"),
    ("nb.Logical_Port(name=vm1)", 'vm1 is a variable here; write "vm1" for the text'),
    ("Pipeline()", "more than 20 facts of Pipeline fit"),
    ('nb.Logical_Port(name="vm77")', "no such fact in nb.Logical_Port"),
    ("Nope()", "no relation Nope"),
    ("Binding(port=1)", "Binding has no column port"),
    ("ffffffff-0000-4000-8000-000000000001", "no row has the UUID ffffffff-0000-4000-8000-000000000001"),
    ("ffffffff", "no row has the UUID ffffffff, among the tables that rules read: "),
    ("garbage(", "no relation garbage"),
    ("nb.Logical_Port(name='x", "the quote ' is never closed"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text or "empty" for text, _ in BAD])
def test_what_is_not_there(world, text, message):
    """What isn't there, or isn't one fact, is one clear line; the network is as it was."""
    assert message in refusal(world, VERB, text)


def test_the_command(recorded):
    """Files of a network that ran: text, JSON, and an error as one line."""
    done = run("impact", "nb.Logical_Port p1", *recorded.files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].startswith("  - nb.Logical_Port(_uuid=")
    done = run("impact", 'Binding(logical_port="p1")', *recorded.files, "--format", "json")
    assert json.loads(done.stdout)["facts"][0]["fact"]["logical_port"] == "p1"
    status, line = one_line(run("impact", "nb.Logical_Port p9", *recorded.files))
    assert (status, line) == (1, "no row of nb.Logical_Port is called 'p9', nor has that UUID")


def test_the_beginning_of_two_uuids(tmp_path):
    """The first digits of a UUID that two rows share name neither: both are told."""
    facts, uuid = tmp_path / "facts.yaml", "10000001-0000-4000-8000-00000000000"
    facts.write_text(f"nb.Logical_Switch: {{{uuid}a: {{name: a}}, {uuid}b: {{name: b}}}}\n")
    world = load_network(None, None, (), "ezbake", facts_file=str(facts))
    with pytest.raises(Failure) as refused:
        ask(world, VERB, "10000001")
    told = f"2 rows have the UUID 10000001: nb.Logical_Switch {uuid}a, nb.Logical_Switch {uuid}b"
    assert refused.value.message == told
