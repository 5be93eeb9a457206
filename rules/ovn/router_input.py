"""lr_in_ip_input: what a router drops, and what it passes on to be routed."""

from ovn_rules.engine import _, every, pure, rule
from ovn_rules.rules.ovn.addresses import Network, broadcast, is_link_local
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, RouterPort
from ovn_rules.rules.ovn.text import hint, quoted

INPUT = "lr_in_ip_input"

MARTIANS = (
    "ip4.src_mcast ||ip4.src == 255.255.255.255 || ip4.src == 127.0.0.0/8 || ip4.dst == 127.0.0.0/8 || "
    "ip4.src == 0.0.0.0/8 || ip4.dst == 0.0.0.0/8"
)
"""Addresses that no packet on a wire has, RFC 1812 section 5.3.7; the missing space is ovn-northd's."""


@rule
def drop_martians(drop):
    """Packets from many, from or to this host itself or from or to nobody are dropped."""
    GroupFlow("routers", INPUT, 100, MARTIANS, drop, (), ()) <= DropAction(drop, _)


@rule
def neighbours_end_here(drop):
    """ARP and neighbour discovery end at the router: what it doesn't answer is dropped."""
    GroupFlow("routers", INPUT, 85, "arp || nd", drop, (), ()) <= DropAction(drop, _)


@rule
def multicast(drop):
    """A router takes part in router discovery, and forwards no multicast."""
    GroupFlow("routers", INPUT, 84, "nd_rs || nd_ra", "next;", (), ())
    GroupFlow("routers", INPUT, 83, "ip6.mcast_rsvd", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("routers", INPUT, 82, "ip4.mcast || ip6.mcast", drop, (), ()) <= DropAction(drop, _)


@rule
def drop_broadcast(drop):
    """A broadcast stays where it is."""
    GroupFlow("routers", INPUT, 50, "eth.bcast", drop, (), ()) <= DropAction(drop, _)


@rule
def drop_outlived(drop):
    """A packet that was forwarded too often is dropped, a multicast one without a word (RFC 1812 section 5.3.1)."""
    GroupFlow(
        "routers", INPUT, 32, "ip.ttl == {0, 1} && !ip.later_frag && (ip4.mcast || ip6.mcast)", drop, (), ()
    ) <= DropAction(drop, _)
    GroupFlow("routers", INPUT, 30, "ip.ttl == {0, 1}", drop, (), ()) <= DropAction(drop, _)


@rule
def pass_on():
    """Everything else is to be routed."""
    GroupFlow("routers", INPUT, 0, "1", "next;", (), ())


@pure
def from_router(v4: tuple[Network, ...]) -> str:
    """Matches packets that claim to be from a router port, or from all hosts of its networks."""
    sources = ", ".join(f"{address}, {broadcast(network, length)}" for address, network, length in v4)
    return f"ip4.src == {{{sources}}} && reg9[0] == 0"


@rule
def drop_own_source(router, port, v4, drop):
    """What claims to be from the router or a broadcast address is dropped, unless the router looped it itself."""
    GroupFlow(str(router), INPUT, 100, from_router(v4), drop, (), hint(port)) <= (
        RouterPort(port=port, router=router, v4=v4) & (v4 != ()) & every(DropAction(drop, _))
    )


# -- time exceeded -----------------------------------------------------------------------------------------------------


@pure
def time_exceeded4(name: str, address: str) -> str:
    """Actions that tell an IPv4 source that its packet was forwarded too often, from a router port's address."""
    return (
        "icmp4 {eth.dst <-> eth.src; "
        "icmp4.type = 11; /* Time exceeded */ icmp4.code = 0; /* TTL exceeded in transit */ "
        f"ip4.dst = ip4.src; ip4.src = {address} ; ip.ttl = 254; "
        f"outport = {quoted(name)}; flags.loopback = 1; output; }};"
    )


@pure
def time_exceeded6(name: str, address: str) -> str:
    """Actions that tell an IPv6 source that its packet was forwarded too often, from a router port's address."""
    return (
        f"icmp6 {{eth.dst <-> eth.src; ip6.dst = ip6.src; ip6.src = {address} ; ip.ttl = 254; "
        "icmp6.type = 3; /* Time exceeded */ icmp6.code = 0; /* TTL exceeded in transit */ "
        f"outport = {quoted(name)}; flags.loopback = 1; output; }};"
    )


@rule
def tell_outlived(router, port, name, v4, v6, address, network, length):
    """The source of a packet that was forwarded too often is told so; over IPv6, if it is in a network of the port."""
    Flow(
        router,
        INPUT,
        31,
        f"inport == {quoted(name)} && ip4 && ip.ttl == {{0, 1}} && !ip.later_frag",
        time_exceeded4(name, address),
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, name=name, v4=v4) & ((address, _, _) in v4))
    Flow(
        router,
        INPUT,
        31,
        f"inport == {quoted(name)} && ip6 && ip6.src == {network}/{length} && ip.ttl == {{0, 1}} && !ip.later_frag",
        time_exceeded6(name, address),
        (),
        hint(port),
    ) <= (
        RouterPort(port=port, router=router, name=name, v6=v6)
        & ((address, network, length) in v6)
        & ~is_link_local(network)
    )
