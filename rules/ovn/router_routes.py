"""Static routes, ovn-nb(5): which can be read, which have a way out, and which share a prefix.

What ovn-northd leaves out, and only logs, is left out here and named as a problem.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.rules.ovn.addresses import Network, ipv4_of, network_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Datapath, Problem, RouterPort
from ovn_rules.rules.ovn.router_hops import Hop, HopPort, member_address


class RouteText(Relation):
    """A static route of a router, and what its addresses say."""

    router: Uuid = column("the router")
    route: Uuid = column("its northbound row")
    prefix: tuple[tuple[str, str, int], ...] = column("its prefix: address, network and length, if it can be read")
    wrong: str = column("what is wrong with it; empty when nothing is")


class StaticRoute(Relation):
    """A static route that can be read."""

    router: Uuid = column("the router")
    route: Uuid = column("its northbound row")
    prefix: tuple[str, str, int] = column("its prefix: the address as written, the network and the length")
    direction: str = column("which address of a packet must be in the prefix: src or dst")
    table: str = column("the name of its route table; empty for the main one")
    hop: str = column("the next hop, as written: an address, discard, or nothing")
    connected: bool = column("whether it counts as connected, because another zone says so")


class RouteOutput(Relation):
    """A static route that names the port to send through."""

    router: Uuid = column("the router")
    route: Uuid = column("the route")
    name: str = column("the port's name")


class RoutePath(Relation):
    """How the next hop of a static route is reached."""

    router: Uuid = column("the router")
    route: Uuid = column("the route")
    port: Uuid = column("the router port; one that the route names may be another router's")
    address: str = column("the address of that port from which the next hop is asked")


class GoodRoute(Relation):
    """A static route that is used: it has a way out, or discards."""

    router: Uuid = column("the router")
    route: Uuid = column("the route")
    prefix: tuple[str, str, int] = column("its prefix: the address as written, the network and the length")
    direction: str = column("which address of a packet must be in the prefix: src or dst")
    table: str = column("the name of its route table; empty for the main one")


class RouteGroup(Relation):
    """The static routes of a router for the same packets."""

    router: Uuid = column("the router")
    prefix: tuple[str, str, int] = column("their prefix")
    direction: str = column("src or dst")
    table: str = column("the name of their route table")
    routes: tuple[Uuid, ...] = column("one, or several among which packets are shared out")


_MAPPED = "::ffff:"
"""How an IPv4 address begins that is written as one of IPv6, RFC 4291 2.5.5.2."""


@pure
def route_network(text: str) -> tuple[Network, ...]:
    """What a static route calls its prefix or next hop, as a tuple of one; empty when it can't be read.

    An IPv4 address that is written as one of IPv6 is one of IPv4. Its length stays, as in ovn-northd, for which nothing
    of the address counts when that is over 32.
    """
    found = network_of(text)
    if not found or not found[0][0].startswith(_MAPPED) or "." not in found[0][0]:
        return found
    address, length = found[0][0].removeprefix(_MAPPED), found[0][2]
    return network_of(f"{address}/{length}") or ((address, ipv4_of(0), length),)


@pure
def wrong_with(prefix: str, hop: str) -> str:
    """What is wrong with the addresses of a static route; empty when nothing is."""
    networks, hops = route_network(prefix), route_network(hop)
    if hop not in ("", "discard"):
        if not hops:
            return f"left out: the next hop '{hop}' is no IP address"
        if hops[0][2] != (128 if ":" in hops[0][0] else 32):
            return f"left out: the next hop '{hop}' is a network, not an address"
    if not networks:
        return "left out: the prefix is no IP network"
    if hops and (":" in hops[0][0]) != (":" in networks[0][0]):
        return f"left out: the next hop '{hop}' is of another IP version than the prefix"
    return ""


@pure
def source_address(prefix: Network, hop: str, v4: tuple[Network, ...], v6: tuple[Network, ...]) -> str:
    """The address from which a port asks for a next hop: one in its network, else the port's first; or empty."""
    if own := member_address(hop, v4, v6):
        return own
    first = (v6 if ":" in prefix[0] else v4)[:1]
    return first[0][0] if first else ""


