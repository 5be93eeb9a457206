"""The parts of the simulator by themselves: matches, actions, finding flows, limits, what it refuses."""

import drawn
import flow_meaning
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from switched import assert_final, follow, put, said

from ovn_rules.rules.lflow import EZBAKE, openflow
from ovn_rules.rules.openflow import (
    ActionError,
    Flow,
    FlowTable,
    Ignored,
    MatchError,
    Packet,
    differing,
    packet_text,
)
from ovn_rules.rules.openflow.actions import parse_action
from ovn_rules.rules.openflow.match import item_cube
from ovn_rules.rules.openflow.packet import value_text
from ovn_rules.rules.openflow.simulate import RESUBMITS

PORTS = tuple(drawn.PORTS.items())


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(expressions=st.lists(drawn.expressions(drawn.EZBAKE), min_size=1, max_size=6), data=st.data())
def test_flows_are_found_without_reading_all(expressions, data):
    """A table finds the flows that a packet satisfies, and no others: those that the tests' own reading finds."""
    flows = {
        (10 * i, match): Flow(16, 10 * i, match, actions)
        for i, e in enumerate(expressions)
        for match, actions in openflow(e.text, "next;", 0, 7, PORTS, i + 1, symbols=EZBAKE)
    }
    table = FlowTable(flows.values())
    for fields in data.draw(st.lists(drawn.packets(drawn.EZBAKE), min_size=2, max_size=5)):
        packet = fields | {"metadata": 7}
        if fields["nw_frag"]:
            packet |= dict.fromkeys(("tp_src", "tp_dst", "icmp_type", "icmp_code"), 0)
        found = set(table.satisfied(Packet.of(**packet).matched))
        assert found == {f for f in flows.values() if flow_meaning.matches(f.match, packet)}


HALVES = [Flow(t, 1, "", f"resubmit(,{t + 1}),resubmit(,{t + 1})") for t in range(1, 11)]
"""With two look-ups in table 1 these come to 4094, the last 2048 of them in table 11."""

DOWN = [Flow(t, 1, "", f"resubmit(,{t - 1})") for t in range(2, 80)] + [Flow(1, 1, "", "output:2")]


@pytest.mark.parametrize(("more", "fails"), [(2, False), (3, True)])
def test_too_many_resubmits(switch, more, fails):
    """A packet that takes more than 4096 look-ups is dropped altogether, by the switch and by the simulator."""
    begin = Flow(0, 1, "", ",".join(["resubmit(,1)"] * 2 + ["resubmit(,90)"] * more))
    flows = [begin, *HALVES, Flow(11, 1, "", "output:2")]
    put(switch, flows)
    real, way = said(switch, Packet.of(in_port=1)), follow(flows, Packet.of(in_port=1))
    assert ("resubmit actions" in real.text) == fails
    assert bool(way.failure) == fails
    assert len(way.outputs()) == (0 if fails else 2048)
    if not fails:
        assert len(real.outputs) == 2048
        assert len(real.lookups) == RESUBMITS + 1


@pytest.mark.parametrize(("start", "fails"), [(64, False), (65, False), (66, True), (79, True)])
def test_too_deep(switch, start, fails):
    """Look-ups that go back to lower tables too often are a packet's end, by the switch and by the simulator."""
    flows = [Flow(0, 1, "", f"resubmit(,{start})"), *DOWN]
    put(switch, flows)
    real, way = said(switch, Packet.of(in_port=1)), follow(flows, Packet.of(in_port=1))
    assert ("Translation failed" in real.text) == fails, real.text[-300:]
    assert bool(way.failure) == fails


def test_a_third_tag(switch):
    """A switch knows of two VLAN tags: pushing a third loses the innermost, and taking them off ends with none."""
    flows = [Flow(0, 1, "", "push_vlan:0x8100,set_field:4101->vlan_vid,push_vlan:0x8100,output:2,resubmit(,1)")]
    flows += [Flow(1, 1, "dl_vlan=0", "pop_vlan,resubmit(,2)"), Flow(2, 1, "dl_vlan=5", "pop_vlan,resubmit(,3)")]
    put(switch, flows)
    packet = Packet.of(in_port=1, vlan_tci=0x1007)
    real, way = said(switch, packet), follow(flows, packet)
    assert [t for t, _, _ in real.lookups] == [0, 1, 2, 3]
    assert "dl_vlan" not in real.final
    assert way.last["vlan_tci"] == way.last.below == 0


