"""The question that ``ovn-rules trace`` gives with a drop: what whynot answers lets the packet pass."""

import pytest
from asked import ask, loaded, shown

from ovn_rules.cli.verbs import trace, whynot
from ovn_rules.cli.verbs.changes import read_changes
from ovn_rules.cli.verbs.facts import fact_text
from ovn_rules.engine.errors import QuestionError

VM1, VM2, VM3 = "fa:16:3e:76:12:96", "fa:16:3e:24:46:3a", "fa:16:3e:50:01:91"
NOBODY = "02:00:00:00:00:99"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The demonstration's network: no test changes it."""
    return loaded(tmp_path_factory.mktemp("saved"))


def drops(world, packet):
    """Where a packet is dropped: table and what is said of it."""
    found, waiting = [], [ask(world, trace.VERB, packet)["visit"]["first"]]
    while waiting:
        stage = waiting.pop()
        found += [(stage["table"], stage["drop"])] if stage["drop"] else []
        waiting += [r for r in stage["results"] if r["type"] == "stage"]
    return found


@pytest.mark.parametrize(
    ("packet", "table"),
    [
        (f"net-a vm1 {NOBODY}", 17),
        (f'net-a inport == "vm1" && eth.src == {VM3} && eth.dst == {VM2}', 16),
        (f"net-b other {NOBODY}", 1),
    ],
)
def test_the_question_leads_to_what_the_packet_lacks(world, packet, table):
    """With the change that whynot finds, the packet passes the table that dropped it."""
    ((at, drop),) = drops(world, packet)
    assert at == table
    assert f"whynot {drop['question']}" in [
        line.strip(" │├└─") for line in shown(trace.VERB, ask(world, trace.VERB, packet))
    ]
    (change, *_) = ask(world, whynot.VERB, drop["question"])["changes"]
    edits = [(s, e[k]) for e in change["edits"] for s, k in (("-", "delete"), ("+", "insert")) if e[k]]
    text = "\n".join(f"{sign}{fact_text(fact).plain}" for sign, fact in edits)
    with world.engine.supposing(read_changes(world, text)):
        assert at not in [other for other, _ in drops(world, packet)]


def test_no_question(world):
    """A multicast source is dropped whatever else there is: there is nothing to ask for."""
    ((_, drop),) = drops(world, 'net-a inport == "vm1" && eth.src == 01:00:00:00:00:01')
    assert drop["question"] == ""


def test_quotes_for_a_shell(world):
    """A microflow in a shell's quotes is read where no shell takes them off; a mistake in it is where it stands."""
    bare = f'inport == "vm1" && eth.src == {VM1}'
    assert ask(world, trace.VERB, f"net-a '{bare}'") == ask(world, trace.VERB, f"net-a {bare}")
    with pytest.raises(QuestionError) as caught:
        ask(world, trace.VERB, "net-a 'frob == 1'")
    assert caught.value.shown().splitlines()[1:] == ["    net-a 'frob == 1'", "           ^"]
