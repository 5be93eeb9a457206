"""The changes that ``ovn-rules whynot`` proposes: a database server takes them, and they make it hold."""

import pytest
from asked import ask, loaded

from ovn_rules.cli.verbs import whynot
from ovn_rules.cli.verbs.changes import read_changes
from ovn_rules.cli.verbs.expected import expected
from ovn_rules.cli.verbs.facts import fact_text
from ovn_rules.engine.patterns import Pattern

QUESTIONS = [
    'Pipeline(table_id=1, match="eth.dst == fa:16:3e:00:00:99")',
    "table=16, priority=50,reg6=0x1,metadata=0x1,dl_src=fa:16:3e:00:00:99",
    "table=19, priority=50,reg7=0x1,metadata=0x1,dl_dst=fa:16:3e:00:00:99",
    "table=0, priority=100,in_port=77",
    "table=64, priority=50,reg7=0x3",
    'OpenFlow(chassis="host2", table=64, priority=50, match="reg7=0x3")',
    'Claim(chassis="host1", port="vm9")',
    'Binding(logical_port="vm1", chassis="host2")',
    'Pipeline(table_id=1, match="eth.dst == fa:16:3e:76:12:96", actions=\'outport = "vm2"; next;\')',
    'TunnelOut(chassis="host1", peer="host3")',
    'Port(name="vm1", parent=["vm2"])',
    'nb.Logical_Port(name="vm7")',
    'PortHolder("other", "host2")',
    'Pipeline(table_id=2, priority=9, match="ip4", actions="drop;")',
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network: no test changes it."""
    return loaded(tmp_path_factory.mktemp("saved"))


def as_typed(world, change):
    """A proposed change as whatif takes it: rows before their elements, those too of which only elements are named."""
    parts = []
    for edit in change["edits"]:
        for sign, fact in (("-", edit["delete"]), ("+", edit["insert"])):
            if fact is not None:
                bare = {k: v for k, v in fact.items() if k != "name"}
                parts.append(f"{sign}{fact_text(bare).plain}")
    whole = [p for p in parts if p.partition("(")[0].count(".") == 1]
    elements = [p for p in parts if p not in whole]
    rows = {(e["insert"]["database"], e["insert"]["table"], e["insert"]["row"]) for e in change["edits"] if e["insert"]}
    for database, table, row in sorted(rows):
        there = any(f[0] == row for f in world.engine.facts(f"{database}.{table}"))
        if not there and not any(row in p for p in whole):
            whole.append(f"+{database}.{table}(_uuid={row!r})")
    return "\n".join([*whole, *elements])


@pytest.mark.parametrize("question", QUESTIONS)
def test_whatif_agrees(world, question):
    """What is proposed can be supposed as it is written; then what was asked for is there."""
    proposed = ask(world, whynot.VERB, question)["changes"]
    assert proposed
    asked = expected(world, question)
    for change in proposed:
        with world.engine.supposing(read_changes(world, as_typed(world, change))):
            if isinstance(asked, Pattern):
                assert asked.matching(world.engine)
            else:
                relation, wanted = asked
                made = [
                    tuple(tuple(v) if isinstance(v, list) else v for v in m["fact"].values()) for m in change["makes"]
                ]
                assert all(f in world.engine.facts(relation) for f in made), wanted
    assert world.engine.recompute() == {}


def test_a_name_that_a_row_has(world):
    """A row isn't proposed twice: its name is taken, so what it holds is to change."""
    (change,) = ask(world, whynot.VERB, QUESTIONS[1])["changes"]
    (edit,) = change["edits"]
    assert edit["delete"]["fact"]["_uuid"] == edit["insert"]["fact"]["_uuid"]
    assert edit["insert"]["fact"]["port_security"] == ["fa:16:3e:00:00:99"]


def test_a_flow_whose_actions_lead_nowhere(world):
    """When nothing is found that makes a flow with its actions, the answer is about any flow with its match."""
    flow = "table=17, priority=50,metadata=0x1,dl_dst=fa:16:3e:24:46:3a actions=set_field:0x5->reg7,resubmit(,18)"
    with world.engine.supposing(read_changes(world, "-nb.Logical_Port.macs(vm2, _)")):
        document = ask(world, whynot.VERB, flow)
    (edit,) = document["changes"][0]["edits"]
    assert edit["insert"]["relation"] == "nb.Logical_Port.macs"
    assert edit["insert"]["fact"]["macs"] == "fa:16:3e:24:46:3a"
    assert document["notes"] == [
        "nothing was found that makes it with actions as given; what is told leaves actions open"
    ]


def test_what_is_shown_decides_nothing(world):
    """A change that is found without --all is found with it, and the other way around."""
    for question in QUESTIONS:
        found = [ask(world, whynot.VERB, question, all=everything)["changes"] for everything in (False, True)]
        assert all(found), question


def test_the_same_every_time(world):
    """The names of rows are in order, so that two processes give one document."""
    names = ask(world, whynot.VERB, QUESTIONS[5])["names"]
    assert list(names) == sorted(names)