@rule
def route_text(router, route, prefix, hop):
    """The addresses of a static route must make sense together."""
    RouteText(router, route, route_network(prefix), wrong_with(prefix, hop)) <= (
        Datapath(router, "router", _)
        & nb.Logical_Router.static_routes(router, route)
        & nb.Logical_Router_Static_Route(_uuid=route, ip_prefix=prefix, nexthop=hop)
    )


@rule
def static_route(router, route, prefix, policy, table, hop, options):
    """A static route goes by a packet's destination, unless its policy is src-ip."""
    StaticRoute(
        router,
        route,
        prefix[0],
        "src" if policy == ("src-ip",) else "dst",
        table,
        hop,
        ("origin", "connected") in options,
    ) <= (
        RouteText(router, route, prefix, "")
        & nb.Logical_Router_Static_Route(_uuid=route, policy=policy, route_table=table, nexthop=hop, options=options)
    )


@rule
def route_output(router, route, name):
    """A static route may name the port to send through."""
    RouteOutput(router, route, name) <= (
        StaticRoute(router=router, route=route) & nb.Logical_Router_Static_Route.output_port(route, name)
    )


@rule
def route_hop(router, route, hop):
    """Without an output port, a static route goes through the port whose network its next hop is in."""
    Hop(router, hop) <= (StaticRoute(router=router, route=route, hop=hop) & ~RouteOutput(router, route, _))


@rule
def route_path(router, route, prefix, hop, name, port, v4, v6, address):
    """A static route goes through the port that it names, else through one with a network that has its next hop."""
    RoutePath(router, route, port, address) <= (
        StaticRoute(router=router, route=route, hop=hop)
        & ~RouteOutput(router, route, _)
        & HopPort(router, hop, port, address)
    )
    RoutePath(router, route, port, address) <= (
        RouteOutput(router, route, name)
        & StaticRoute(router=router, route=route, prefix=prefix, hop=hop)
        & RouterPort(port=port, name=name, v4=v4, v6=v6)
        & (address == source_address(prefix, hop, v4, v6))
        & (address != "")
    )


@rule
def good_route(router, route, prefix, direction, table):
    """A static route is used when it has a way out; what it discards needs none."""
    GoodRoute(router, route, prefix, direction, table) <= (
        StaticRoute(router, route, prefix, direction, table, _, _) & RoutePath(router, route, _, _)
    )
    GoodRoute(router, route, prefix, direction, table) <= (
        StaticRoute(router, route, prefix, direction, table, "discard", _)
    )


@rule
def route_group(router, route, prefix, direction, table):
    """Static routes for the same packets share them out."""
    RouteGroup(router, prefix, direction, table, collect(route)) <= (GoodRoute(router, route, prefix, direction, table))


@rule
def route_wrong(router, name, route, prefix, hop, wrong, output):
    """A static route that can't be read, or that leads nowhere, is left out."""
    Problem(f"static route {prefix} of router {name}", wrong) <= (
        RouteText(router, route, _, wrong)
        & (wrong != "")
        & nb.Logical_Router_Static_Route(_uuid=route, ip_prefix=prefix)
        & Datapath(router, _, name)
    )
    Problem(
        f"static route {prefix} of router {name}",
        f"left out: no port of the router has a network with the next hop '{hop}'",
    ) <= (
        StaticRoute(router=router, route=route, hop=hop)
        & (hop != "discard")
        & ~RouteOutput(router, route, _)
        & ~RoutePath(router, route, _, _)
        & nb.Logical_Router_Static_Route(_uuid=route, ip_prefix=prefix)
        & Datapath(router, _, name)
    )
    Problem(
        f"static route {prefix} of router {name}",
        f"left out: there is no router port '{output}' with an address to send from",
    ) <= (
        StaticRoute(router=router, route=route, hop=hop)
        & (hop != "discard")
        & RouteOutput(router, route, output)
        & ~RoutePath(router, route, _, _)
        & nb.Logical_Router_Static_Route(_uuid=route, ip_prefix=prefix)
        & Datapath(router, _, name)
    )
