"""``ovn-rules why``: reasons for flows as they are pasted, and for facts; and what it says of what isn't there."""

import itertools
import json
import re

import asked
import pytest
from recorded import one_line, run
from rich.console import Console

from ovn_rules.cli.failure import Failure
from ovn_rules.cli.sources import load_network
from ovn_rules.cli.verbs.facts import fact_text, fitting, row_name, shortened
from ovn_rules.cli.verbs.why import VERB
from ovn_rules.engine.errors import QuestionError
from ovn_rules.engine.proof import name_of


def why(recorded, fact, *options):
    """The lines of an explanation."""
    done = run("why", fact, *recorded.files, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def network(recorded):
    """The recorded network in an engine."""
    nb, sb, ovs = (str(recorded.folder / f"{name}.db") for name in ("nb", "sb", "ovs"))
    return load_network(nb, sb, [ovs], "ezbake")


def answer(network, text, **options):
    """An answer as a document, as JSON would give it."""
    document = VERB.answer(network, text, {**VERB.defaults(), **options})
    return json.loads(json.dumps(document))


def printed(document, width):
    """The lines of an answer on a terminal so wide."""
    console = Console(width=width, force_terminal=True, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        VERB.show(document, console)
    return re.sub("\x1b\\[[0-9;]*m", "", captured.get()).splitlines()


def test_a_flow_is_explained_as_it_is_printed(recorded):
    """A flow is found as ovs-ofctl prints it: bare, or with cookie, duration, counters and the names of ports."""
    bare, names = (recorded.folder / "flows").read_text(), (recorded.folder / "flows-names").read_text()
    assert "in_port=v1" in names
    for text in (bare, names):
        flows = [line for line in text.splitlines() if "actions=" in line]
        for part in ("in_port=", "table=17", "reg7=0x3"):
            flow = next(f for f in flows if part in f)
            first = why(recorded, flow, "--depth", "0")[0]
            assert first.startswith("OpenFlow(chassis='"), flow
    assert len(why(recorded, " table=18, ip,metadata=0x1 actions=drop")) > 5


def test_fields_in_any_order(recorded):
    """The order of a flow's fields doesn't matter, nor do statistics among them."""
    (flow,) = (f for f in recorded.flows() if "table=17" in f and "dl_dst=00:00:00:00:00:01" in f)
    expected = why(recorded, flow)
    head, _, actions = flow.partition(" actions=")
    words = re.split(r", ?", head)
    mixed = f"cookie=0x0, duration=3.1s, {', '.join(reversed(words))}, n_packets=4, idle_age=2 actions={actions}"
    assert why(recorded, mixed) == expected
    assert why(recorded, head) == expected


def test_down_to_database_rows(recorded):
    """The tree goes from the flow over rules, with their reasons and places, to rows and their names."""
    (flow,) = (f for f in recorded.flows() if "table=64" in f and "reg7=0x1 " in f and "output" in f)
    text = "\n".join(why(recorded, flow))
    assert re.search(r"rule openflow  Of the flows wanted .*  rules/ezbake/translation.py:\d+", text)
    assert re.search(r"nb\.Logical_Port\(_uuid='[0-9a-f-]{36}'.* name='p1'", text)
    assert re.search(r"ovs\.Interface\.external_ids\(_uuid='[0-9a-f-]{36}', key='iface-id', value='p1'\)  \[v1\]", text)
    assert re.search(r"ovs\.Open_vSwitch\(_uuid='[0-9a-f-]{36}'\)  \[host1\]", text)
    assert "rule port_key" in text
    assert "no ovs.Open_vSwitch.external_ids(" in text
    assert re.search(r"key 1 of 1 to 65535: the one it had\n.*StoredKey\(name='p1', key=1\)", text)


def test_rows_are_named(network):
    """A row has the name that a reader knows it by, and an element the name of its row."""
    engine = network.engine
    names = {
        relation: sorted({str(row_name(engine, relation, f)) for f in engine.facts(relation)})
        for relation, definition in engine.program.relations.items()
        if definition.table is not None
    }
    assert names["nb.Logical_Port"] == names["nb.Logical_Port.macs"] == names["sb.Binding"] == ["p1", "p2", "p3"]
    assert names["nb.Logical_Switch"] == ["sw0"]
    assert names["nb.ACL"] == ["32768 ip4"]
    assert {"v1", "v2"} <= set(names["ovs.Interface.external_ids"])
    assert names["ovs.Open_vSwitch.external_ids"] == ["host1"]
    assert "geneve 192.0.2.2" in names["sb.Encap"]


def test_depth_and_names_of_what_is_cut_off(recorded):
    """--depth ends the tree with names, which can be asked about."""
    lines = why(recorded, 'Binding(logical_port="p1")', "--depth", "1")
    assert lines[0].startswith("Binding(")
    assert "rule bound" in lines[1]
    cut = [line.partition("… why ")[2] for line in lines if "… why " in line]
    assert [re.sub("#.*", "", name) for name in cut] == ["PortKey", "PortHolder"]
    assert why(recorded, cut[0])[0] == "PortKey(name='p1', key=1)"
    impact, history = (run(verb, cut[0], *recorded.files) for verb in ("impact", "history"))
    assert "without\n  - PortKey(name='p1', key=1)\n" in impact.stdout
    assert "PortKey(name='p1', key=1)\n  holds\n" in history.stdout
    for verb in ("impact", "history"):
        assert "no fact has the name PortKey#00000000" in one_line(run(verb, "PortKey#00000000", *recorded.files))[1]
    status, line = one_line(run("why", "PortKey#00000000", *recorded.files))
    assert (status, line) == (1, "no fact has the name PortKey#00000000 any more, or not in this network")
    assert (
        "no relation Portkey; did you mean 'PortKey'?" in one_line(run("why", "Portkey#00000000", *recorded.files))[1]
    )
    assert "--depth is 200 at most" in one_line(run("why", "PortKey", *recorded.files, "--depth", "201"))[1]


def test_all_derivations(recorded):
    """One derivation of each fact is shown, with --all every one, with --most as many as that."""
    few = why(recorded, "DatapathNumber()", "--depth", "1")
    assert sum("rule datapath_number" in line for line in few) == 1
    assert "… and 2 more derivations" in few[-2]
    assert "number 1 of 1 to 16777215: the next free one when this came" in few[-1]
    every = why(recorded, "DatapathNumber()", "--depth", "1", "--all")
    assert sum("rule datapath_number" in line for line in every) == 3
    two = why(recorded, "DatapathNumber()", "--depth", "1", "--most", "2")
    assert sum("rule datapath_number" in line for line in two) == 2
    assert "… and 1 more derivation" in two[-2]


def test_patterns(recorded):
    """Columns may be given by name or place, as numbers, strings, lists or not at all; five facts are explained."""
    by_name = why(recorded, "Binding(logical_port='p2')", "--depth", "0")
    assert by_name == why(recorded, "Binding(_, 'p2')", "--depth", "0")
    assert by_name == why(recorded, 'Binding(mac=["00:00:00:00:00:02"], tunnel_key=2)', "--depth", "0")
    assert len(why(recorded, 'Pipeline(actions="next;")', "--depth", "0")) >= 2
    assert why(recorded, "Pipeline()", "--depth", "0")[-1].endswith("give more columns to narrow it down")
    assert why(recorded, "Binding(logical_port=p2)")[0] == 'note: p2 is a variable here; write "p2" for the text'


def test_what_was_shown_is_not_shown_again(network):
    """A fact that several lean on is explained once, and called shown above after that."""
    document = answer(network, "OpenFlow(table=17)")
    lines = printed(document, 200)
    explained = [line for line in lines if "rule active_chassis" in line]
    assert len(explained) == 1
    assert any("shown above" in line for line in lines)


@pytest.mark.parametrize("width", [70, 100, 160])
def test_a_terminal_is_not_overrun(network, width):
    """On a terminal lines fit; long values are shortened for that, but not what rules say."""
    document = answer(network, "OpenFlow(table=17)", all=True)
    lines = printed(document, width)
    assert max(map(len, lines)) <= width
    assert any("…" in line for line in lines)
    said = " ".join(" ".join(line.strip("│├└─ ") for line in lines).split())
    for name, rule in document["rules"].items():
        assert f"rule {name} {rule['reason']} " in said


def test_shortening():
    """The longest values are shortened, in the middle; short ones and what fits are left."""
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abcde", 5) == "abcde"
    assert fitting(["x" * 30, "yy", "z" * 50], 62) == ["x" * 30, "yy", "z" * 15 + "…" + "z" * 14]
    assert fitting(["abc", "defg"], 7) == ["abc", "defg"]
    fact = {"relation": "R", "fact": {"a": "x" * 50, "b": "", "_uuid": "0a000000-0000-4000-8000-00000000000a"}}
    assert fact_text(fact, width=40).plain == "R(a='xxxxxxxx…xxxxxxxx', _uuid=0a000000)"
    assert len(fact_text(fact).plain) > 100


def test_json(recorded):
    """--format json has each fact once under its name, with derivations that name premises, down to rows."""
    done = run("why", 'Binding(logical_port="p3")', *recorded.files, "--format", "json")
    document = json.loads(done.stdout)
    (root,) = document["roots"]
    facts = document["facts"]
    assert (facts[root]["relation"], facts[root]["fact"]["chassis"]) == ("Binding", "host2")
    (derivation,) = facts[root]["derivations"]
    assert derivation["rule"] == "bound"
    assert document["rules"]["bound"]["source"].startswith("rules/ezbake/bindings.py:")
    assert document["rules"]["bound"]["code"].startswith("@rule\ndef bound(")
    assert derivation["variables"]["name"] == "p3"
    row = facts[derivation["premises"][0]["fact"]]
    assert (row["database"], row["table"], len(row["row"]), row["name"]) == ("nb", "Logical_Port", 36, "p3")
    assert (document["more"], document["notes"]) == (0, [])
    assert {
        p["fact"] for f in facts.values() for d in f.get("derivations", ()) for p in d["premises"] if "fact" in p
    } < {*facts}


def test_a_rival_is_named(network):
    """Of facts with one key the kept one says over which, and the other that it isn't kept."""
    engine = network.engine
    interface, port, external = "ovs.Interface", "ovs.Port.interfaces", "ovs.Interface.external_ids"
    (uuid,) = (f[0] for f in engine.facts(external) if f[1:] == ("iface-id", "p1"))
    bond = next(f for f in engine.facts(port) if f[1] == uuid)
    new = "00000000-0000-4000-8000-00000000000f"
    rows = {interface: (new, "w1"), port: (bond[0], new), external: (new, "iface-id", "p1")}
    rows["ovs.Interface.ofport"] = (new, 9999)
    with engine.supposing({name: ((), [fact]) for name, fact in rows.items()}):
        (kept,) = (f for f in engine.facts("Plugged") if f[1] == "p1")
        document = answer(network, "Plugged(port='p1')")
        text = "\n".join(printed(document, 160))
        assert "kept over Plugged(ofport=9999)" in text
        rival = document["facts"][document["roots"][0]]["rivals"][0]
        assert rival["fact"] == {"chassis": "host1", "port": "p1", "ofport": 9999}
        lost = answer(network, name_of("Plugged", ("host1", "p1", 9999)))
        assert f"not kept, because its key is that of Plugged(ofport={kept[2]})" in "\n".join(printed(lost, 160))


def test_other_actions_are_said(recorded):
    """A flow that has other actions than were pasted is explained, and that is said."""
    lines = why(recorded, "table=18,priority=32768,ip,metadata=0x1 actions=output:7")
    assert lines[0] == "note: no flow has these actions; what follows has the match, and the actions drop"
    assert lines[1].startswith("OpenFlow(")


def test_several_flows_at_once(recorded):
    """A block of lines is explained flow by flow; a whole dump is refused."""
    flows = recorded.flows()
    roots = [line for line in why(recorded, "\n".join(flows[:20]), "--depth", "0") if line.startswith("OpenFlow(")]
    assert len(roots) == 20
    _, line = one_line(run("why", "\n".join(flows[:21]), *recorded.files))
    assert line == "21 flows are pasted; at most 20 are explained at once: paste fewer lines"


@pytest.mark.parametrize("form", ["dot", "mermaid", "html"])
def test_pictures(recorded, form):
    """Every fact of the answer is in the picture."""
    done = run("why", 'Binding(logical_port="p3")', *recorded.files, "--format", form)
    assert done.returncode == 0, done.stderr
    for word in ("Binding", "PortKey", "StoredKey", "nb.Logical_Port", "sb.Binding", "port_key", "bound"):
        assert word in done.stdout


def test_a_name_per_fact(network):
    """Names in an answer stand for facts one to one."""
    document = answer(network, "OpenFlow()", all=True)
    seen = [json.dumps([f["relation"], f["fact"]]) for f in document["facts"].values()]
    assert len(set(seen)) == len(seen)
    assert document["more"] == len(network.engine.facts("OpenFlow")) - 5
    assert list(itertools.islice(document["facts"], 1)) == document["roots"][:1]


FLOW = "priority=50,metadata=0x1,dl_dst=00:00:00:00:00:01"


@pytest.mark.parametrize(
    ("fact", "parts"),
    [
        ("table=99 actions=drop", ["rules make flows in the tables 0, 16 to 47 and 64, not in 99"]),
        ("table=254,priority=0,reg0=0x1,actions=drop", ["table 254 is Open vSwitch's own"]),
        ("table=x actions=drop", ["table and priority are numbers"]),
        ("priority=9,in_port=777 actions=drop", ["no such flow on host1"]),
        ("table=17, priority=51,metadata=0x1,dl_dst=00:00:00:00:00:01", ["same table and match", "priority=50"]),
        ("table=17, priority=50,metadata=0x9,dl_dst=00:00:00:00:00:01", ["the nearest is OpenFlow(", "metadata=0x1"]),
        ("table=17, priority=7,arp,tun_id=5", ["none in table 17 that is like it; is it from another network?"]),
        (f"host7: table=17,{FLOW}", ["no chassis host7; did you mean 'host1'?"]),
        ('bridge("br-ex")\n 0. in_port=1, priority 100', ["a flow of the bridge br-ex; rules make those of br-int"]),
        (" 0. No match.\n    drop", ["'0. No match.' is no flow", "whynot"]),
        (
            "recirc_id(0),in_port(2),eth(src=00:00:00:00:00:01),eth_type(0x0800), packets:0, used:never, actions:drop",
            ["this is a datapath flow", "dump-flows"],
        ),
        ("table=2 (x), priority=7, match=(0), action=(no;)", ["no such logical flow", "another network"]),
        ("table=2 (x), priority=7, match=(ip4), action=(drop;)", ["same table_id and match there is Pipeline("]),
        ("gar bage", ["'gar bage' is no flow that ovs-ofctl, ofproto/trace or ovn-sbctl print"]),
        ("garbage", ["no relation garbage"]),
        ("Bindin()", ["no relation Bindin", "hint: did you mean 'Binding'?"]),
        ("Binding(port=1)", ["Binding has no column port"]),
        ("Binding(_,_,3,4,5,6,7,8)", ["Binding has 7 columns"]),
        ("Binding(logical_port='p9')", ["no such fact in Binding: Binding(logical_port='p9')"]),
    ],
)
def test_what_is_not_there(network, fact, parts):
    """What isn't there, or isn't a fact, is said in one line that says what is nearest or what to do."""
    with pytest.raises((Failure, QuestionError)) as raised:
        answer(network, fact)
    shown = raised.value.shown() if isinstance(raised.value, QuestionError) else raised.value.message
    assert all(p in shown for p in parts), shown
    assert isinstance(raised.value, QuestionError) or "\n" not in shown


def test_another_chassis_has_it(network):
    """A flow that is asked about on one host and only another one has says which."""
    assert answer(network, f"table=17, {FLOW}", chassis="host1")["roots"]
    new = {
        "ovs.Open_vSwitch": ("11111111-0000-4000-8000-000000000000",),
        "ovs.Open_vSwitch.external_ids": ("11111111-0000-4000-8000-000000000000", "system-id", "host9"),
        "ovs.Open_vSwitch.bridges": ("11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"),
        "ovs.Bridge": ("22222222-0000-4000-8000-000000000000", "br-int"),
    }
    with network.engine.supposing({name: ((), [fact]) for name, fact in new.items()}):
        assert len(answer(network, f"table=17, {FLOW}")["roots"]) == 2
        assert len(answer(network, f"host9: table=17, {FLOW}")["roots"]) == 1
        flow = next(f for f in network.engine.facts("OpenFlow") if f[:2] == ("host1", 0) and "in_port" in f[3])
        with pytest.raises(Failure, match="no such flow on host9, but host1 has it"):
            answer(network, f"priority={flow[2]},{flow[3]} actions={flow[4]}", chassis="host9")


def test_little_room(network):
    """On a narrow terminal branches are indented half as far, so that the deepest ones still have room."""
    document = answer(network, 'Binding(logical_port="p3")')
    for width, branch in ((120, "    ├── nb.Logical_Port("), (80, "  ├ nb.Logical_Port(")):
        assert any(line.startswith(branch) for line in printed(document, width))


def test_a_number_that_is_wanted(tmp_path, monkeypatch):
    """A number that its group wants is told so, with the wish as a reason."""
    wish = '@rule\ndef wish(who, n):\n    """As wished."""\n    Wish(who, n) <= Wished(who, n)\n'
    shapes = "".join(
        f'class {c}(Relation):\n    """Wishes."""\n    who: str\n    n: int\n\n' for c in ("Wish", "Wished")
    )
    seats = asked.SEATS.replace("@rule", f"{shapes}@rule", 1).replace("allocate(1, 2)", "allocate(1, 2, wanted=Wish)")
    monkeypatch.setattr(asked, "SEATS", f"{seats}\n{wish}")
    world = asked.seated(tmp_path, ("ann", 1), ("bob", 1))
    world.engine.transact({"Wished": ((), [("bob", 1)])})
    text = "\n".join(printed(answer(world, 'Ticket("bob", 1)'), 100))
    assert re.search(r"number 1 of 1 to 2: the one it wants\n.*Wish\(who='bob', n=1\)(.*\n)+.*rule wish", text), text
