"""Neighbours of routers: lr_in_lookup_neighbor, lr_in_learn_neighbor and lr_in_arp_request.

``reg9[2]`` is 1 when a neighbour needn't be learnt, because it is known as it says or the packet is about none. A
router whose always_learn_from_arp_request is false, ovn-nb(5), also wants ``reg9[3]`` to be 1: the packet answers a
question or asks for the router itself, or the neighbour's IP address is known already.
"""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.addresses import multicast_mac, network_of, solicited_node
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import is_false
from ovn_rules.rules.ovn.relations import Datapath, Flow, Group, GroupFlow, RouterPort
from ovn_rules.rules.ovn.text import hint, quoted

LOOKUP = "lr_in_lookup_neighbor"
LEARN = "lr_in_learn_neighbor"
REQUEST = "lr_in_arp_request"

EAGER = "routers that learn from all requests"
CHOOSY = "routers that learn from some requests"

KNOWN_ARP = "reg9[2] = lookup_arp(inport, arp.spa, arp.sha); "


class Choosy(Relation):
    """A router that learns a new neighbour from a request only if it is for the router."""

    router: Uuid = column("the router")


class NextHop(Relation):
    """An IPv6 address that static routes of a router lead to."""

    router: Uuid = column("the router")
    address: str = column("the address, as the routes write it")
    route: Uuid = column("the first of these routes")


@rule
def choosy(router, value):
    """Routers learn from all requests unless always_learn_from_arp_request is false."""
    Choosy(router) <= nb.Logical_Router.options(router, "always_learn_from_arp_request", value) & is_false(value)
    Group(CHOOSY, router) <= Choosy(router)
    Group(EAGER, router) <= Datapath(router, "router", _) & ~Choosy(router)


# -- is it known? ----------------------------------------------------------------------------------------------------


@rule
def lookup():
    """Whoever answers or asks is looked up; other packets tell of no neighbour."""
    GroupFlow(EAGER, LOOKUP, 100, "arp.op == 2", f"{KNOWN_ARP}next;", (), ())
    GroupFlow(EAGER, LOOKUP, 100, "nd_na", "reg9[2] = lookup_nd(inport, nd.target, nd.tll); next;", (), ())
    GroupFlow(EAGER, LOOKUP, 100, "nd_ns", "reg9[2] = lookup_nd(inport, ip6.src, nd.sll); next;", (), ())
    GroupFlow("routers", LOOKUP, 0, "1", "reg9[2] = 1; next;", (), ())


@rule
def lookup_choosily():
    """An answer is welcome, one that nobody asked for only from a known address; so is a solicitation."""
    GroupFlow(CHOOSY, LOOKUP, 100, "arp.op == 2", f"{KNOWN_ARP}reg9[3] = 1; next;", (), ())
    GroupFlow(
        CHOOSY, LOOKUP, 100, "nd_na", "reg9[2] = lookup_nd(inport, nd.target, nd.tll); reg9[3] = 1; next;", (), ()
    )
    GroupFlow(
        CHOOSY,
        LOOKUP,
        110,
        "nd_na && ip6.src == fe80::/10 && ip6.dst == ff00::/8",
        "reg9[2] = lookup_nd(inport, ip6.src, nd.tll); reg9[3] = lookup_nd_ip(inport, ip6.src); next;",
        (),
        (),
    )
    GroupFlow(
        CHOOSY,
        LOOKUP,
        100,
        "nd_ns",
        "reg9[2] = lookup_nd(inport, ip6.src, nd.sll); reg9[3] = lookup_nd_ip(inport, ip6.src); next;",
        (),
        (),
    )


@pure
def asked_from(name: str, network: str, length: int) -> str:
    """Matches packets of a router port whose ARP sender is in a network of the port."""
    return f"inport == {quoted(name)} && arp.spa == {network}/{length}"


