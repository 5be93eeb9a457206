"""``ovn-rules whynot``: why a fact or flow that was expected isn't there, and the smallest change for it."""

import json

import pytest
from asked import ask, loaded, saved, shown
from recorded import one_line, run

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.expected import expected
from ovn_rules.cli.verbs.whynot import VERB, explain_absence
from ovn_rules.engine.errors import QuestionError

VM2 = "10000005-0000-4000-8000-000000000005"
PORT = 'Pipeline(table_id=1, match="eth.dst == fa:16:3e:00:00:99")'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network: no test changes it."""
    return loaded(tmp_path_factory.mktemp("saved"))


def lines(world, text, **options):
    """What is printed, without the lines of the tree."""
    return [line.lstrip(" │├└─") for line in shown(VERB, ask(world, VERB, text, **options))]


def failing(world, text, **options):
    """The lines of what fails."""
    return [line for line in lines(world, text, **options) if line.startswith("✗")]


def change(world, text):
    """The smallest change: signs and facts."""
    found = lines(world, text)
    start = found.index("Smallest change found:") + 1
    return found[start : next(i for i in range(start, len(found)) if found[i].startswith("tried:"))]


def test_an_address_that_no_port_has(world):
    """A logical flow's match is read backwards to the address, and that no port has it is all that is wrong."""
    found = lines(world, PORT)
    assert found[0] == "✗ no Pipeline(table_id=1, match='eth.dst == fa:16:3e:00:00:99')"
    assert found[1] == "it comes down to: no nb.Logical_Port.macs(macs='fa:16:3e:00:00:99')"
    assert found[2].startswith("rule deliver_unicast  A frame to an address that a port owns goes to that port.  ")
    assert found[3] == "✗ no nb.Logical_Port.macs(macs='fa:16:3e:00:00:99')"
    assert found[4].startswith("nearest: nb.Logical_Port.macs(_uuid='10000001', macs='fa:16:3e:76:12:96')  [vm1]")
    assert "✓ is_mac(mac)  mac = 'fa:16:3e:00:00:99'" in found
    (others,) = [line for line in found if line.startswith("rules that make such facts")]
    assert "with another table_id: drop_tagged" in others
    assert "with another match: flood, flood_nowhere, deliver_unknown" in others
    (added,) = change(world, PORT)
    assert added.startswith("+ nb.Logical_Port.macs(_uuid='1000000")
    assert ", macs='fa:16:3e:00:00:99')  [" in added
    assert added.endswith("  _uuid chosen; others may do")
    assert "tried: Pipeline +1, Binding -1 +1, PortsOf +1, TranslatedFlow +1, WantedFlow +2, OpenFlow +2" in found


@pytest.mark.parametrize(
    "flow",
    [
        "table=17, priority=50,metadata=0x1,dl_dst=fa:16:3e:00:00:99",
        (
            " cookie=0x0, duration=7.1s, table=17, n_packets=0, priority=50,dl_dst=fa:16:3e:00:00:99,metadata=0x1 "
            "actions=set_field:0x5->reg7,resubmit(,18)"
        ),
    ],
)
def test_a_flow_leads_to_the_address(world, flow):
    """A pasted flow is followed through its translation, by analogy with a similar one, to the missing address."""
    found = failing(world, flow)
    names = ["OpenFlow", "WantedFlow", "TranslatedFlow", "Pipeline", "nb.Logical_Port.macs", "PortsOf"]
    assert [line.partition("(")[0] for line in found] == [f"✗ no {name}" for name in names]
    assert "match='eth.dst == fa:16:3e:00:00:99'" in found[3]
    assert found[5].endswith("for the same reason")


@pytest.mark.parametrize(
    ("flow", "match"),
    [
        ("table=0,priority=150,dl_vlan=5,in_port=9", "in_port=9,dl_vlan=5"),
        (
            "table=16,priority=50,dl_src=02:00:00:00:00:01,metadata=0x1,reg6=0x1",
            "reg6=0x1,metadata=0x1,dl_src=02:00:00:00:00:01",
        ),
        ("table=18,priority=5,metadata=0x1,nw_dst=10.0.0.1,ip", "ip,metadata=0x1,nw_dst=10.0.0.1"),
    ],
)
def test_the_order_of_fields(world, flow, match):
    """A flow may be pasted with its fields in any order."""
    assert f"match='{match}'" in lines(world, flow)[0]


