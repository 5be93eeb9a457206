"""Packets that are too long for a router port with gateway_mtu, ovn-nb(5): how they are found and answered.

They are marked by ``reg9[1]``. What is too long for the port that receives it is answered in lr_in_ip_input, what is
too long for the port that it is to leave through in lr_in_larger_pkts.
"""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import whole
from ovn_rules.rules.ovn.relations import Flow, RouterPort
from ovn_rules.rules.ovn.switch_links import LocalnetPort, RouterLink
from ovn_rules.rules.ovn.text import hint, quoted


class PortMtu(Relation, key=("port",)):
    """A router port whose packets have a greatest length."""

    port: Uuid = column("the router port")
    mtu: int = column("bytes, without the Ethernet header")


class TaggedPort(Relation):
    """A router port whose frames leave with a VLAN tag."""

    port: Uuid = column("the router port")


class LengthCheck(Relation):
    """How a packet that is too long for a router port is marked."""

    port: Uuid = column("the router port")
    actions: str = column("actions of ovn-sb(5), to be followed by others")


class LengthBypass(Relation):
    """Which packets of a router port aren't measured."""

    port: Uuid = column("the router port")
    match: str = column("an expression of ovn-sb(5), in parentheses")


@rule
def port_mtu(port, text, mtu):
    """A router port's packets have a greatest length if gateway_mtu says one."""
    PortMtu(port, mtu) <= (
        nb.Logical_Router_Port.options(port, "gateway_mtu", text) & (mtu == whole(text, 0)) & (mtu > 0)
    )


@rule
def tagged_port(port, switch, localnet):
    """The frames of a router port are tagged if a localnet port of its switch asks for a tag."""
    TaggedPort(port) <= (
        RouterLink(switch=switch, router_port=port)
        & LocalnetPort(switch=switch, port=localnet)
        & nb.Logical_Switch_Port.tag_request(localnet, _)
    )


@pure
def check_length(length: int) -> str:
    """Actions that mark frames that are longer, by a number of 32 bits with a sign, as in ovn-northd."""
    return f"reg9[1] = check_pkt_larger({(length + (1 << 31)) % (1 << 32) - (1 << 31)}); "


@rule
def length_check(port, mtu):
    """A frame is as long as its packet and the Ethernet header: 14 bytes, 18 with a VLAN tag."""
    LengthCheck(port, check_length(mtu + 14)) <= PortMtu(port, mtu) & ~TaggedPort(port)
    LengthCheck(port, check_length(mtu + 18)) <= PortMtu(port, mtu) & TaggedPort(port)


@rule
def length_bypass(port, match):
    """Packets that gateway_mtu_bypass matches aren't measured."""
    LengthBypass(port, f"({match})") <= (
        PortMtu(port, _) & nb.Logical_Router_Port.options(port, "gateway_mtu_bypass", match)
    )


@pure
def too_long(name: str, version: int) -> str:
    """Matches marked packets from a router port, unless they come around a second time."""
    return f"inport == {quoted(name)} && ip{version} && reg9[1] && reg9[0] == 0"


@pure
def fragmentation_needed(mac: str, address: str, mtu: int) -> str:
    """Actions that answer an IPv4 packet from a router port's address: the greatest length is ``mtu``, RFC 1191."""
    return (
        f"icmp4_error {{reg9[0] = 1; reg9[1] = 0; eth.dst = {mac}; ip4.dst = ip4.src; ip4.src = {address}; "
        "ip.ttl = 255; icmp4.type = 3; /* Destination Unreachable. */ "
        "icmp4.code = 4; /* Frag Needed and DF was Set. */ "
        f"icmp4.frag_mtu = {mtu}; next(pipeline=ingress, table=0); }};"
    )


@pure
def packet_too_big(mac: str, address: str, mtu: int) -> str:
    """Actions that answer an IPv6 packet from a router port's address: the greatest length is ``mtu``, RFC 4443."""
    return (
        f"icmp6_error {{reg9[0] = 1; reg9[1] = 0; eth.dst = {mac}; ip6.dst = ip6.src; ip6.src = {address}; "
        "ip.ttl = 255; icmp6.type = 2; /* Packet Too Big. */ icmp6.code = 0; "
        f"icmp6.frag_mtu = {mtu}; next(pipeline=ingress, table=0); }};"
    )


@rule
def too_long_from_port(router, port, name, mac, v4, v6, mtu):
    """What a port receives and finds too long is answered with the greatest length, for a source to send less."""
    Flow(
        router, "lr_in_ip_input", 150, too_long(name, 4), fragmentation_needed(mac, v4[0][0], mtu), (), hint(port)
    ) <= (PortMtu(port, mtu) & RouterPort(port=port, router=router, name=name, mac=mac, v4=v4) & (v4 != ()))
    Flow(router, "lr_in_ip_input", 150, too_long(name, 6), packet_too_big(mac, v6[0][0], mtu), (), hint(port)) <= (
        PortMtu(port, mtu) & RouterPort(port=port, router=router, name=name, mac=mac, v6=v6)
    )