@rule
def lookup_asking(router, port, name, v4, network, length):
    """Who asks for an address is looked up if it is in a network of the port."""
    Flow(
        router,
        LOOKUP,
        100,
        f"{asked_from(name, network, length)} && arp.op == 1",
        f"{KNOWN_ARP}next;",
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, name=name, v4=v4) & ~Choosy(router) & ((_, network, length) in v4))
    Flow(
        router,
        LOOKUP,
        100,
        f"{asked_from(name, network, length)} && arp.op == 1",
        f"{KNOWN_ARP}reg9[3] = lookup_arp_ip(inport, arp.spa); next;",
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, name=name, v4=v4) & Choosy(router) & ((_, network, length) in v4))


@rule
def lookup_asking_router(router, port, name, v4, address, network, length):
    """Who asks for the router itself will be talked to, and is learnt in any case."""
    Flow(
        router,
        LOOKUP,
        110,
        f"{asked_from(name, network, length)} && arp.tpa == {address} && arp.op == 1",
        f"{KNOWN_ARP}reg9[3] = 1; next;",
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, name=name, v4=v4) & Choosy(router) & ((address, network, length) in v4))


# -- learn -------------------------------------------------------------------------------------------------------------


@rule
def learn(drop):
    """What isn't known is learnt, if the packet says an Ethernet address."""
    GroupFlow(EAGER, LEARN, 100, "reg9[2] == 1", "next;", (), ())
    GroupFlow(CHOOSY, LEARN, 100, "reg9[2] == 1 || reg9[3] == 0", "next;", (), ())
    GroupFlow("routers", LEARN, 95, "nd_ns && (ip6.src == 0 || nd.sll == 0)", "next;", (), ())
    GroupFlow("routers", LEARN, 95, "nd_na && nd.tll == 0", "put_nd(inport, nd.target, eth.src); next;", (), ())
    GroupFlow("routers", LEARN, 90, "arp", "put_arp(inport, arp.spa, arp.sha); next;", (), ())
    GroupFlow("routers", LEARN, 90, "nd_na", "put_nd(inport, nd.target, nd.tll); next;", (), ())
    GroupFlow("routers", LEARN, 90, "nd_ns", "put_nd(inport, ip6.src, nd.sll); next;", (), ())
    GroupFlow("routers", LEARN, 0, "1", drop, (), ()) <= DropAction(drop, _)


# -- ask ---------------------------------------------------------------------------------------------------------------


@rule
def ask():
    """A packet whose next hop has no known Ethernet address makes the router ask for it; others go out."""
    GroupFlow(
        "routers",
        REQUEST,
        100,
        "eth.dst == 00:00:00:00:00:00 && ip4",
        "arp { eth.dst = ff:ff:ff:ff:ff:ff; arp.spa = reg1; arp.tpa = reg0; arp.op = 1; output; };",
        (),
        (),
    )
    GroupFlow(
        "routers",
        REQUEST,
        100,
        "eth.dst == 00:00:00:00:00:00 && ip6",
        "nd_ns { nd.target = xxreg0; output; };",
        (),
        (),
    )
    GroupFlow("routers", REQUEST, 0, "1", "output;", (), ())


@pure
def is_ipv6(text: str) -> bool:
    """Whether a next hop is a single IPv6 address; a whole prefix length may stand behind it."""
    if ":" not in text:
        return False
    network = network_of(text)
    return bool(network) and network[0][2] == 128


@pure
def solicitation(text: str) -> str:
    """Actions that ask for the Ethernet address of an IPv6 next hop, RFC 4861 section 7.2.2."""
    group = solicited_node(network_of(text)[0][0])
    return f"nd_ns {{ eth.dst = {multicast_mac(group)}; ip6.dst = {group}; nd.target = {text}; output; }};"


@rule
def next_hop(router, route, address):
    """Static routes that have a next hop in common ask for it alike."""
    NextHop(router, address, min(route)) <= (
        Datapath(router, "router", _)
        & nb.Logical_Router.static_routes(router, route)
        & nb.Logical_Router_Static_Route(_uuid=route, nexthop=address)
        & is_ipv6(address)
    )


@rule
def ask_next_hop(router, route, address):
    """The IPv6 next hop of a static route is asked for in its own multicast group."""
    GroupFlow(
        str(router),
        REQUEST,
        200,
        f"eth.dst == 00:00:00:00:00:00 && ip6 && xxreg0 == {address}",
        solicitation(address),
        (),
        hint(route),
    ) <= NextHop(router, address, route)
