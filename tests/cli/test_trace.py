"""``ovn-rules trace``: packets through the demonstration's network, and what is said of questions that aren't any."""

import json
from types import SimpleNamespace

import pytest
from asked import shown
from recorded import run

from ovn_rules.cli.demo import NET_A, network
from ovn_rules.cli.failure import Failure
from ovn_rules.cli.verbs.trace import VERB
from ovn_rules.engine import Engine
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.tables import facts_of
from ovn_rules.rules.ezbake.programs import EZBAKE
from ovn_rules.rules.program import Program


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demonstration's databases: what names them, by host."""
    folder = tmp_path_factory.mktemp("demo")
    assert run("demo", "--save", str(folder)).returncode == 0
    return {
        "nb": ["--nb", str(folder / "nb.db")],
        "sb": ["--sb", str(folder / "sb.db")],
        **{h: ["--ovs", str(folder / f"{h}.db")] for h in ("host1", "host2")},
    }


EVERYTHING = ("nb", "sb", "host1", "host2")
NOT_BACK = "A frame never goes out of the port that it came from."
VM1, VM3 = "fa:16:3e:76:12:96", "fa:16:3e:50:01:91"


def ask(demo, *words, databases=EVERYTHING):
    """What trace prints."""
    return run("trace", *words, *(w for d in databases for w in demo[d]))


def lines(demo, *words, databases=EVERYTHING):
    """The lines of an answer."""
    done = ask(demo, *words, databases=databases)
    assert done.returncode == 0, done.stderr
    return [line.strip("│├└─ ") for line in done.stdout.splitlines()]


def document(demo, *words, databases=EVERYTHING):
    """The answer as JSON."""
    done = ask(demo, "--format", "json", *words, databases=databases)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stages(visit):
    """The stages of a visit and of those after it, in order, each with its host."""
    found, waiting = [], [(visit["chassis"], visit["first"])]
    while waiting:
        host, stage = waiting.pop(0)
        found.append((host, stage))
        for result in stage["results"]:
            if result["type"] == "stage":
                waiting.append((host, result))
            elif result["type"] == "end" and result["visit"]:
                waiting.append((result["visit"]["chassis"], result["visit"]["first"]))
    return found


def test_across_a_tunnel(demo):
    """A packet is followed to the other host, each step with flow, logical flow, rule, reason and what it wrote."""
    said = lines(demo, "net-a", "vm1", "vm3")
    assert said[0] == "delivered to vm3 on host2, OpenFlow port 2"
    assert said[1] == f'inport == "vm1" && eth.src == {VM1} && eth.dst == {VM3}'
    assert said[2] == "host1: from port vm1 through OpenFlow port 1"
    assert said[3] == f"in_port=1,dl_src={VM1},dl_dst={VM3}"
    at = said.index(f"table 17 destination lookup  priority 50  metadata=0x1,dl_dst={VM3}")
    assert said[at + 1] == f'eth.dst == {VM3}  outport = "vm3"; next;'
    assert said[at + 2].startswith(
        "A frame to an address that a port owns goes to that port.  rule deliver_unicast  rules/"
    )
    assert said[at + 3] == "reg7 = 0x6 (outport vm3)"
    assert "host2: from host1 through the tunnel, OpenFlow port 1, key 0x6 (port vm3)" in said
    assert said[-1] == "delivered to vm3 on host2, OpenFlow port 2"


def test_json(demo):
    """The answer as nested objects: hosts, tables, flows as facts, ends."""
    answer = document(demo, "net-a", f'inport == "vm1" && eth.src == {VM1} && eth.dst == {VM3}')
    assert answer["datapath"] == "net-a"
    assert answer["verdicts"] == [
        {"kind": "delivered", "text": "delivered to vm3 on host2, OpenFlow port 2", "port": "vm3", "chassis": "host2"}
    ]
    found = stages(answer["visit"])
    assert [(host, s["table"]) for host, s in found] == [("host1", t) for t in (0, 16, 17, 18, 19, 64)] + [("host2", 0)]
    lookup = found[2][1]
    assert lookup["flow"]["actions"] == "set_field:0x6->reg7,resubmit(,18)"
    assert (lookup["logical"]["relation"], lookup["logical"]["fact"]["table_id"]) == ("Pipeline", 1)
    assert (lookup["rule"], lookup["source"].partition(":")[0]) == ("deliver_unicast", "rules/ezbake/switching.py")


