"""Symbol tables: what they hold, and that mistakes in them are found when they are read."""

import tomllib

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
