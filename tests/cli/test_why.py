"""``ovn-rules why``: reasons for flows as they are pasted, and for facts; and what it says of what isn't there."""

import json
import re

import pytest
from recorded import one_line, run


def why(recorded, fact, *options):
    """The lines of an explanation."""
    done = run("why", fact, *recorded.files, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_flow_is_explained_as_it_is_printed(recorded):
    """A flow is found as ovs-ofctl prints it: bare, or with cookie, duration, counters and the names of ports."""
    bare, names = (recorded.folder / "flows").read_text(), (recorded.folder / "flows-names").read_text()
    assert "in_port=v1" in names
    for text in (bare, names):
        flows = [line for line in text.splitlines() if "actions=" in line]
        for part in ("in_port=", "table=17", "ip,", "reg7=0x3"):
            flow = next(f for f in flows if part in f)
            assert why(recorded, flow, "--depth", "0")[0].startswith("OpenFlow(chassis='host1', table="), flow
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
    """The tree goes from the flow over rules, with their reasons and places, to rows of the databases."""
    (flow,) = (f for f in recorded.flows() if "table=64" in f and "reg7=0x1 " in f and "output" in f)
    text = "\n".join(why(recorded, flow))
    assert re.search(r"rule openflow  Of the flows wanted .*  rules/ezbake/translation.py:\d+", text)
    assert re.search(r"nb\.Logical_Port\(_uuid='[0-9a-f-]{36}'", text)
    assert "ovs.Interface.external_ids(" in text
    assert "'iface-id'" in text
    assert "rule port_key" in text


def test_depth(recorded):
    """--depth ends the tree with an ellipsis."""
    lines = why(recorded, 'Binding(logical_port="p1")', "--depth", "1")
    assert lines[0].startswith("Binding(")
    assert "rule bound" in lines[1]
    assert sum(line.endswith("...") for line in lines) == 2
    assert len(why(recorded, 'Binding(logical_port="p1")', "--depth", "0")) == 2


def test_all_derivations(recorded):
    """One derivation of each fact is shown, and with --all every one."""
    few = why(recorded, "DatapathNumber()", "--depth", "1")
    assert sum("rule datapath_number" in line for line in few) == 1
    assert few[-1].strip(" │└├─").startswith("... and 2 more")
    every = why(recorded, "DatapathNumber()", "--depth", "1", "--all")
    assert sum("rule datapath_number" in line for line in every) == 3


def test_patterns(recorded):
    """Columns may be given by name or place, as numbers, strings, lists or not at all; five facts are explained."""
    by_name = why(recorded, "Binding(logical_port=p2)", "--depth", "0")
    assert by_name == why(recorded, "Binding(_, 'p2')", "--depth", "0")
    assert by_name == why(recorded, 'Binding(mac=["00:00:00:00:00:02"], tunnel_key=2)', "--depth", "0")
    assert len(why(recorded, 'Pipeline(actions="next;")', "--depth", "0")) >= 2
    assert why(recorded, "Pipeline()", "--depth", "0")[-1].endswith("give more columns to narrow it down")


def test_json(recorded):
    """--format json nests relation, fact, derivations and premises, down to database, table and row."""
    done = run("why", 'Binding(logical_port="p3")', *recorded.files, "--format", "json")
    (tree,) = json.loads(done.stdout)
    assert (tree["relation"], tree["fact"]["chassis"]) == ("Binding", "host2")
    (derivation,) = tree["derivations"]
    assert derivation["rule"] == "bound"
    assert derivation["source"].startswith("rules/ezbake/bindings.py:")
    row = derivation["premises"][0]
    assert (row["database"], row["table"], len(row["row"])) == ("nb", "Logical_Port", 36)


def test_other_actions_are_said(recorded):
    """A flow whose actions are spelled as another OpenFlow version does is explained, and that is said."""
    done = run("why", "table=18,priority=32768,ip,metadata=0x1 actions=clear_actions", *recorded.files)
    assert done.returncode == 0
    assert done.stderr == "ovn-rules: no flow has these actions; what follows has the match\n"


@pytest.mark.parametrize(
    ("fact", "parts"),
    [
        ("table=99 actions=drop", ["no such fact in OpenFlow", "table=99"]),
        ("garbage", ["'garbage' is neither a flow nor RELATION(column=value, ...)"]),
        ("", ["'' is neither a flow"]),
        ("Bindin()", ["no relation Bindin; did you mean 'Binding'?"]),
        ("Binding(port=1)", ["Binding has no column port"]),
        ("Binding(1,2,3,4,5,6,7,8)", ["Binding has 7 columns"]),
        ('Binding(logical_port="p9")', ["no such fact in Binding: nothing has logical_port=p9"]),
        (r'Binding("\q")', ["is not a string as JSON has it"]),
        ("Binding(", ["neither a flow nor"]),
    ],
)
def test_what_is_not_there(recorded, fact, parts):
    """What isn't there, or isn't a fact, is one line on standard error and exit status 1."""
    status, line = one_line(run("why", fact, *recorded.files))
    assert status == 1
    assert all(p in line for p in parts), line
