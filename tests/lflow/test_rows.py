"""What rules call: whole logical flows, ports found first, conjunction IDs, nothing raised."""

import itertools
import json

import drawn
import flow_meaning
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovn_rules.rules.lflow import (
    EZBAKE,
    OVN,
    LflowError,
    Pipeline,
    actions_text,
    needs_conjunction,
    openflow,
    parse,
    parse_actions,
    ports_in,
    problem,
)
from ovn_rules.rules.lflow.actions import EZBAKE_PIPELINE, flood_text
from ovn_rules.rules.lflow.conjunctions import flows
from ovn_rules.rules.lflow.normal import Setting
from ovn_rules.rules.lflow.quick import quick

SETS = "ip4.src == {10.0.0.1, 10.0.0.2, 10.0.0.4, 10.0.0.8, 10.0.0.16} && tcp.dst == {22, 80, 443, 8080}"
PORTS = tuple(drawn.PORTS.items())
MAC = "0a:00:00:00:00:01"


@pytest.mark.parametrize(
    ("match", "actions", "table", "expected"),
    [
        ("vlan.present", "drop;", 0, [("metadata=0x2,vlan_tci=0x1000/0x1000", "drop")]),
        ("eth.src[40]", "drop;", 0, [("metadata=0x2,dl_src=01:00:00:00:00:00/01:00:00:00:00:00", "drop")]),
        ('inport == "a"', "next;", 0, [("reg6=0x1,metadata=0x2", "resubmit(,17)")]),
        (
            f'inport == "a" && eth.src == {{{MAC} 0a:00:00:00:00:06}}',
            "next;",
            0,
            [
                (f"reg6=0x1,metadata=0x2,dl_src={MAC}", "resubmit(,17)"),
                ("reg6=0x1,metadata=0x2,dl_src=0a:00:00:00:00:06", "resubmit(,17)"),
            ],
        ),
        ("1", "drop;", 0, [("metadata=0x2", "drop")]),
        (
            "eth.dst[40]",
            'outport = "a"; next; outport = "b"; next;',
            1,
            [
                (
                    "metadata=0x2,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
                    "set_field:0x1->reg7,resubmit(,18),set_field:0x2->reg7,resubmit(,18)",
                )
            ],
        ),
        ("eth.dst[40]", "", 1, [("metadata=0x2,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "drop")]),
        (
            f"eth.dst == {MAC}",
            'outport = "gone"; next;',
            1,
            [(f"metadata=0x2,dl_dst={MAC}", "set_field:0->reg7,resubmit(,18)")],
        ),
        ('outport == "b"', "output;", 3, [("reg7=0x2,metadata=0x2", "resubmit(,64)")]),
        ('inport == "gone"', "next;", 0, []),
    ],
)
def test_rows_of_the_pipeline(match, actions, table, expected):
    """Each kind of row that the central daemon writes becomes the flows of its table."""
    assert openflow(match, actions, table, 2, PORTS) == tuple(expected)


def test_tables_are_parameters():
    """Where the logical tables begin, where output goes and how many there are is the caller's choice."""
    pipeline = Pipeline(first=8, output=40, length=3)
    assert openflow("1", "next; output;", 1, 1, pipeline=pipeline) == (("metadata=0x1", "resubmit(,10),resubmit(,40)"),)
    assert openflow("1", "next; output;", 2, 1, pipeline=pipeline) == ()
    assert "not allowed in last" in problem("1", "next; output;", 2, pipeline)
    assert "not allowed in last" in problem("1", "output; next; reg0 = 1;", 2, pipeline)


def test_a_conjunction_takes_its_id_from_the_caller():
    """Every share and every end of a row's conjunctive match carries the given ID; without one it is multiplied out."""
    assert needs_conjunction(SETS)
    rows = openflow(SETS, "next;", 2, 1, conj_id=77)
    assert len(rows) == 10
    assert ("conj_id=77,tcp,metadata=0x1", "resubmit(,19)") in rows
    assert ("tcp,metadata=0x1,nw_src=10.0.0.16", "conjunction(77,1/2)") in rows
    assert ("tcp,metadata=0x1,tp_dst=8080", "conjunction(77,2/2)") in rows
    plain = openflow(SETS, "next;", 2, 1)
    assert len(plain) == 20
    assert {a for _, a in plain} == {"resubmit(,19)"}


def test_two_conjunctions_of_one_row_have_ids_of_their_own():
    """Alternatives that both need a conjunctive match don't mix, and no other row's ID is taken."""
    other = "eth.src == {1, 2, 4, 8, 16} && udp.src == {1, 2, 4, 8, 16}".replace("1,", "00:00:00:00:00:01,", 1)
    rows = openflow(f"({SETS}) || ({other})", "next;", 2, 1, conj_id=77)
    ids = {i for _, a in rows for i, _, _ in flow_meaning.SHARE.findall(a)}
    assert ids == {"77", str(77 + (1 << 20))}


def test_a_share_in_two_conjunctions_is_one_flow():
    """Two conjunctive matches that say the same of a packet share the flow, so that neither replaces the other's."""
    sets = "{10.0.0.1, 10.0.0.2, 10.0.0.4, 10.0.0.8, 10.0.0.16}"
    match = (
        f"(ip4.src == {sets} && ip4.dst == {sets} && reg0 == 1) || "
        f"(ip4.src == {sets} && ip4.dst == {{9.0.0.1, 9.0.0.2, 9.0.0.4, 9.0.0.8}} && reg0 == 1)"
    )
    rows = openflow(match, "next;", 2, 1, conj_id=1)
    assert len({m for m, _ in rows}) == len(rows)
    assert ("ip,reg0=0x1,metadata=0x1,nw_src=10.0.0.4", "conjunction(1,1/2),conjunction(1048577,1/2)") in rows


def test_a_whole_match_comes_before_a_share_of_one():
    """Where an alternative alone says what a share says, the flow carries out the actions."""
    rows = openflow(f"({SETS}) || (ip4 && tcp.dst == 80)", "next;", 2, 1, conj_id=1)
    assert [a for m, a in rows if m == "tcp,metadata=0x1,tp_dst=80"] == ["resubmit(,19)"]


def test_the_end_of_a_conjunction_is_printed_in_the_switchs_order():
    """conj_id stands behind pkt_mark and before the connection's state, as dump-flows prints it."""
    rows = openflow(f"{SETS} && pkt.mark == 1 && ct.est", "next;", 2, 1, conj_id=1, symbols=OVN)
    assert "pkt_mark=0x1,conj_id=1,ct_state=+est+trk,tcp,metadata=0x1" in {m for m, _ in rows}


@pytest.mark.parametrize(
    ("match", "actions", "expected"),
    [
        ("1", "next;", False),
        ('inport == "a" && eth.src == {00:00:00:00:00:01 00:00:00:00:00:02}', "next;", False),
        ("ip4.src == {10.0.0.1, 10.0.0.2, 10.0.0.4, 10.0.0.8} && ip.ttl == {1, 2, 3, 4}", "next;", False),
        ("ip4.src == {10.0.0.1, 10.0.0.2, 10.0.0.4, 10.0.0.8} && ip.ttl == {1, 2, 3, 4, 5}", "next;", True),
        ("tcp.dst != 80", "next;", False),
        (SETS, "wrong;", False),
        (SETS + " &&", "next;", False),
    ],
)
def test_a_conjunction_is_asked_for_beyond_sixteen_flows(match, actions, expected):
    """Up to 16 flows are multiplied out; more need an ID; a row that can't be read needs none."""
    assert needs_conjunction(match, (), actions) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('inport == "a" && outport == {"b", "a"}', ("a", "b")),
        ('outport = "x y"; next; outport = "z"; next;', ("x y", "z")),
        ('inport == "q\\"\\u00e9" // "no"', ('q"é',)),
        ('inport == "a/b"', ("a/b",)),
        ("eth.dst[40]", ()),
        ('inport == "a" && "', ()),
        ('inport == "a', ()),
        ("", ()),
    ],
)
def test_ports_are_found_without_translating(text, expected):
    """The ports that a text names are its strings, each once; an unreadable text names none that matter."""
    found = ports_in(text)
    assert found[: len(expected)] == expected
    assert all(openflow(text, "next;", 0, 1, ((p, 1) for p in found)) == () for _ in found[len(expected) :])


@pytest.mark.parametrize(
    ("match", "actions", "expected"),
    [
        ("ip4 &", "next;", "`&' is only valid as part of `&&' (match, at offset 4)"),
        ("ip4 &&", "next;", "Syntax error at end of input expecting constant (match, at its end)"),
        ("1", "outport = 5;", "String field outport is not compatible with integer constant (actions, at offset 10)"),
        ("", "next;", "Syntax error at end of input expecting constant (match, at its end)"),
        ("ct.est", "next;", "Syntax error at `ct.est' expecting field name (match, at offset 0)"),
    ],
)
def test_a_problem_is_one_line_that_says_where(match, actions, expected):
    """A row that can't be read gives no flows, and a line with what is wrong and where."""
    assert problem(match, actions) == expected
    assert openflow(match, actions, 0, 1) == ()


def test_a_row_of_too_many_flows_is_a_problem():
    """An expression that explodes is refused with the limit, not computed."""
    match = " && ".join(f"ip6.src != {i:x}::{i:x}" for i in range(1, 3000))
    assert "too many OpenFlow flows (the limit is 65536)" in problem(match, "next;")
    assert openflow(match, "next;", 0, 1) == ()


def test_what_actions_imply_joins_the_match():
    """A row that sets a transport port applies to that transport alone, also where it is a conjunctive match."""
    assert {m for m, _ in openflow("ip4", "udp.dst = 53; next;", 0, 1)} == {"udp,metadata=0x1"}
    sets = "eth.src == {1, 2, 4, 8, 16} && eth.dst == {1, 2, 4, 8, 16}"
    ends = [m for m, a in openflow(sets, "ip4.src = 1.2.3.4;", 0, 1, conj_id=3) if "set_field" in a]
    assert ends == ["conj_id=3,ip,metadata=0x1"]


@st.composite
def rows(draw, language):
    """Terms of the kinds that most logical flows have, some of them wrong."""
    fields = sorted(language.fields)
    names = st.sampled_from(fields + sorted(language.predicates) + sorted(language.booleans))
    terms = []
    for _ in range(draw(st.integers(1, 4))):
        name = draw(names)
        values = language.fields[name].values if name in language.fields else (0, 1)
        numbers = [draw(drawn.constant(v, 0)) for v in draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))]
        forms = (
            name,
            f"{name}[{draw(st.integers(0, 50))}]",
            f"{name} == {numbers[0]}",
            f"{name} == {{{' '.join(numbers)}}}",
            f"inport == {json.dumps(draw(st.sampled_from([*drawn.PORTS, 'gone'])))}",
            "1",
            f"{name} == {MAC}",
            f"{name} == 10.0.0.{draw(st.integers(250, 260))}",
        )
        terms.append(draw(st.sampled_from(forms)))
    return " && ".join(terms)