def test_summary(demo):
    """--summary says only what became of the packet, a line for each copy."""
    said = lines(demo, "--summary", "net-a", "vm1", "ff:ff:ff:ff:ff:ff")
    assert [line.partition(",")[0] for line in said] == [
        "delivered to dhcp on host1",
        "delivered to router on host1",
        f"dropped on host1 in table 64 (out of the logical network) on its way to vm1: {NOT_BACK}",
        "delivered to vm2 on host1",
        "delivered to vm3 on host2",
    ]
    assert document(demo, "--summary", "net-a", "vm1", "vm2")["visit"] is None


def test_copies(demo):
    """A broadcast branches: each copy by itself, with the port that it is for."""
    said = lines(demo, "net-a", "vm1", "ff:ff:ff:ff:ff:ff")
    assert [line for line in said if line.startswith("copy with reg7")] == [
        f"copy with reg7 = {key:#x} (outport {port})"
        for key, port in ((2, "dhcp"), (4, "router"), (1, "vm1"), (5, "vm2"), (6, "vm3"))
    ]


def test_a_miss(demo):
    """A drop for want of a flow names the flows that came nearest, and the field that differs."""
    said = lines(demo, "net-a", "vm1", "02:00:00:00:00:99")
    at = said.index("dropped: no flow matches")
    assert said[at - 1] == "table 17 destination lookup"
    assert said[at + 1 : at + 3] == [
        "would pass by priority 100  eth.dst[40]",
        "dl_dst is 02:00:00:00:00:99, not 01:00:00:00:00:00/01:00:00:00:00:00",
    ]
    assert said[-3] == "... and 3 more flows that differ as little"
    assert said[-2].startswith("whynot Pipeline(")
    assert said[-1].startswith("it comes down to: ")
    assert said[0] == "dropped on host1 in table 17 (destination lookup): no flow matches"


def test_an_explicit_drop(demo):
    """A spoofed source is dropped by a flow; its rule is given, and the address that would have passed."""
    said = lines(demo, "net-a", f'inport == "vm1" && eth.src == {VM3} && eth.dst == {VM3}')
    assert said[0] == (
        "dropped on host1 in table 16 (admission): What no port sent, or a port may not send, is dropped."
    )
    assert said[-7:-2] == [
        "dropped: this flow drops",
        'would pass by priority 50  inport == "vm1" && eth.src == {' + VM1 + "}",
        f"dl_src is {VM3}, not {VM1}",
        'would pass by priority 50  inport == "vm3" && eth.src == {' + VM3 + "}",
        "reg6 is 0x1, not 0x6",
    ]


def world(*hosts, acls=(), holders=(), unnumbered=()):
    """The demonstration's network in this process: some hosts, ACLs, ports of others or without OpenFlow port."""
    tables = network()
    for row in tables["ovs.Interface"]:
        if dict(row.get("external_ids", {})).get("iface-id") in unnumbered:
            row["ofport"] = ()
    tables["ovs.Open_vSwitch"] = [r for r in tables["ovs.Open_vSwitch"] if r["external_ids"]["system-id"] in hosts]
    tables["nb.ACL"] = [
        {"_uuid": f"acl{i}", "lswitch": NET_A, "priority": 900, "match": m, "action": a}
        for i, (m, a) in enumerate(acls)
    ]
    held = dict(holders)
    tables["sb.Binding"] = [r | {"chassis": held.get(r["logical_port"], "")} for r in tables["sb.Binding"]]
    rules = EZBAKE.everything.load()
    engine = Engine(rules)
    engine.transact({r: ((), f) for r, f in facts_of(rules, tables).items()})
    return SimpleNamespace(engine=engine, program=EZBAKE)


def answered(of, text, **options):
    """An answer in this process."""
    return VERB.answer(of, text, VERB.defaults() | options)


