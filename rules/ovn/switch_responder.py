"""Switches answer ARP requests and neighbor solicitations for the addresses that they know.

The stage arp_rsp of ovn-northd(8); virtual ports have a module of their own.
"""

from ovn_rules.engine import Relation, Uuid, _, column, every, pure, rule
from ovn_rules.rules.ovn.addresses import bare, parse_ips, solicited_node
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import is_false
from ovn_rules.rules.ovn.relations import Attached, Flow, GroupFlow, PortAddress, RouterPort, SwitchPort, UnknownPort
from ovn_rules.rules.ovn.switch_admission import VlanPassthru
from ovn_rules.rules.ovn.text import hint, quoted


class Unanswered(Relation):
    """A port for whose addresses its switch doesn't answer."""

    port: Uuid = column("the port")


@pure
def arp_request(address: str) -> str:
    """The match of an ARP request for an address."""
    return f"arp.tpa == {address} && arp.op == 1"


@pure
def solicitation(address: str) -> str:
    """The match of a neighbor solicitation for an address, sent to it or to its solicited-node address."""
    return f"nd_ns && ip6.dst == {{{address}, {solicited_node(address)}}} && nd.target == {address}"


@pure
def arp_reply(mac: str, protocol_addresses: str) -> str:
    """The actions that make an ARP reply of a request.

    Args:
        mac: The Ethernet address that is asked for.
        protocol_addresses: Actions that set ``arp.tpa`` and ``arp.spa``.
    """
    return (
        f"eth.dst = eth.src; eth.src = {mac}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; arp.sha = {mac}; "
        f"{protocol_addresses}; outport = inport; flags.loopback = 1; output;"
    )


@pure
def advertisement(mac: str, address: str, kind: str) -> str:
    """The action that answers a neighbor solicitation, RFC 4861: a router says that it is one."""
    return (
        f"{'nd_na_router' if kind == 'router' else 'nd_na'} {{ eth.src = {mac}; ip6.src = {address}; "
        f"nd.target = {address}; nd.tll = {mac}; outport = inport; flags.loopback = 1; output; }};"
    )


@pure
def proxied(text: str) -> tuple[str, ...]:
    """The IPv4 addresses in options:arp_proxy."""
    return bare(parse_ips(text)[0])


# -- who is answered for -----------------------------------------------------------------------------------------------


@rule
def unanswered(port, switch, kind, value, up):
    """Nobody answers for a port whose owner may be elsewhere, may have other addresses, or isn't there."""
    Unanswered(port) <= UnknownPort(port)
    Unanswered(port) <= SwitchPort(port=port, type=kind) & (kind in ("external", "virtual"))
    Unanswered(port) <= VlanPassthru(switch) & SwitchPort(port=port, switch=switch)
    Unanswered(port) <= (
        nb.NB_Global.options(_, "ignore_lsp_down", value)
        & is_false(value)
        & every(nb.Logical_Switch_Port(_uuid=port, up=up, type=kind))
        & (up != (True,))
        & (kind not in ("router", "localport"))
    )


# -- answers -----------------------------------------------------------------------------------------------------------


@rule
def arp_answer(port, switch, mac, v4, address):
    """A switch answers ARP requests for an address of its ports."""
    GroupFlow(
        str(switch),
        "ls_in_arp_rsp",
        50,
        arp_request(address),
        arp_reply(mac, f"arp.tpa = arp.spa; arp.spa = {address}"),
        (),
        hint(port),
    ) <= (
        PortAddress(port=port, mac=mac, v4=v4)
        & (address in v4)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch)
    )


@rule
def nd_answer(port, switch, kind, mac, v6, address):
    """A switch answers neighbor solicitations for an address of its ports."""
    GroupFlow(
        str(switch), "ls_in_arp_rsp", 50, solicitation(address), advertisement(mac, address, kind), (), hint(port)
    ) <= (
        PortAddress(port=port, mac=mac, v6=v6)
        & (address in v6)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, type=kind)
    )


@rule
def own_address(port, switch, name, v4, v6, address):
    """Who asks for its own address looks for others that have it, and must not be answered."""
    Flow(
        switch, "ls_in_arp_rsp", 100, f"{arp_request(address)} && inport == {quoted(name)}", "next;", (), hint(port)
    ) <= (
        PortAddress(port=port, v4=v4)
        & (address in v4)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, name=name)
    )
    Flow(
        switch, "ls_in_arp_rsp", 100, f"{solicitation(address)} && inport == {quoted(name)}", "next;", (), hint(port)
    ) <= (
        PortAddress(port=port, v6=v6)
        & (address in v6)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, name=name)
    )


@rule
def proxy_arp(port, switch, text, v4, router_port, mac):
    """A router port answers for the IPv4 addresses in options:arp_proxy of its switch port, as if they were its own."""
    GroupFlow(
        str(switch),
        "ls_in_arp_rsp",
        50,
        f"arp.op == 1 && arp.tpa == {{{','.join(v4)}}}",
        arp_reply(mac, "arp.tpa <-> arp.spa"),
        (),
        hint(port),
    ) <= (
        nb.Logical_Switch_Port.options(port, "arp_proxy", text)
        & (v4 == proxied(text))
        & (v4 != ())
        & ~Unanswered(port)
        & Attached(port, router_port)
        & RouterPort(port=router_port, mac=mac)
        & SwitchPort(port=port, switch=switch)
    )


@rule
def not_from_localnet(port, switch, name):
    """What comes from a physical network many hosts see, and each would answer: there, the owner does."""
    Flow(switch, "ls_in_arp_rsp", 100, f"inport == {quoted(name)}", "next;", (), hint(port)) <= (
        SwitchPort(port=port, switch=switch, name=name, type="localnet")
    )


@rule
def not_answered():
    """All other packets go on."""
    GroupFlow("switches", "ls_in_arp_rsp", 0, "1", "next;", (), ())
