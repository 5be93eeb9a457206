"""Flow text becomes the OpenFlow messages that ovs-ofctl would send."""

import contextlib
import ipaddress
import time

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from ovs.poller import Poller

from ovn_rules.io.flows import flow_mod, parse_dump
from ovn_rules.io.ofctl import assemble
from ovn_rules.io.openflow_connection import Committed, Connection, Failed, Ready
from ovn_rules.io.openflow_encode import encode_flow
from ovn_rules.io.openflow_fields import UnknownTextError


def hexadecimal(bits):
    return st.integers(0, 2**bits - 1).map(hex)


EMPTY = ("0x0", "00:00:00:00:00:00", str(ipaddress.IPv4Address(0)), "::")


def masked(values, masks):
    """A value, or one with a mask that isn't empty: text of a switch has no empty masks."""
    return values | st.tuples(values, masks.filter(lambda mask: mask not in EMPTY)).map("/".join)


ethers = st.integers(0, 2**48 - 1).map(lambda n: n.to_bytes(6, "big").hex(":"))
ether_words = masked(ethers, ethers)
ipv4s = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
ipv4_words = masked(ipv4s, st.integers(1, 32).map(str) | ipv4s)
ipv6s = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
ipv6_words = masked(ipv6s, st.integers(1, 128).map(str) | ipv6s)
ports = masked(st.integers(0, 65535).map(str), hexadecimal(16))
octets = st.integers(0, 255).map(str)
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
flag_words = st.lists(st.tuples(st.sampled_from("+-"), st.sampled_from(FLAGS)), min_size=1, max_size=9).map(
    lambda pairs: "".join(f"{sign}{flag}" for flag, sign in {flag: sign for sign, flag in pairs}.items())
) | hexadecimal(9)


def word(name, values):
    return values.map(lambda value: f"{name}={value}")


def some(*words):
    """Any selection of these words, each at most once."""
    return st.tuples(*(st.none() | w for w in words)).map(lambda found: [w for w in found if w])


REGISTERS = some(
    *(word(f"reg{i}", masked(hexadecimal(32), hexadecimal(32))) for i in (0, 5, 6, 7)),
    word("metadata", masked(hexadecimal(64), hexadecimal(64))),
    word("tun_id", hexadecimal(64)),
    word("in_port", st.integers(1, 65279).map(str) | st.just("LOCAL")),
    word("conj_id", st.integers(0, 2**32 - 1).map(str)),
    word("dl_src", ether_words),
    word("dl_dst", ether_words),
)
VLAN = st.sampled_from(
    [
        [],
        ["vlan_tci=0x1000/0x1000"],
        ["vlan_tci=0x0000/0x1fff"],
        ["dl_vlan=7"],
        ["dl_vlan_pcp=5"],
        ["dl_vlan=7,dl_vlan_pcp=5"],
        ["vlan_tci=0x1100/0x1f00"],
    ]
)
NETWORK = (
    word("nw_ttl", octets),
    word("nw_ecn", st.integers(0, 3)),
    word("nw_tos", st.integers(0, 63).map(lambda n: n * 4)),
)
IPV4 = some(word("nw_src", ipv4_words), word("nw_dst", ipv4_words), *NETWORK)
IPV6 = some(word("ipv6_src", ipv6_words), word("ipv6_dst", ipv6_words), word("ipv6_label", hexadecimal(20)), *NETWORK)
FRAGMENT = some(word("nw_frag", st.sampled_from(["no", "yes", "first", "later", "not_later"])))
TRANSPORT = some(word("tp_src", ports), word("tp_dst", ports))


def of(*parts):
    return st.tuples(*parts).map(lambda lists: [w for part in lists for w in part])


def kind(name):
    return st.just([name])


