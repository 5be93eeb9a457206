"""Symbol tables: what they hold, and that mistakes in them are found when they are read."""

import tomllib

import drawn
import flow_meaning
import known_symbols
import pytest

from ovn_rules.rules.lflow import EZBAKE, OVN, LflowError, describe
from ovn_rules.rules.lflow.fields import FIELDS, HERE, location
from ovn_rules.rules.lflow.normal import expansion, needed
from ovn_rules.rules.lflow.tables import load

BEHAVIOUR = """inport outport reg0 reg1 reg2 reg3 reg4 reg5 eth.src eth.dst eth.type vlan.tci vlan.present vlan.pcp
    vlan.vid ip4 ip6 ip ip.proto ip.dscp ip.ecn ip.ttl ip.frag ip.is_frag ip.later_frag ip.first_frag ip4.src ip4.dst
    ip6.src ip6.dst ip6.label icmp icmp4.type icmp4.code icmp6.type icmp6.code arp.op arp.spa arp.sha arp.tpa arp.tha
    nd.target nd.sll nd.tll tcp.src tcp.dst tcp.flags udp.src udp.dst sctp.src sctp.dst"""
LATER = (
    "reg6 reg9 xreg0 xxreg0 ct.est ct_label ct_mark flags.loopback eth.bcast eth.mcast ip4.mcast nd_ns rarp pkt.mark"
)


@pytest.mark.parametrize("name", BEHAVIOUR.split())
def test_every_field_of_may_2015_is_in_both_tables(name):
    """The fields of May 2015 exist in its table, and still in today's."""
    assert name in EZBAKE.symbols
    assert name in OVN.symbols


@pytest.mark.parametrize("name", LATER.split())
def test_what_came_later_is_in_todays_table_alone(name):
    """A symbol that came later is unknown to the program of May 2015."""
    assert name in OVN.symbols
    assert describe(name, EZBAKE).error == f"Syntax error at `{name}' expecting field name."


@pytest.mark.parametrize("table", [EZBAKE, OVN], ids=lambda t: t.name)
def test_every_symbol_can_be_used(table):
    """Every prerequisite and every predicate of a table becomes cubes."""
    for symbol in table.symbols.values():
        assert needed(symbol, table)
        text = symbol.name if symbol.width == 1 else f"{symbol.name} == 1" if symbol.width else ""
        if text:
            said = describe(text, table)
            assert not said.error, said.rendering
            assert said.flows
        if symbol.expansion:
            assert expansion(symbol, table)


def every_kind():
    """A packet of every kind that symbols tell apart, its other fields numbered through."""
    base = {name: i * 2654435761 % 251 for i, name in enumerate(drawn.PLACES)}
    base |= {"nw_frag": 0, "vlan_tci": 0x3005, "nw_tos": 40, "nw_ecn": 1, "ct_state": 0x21, "tcp_flags": 18}
    for state in range(8):
        yield base | {"dl_type": 0x806, "ct_state": 0x20 | 1 << state, "reg10": 1 << state, "ct_mark": 1 << state}
        yield base | {"dl_type": 0x8035, "ct_state": 1 << state & ~0x20, "reg10": 256 << state, "ct_label": 1 << state}
        yield base | {"dl_type": 0x86DD, "nw_frag": (0, 1, 3)[state % 3], "vlan_tci": 0, "ct_label": 1 << 16 * state}
    for dst in (0x01005E000001, 0x333300000001, 0xFFFFFFFFFFFF):
        for address in ("ff02::1", "ff02::2", "ff02::16", "ff05::2", "ff02::1:ff00:1", "fe80::1", "ff08::"):
            six = base | {"dl_type": 0x86DD, "dl_dst": dst, "ipv6_dst": known_symbols.number(address)}
            yield six | {"nw_proto": 58, "icmp_type": 143}
            yield six | {"nw_proto": 17, "nw_dst": 0xE0000001}
        yield base | {"dl_type": 0x800, "dl_dst": dst, "nw_dst": 0xE0000001, "nw_src": 0xE0000002, "nw_proto": 2}
    for kind in (0x800, 0x86DD):
        for protocol in (1, 2, 6, 17, 58, 132):
            yield base | {"dl_type": kind, "nw_proto": protocol}
        for message in range(128, 145):
            source = {"ipv6_src": known_symbols.number("fe80::9"), "dl_dst": 0x333300000016}
            plain = base | {"dl_type": kind, "nw_proto": 58, "icmp_type": message, "icmp_code": 0, "nw_ttl": 255}
            yield from (plain, plain | source, plain | {"nw_ttl": 64}, plain | {"icmp_code": 1})


LANGUAGES = [(drawn.EZBAKE, EZBAKE), (drawn.OVN, OVN)]


@pytest.mark.parametrize(("language", "table"), LANGUAGES, ids=["ezbake", "ovn"])
def test_every_symbol_stands_where_it_should(language, table):
    """Each field that has a packet's value finds that packet, each predicate those that it is about, and no other."""
    packets = list(every_kind())
    for name, field in language.fields.items():
        for value in {field.read(p) for p in packets}:
            rows = [(f, "next") for f in describe(f"{name} == {value:#x}", table).flows]
            for p in packets:
                holds = bool(field.needs(p)) and field.read(p) == value and p["arp_op"] < 256
                assert (flow_meaning.reach(rows, p) is not None) == holds, (name, value, p)
    checks = language.predicates | {n: lambda p, c=c: c(p, True) for n, c in language.booleans.items()}
    for name, check in checks.items():
        rows = [(f, "next") for f in describe(name, table).flows]
        for p in packets:
            assert (flow_meaning.reach(rows, p) is not None) == bool(check(p)), (name, p)


@pytest.mark.parametrize(("language", "table"), LANGUAGES, ids=["ezbake", "ovn"])
def test_every_symbol_is_known_to_the_tests(language, table):
    """No symbol of a table is left out of what the tests compare."""
    known = {*language.fields, *language.predicates, *language.booleans, "inport", "outport"}
    assert set(table.symbols) == known


def test_registers_lie_over_each_other():
    """A wide register is its narrow ones, the first in the most significant bits."""
    assert location("xxreg0").offset == location("reg3").offset == location("xreg1").offset
    assert location("xxreg0").mask == sum(location(f"reg{i}").mask for i in range(4))
    assert location("reg0").offset == location("reg1").offset + 32
    assert location("reg15").offset == FIELDS["registers"].offset
    for name in ("reg16", "xxreg4", "reg", "yreg1", "nw_source"):
        with pytest.raises(KeyError):
            location(name)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"predicates": {"bad": "eth.kind == 1"}}, "eth.kind"),
        ({"fields": {"bad": {"openflow": "reg1", "needs": "nothing"}}}, "nothing"),
        ({"subfields": {"bad": {"of": "reg0[40]"}}}, "Cannot select bits"),
        ({"fields": {"bad": {"openflow": "reg77"}}}, "reg77"),
    ],
)
def test_a_mistake_in_a_table_is_found_when_it_is_read(change, complaint):
    """A table that refers to something unknown can't be loaded."""
    description = tomllib.loads((HERE / "ezbake.toml").read_text("utf-8"))
    for section, rows in change.items():
        description[section] = description[section] | rows
    with pytest.raises((LflowError, KeyError), match=complaint.replace("[", "\\[")):
        load("changed", description)