@pytest.mark.parametrize(
    ("port", "verdict"),
    [(23, "dropped on host1 in table 18 (ACLs) on its way to vm3: An ACL lets"), (22, "delivered to vm3 on host2")],
)
def test_acl(port, verdict):
    """A packet that an ACL drops ends there, with the ACL's match; another one passes."""
    one = world("host1", "host2", acls=[("ip4 && tcp.dst == 23", "drop")])
    conditions = f'inport == "vm1" && eth.src == {VM1} && eth.dst == {VM3} && ip4 && tcp.dst == {port}'
    answer = answered(one, f"net-a {conditions}")
    (found,) = answer["verdicts"]
    assert found["text"].startswith(verdict)
    dropped = [s for _, s in stages(answer["visit"]) if s["drop"]]
    assert [s["logical"]["fact"]["match"] for s in dropped] == (["ip4 && tcp.dst == 23"] if port == 23 else [])


def test_a_later_fragment_is_a_fragment():
    """Who says that a packet is a later fragment has said that it is a fragment."""
    one = world("host1", "host2", acls=[("ip.is_frag", "drop")])
    microflow = f'inport == "vm1" && eth.src == {VM1} && eth.dst == {VM3} && ip4 && ip.later_frag'
    assert "(ACLs)" in answered(one, f"net-a {microflow}")["verdicts"][0]["text"]


@pytest.mark.parametrize(
    ("databases", "options", "note"),
    [
        (("nb",), (), "port vm1 is on no host that is known: only the logical network is traced"),
        (("nb", "sb"), ("--logical",), ""),
        (EVERYTHING, ("--logical",), ""),
    ],
)
def test_the_logical_network_alone(demo, databases, options, note):
    """Without the port's host, or with --logical, the logical tables are traced, without any host."""
    answer = document(demo, "net-a", "vm1", "vm3", *options, databases=databases)
    assert answer["notes"] == [note] if note else not answer["notes"]
    assert [(host, s["table"]) for host, s in stages(answer["visit"])] == [("", t) for t in (0, 1, 2, 3, 64)]
    assert [v["text"] for v in answer["verdicts"]] == ["delivered to vm3"]


def test_a_host_that_was_not_given():
    """What leaves for a host whose database isn't there is followed up to the tunnel; so is where a port is."""
    one = world("host1", holders=[("vm3", "host2"), ("other", "host1")])
    (verdict,) = answered(one, "net-a vm1 vm3")["verdicts"]
    assert verdict["kind"] == "sent"
    assert verdict["text"] == "sent through the tunnel to host2, key 0x6 (port vm3); its database was not given (--ovs)"
    (note,) = answered(one, "net-a vm3 vm1")["notes"]
    assert note == "port vm3 is on host2, whose database was not given (--ovs): only the logical network is traced"


@pytest.mark.parametrize(
    ("to", "wanting", "reason"),
    [
        ("vm3", {}, "on no host that is known"),
        ("vm3", {"holders": [("vm3", "host9")]}, "on host9, to which host1 has no tunnel"),
        ("vm2", {"unnumbered": ["vm2"]}, "on host1, where its interface has no OpenFlow port yet"),
    ],
)
def test_a_port_without_a_flow(to, wanting, reason):
    """A packet for a port that no flow leads to is dropped in the last table, and where the port is says why."""
    one = world("host1", **wanting)
    answer = answered(one, f"net-a vm1 {to}")
    (drop,) = (s["drop"] for _, s in stages(answer["visit"]) if s["drop"])
    assert drop["reason"] == f"port {to} is {reason}"
    (verdict,) = answer["verdicts"]
    where = "dropped on host1 in table 64 (out of the logical network)"
    assert verdict["text"] == f"{where} on its way to {to}: no flow matches, since port {to} is {reason}"
    assert any(line.endswith(f"── port {to} is {reason}") for line in shown(VERB, answer))


def test_without_a_northbound_database(demo):
    """With a host's databases alone a port's switch is found from the microflow, or by its UUID."""
    microflow = f'inport == "vm1" && eth.src == {VM1}'
    for words in ([microflow], ["0a000000-0000-4000-8000-00000000000a", microflow], ["0a00", microflow]):
        answer = document(demo, *words, databases=("sb", "host1"))
        assert answer["datapath"] == "0a000000-0000-4000-8000-00000000000a"


def test_derivations(demo):
    """--detail why has the whole derivation of each flow, down to rows."""
    answer = document(demo, "--detail", "why", "net-a", "vm1", "vm2")
    for _, stage in stages(answer["visit"]):
        assert stage["why"][0]["relation"] == "WantedFlow"
        assert stage["why"][0]["rule"]
        assert any("table" in step for step in stage["why"]), "no row"
    assert "rule plugged" in ask(demo, "--detail", "why", "net-a", "vm1", "vm2").stdout