LAYERS = st.one_of(
    st.just([]),
    kind("dl_type=0x88cc"),
    of(kind("arp"), some(word("arp_op", octets), word("arp_spa", ipv4_words), word("arp_tpa", ipv4_words))),
    of(kind("arp"), some(word("arp_sha", ether_words), word("arp_tha", ether_words))),
    of(kind("ip"), IPV4, FRAGMENT),
    of(kind("ipv6"), IPV6, FRAGMENT),
    of(kind("ip"), some(word("nw_proto", st.just("2")))),
    of(st.sampled_from([["tcp"], ["udp"], ["sctp"]]), IPV4, TRANSPORT),
    of(st.sampled_from([["tcp6"], ["udp6"], ["sctp6"]]), IPV6, TRANSPORT),
    of(st.sampled_from([["tcp"], ["tcp6"]]), some(word("tcp_flags", flag_words))),
    of(kind("icmp"), IPV4, some(word("icmp_type", octets), word("icmp_code", octets))),
    of(kind("icmp6"), IPV6, some(word("icmp_type", octets), word("icmp_code", octets))),
    of(kind("icmp6,icmp_type=135,icmp_code=0"), some(word("nd_target", ipv6_words), word("nd_sll", ethers))),
    of(kind("icmp6,icmp_type=136,icmp_code=0"), some(word("nd_target", ipv6_words), word("nd_tll", ethers))),
)
MATCHES = of(REGISTERS, VLAN, LAYERS).map(",".join)


@st.composite
def subfields(draw, name, bits, width):
    first = draw(st.integers(0, bits - width))
    last = first + width - 1
    return f"{name}[]" if width == bits else f"{name}[{first}]" if width == 1 else f"{name}[{first}..{last}]"


@st.composite
def moves(draw):
    width = draw(st.integers(1, 32))
    fields = [("NXM_NX_REG0", 32), ("NXM_NX_REG7", 32), ("OXM_OF_METADATA", 64), ("NXM_OF_ETH_SRC", 48)]
    source, target = draw(st.permutations(fields))[:2]
    return f"move:{draw(subfields(*source, width))}->{draw(subfields(*target, width))}"


@st.composite
def loads(draw):
    width = draw(st.integers(1, 31))
    field = draw(st.sampled_from([("NXM_NX_REG1", 32), ("OXM_OF_METADATA", 64), ("NXM_OF_ETH_DST", 48)]))
    return f"load:{draw(hexadecimal(width))}->{draw(subfields(*field, width))}"


def setting(name, values):
    return values.map(lambda value: f"set_field:{value}->{name}")


ACTION = st.one_of(
    *(setting(f"reg{i}", hexadecimal(32)) for i in (0, 7)),
    setting("reg5", masked(hexadecimal(32), hexadecimal(32))),
    setting("eth_src", masked(ethers, ethers)),
    setting("metadata", hexadecimal(64)),
    setting("tun_id", hexadecimal(64)),
    setting("eth_src", ethers),
    setting("eth_dst", ethers),
    setting("in_port", st.just("0")),
    st.integers(0, 4095).map(lambda v: f"push_vlan:0x8100,set_field:{4096 + v}->vlan_vid,pop_vlan"),
    st.integers(0, 254).map(lambda t: f"resubmit(,{t})"),
    st.integers(1, 65279).map(lambda p: f"resubmit({p},)"),
    st.integers(1, 65279).map(lambda p: f"output:{p}"),
    st.sampled_from(["LOCAL", "IN_PORT", "FLOOD", "NORMAL", "ALL", "dec_ttl", "output:NXM_NX_REG7[]"]),
    moves(),
    loads(),
    st.sampled_from(["push:NXM_NX_REG0[]", "push:NXM_OF_IN_PORT[],pop:NXM_NX_REG1[0..15]"]),
)
BEYOND = ("dec_ttl", "output:NXM", ",)")
"""What the encoder leaves to ovs-ofctl."""
ACTIONS = (
    st.lists(ACTION, min_size=1, max_size=5).map(",".join)
    | st.just("drop")
    | st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 3)).map(lambda c: f"conjunction({c[0]},{c[1]}/3)")
)
FLOWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 65535), MATCHES, ACTIONS), min_size=1, max_size=25)


def send(path, messages):
    """Sends messages as one bundle; the ids of those refused, and whether the bundle was committed."""
    connection, refused = Connection(path), {}
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for message in connection.run():
            match message:
                case Ready():
                    connection.send_bundle(messages)
                case Failed(xid, reason):
                    refused[xid] = reason
                case Committed(ok):
                    connection.close()
                    return refused, ok
        poller = Poller()
        connection.wait(poller)
        poller.timer_wait(100)
        poller.block()
    pytest.fail("no answer")


