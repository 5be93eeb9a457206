"""Microflows of ovn-trace(8): one packet each, and what is said of texts that aren't."""

import pytest

from ovn_rules.rules.lflow import EZBAKE, LflowError
from ovn_rules.rules.lflow.matches import match_text
from ovn_rules.rules.lflow.microflow import parse_microflow

ARP = "arp.op == 1 && arp.sha == f0:00:00:00:01:11 && arp.spa == 192.168.1.11 && arp.tpa == 192.168.2.22"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('inport == "p"', ""),
        ('inport == "p" && eth.src == 00:00:00:00:00:01', "dl_src=00:00:00:00:00:01"),
        ('(inport == "p" && (ip4)) && 80 == tcp.dst', "tcp,tp_dst=80"),
        ('inport == "p" && ip4.src == 192.168.11.1 && ip.ttl == 64', "ip,nw_src=192.168.11.1,nw_ttl=64"),
        (f'inport == "p" && {ARP}', "arp,arp_spa=192.168.1.11,arp_tpa=192.168.2.22,arp_op=1,arp_sha=f0:00:00:00:01:11"),
        ('inport == "p" && ip4.src == 10.0.0.0/8', "ip,nw_src=10.0.0.0/8"),
        ('inport == "p" && !vlan.present', "vlan_tci=0x0000/0x1000"),
        (
            'inport == "p" && nd.target == fe80::1 && icmp6.type == 135',
            "icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1",
        ),
        ('inport == "p" && ip && eth.type == 0x86dd', "ipv6"),
        ('inport == "p" && inport == "p" && ip4.src == {10.0.0.1, 10.0.0.1}', "ip,nw_src=10.0.0.1"),
    ],
)
def test_a_packet(text, match):
    """Conditions and what they imply make one packet, whatever their order."""
    microflow = parse_microflow(text, EZBAKE)
    assert (microflow.inport, match_text(microflow.cube)) == ("p", match)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "Syntax error at end of input", ""),
        ("ip4", "says which port", ""),
        ('inport == "p" || ip4', "|| is not allowed", "|| ip4"),
        ('inport == "p" && (ip4 || ip6)', "|| is not allowed", "|| ip6)"),
        ('inport == "p" && tcp.src == 80', "Ambiguous: a microflow is one packet; say ip4 or ip6", "tcp.src == 80"),
        ('inport == "p" && ip4 && tcp.src > 1024', "Ambiguous: a microflow is one packet; give one", "tcp.src > 1024"),
        ('inport == "p" && ip4.src == {10.0.0.1, 10.0.0.2}', "Ambiguous", "ip4.src"),
        ('inport == "p" && ip4 && ip6', "No packet is so", "ip6"),
        ('inport == "p" && tcp.dst == 80 && udp.dst == 80', "No packet is so", "udp.dst == 80"),
        ('inport == "p" && ip4 && ip.later_frag && !ip.is_frag', "No packet is so", "!ip.is_frag"),
        ('inport == "p" && inport == "q"', "can't come from p and from q", 'inport == "q"'),
        ('inport == {"p", "q"}', "comes from one port", "inport"),
        ('inport == "p" && outport == "q"', "outport is nothing that a packet brings", "outport"),
        ('inport == "p" && reg0 == 1', "reg0 is nothing that a packet brings", "reg0"),
        ('inport == "p" && foo', "expecting field name", "foo"),
        ('inport == "p" &&', "expecting constant", ""),
        ('inport == "p" ip4', "expecting `&&' or end of input", "ip4"),
        ("(" * 200, "nested too deeply", "(" * 100),
    ],
)
def test_what_is_none(text, message, place):
    """A text that isn't one packet is refused with the place of the mistake."""
    with pytest.raises(LflowError) as caught:
        parse_microflow(text, EZBAKE)
    assert message in caught.value.message
    assert text[caught.value.position :].startswith(place)
    assert (caught.value.position == len(text)) == (place == "")
