"""Where a switch sends a packet.

The stage l2_lkup of ovn-northd(8).
"""

from ovn_rules.engine import Relation, Uuid, _, column, every, pure, rule
from ovn_rules.rules.ovn.addresses import is_dynamic, parse_addresses
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.ipam_macs import LeftAddresses
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, PortAddress, RouterPort, SwitchPort
from ovn_rules.rules.ovn.switch_links import Mixed, RouterLink
from ovn_rules.rules.ovn.text import hint, quoted


class RequestedMac(Relation):
    """An Ethernet address for which a port wants IP addresses."""

    port: Uuid = column("the port")
    mac: str = column("the Ethernet address")


class RouterQuestion(Relation):
    """How somebody asks for an address of a router port that a switch's port is connected to."""

    port: Uuid = column("the switch's port")
    match: str = column("an expression of ovn-sb(5)")


@rule
def service_check():
    """Answers to the health checks of services are for ovn-controller."""
    GroupFlow(
        "switches",
        "ls_in_l2_lkup",
        110,
        "eth.dst == $svc_monitor_mac && (tcp || icmp || icmp6)",
        "handle_svc_check(inport);",
        (),
        (),
    )


# -- one destination ---------------------------------------------------------------------------------------------------


@pure
def requested(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The Ethernet addresses in a port's ``MAC dynamic``, for which IP addresses are wanted, ovn-nb(5)."""
    return tuple(mac for text in texts if is_dynamic(text) for mac, _v4, _v6 in parse_addresses(text))


@pure
def wants_some(texts: tuple[str, ...]) -> bool:
    """Whether one of a port's addresses is to be assigned."""
    return any(is_dynamic(text) for text in texts)


@rule
def requested_mac(port, mac, texts):
    """A port has the Ethernet address for which it wants IP addresses, even if the switch has none to give.

    One that was assigned before the port was connected to a router stays with it as long as it asks for one.
    """
    RequestedMac(port, mac) <= nb.Logical_Switch_Port(_uuid=port, addresses=texts) & (mac in requested(texts))
    RequestedMac(port, mac) <= (
        LeftAddresses(port=port, mac=mac) & nb.Logical_Switch_Port(_uuid=port, addresses=texts) & wants_some(texts)
    )


@rule
def known_destination(port, switch, name, mac, kind):
    """A packet for an address that a port has goes to that port."""
    Flow(switch, "ls_in_l2_lkup", 50, f"eth.dst == {mac}", f"outport = {quoted(name)}; output;", (), hint(port)) <= (
        PortAddress(port=port, mac=mac) & SwitchPort(port, switch, name, kind, True) & (kind != "external")
    )
    Flow(switch, "ls_in_l2_lkup", 50, f"eth.dst == {mac}", f"outport = {quoted(name)}; output;", (), hint(port)) <= (
        RequestedMac(port, mac) & SwitchPort(port, switch, name, kind, True) & (kind != "external")
    )


@rule
def disabled_destination(port, switch, mac, kind, drop):
    """A packet for an address that a disabled port has goes nowhere."""
    GroupFlow(str(switch), "ls_in_l2_lkup", 50, f"eth.dst == {mac}", drop, (), hint(port)) <= (
        PortAddress(port=port, mac=mac)
        & SwitchPort(port=port, switch=switch, type=kind, enabled=False)
        & (kind != "external")
        & every(DropAction(drop, _))
    )
    GroupFlow(str(switch), "ls_in_l2_lkup", 50, f"eth.dst == {mac}", drop, (), hint(port)) <= (
        RequestedMac(port, mac)
        & SwitchPort(port=port, switch=switch, type=kind, enabled=False)
        & (kind != "external")
        & every(DropAction(drop, _))
    )


@rule
def looked_up():
    """For other addresses, what was learnt says where they are."""
    GroupFlow("switches", "ls_in_l2_lkup", 0, "1", "outport = get_fdb(eth.dst); next;", (), ())


# -- many destinations -------------------------------------------------------------------------------------------------


@rule
def flood():
    """A packet for many goes to all ports."""
    GroupFlow("switches", "ls_in_l2_lkup", 70, "eth.mcast", 'outport = "_MC_flood"; output;', (), ())


@rule
def router_question(port, router_port, v4, v6, address):
    """A router port may be asked for each of its addresses."""
    RouterQuestion(port, f"arp.op == 1 && arp.tpa == {address}") <= (
        RouterLink(_, port, router_port) & RouterPort(port=router_port, v4=v4, enabled=True) & ((address, _, _) in v4)
    )
    RouterQuestion(port, f"nd_ns && nd.target == {address}") <= (
        RouterLink(_, port, router_port) & RouterPort(port=router_port, v6=v6, enabled=True) & ((address, _, _) in v6)
    )


@rule
def asked_of_router(switch, port, name, question):
    """Who asks for a router port's address asks that router alone, and the ports that aren't routers."""
    Flow(
        switch,
        "ls_in_l2_lkup",
        80,
        f"flags[1] == 0 && {question}",
        f'clone {{outport = {quoted(name)}; output; }}; outport = "_MC_flood_l2"; output;',
        (),
        hint(port),
    ) <= (RouterQuestion(port, question) & SwitchPort(port=port, switch=switch, name=name) & Mixed(switch))
    Flow(
        switch,
        "ls_in_l2_lkup",
        80,
        f"flags[1] == 0 && {question}",
        f"outport = {quoted(name)}; output;",
        (),
        hint(port),
    ) <= (RouterQuestion(port, question) & SwitchPort(port=port, switch=switch, name=name) & ~Mixed(switch))


@rule
def asked_by_router(switch, router_port, mac):
    """What a router asks goes to the ports that aren't routers."""
    GroupFlow(
        str(switch),
        "ls_in_l2_lkup",
        75,
        f"eth.src == {{{mac}}} && (arp.op == 1 || rarp.op == 3 || nd_ns)",
        'outport = "_MC_flood_l2"; output;',
        (),
        (),
    ) <= (RouterLink(switch, _, router_port) & RouterPort(port=router_port, mac=mac, enabled=True) & Mixed(switch))