@pytest.fixture(scope="module")
def bridges(ovs_session):
    """Two bridges: one for our messages, one for ovs-ofctl's."""
    for name in ("ours", "theirs"):
        ovs_session.add_bridge(name)
    yield ovs_session
    for name in ("ours", "theirs"):
        ovs_session.vsctl("del-br", name)


@settings(
    deadline=None, max_examples=60, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@example(flows=[(0, 1, "ip", "set_field:00:00:00:00:ff:00/ff:ff:ff:ff:ff:ff->eth_src")])
@given(flows=FLOWS)
def test_our_messages_mean_what_the_text_says(bridges, flows):
    """Whatever is encoded here is the flow that ovs-ofctl makes of the same text, and is refused where it is."""
    unique = {flow[:3]: flow[3] for flow in flows}
    ours = {}
    texts = [flow_mod((*key, actions)) for key, actions in unique.items()]
    theirs = assemble(texts)
    for i, (key, actions) in enumerate(unique.items()):
        if i in theirs.refused:
            continue
        try:
            ours[i] = encode_flow(key, actions, i + 1)
        except UnknownTextError:
            assert any(word in actions for word in BEYOND), (key, actions)
            ours[i] = theirs.messages[i][:4] + (i + 1).to_bytes(4, "big") + theirs.messages[i][8:]
    for bridge in ("ours", "theirs"):
        bridges.ofctl("del-flows", bridge=bridge)
    renumbered = [m[:4] + (i + 1).to_bytes(4, "big") + m[8:] for i, m in theirs.messages.items()]
    assert send(f"{bridges.folder}/ours.mgmt", ours.values()) == send(f"{bridges.folder}/theirs.mgmt", renumbered)
    assert bridges.dump("ours") == bridges.dump("theirs")


@settings(deadline=None, max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(flows=FLOWS)
def test_what_is_read_can_be_deleted(bridges, flows):
    """Every flow in a dump is deleted by the message encoded from its own text, and by no other's."""
    texts = [flow_mod(flow) for flow in flows]
    send(f"{bridges.folder}/ours.mgmt", assemble(texts).messages.values())
    found = list(parse_dump(bridges.raw_dump("ours")))
    deletes = [encode_flow(flow[:3], None, i + 1) for i, flow in enumerate(found)]
    assert send(f"{bridges.folder}/ours.mgmt", deletes[1:]) == ({}, True)
    assert list(parse_dump(bridges.raw_dump("ours"))) == found[:1]
    assert send(f"{bridges.folder}/ours.mgmt", deletes[:1]) == ({}, True)
    assert bridges.dump("ours") == []


@pytest.mark.parametrize(
    "match",
    [
        "tcp_dst",
        "reg6=",
        "reg6=0x1ffffffff",
        "dl_src=00:11",
        "nw_src=1.2.3.4",
        "ip,nw_src=1.2.3",
        "foo=1",
        "reg0=-1",
    ],
)
def test_unknown_matches_are_not_guessed(match):
    """Match text that is not understood raises, so that ovs-ofctl decides about it."""
    with pytest.raises(UnknownTextError):
        encode_flow((0, 1, match), "drop", 1)


@pytest.mark.parametrize(
    "actions",
    ["", "output", "output:", "5", "resubmit(,255)", "resubmit(5)", "set_field:1->reg99", "load:2->NXM_NX_REG0[3]",
     "move:NXM_NX_REG0[]->OXM_OF_METADATA[]", "conjunction(1,3/2)", "drop,output:1", "pop_vlan,"],
)  # fmt: skip
def test_unknown_actions_are_not_guessed(actions):
    """Action text that is not understood raises, so that ovs-ofctl decides about it."""
    with pytest.raises(UnknownTextError):
        encode_flow((0, 1, ""), actions, 1)


@settings(deadline=None)
@given(
    match=st.text("reg=0x,/:.tcpi_1fvlan+- \0é", max_size=30),
    actions=st.text("set_fild:(),>-[].0x1reg\n", max_size=30),
)
def test_no_text_crashes_the_encoder(match, actions):
    """Any text is encoded or refused as unknown, never anything else."""
    with contextlib.suppress(UnknownTextError):
        assert encode_flow((0, 1, match), actions, 1)
