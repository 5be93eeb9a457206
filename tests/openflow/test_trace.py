"""What the simulator does with a packet, a real switch says it does too."""

import re

import drawn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from switched import assert_final, follow, put, said

from ovn_rules.rules.lflow import openflow
from ovn_rules.rules.openflow import Flow, Output, Packet, Step, packet_text

PORTS = tuple(drawn.PORTS.items())
BATCH = settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a batch that fails names the packet by itself
    suppress_health_check=list(HealthCheck),
)
ENTRANCE = [
    Flow(0, 100, f"in_port={n}", f"set_field:0x7->metadata,set_field:{n:#x}->reg6,resubmit(,16)") for n in (1, 2, 3)
] + [
    Flow(0, 150, "in_port=4,dl_vlan=5", "set_field:0x7->metadata,set_field:0x1->reg6,pop_vlan,resubmit(,16)"),
    Flow(0, 50, "tun_id=0x5", "output:4"),
    Flow(0, 50, "tun_id=0x6", "push_vlan:0x8100,set_field:4103->vlan_vid,output:4"),
]
EXIT = [
    Flow(64, 100, "reg6=0x2,reg7=0x1", "drop"),
    Flow(64, 50, "reg7=0x1", "output:1,output:2"),
    Flow(64, 50, "reg7=0x2", "push_vlan:0x8100,set_field:4101->vlan_vid,set_field:0->in_port,output:4"),
    Flow(64, 50, "reg7=0x3", "set_field:0x3->tun_id,output:9"),
]
TRANSPORT = re.compile(r"tcp|udp|sctp|icmp|nd_|TCP|UDP|SCTP|ICMP|ND_")
FLOODS = ['outport = "a"; next; outport = "b"; next;', 'outport = "b"; output; outport = "a"; output;']


@st.composite
def rows(draw):
    """Logical flows of three tables, no two of one priority, with any match and any actions of the language."""
    count = draw(st.integers(3, 9))
    found = []
    for i in range(count):
        table = draw(st.integers(0, 2))
        match = draw(drawn.expressions(drawn.EZBAKE)).text if draw(st.integers(0, 3)) else "1"
        change = draw(drawn.assignments(drawn.EZBAKE) | st.just(""))
        way = draw(st.sampled_from(["next;", "next;", "output;", "drop;", *FLOODS]))
        actions = way if way == "drop;" else f"{change} {way}"
        found.append((table, 10 * i + draw(st.integers(0, 9)), match, actions))
    return found


def flows_of(found):
    """The flows of logical flows between the entrance and the exit."""
    flows = {f[:3]: f for f in ENTRANCE + EXIT}
    for i, (table, priority, match, actions) in enumerate(found):
        for of_match, of_actions in openflow(match, actions, table, 7, PORTS, i + 1):
            if "nw_frag=later" in of_match and TRANSPORT.search(of_actions):
                continue  # a switch refuses actions on a header that its match says isn't there
            flow = Flow(16 + table, priority, of_match, of_actions)
            flows[flow[:3]] = flow
    return list(flows.values())


def events(step):
    """What happened, in the form of ``traced``."""
    found = [(step.table, step.hit.flow.priority, step.hit.flow.match) if step.hit else (step.table, None, None)]
    for result in step.results:
        if isinstance(result, Step):
            found += events(result)
        elif isinstance(result, Output):
            found.append((result.port, not result.back))
    return found


@st.composite
def arrivals(draw):
    """A packet as it comes from a port or a tunnel."""
    fields = draw(drawn.packets(drawn.EZBAKE)) | dict.fromkeys(("pkt_mark", "ct_state", "ct_mark", "ct_label"), 0)
    fields |= {f"reg{n}": 0 for n in (6, 7)}
    if fields["icmp_code"]:  # neighbour discovery has code 0
        fields |= dict.fromkeys(("nd_target", "nd_sll", "nd_tll"), 0)
    fields["in_port"] = draw(st.sampled_from((1, 1, 2, 3, 4, 9)))
    if fields["in_port"] == 4:
        fields["vlan_tci"] = 0x1005
    if fields["in_port"] == 9:
        fields["tun_id"] = draw(st.sampled_from((5, 6, 7)))
    return Packet.of(**fields)


def without_match(found):
    """Events without the match: several flows of one logical flow may take a packet."""
    return [e[:2] if len(e) == 3 else e for e in found]


@BATCH
@given(found=rows(), packets=st.lists(arrivals(), min_size=6, max_size=12))
def test_a_packet_takes_the_way_it_takes_in_a_switch(switch, found, packets):
    """For any logical flows and packets: the same tables, priorities, outputs, and the same packet at the end."""
    flows = flows_of(found)
    put(switch, flows)
    for packet in packets:
        real, way = said(switch, packet), follow(flows, packet)
        assert not way.failure
        ours = events(way.first)
        assert without_match(ours) == without_match(real.events), (found, packet_text(packet), real.text)
        for table, _, match in (e for e in real.events if len(e) == 3):
            assert match is None or any(f.table == table and f.match == match for f in flows), match
        assert_final(way.last, real.final)


SOURCES = {f"10.0.0.{n}": 0x0A000000 + n for n in (1, 7, 11, 20)}
TARGETS = (22, 25, 80, 443, 8080, 9090)
SETS = f"ip4.src == {{{', '.join(SOURCES)}}} && tcp.dst == {{{', '.join(map(str, TARGETS))}}}"


@BATCH
@given(data=st.data())
def test_conjunctions_and_fragments(switch, data):
    """Of a conjunctive match every dimension counts; of a fragment no port does."""
    plain = f"tcp && ip4.src == {data.draw(st.sampled_from(sorted(SOURCES)))}"
    priorities = data.draw(st.permutations((10, 20, 30)))
    found = [
        (0, p, m, a) for p, (m, a) in zip(priorities, ((SETS, "drop;"), (plain, "next;"), ("1", "next;")), strict=True)
    ]
    flows = flows_of(found)
    assert any(f.actions.startswith("conjunction") for f in flows)
    put(switch, flows)
    for _ in range(8):
        fields = {"in_port": 1, "dl_type": 0x800, "nw_proto": data.draw(st.sampled_from((6, 6, 6, 17)))}
        fields["nw_src"] = data.draw(st.sampled_from([*SOURCES.values(), 0x0A000002]))
        fields["nw_frag"] = data.draw(st.sampled_from((0, 0, 1, 3)))
        if fields["nw_frag"] != 3:
            fields["tp_dst"] = data.draw(st.sampled_from((*TARGETS, 81)))
        packet = Packet.of(**fields)
        real = said(switch, packet)
        assert without_match(events(follow(flows, packet).first)) == without_match(real.events), real.text
