"""lr_in_ip_routing and lr_in_ip_routing_ecmp: the flows of static routes.

Several routes for the same packets make an ECMP group: a packet's addresses and ports choose a member. ovn-northd
numbers the groups of a router in the order of each one's second route by UUID, and the members in that of theirs; these
are the same numbers.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, every, pure, rule
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import GroupFlow, RouterPort
from ovn_rules.rules.ovn.router_routes import RouteGroup, RoutePath, StaticRoute
from ovn_rules.rules.ovn.router_routing import forward, route_match, scope
from ovn_rules.rules.ovn.router_tables import RouteTable
from ovn_rules.rules.ovn.text import hint, quoted


class LoneRoute(Relation):
    """A static route that no other shares packets with."""

    router: Uuid = column("the router")
    route: Uuid = column("the route")


class EcmpRoutes(Relation):
    """Several static routes for the same packets, known in their router by the second of them."""

    router: Uuid = column("the router")
    second: Uuid = column("the second of the routes")
    routes: tuple[Uuid, ...] = column("all of them")


class EcmpOrder(Relation):
    """The ECMP groups of a router."""

    router: Uuid = column("the router")
    seconds: tuple[Uuid, ...] = column("the second route of each group")


class EcmpNumber(Relation):
    """The number of an ECMP group."""

    router: Uuid = column("the router")
    second: Uuid = column("the second of its routes")
    group: int = column("its number, from 1")


class EcmpGroup(Relation):
    """Several static routes for the same packets, and their number."""

    router: Uuid = column("the router")
    first: Uuid = column("the first of its routes")
    group: int = column("its number, from 1")
    routes: tuple[Uuid, ...] = column("all of them")


class EcmpMember(Relation):
    """A static route of an ECMP group."""

    router: Uuid = column("the router")
    route: Uuid = column("the route")
    group: int = column("the group's number, from 1")
    member: int = column("the route's number, from 1")


@pure
def route_priority(length: int, direction: str, connected: bool) -> int:
    """The priority of a static route: by its prefix, and higher when it counts as connected."""
    if direction == "src":
        return 3 * length
    return 3 * length + (2 if connected else 1)


@pure
def static_match(
    prefix: tuple[str, str, int], direction: str, number: int, connected: bool, inport: tuple[str, ...]
) -> str:
    """Matches packets of a static route: those of its route table.

    A route by source of the main table is for all tables, and so is one that counts as connected.
    """
    _address, network, length = prefix
    everywhere = number == 0 and (direction == "src" or connected)
    return route_match(network, length, direction, -1 if everywhere else number, inport)


@pure
def share_out(group: int, members: int) -> str:
    """Actions that choose a member of an ECMP group."""
    numbers = ", ".join(str(member) for member in range(1, members + 1))
    return f"ip.ttl--; flags.loopback = 1; reg8[0..15] = {group}; reg8[16..31] = select({numbers});"


@pure
def forward_member(network: str, hop: str, address: str, mac: str, name: str) -> str:
    """Actions that send a packet to the next hop of the chosen member."""
    registers = "xxreg" if ":" in network else "reg"
    return f"{registers}0 = {hop}; {registers}1 = {address}; eth.src = {mac}; outport = {quoted(name)}; next;"


@rule
def lone(router, routes, route):
    """A static route may be the only one for its packets."""
    LoneRoute(router, route) <= RouteGroup(router=router, routes=routes) & (len(routes) == 1) & (route in routes)


@rule
def lone_route(router, route, prefix, direction, table, hop, connected, number, port, address, owner, name, mac):
    """What a static route is for goes to its next hop."""
    GroupFlow(
        str(owner),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, connected),
        static_match(prefix, direction, number, connected, scope(prefix[1], name)),
        forward(prefix[1], hop, address, mac, name),
        (),
        hint(route),
    ) <= (
        LoneRoute(router, route)
        & StaticRoute(router, route, prefix, direction, table, hop, connected)
        & (hop != "discard")
        & RoutePath(router, route, port, address)
        & RouterPort(port=port, router=owner, name=name, mac=mac)
        & RouteTable(router, table, number)
    )


@rule
def lone_discard(router, route, prefix, direction, table, connected, number, drop):
    """What a static route discards is dropped."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, connected),
        static_match(prefix, direction, number, connected, ()),
        drop,
        (),
        hint(route),
    ) <= (
        LoneRoute(router, route)
        & StaticRoute(router, route, prefix, direction, table, "discard", connected)
        & RouteTable(router, table, number)
        & every(DropAction(drop, _))
    )


@rule
def ecmp_group(router, routes, seconds, second, group, first, route, member):
    """Static routes for the same packets make a group with a number, and have numbers in it."""
    EcmpRoutes(router, second, routes) <= RouteGroup(router=router, routes=routes) & (second in routes[1:2])
    EcmpOrder(router, collect(second)) <= EcmpRoutes(router=router, second=second)
    EcmpNumber(router, second, group) <= EcmpOrder(router, seconds) & ((group, second) in enumerate(seconds, 1))
    EcmpGroup(router, first, group, routes) <= (
        EcmpRoutes(router, second, routes) & EcmpNumber(router, second, group) & (first in routes[:1])
    )
    EcmpMember(router, route, group, member) <= (
        EcmpGroup(router, _, group, routes) & ((member, route) in enumerate(routes, 1))
    )


@rule
def choose_route(router, first, prefix, direction, table, routes, connected, number, group):
    """What several static routes are for is shared out among them."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, connected),
        static_match(prefix, direction, number, connected, ()),
        share_out(group, len(routes)),
        (),
        (),
    ) <= (
        EcmpGroup(router, first, group, routes)
        & StaticRoute(router, first, prefix, direction, table, _, connected)
        & RouteTable(router, table, number)
    )


@rule
def chosen_route(router, route, group, member, prefix, hop, port, address, name, mac):
    """What was shared out goes to the next hop of the chosen route."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing_ecmp",
        100,
        f"reg8[0..15] == {group} && reg8[16..31] == {member}",
        forward_member(prefix[1], hop, address, mac, name),
        (),
        hint(route),
    ) <= (
        EcmpMember(router, route, group, member)
        & StaticRoute(router=router, route=route, prefix=prefix, hop=hop)
        & RoutePath(router, route, port, address)
        & RouterPort(port=port, name=name, mac=mac)
    )