def test_a_port_by_its_name_is_the_host_s(world):
    """Of interfaces that two hosts call alike, a flow of one host means that host's."""
    (there,) = (f for f in world.engine.facts("ovs.Interface") if f[1] == "tap-vm3")
    with world.engine.supposing({"ovs.Interface": ([there], [(there[0], "tap-vm1")])}):
        asked = [expected(world, f"{host}: table=0, priority=9,in_port=tap-vm1") for host in ("host1", "host2")]
    assert [fact[3] for _, fact in asked] == ["in_port=1", "in_port=2"]


def test_a_flow_of_a_port_that_is_plugged_in_nowhere(world):
    """A flow to a port leads to the interface that no host has."""
    text = "table=64, priority=50,reg7=0x3"
    found = lines(world, text)
    assert any(line.startswith("rule to_interface") for line in found)
    assert any(line.startswith("rule to_tunnel") for line in found)
    assert "✗ no ovs.Interface.external_ids(key='iface-id', value='other')" in found
    assert "✓ Port(name='other', key=3)" in found
    gone, come = change(world, text)
    assert gone.startswith("- ovs.Interface.external_ids(_uuid='6000006")
    assert "key='iface-id', value='other'" in come
    assert "Or, with new rows only:" in found


def test_a_claim_of_a_port_that_does_not_exist(world):
    """A port that neither exists nor is plugged in lacks both; its key is lacking for the same reason."""
    text = 'Claim(chassis="host1", port="vm9")'
    missing = "no ovs.Interface.external_ids(key='iface-id', value='vm9'); no nb.Logical_Port(name='vm9')"
    assert lines(world, text)[1] == f"it comes down to: {missing}"
    assert failing(world, text)[:6] == [
        "✗ no Claim(chassis='host1', port='vm9')",
        "✗ no PluggedIn(chassis='host1', port='vm9')",
        "✗ no ovs.Interface.external_ids(key='iface-id', value='vm9')",
        "✗ no Port(name='vm9')",
        "✗ no nb.Logical_Port(name='vm9')",
        "✗ no PortKey(name='vm9')  for the same reason",
    ]
    assert len([line for line in change(world, text) if line.startswith("+")]) == 2


def test_a_tunnel_to_nowhere(world):
    """A tunnel to a chassis that no port leads to."""
    found = failing(world, 'TunnelOut(chassis="host1", peer="host3")')
    assert found[1] == "✗ no ovs.Port.external_ids(key='ovn-chassis-id', value='host3')"


def test_a_number_that_another_has(world):
    """A number says what it is instead, and who has the one that was asked for."""
    found = lines(world, 'PortKey("vm1", 3)')
    assert "✗ its key comes to 1" in found
    assert "taken by: PortKey(name='other', key=3)" in found
    assert found[-1] == "No small change was found that would make it hold."


def test_a_flood_that_goes_to_another_port_too(world):
    """A list of actions says what it lacks."""
    (flood,) = [f for f in world.engine.facts("Pipeline") if f[3] == "eth.dst[40]" and f[1] == 1 and "other" in f[4]]
    text = f'Pipeline("{flood[0]}", 1, 100, "eth.dst[40]", "{flood[4]} outport = \\"vm9\\"; next;")'
    found = lines(world, text.replace('"other"', '\\"other\\"'))
    assert """what it lacks: 'outport = "vm9"; next;'""" in found
    assert any(line.startswith("✗ no nb.Logical_Port(lswitch='0b000000 net-b', name='vm9')") for line in found)


def test_what_holds_is_named(world):
    """A pattern that facts fit is answered with them."""
    found = lines(world, 'Binding(logical_port="vm1")')
    assert found[0] == "It is there:"
    assert found[1].startswith("Binding(")
    noted = lines(world, "Binding(logical_port=vm1)")
    assert noted[-1] == 'note: vm1 is a variable here; write "vm1" for the text'


def test_a_given_relation(world):
    """A database row that isn't there: the nearest, and the row that is to be made."""
    assert lines(world, 'nb.Logical_Port(name="vm7")')[1].startswith("nearest: nb.Logical_Port(_uuid='10000001', ")
    (added,) = change(world, 'nb.Logical_Port(name="vm7")')
    assert added.startswith("+ nb.Logical_Port(_uuid='new row 1', lswitch='")


