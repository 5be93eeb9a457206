"""Where a router sends packets when nobody says otherwise: to the networks that it is connected to, and nowhere else.

Stages lr_in_ip_routing_pre, lr_in_ip_routing and lr_in_ip_routing_ecmp of ovn-northd(8). The longest prefix wins: a
route's priority is three times the length of its prefix, plus 0 for a route by source, 1 for a static one and 2 for a
network of the router's own.
"""

from ovn_rules.engine import _, pure, rule
from ovn_rules.rules.ovn.addresses import is_link_local
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, RouterPort
from ovn_rules.rules.ovn.text import hint, quoted


@pure
def route_match(network: str, length: int, direction: str, table: int, inport: tuple[str, ...]) -> str:
    """Matches packets that a route is for.

    Args:
        network: IPv4 or IPv6, host bits zero.
        length: The length of its prefix.
        direction: Whether the packet's ``src`` or ``dst`` must be in it.
        table: The route table's number; -1 when the route is for all tables.
        inport: The port that the packet must have come through, as ``scope`` says.
    """
    version = _version(network)
    came = "".join(f"inport == {quoted(name)} && " for name in inport)
    chosen = f"reg7 == {table} && " if table >= 0 else ""
    return f"{came}{chosen}ip{version}.{direction} == {network}/{length}"


@pure
def scope(network: str, name: str) -> tuple[str, ...]:
    """The port that packets to a network must have come through, as a tuple of one; empty for any.

    Link-local networks are each link's own, RFC 4291.
    """
    return (name,) if ":" in network and is_link_local(network) else ()


@pure
def forward(network: str, hop: str, address: str, mac: str, name: str) -> str:
    """Actions that send a packet on.

    Args:
        network: The route's network.
        hop: The next hop's address; empty when it is the packet's destination itself.
        address: The router's address, from which it asks for the next hop's Ethernet address.
        mac: The Ethernet address of the port through which it goes.
        name: That port's name.
    """
    version = _version(network)
    registers = "reg" if version == 4 else "xxreg"
    return (
        f"ip.ttl--; reg8[0..15] = 0; {registers}0 = {hop or f'ip{version}.dst'}; {registers}1 = {address}; "
        f"eth.src = {mac}; outport = {quoted(name)}; flags.loopback = 1; next;"
    )


def _version(network: str) -> int:
    """The IP version of a network: 4 when it is written with dots, also among those of IPv6, as ovn-northd sees it."""
    return 4 if "." in network else 6


@rule
def no_route(drop):
    """What no route is for is dropped, and so are solicitations and advertisements of routers, which are for links.

    Packets use the main route table, 0, unless their port has another one; most need no choice among next hops.
    """
    GroupFlow("routers", "lr_in_ip_routing_pre", 0, "1", "reg7 = 0; next;", (), ())
    GroupFlow("routers", "lr_in_ip_routing", 10550, "nd_rs || nd_ra", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("routers", "lr_in_ip_routing", 0, "1", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("routers", "lr_in_ip_routing_ecmp", 150, "reg8[0..15] == 0", "next;", (), ())
    GroupFlow("routers", "lr_in_ip_routing_ecmp", 0, "1", drop, (), ()) <= DropAction(drop, _)


@rule
def connected_route(router, port, name, mac, v4, v6, address, network, length):
    """A router sends packets for a network of its own directly to their destinations."""
    Flow(
        router,
        "lr_in_ip_routing",
        3 * length + 2,
        route_match(network, length, "dst", -1, scope(network, name)),
        forward(network, "", address, mac, name),
        (),
        hint(port),
    ) <= (
        RouterPort(port=port, router=router, name=name, mac=mac, v4=v4, v6=v6) & ((address, network, length) in v4 + v6)
    )
