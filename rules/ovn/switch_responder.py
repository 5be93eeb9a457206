"""Switches answer ARP requests and neighbor solicitations for the addresses that they know.

The stage arp_rsp of ovn-northd(8); virtual ports have a module of their own.
"""

from ovn_rules.engine import Relation, Uuid, column, count, every, pure, rule
from ovn_rules.rules.ovn.addresses import bare, parse_ips, solicited_node
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import is_false
from ovn_rules.rules.ovn.relations import (
    Attached,
    Flow,
    GroupFlow,
    Option,
    PortAddress,
    RouterPort,
    SwitchPort,
    UnknownPort,
)
from ovn_rules.rules.ovn.switch_admission import VlanPassthru
from ovn_rules.rules.ovn.text import hint, quoted


class Unanswered(Relation):
    """A port for whose addresses its switch doesn't answer."""

    port: Uuid = column("the port")


class MacPorts(Relation):
    """How many ports have an Ethernet address."""

    mac: str = column("the address")
    ports: int = column("how many ports have it")


class SharedMac(Relation):
    """An Ethernet address that several ports have, of one switch or of several."""

    mac: str = column("the address")


@pure
def arp_request(address: str) -> str:
    """The match of an ARP request for an address."""
    return f"arp.tpa == {address} && arp.op == 1"


@pure
def solicitation(address: str) -> str:
    """The match of a neighbor solicitation for an address, sent to it or to its solicited-node address."""
    return f"nd_ns && ip6.dst == {{{address}, {solicited_node(address)}}} && nd.target == {address}"


@pure
def questions(v4: tuple[str, ...], v6: tuple[str, ...]) -> tuple[str, ...]:
    """The matches of what asks for addresses."""
    return (*map(arp_request, v4), *map(solicitation, v6))


@pure
def arp_reply(mac: str, addresses: str) -> str:
    """The actions that make an ARP reply of a request.

    Args:
        mac: The Ethernet address that is asked for.
        addresses: Actions that set ``arp.tpa`` and ``arp.spa``.
    """
    return (
        f"eth.dst = eth.src; eth.src = {mac}; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; arp.sha = {mac}; "
        f"{addresses}; outport = inport; flags.loopback = 1; output;"
    )


@pure
def advertisement(mac: str, address: str, kind: str) -> str:
    """The action that answers a solicitation for an address, RFC 4861: the type ``router`` of a port is told."""
    return (
        f"{'nd_na_router' if kind == 'router' else 'nd_na'} {{ eth.src = {mac}; ip6.src = {address}; "
        f"nd.target = {address}; nd.tll = {mac}; outport = inport; flags.loopback = 1; output; }};"
    )


@pure
def answers(mac: str, v4: tuple[str, ...], v6: tuple[str, ...], kind: str) -> tuple[tuple[str, str], ...]:
    """What asks for addresses of a port, and how it is answered: matches and actions."""
    return (
        *((arp_request(ip), arp_reply(mac, f"arp.tpa = arp.spa; arp.spa = {ip}")) for ip in v4),
        *((solicitation(ip), advertisement(mac, ip, kind)) for ip in v6),
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
        Option("ignore_lsp_down", value)
        & is_false(value)
        & every(nb.Logical_Switch_Port(_uuid=port, up=up, type=kind))
        & (up != (True,))
        & (kind not in ("router", "localport"))
    )


@rule
def shared_mac(mac, port, ports):
    """Ports with one Ethernet address may have the same IP addresses, too; then their answers are one flow."""
    MacPorts(mac, count(port)) <= PortAddress(port=port, mac=mac)
    SharedMac(mac) <= MacPorts(mac, ports) & (ports > 1)


# -- answers -----------------------------------------------------------------------------------------------------------


@rule
def answer(port, switch, kind, mac, v4, v6, match, actions):
    """A switch answers who asks for an address of its ports."""
    Flow(switch, "ls_in_arp_rsp", 50, match, actions, (), hint(port)) <= (
        PortAddress(port, mac, v4, v6)
        & ~SharedMac(mac)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, type=kind)
        & ((match, actions) in answers(mac, v4, v6, kind))
    )
    GroupFlow(str(switch), "ls_in_arp_rsp", 50, match, actions, (), hint(port)) <= (
        SharedMac(mac)
        & PortAddress(port, mac, v4, v6)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, type=kind)
        & ((match, actions) in answers(mac, v4, v6, kind))
    )


@rule
def own_address(port, switch, name, v4, v6, question):
    """Who asks for its own address looks for others that have it, and must not be answered."""
    Flow(switch, "ls_in_arp_rsp", 100, f"{question} && inport == {quoted(name)}", "next;", (), hint(port)) <= (
        PortAddress(port=port, v4=v4, v6=v6)
        & ~Unanswered(port)
        & SwitchPort(port=port, switch=switch, name=name)
        & (question in questions(v4, v6))
    )


@rule
def proxy_arp(port, switch, text, addresses, router_port, mac):
    """A router port answers for the IPv4 addresses in options:arp_proxy of its switch port, as if they were its own."""
    GroupFlow(
        str(switch),
        "ls_in_arp_rsp",
        50,
        f"arp.op == 1 && arp.tpa == {{{','.join(addresses)}}}",
        arp_reply(mac, "arp.tpa <-> arp.spa"),
        (),
        hint(port),
    ) <= (
        nb.Logical_Switch_Port.options(port, "arp_proxy", text)
        & (addresses == proxied(text))
        & (addresses != ())
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