def test_nothing_makes_it(world):
    """A match that no rule makes is told by the nearest fact and the rules that make others."""
    found = lines(world, 'Pipeline(table_id=1, match="eth.dst = 1")')
    assert found[1].startswith("nearest: Pipeline(")
    assert "deliver_unicast" in found[2]
    assert found[-1] == "No small change was found that would make it hold."


def test_options(world):
    """--depth ends the tree; --all shows rules that are further off."""
    text = 'Claim(chassis="host1", port="vm9")'
    assert not any("nb.Logical_Port" in line for line in failing(world, text, depth=1))
    assert "... a larger --depth goes on" in lines(world, text, depth=1)
    text = 'Claim(chassis="host1", port="other")'
    assert "further off: claim_child" in lines(world, text)
    assert any(line.startswith("rule claim_child") for line in lines(world, text, all=True))


def test_a_picture(world):
    """What is missing, the rules and what they lack are boxes; each arrow has both its ends."""
    drawn = VERB.graph(ask(world, VERB, PORT))
    names = {n.name for n in drawn.nodes}
    assert {n.kind for n in drawn.nodes} == {"absent", "rule", "note", "row"}
    assert all(e.tail in names and e.head in names for e in drawn.edges)
    assert drawn.nodes[0].label.startswith("✗ no Pipeline\n")
    (rule,) = (n for n in drawn.nodes if n.kind == "rule")
    assert rule.label.startswith("deliver_unicast\nA frame to an address that a port owns goes\nto that port.\nrules/")
    top = drawn.nodes[0].name
    assert {(e.head, e.label) for e in drawn.edges if e.tail == top} >= {(rule.name, "")}
    changes = [
        n.label for e in drawn.edges for n in drawn.nodes if e.label == "smallest change found" and n.name == e.head
    ]
    assert len(changes) == 1
    assert changes[0].startswith("+ nb.Logical_Port.macs(")
    assert len(VERB.graph(ask(world, VERB, 'Binding(logical_port="vm1")')).nodes) == 1


def test_nothing_is_changed(world):
    """The engine is as before, whatever was supposed."""
    before = {r: set(world.engine.facts(r)) for r in world.engine.program.relations}
    for text in (PORT, "table=64, priority=50,reg7=0x3", 'PortHolder("other", "host2")'):
        ask(world, VERB, text)
    assert before == {r: set(world.engine.facts(r)) for r in world.engine.program.relations}
    assert world.engine.recompute() == {}


def test_for_specs(world):
    """A missing fact is explained from values by column; an unknown column is a KeyError."""
    document = explain_absence(world.engine, "Claim", {"chassis": "host1", "port": "other"})
    assert document["absence"]["rules"][0]["rule"] == "claim"
    with pytest.raises(KeyError):
        explain_absence(world.engine, "Claim", {"switch": 1})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Clam()", ["no relation Clam"]),
        ("Claim(switch=1)", ["Claim has no column switch"]),
        ("", ["nothing is asked"]),
        ("table=99 actions=drop", ["no rule makes flows in table 99: there are 0, 16 to 47, 64"]),
        ("table=64,reg7=0x1 actions=drop\ntable=64,reg7=0x2 actions=drop", ["whynot explains one at a time"]),
        ("Binding(logical_port=x, chassis=x)", ["there are such facts, but none with equal logical_port and chassis"]),
    ],
)
def test_what_cannot_be_asked(world, text, parts):
    """A mistake is told in one answer."""
    with pytest.raises((Failure, QuestionError)) as error:
        ask(world, VERB, text)
    assert all(p in str(error.value) for p in parts), str(error.value)


def test_the_command(tmp_path):
    """The command prints the same as text, JSON or a picture; a mistake is one line and status 1."""
    files = saved(tmp_path)
    done = run("whynot", PORT, *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✗ no Pipeline(table_id=1")
    document = json.loads(run("whynot", PORT, *files, "--format", "json").stdout)
    (changed,) = document["changes"][0]["edits"]
    assert changed["insert"]["fact"]["macs"] == "fa:16:3e:00:00:99"
    assert run("whynot", PORT, *files, "--format", "dot").stdout.startswith("digraph")
    status, line = one_line(run("whynot", "Clam()", *files))
    assert status == 1
    assert "Claim" in line