def test_a_later_fragment_has_no_ports(switch):
    """Writing a port of a later fragment has no effect, and that is said."""
    flows = [Flow(0, 1, "tcp", "set_field:80->tcp_dst,output:2")]
    put(switch, flows)
    packet = Packet.of(in_port=1, dl_type=0x800, nw_proto=6, nw_frag=3)
    assert "set_field ignored" in said(switch, packet).text
    way = follow(flows, packet)
    assert [r.reason for r in way.first.results if isinstance(r, Ignored)] == [
        "a later fragment has no transport header"
    ]
    assert way.last == packet


@pytest.mark.parametrize("action", ["10->ip_dscp", "3->nw_ecn", "9->nw_ttl", "10.0.0.1/15.0.0.255->ip_src"])
def test_fields_of_ip(switch, action):
    """Writing a field, or a part of it, changes these bits and no others."""
    flows = [Flow(0, 1, "ip", f"set_field:{action},output:2")]
    put(switch, flows)
    packet = Packet.of(in_port=1, dl_type=0x800, nw_proto=17, nw_tos=0xC4, nw_ecn=1, nw_ttl=64, nw_src=0xC0A80102)
    assert_final(follow(flows, packet).last, said(switch, packet).final)


@pytest.mark.parametrize(
    "text", ["clone(output:2)", "ct(commit)", "resubmit(3,4)", "output:NORMAL", "load:1->FOO[]", "NORMAL"]
)
def test_unknown_actions_are_named(text):
    """An action that isn't simulated is refused by name, not passed over."""
    with pytest.raises(ActionError, match="not simulated") as caught:
        follow([Flow(0, 1, "", f"output:1,{text}")], Packet())
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "text", ["foo=1", "reg0=x", "reg0=0x100000000", "nw_frag=perhaps", "tcp_flags=+foo", "dl_vlan=4096"]
)
def test_unknown_matches_are_named(text):
    """A part of a match that isn't known is refused."""
    with pytest.raises(MatchError):
        item_cube(text)


def test_what_differs():
    """The parts of a match that a packet fails, each with the field and the packet's value."""
    packet = Packet.of(dl_type=0x800, nw_proto=17, reg6=1, nw_dst=0x0A000001, vlan_tci=0x1005)
    found = differing("tcp,reg6=0x2,dl_vlan=5,nw_dst=10.0.0.0/8,tp_dst=80", packet.matched)
    assert found == (("tcp", "nw_proto", 17), ("reg6=0x2", "reg6", 1), ("tp_dst=80", "tp_dst", 0))


def test_the_nearest_flows():
    """The flows that would have let a packet pass, those that differ least and come first."""
    table = FlowTable(
        [
            Flow(16, 50, "reg6=0x1,metadata=0x1,dl_src=00:00:00:00:00:01", "resubmit(,17)"),
            Flow(16, 60, "reg6=0x2,metadata=0x1,dl_src=00:00:00:00:00:01", "resubmit(,17)"),
            Flow(16, 40, "reg6=0x1,metadata=0x1,dl_src=00:00:00:00:00:02", "resubmit(,17)"),
            Flow(16, 90, "reg6=0x1,metadata=0x1", "drop"),
        ]
    )
    bits = Packet.of(reg6=1, metadata=1, dl_src=9).matched
    near, more = table.nearest(bits, 0, 1)
    assert [(f.priority, [d.wanted for d in parts]) for f, parts in near] == [(50, ["dl_src=00:00:00:00:00:01"])]
    assert more == 1
    assert [f.priority for f, _ in table.nearest(bits, 51, 3)[0]] == [60]


def test_every_action_that_is_written_is_read():
    """What the library writes for any assignment is an action that the simulator knows."""
    for name in drawn.EZBAKE.fields:
        for text in (f"{name} = 0;", f"{name} = {name};", f"{name} <-> {name};"):
            for _, actions in openflow("1", text, 0, 7):
                for each in actions.split(","):
                    if each != "drop":
                        parse_action(each)


def test_text():
    """A packet's text has the fields that aren't 0."""
    packet = Packet.of(in_port=3, dl_type=0x800, nw_proto=17, tp_dst=53, tun_id=5, vlan_tci=0x1007)
    assert packet_text(packet) == "in_port=3,tun_id=0x5,udp,dl_vlan=7,dl_vlan_pcp=0,udp_dst=53"
    assert packet_text(Packet()) == ""


def test_values():
    """A field's value is written as flows write it: the numbers of ports are decimal."""
    values = {"in_port": 11, "conj_id": 12, "reg6": 13, "tun_id": 14, "nw_ttl": 64, "dl_dst": 1, "nw_src": 0xC0A80101}
    texts = ["11", "12", "0xd", "0xe", "64", "00:00:00:00:00:01", "192.168.1.1"]
    assert [value_text(field, value) for field, value in values.items()] == texts