def test_a_picture(demo):
    """Each stage is a box of the picture, and each arrow says what was written on the way."""
    picture = VERB.graph(document(demo, "net-a", "vm1", "ff:ff:ff:ff:ff:ff"))
    labels = [n.label for n in picture.nodes]
    assert "delivered to vm3 on host2, OpenFlow port 2" in labels
    assert sum(label.startswith("table 18") for label in labels) == 5
    assert {n.name for n in picture.nodes[1:]} == {e.head for e in picture.edges}
    assert "reg7 = 0x2 (outport dhcp)" in [e.label for e in picture.edges]
    assert len(VERB.graph(document(demo, "--summary", "net-a", "vm1", "vm2")).nodes) == 1


@pytest.mark.parametrize(
    ("words", "message", "place"),
    [
        (["net-c", "vm1", "vm2"], "no logical switch net-c", "net-c"),
        (["net-a"], "there is no packet to trace", ""),
        (["net-a", "vm1", "vm9"], "logical switch net-a has no port vm9", "vm9"),
        (["net-a", "vm1", "other"], "logical switch net-a has no port other", "other"),
        (["net-a", "vm1", "vm2", "vm3"], "this is neither a microflow nor two ports", "vm1 vm2 vm3"),
        (["net-a", 'inport == "vm9"'], 'logical switch net-a has no port "vm9"', 'inport == "vm9"'),
        (["net-a", 'inport == "other"'], 'logical switch net-a has no port "other"', 'inport == "other"'),
        (["net-a", 'inport == "vm1" && ip5'], "Syntax error at `ip5' expecting field name", "ip5"),
        (["net-a", 'inport == "vm1" || ip4'], "A microflow is one packet: || is not allowed", "|| ip4"),
        (["net-a", 'inport == "vm1" && ip4 && ip6'], "No packet is so", "ip6"),
        (["net-a", "eth.dst == 02:00:00:00:00:01"], "A microflow says which port the packet comes from", ""),
        ([""], "there is nothing to trace", ""),
    ],
)
def test_what_is_no_question(words, message, place):
    """A mistake is named with its place in the question."""
    with pytest.raises(QuestionError) as caught:
        answered(world("host1"), " ".join(words))
    error = caught.value
    assert error.message.startswith(message)
    assert error.text == " ".join(words)
    assert error.text[error.start :].startswith(place)
    assert (error.start == len(error.text)) == (not place)


def test_a_mistake_is_one_line(demo):
    """The command says in one line what was wrong, and what may have been meant."""
    done = ask(demo, "net-a", "vm1", "vm9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ovn-rules: logical switch net-a has no port vm9; did you mean 'vm3'?\n"


def test_switches_of_one_name():
    """A name that several switches have is refused with their UUIDs; one with blanks, or of a port, works."""
    one = world("host1")
    rows = [(("0c000000-0000-4000-8000-00000000000c"), "net-a"), (("0d000000-0000-4000-8000-00000000000d"), "my net")]
    columns = [c.name for c in one.engine.program.relations["nb.Logical_Switch"].columns]
    facts = [tuple({"_uuid": u, "name": n}[c] for c in columns) for u, n in rows]
    one.engine.transact({"nb.Logical_Switch": ((), facts)})
    with pytest.raises(QuestionError, match="several logical switches are called net-a"):
        answered(one, "net-a vm1 vm2")
    with pytest.raises(QuestionError, match="logical switch my net has no port vm1"):
        answered(one, "my net vm1 vm2")
    assert answered(one, "0a00 vm1 vm2")["verdicts"][0]["port"] == "vm2"


def test_a_program_without_packets():
    """A program that isn't about packets has nothing to trace, and that is said."""
    one = world("host1")
    one.program = Program("others", *[EZBAKE.everything] * 3)
    with pytest.raises(Failure, match="program others is not about packets"):
        answered(one, "net-a vm1 vm2")


def test_no_such_detail(demo):
    """A detail that there isn't is refused."""
    done = ask(demo, "--detail", "all", "net-a", "vm1", "vm2")
    assert (done.returncode, done.stderr) == (1, "ovn-rules: no detail all; there are flows and why\n")
