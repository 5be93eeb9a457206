"""lr_in_ip_routing and lr_in_ip_routing_ecmp: the flows of static routes.

Several routes for the same packets make an ECMP group: a packet's addresses and ports choose a member. ovn-northd
numbers the groups of a router in the order of each one's second route by UUID, and the members in that of theirs; these
are the same numbers.
"""

from ovn_rules.engine import Relation, Uuid, collect, column, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import GroupFlow, RouterPort
from ovn_rules.rules.ovn.router_routes import RouteGroup, RoutePath, StaticRoute
from ovn_rules.rules.ovn.router_routing import forward, route_match, scope
from ovn_rules.rules.ovn.router_tables import RouteTable
from ovn_rules.rules.ovn.text import hint, quoted


class EcmpOrder(Relation):
    """The ECMP groups of a router."""

    router: Uuid = column("the router")
    seconds: tuple[Uuid, ...] = column("the second route of each group")


class EcmpGroup(Relation):
    """An ECMP group of static routes."""

    router: Uuid = column("the router")
    group: int = column("its number, from 1")
    network: str = column("the network that its routes are for, IPv4 or IPv6")
    routes: tuple[Uuid, ...] = column("its members, two or more")


@pure
def routes_numbered(routes: tuple[Uuid, ...]) -> tuple[tuple[Uuid, int], ...]:
    """Routes with numbers, from 1."""
    return tuple((route, number) for number, route in enumerate(routes, 1))


@pure
def route_priority(length: int, direction: str, options: tuple[tuple[str, str], ...]) -> int:
    """The priority of a static route: by its prefix; one that another zone is connected to counts as connected."""
    if direction == "src":
        return 3 * length
    return 3 * length + (2 if ("origin", "connected") in options else 1)


@pure
def static_match(
    prefix: tuple[str, str, int], direction: str, number: int, options: tuple[tuple[str, str], ...], inport: str
) -> str:
    """Matches packets of a static route: those of its route table, or of all tables for the main one's exceptions.

    A route by source, or one that counts as connected, of the main table is for all tables.
    """
    _address, network, length = prefix
    everywhere = number == 0 and (direction == "src" or ("origin", "connected") in options)
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
def lone_route(router, prefix, direction, table, routes, route, number, options, hop, port, address, owner, name, mac):
    """What a static route is for goes to its next hop."""
    GroupFlow(
        str(owner),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, options),
        static_match(prefix, direction, number, options, scope(prefix[1], name)),
        forward(prefix[1], hop, address, mac, name),
        (),
        hint(route),
    ) <= (
        RouteGroup(router, prefix, direction, table, routes)
        & (len(routes) == 1)
        & (route == routes[0])
        & StaticRoute(router=router, route=route, hop=hop)
        & (hop != "discard")
        & RoutePath(router, route, port, address)
        & RouterPort(port=port, router=owner, name=name, mac=mac)
        & RouteTable(router, table, number)
        & nb.Logical_Router_Static_Route(_uuid=route, options=options)
    )


@rule
def lone_discard(router, prefix, direction, table, routes, route, number, options):
    """What a static route discards is dropped."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, options),
        static_match(prefix, direction, number, options, ""),
        "drop;",
        (),
        hint(route),
    ) <= (
        RouteGroup(router, prefix, direction, table, routes)
        & (len(routes) == 1)
        & (route == routes[0])
        & StaticRoute(router=router, route=route, hop="discard")
        & RouteTable(router, table, number)
        & nb.Logical_Router_Static_Route(_uuid=route, options=options)
    )


@rule
def ecmp_group(router, prefix, routes, seconds, second, group):
    """Static routes for the same packets make a group with a number."""
    EcmpOrder(router, collect(routes[1])) <= RouteGroup(router=router, routes=routes) & (len(routes) > 1)
    EcmpNumber(router, second, group) <= EcmpOrder(router, seconds) & ((second, group) in routes_numbered(seconds))
    EcmpGroup(router, group, prefix[1], routes) <= (
        RouteGroup(router=router, prefix=prefix, routes=routes)
        & (len(routes) > 1)
        & EcmpNumber(router, routes[1], group)
    )


class EcmpNumber(Relation):
    """The number of an ECMP group."""

    router: Uuid = column("the router")
    second: Uuid = column("the second of its routes")
    group: int = column("its number, from 1")


@rule
def choose_route(router, prefix, direction, table, routes, number, options, group):
    """What several static routes are for is shared out among them."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing",
        route_priority(prefix[2], direction, options),
        static_match(prefix, direction, number, options, ""),
        share_out(group, len(routes)),
        (),
        (),
    ) <= (
        RouteGroup(router, prefix, direction, table, routes)
        & (len(routes) > 1)
        & EcmpNumber(router, routes[1], group)
        & RouteTable(router, table, number)
        & nb.Logical_Router_Static_Route(_uuid=routes[0], options=options)
    )


@rule
def chosen_route(router, group, network, routes, route, member, hop, port, address, name, mac):
    """What was shared out goes to the next hop of the chosen route."""
    GroupFlow(
        str(router),
        "lr_in_ip_routing_ecmp",
        100,
        f"reg8[0..15] == {group} && reg8[16..31] == {member}",
        forward_member(network, hop, address, mac, name),
        (),
        hint(route),
    ) <= (
        EcmpGroup(router, group, network, routes)
        & ((route, member) in routes_numbered(routes))
        & StaticRoute(router=router, route=route, hop=hop)
        & RoutePath(router, route, port, address)
        & RouterPort(port=port, name=name, mac=mac)
    )