@pytest.mark.parametrize(("language", "table"), [(drawn.EZBAKE, EZBAKE), (drawn.OVN, OVN)], ids=["ezbake", "ovn"])
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_short_way_gives_what_the_long_way_gives(language, table, data):
    """For every text that the short way takes, the long way gives the same cubes, and finds nothing wrong."""
    text = data.draw(rows(language))
    setting = Setting(table, drawn.PORTS)
    assert_short_is_long(text, setting)


@pytest.mark.parametrize(("field", "width"), [("ip.frag", 2), ("vlan.pcp", 3)])
def test_every_set_of_a_small_field(field, width):
    """Also where a set has nearly all values, in any order, and twice."""
    for count in range(1, (1 << width) + 1):
        for values in itertools.combinations(range(1 << width), count):
            for order in (values, values[::-1], values + values[:1]):
                assert_short_is_long(f"{field} == {{{' '.join(map(str, order))}}}", Setting(OVN, drawn.PORTS))


def assert_short_is_long(text, setting):
    """What the short way gives, if it takes the text, the long way gives too."""
    short = quick(text, setting)
    if short is not None:
        assert set(short) == {f.cube for f in flows(parse(text, setting.table), setting, conjunctive=False)}, text


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(['outport = "a";', 'inport = "gone";', "next;", "output;", "reg0 = 1;", " ", "drop;"])),
    st.sampled_from(["", " "]),
)
def test_a_flood_the_short_way_is_the_long_way(parts, between):
    """Actions of nothing but ports and passing on become the same text the short way."""
    text = between.join(parts)
    short = flood_text(text, EZBAKE, drawn.PORTS, 1, EZBAKE_PIPELINE)
    try:
        long = actions_text(parse_actions(text, EZBAKE, 1), drawn.PORTS, 1)
    except LflowError:
        long = None
    assert short in (None, long)
    assert short is not None or not parts or any(p in ("reg0 = 1;", " ", "drop;") for p in parts)
