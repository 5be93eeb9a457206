"""What the library writes, a real switch takes verbatim, prints again, and means the same by."""

import re

import drawn
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ovn_rules.rules.lflow import EZBAKE, OVN, openflow

PORTS = tuple(drawn.PORTS.items())
LANGUAGES = {"ezbake": (drawn.EZBAKE, EZBAKE), "ovn": (drawn.OVN, OVN)}
BATCH = settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a batch that fails names the flow by itself
    suppress_health_check=list(HealthCheck),
)
MOST = 300


def lines(rows):
    """Lines as dump-flows prints them, one table for each logical flow so that none replaces another's."""
    return [
        f" table={i + 1}, priority=50,{match} actions={actions}"
        for i, row in enumerate(rows)
        for match, actions in row[:MOST]
    ]


def check_kept(switch, rows):
    """Asserts that the switch holds exactly the lines it was given."""
    wanted = lines(rows)
    kept = switch.keeps([line.strip() for line in wanted]).splitlines()
    assert set(wanted) - set(kept) == set(), "not kept as it was"
    assert set(kept) - set(wanted) == set(), "kept instead"


@pytest.mark.parametrize("name", LANGUAGES)
@BATCH
@given(data=st.data())
def test_matches_come_back_as_they_were(switch, name, data):
    """ovs-ofctl accepts every match as it is, and dump-flows prints the same text."""
    language, table = LANGUAGES[name]
    expressions = data.draw(st.lists(drawn.expressions(language), min_size=20, max_size=60))
    check_kept(switch, [openflow(e.text, "next;", 0, 7, PORTS, 5, symbols=table) for e in expressions])


@pytest.mark.parametrize("name", LANGUAGES)
@BATCH
@given(data=st.data())
def test_actions_come_back_as_they_were(switch, name, data):
    """ovs-ofctl accepts every action with the match it implies, and dump-flows prints the same text."""
    language, table = LANGUAGES[name]
    texts = data.draw(st.lists(drawn.assignments(language), min_size=60, max_size=120))
    rows = [openflow("1", text, 0, 7, PORTS, symbols=table) for text in texts]
    check_kept(switch, rows)


def test_the_longest_actions_come_back_as_they_were(switch):
    """A broadcast to a thousand ports is one flow that the switch keeps as it is."""
    names = [f"p{i}" for i in range(1000)]
    actions = " ".join(f'outport = "{n}"; next;' for n in names)
    check_kept(switch, [openflow("eth.dst[40]", actions, 1, 7, tuple((n, i + 1) for i, n in enumerate(names)))])


SETS = "ip4.src == {10.0.0.1, 10.0.0.7, 10.0.0.10, 10.0.0.20} && tcp.dst == {80, 443, 8080, 1000, 2000}"


@pytest.mark.parametrize(
    ("match", "source", "port", "passes"),
    [
        (SETS, "10.0.0.7", 443, True),
        (SETS, "10.0.0.20", 2000, True),
        (SETS, "10.0.0.8", 443, False),
        (SETS, "10.0.0.7", 444, False),
        (f"({SETS}) || ip4.src == 10.0.0.8", "10.0.0.8", 444, True),
        ("1000 <= tcp.dst < 2000 && ip4.src[0..3] == 9", "10.0.0.9", 1999, True),
        ("1000 <= tcp.dst < 2000 && ip4.src[0..3] == 9", "10.0.0.8", 1999, False),
        ("1000 <= tcp.dst < 2000 && ip4.src[0..3] == 9", "10.0.0.9", 2000, False),
    ],
)
def test_the_switch_means_the_same_by_them(switch, match, source, port, passes):
    """A real switch sends exactly the packets on to the next table that the expression holds for."""
    rows = openflow(match, "next;", 0, 7, (), 9)
    assert any("conjunction" in a for _, a in rows) == (SETS in match)
    switch.keeps(
        ["table=0,actions=set_field:7->metadata,resubmit(,16)", "table=17,actions=set_field:99->reg5"]
        + [f"table=16,priority=50,{m} actions={a}" for m, a in rows]
    )
    said = switch.trace(f"tcp,in_port=1,nw_src={source},nw_dst=1.2.3.4,nw_ttl=64,tp_dst={port}")
    assert bool(re.search(r"^ *17\. ", said, re.MULTILINE)) == passes, said
