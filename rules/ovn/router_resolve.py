"""lr_in_arp_resolve: next hops whose Ethernet addresses the northbound database knows.

They are machines on the switches behind a router's ports, and ports of other routers: on the same switch, or connected
directly. For all else, ovn-controller looks among the bindings that it has learned.
"""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.addresses import Network, bare
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import is_true
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, PortAddress, RouterPeer, RouterPort, SwitchPort
from ovn_rules.rules.ovn.router_hops import member_address
from ovn_rules.rules.ovn.switch_links import RouterLink
from ovn_rules.rules.ovn.text import constants, hint, quoted


class LearningRouter(Relation):
    """A router that learns the Ethernet addresses of other routers on its switches."""

    router: Uuid = column("the router")


@pure
def reached(addresses: tuple[str, ...], v4: tuple[Network, ...], v6: tuple[Network, ...]) -> tuple[str, ...]:
    """Those addresses that are in a network of a router port."""
    return tuple(address for address in addresses if member_address(address, v4, v6))


@pure
def next_hop(out: str, address: str) -> str:
    """Matches packets to a next hop through a port."""
    return f"outport == {quoted(out)} && {'xxreg0' if ':' in address else 'reg0'} == {address}"


@rule
def resolve_by_default(drop):
    """Multicast packets have their port; else what isn't known from the northbound database may have been learned."""
    GroupFlow("routers", "lr_in_arp_resolve", 500, "ip4.mcast || ip6.mcast", "next;", (), ())
    GroupFlow("routers", "lr_in_arp_resolve", 1, "ip4", "get_arp(outport, reg0); next;", (), ())
    GroupFlow("routers", "lr_in_arp_resolve", 1, "ip6", "get_nd(outport, xxreg0); next;", (), ())
    GroupFlow("routers", "lr_in_arp_resolve", 0, "1", drop, (), ()) <= DropAction(drop, _)


@rule
def resolve_machine(switch, port, kind, mac, v4, v6, address, router, router_port, name, networks4, networks6):
    """An address of a machine is known to the router ports of its switch that have a network with it."""
    Flow(router, "lr_in_arp_resolve", 100, next_hop(name, address), f"eth.dst = {mac}; next;", (), hint(port)) <= (
        RouterLink(switch=switch, router_port=router_port)
        & RouterPort(port=router_port, router=router, name=name, v4=networks4, v6=networks6)
        & SwitchPort(port=port, switch=switch, type=kind, enabled=True)
        & (kind not in ("router", "virtual"))
        & PortAddress(port, mac, v4, v6)
        & (address in reached(v4 + v6, networks4, networks6))
    )


# -- other routers ---------------------------------------------------------------------------------------------------


@rule
def learning_router(router, value):
    """The option dynamic_neigh_routers is for switches with very many routers, ovn-nb(5)."""
    LearningRouter(router) <= nb.Logical_Router.options(router, "dynamic_neigh_routers", value) & is_true(value)


@rule
def resolve_neighbour(switch, port, out, router, out_name, other, mac, v4, v6):
    """A router knows the other routers' ports on its switches, unless it is to learn them."""
    Flow(
        router,
        "lr_in_arp_resolve",
        100,
        f"outport == {quoted(out_name)} && reg0 == {constants(bare(v4))}",
        f"eth.dst = {mac}; next;",
        (),
        hint(port),
    ) <= (
        RouterLink(switch, port, out)
        & SwitchPort(port=port, enabled=True)
        & RouterPort(port=out, router=router, name=out_name)
        & ~LearningRouter(router)
        & RouterLink(switch=switch, router_port=other)
        & (other != out)
        & RouterPort(port=other, mac=mac, v4=v4)
        & (v4 != ())
    )
    Flow(
        router,
        "lr_in_arp_resolve",
        100,
        f"outport == {quoted(out_name)} && xxreg0 == {constants(bare(v6))}",
        f"eth.dst = {mac}; next;",
        (),
        hint(port),
    ) <= (
        RouterLink(switch, port, out)
        & SwitchPort(port=port, enabled=True)
        & RouterPort(port=out, router=router, name=out_name)
        & ~LearningRouter(router)
        & RouterLink(switch=switch, router_port=other)
        & (other != out)
        & RouterPort(port=other, mac=mac, v6=v6)
    )


@rule
def resolve_peer(port, peer, router, name, mac, v4, v6):
    """A router port that another one is connected to directly knows that one's addresses."""
    Flow(
        router,
        "lr_in_arp_resolve",
        100,
        f"outport == {quoted(name)} && reg0== {constants(bare(v4))}",
        f"eth.dst = {mac}; next;",
        (),
        hint(port),
    ) <= (
        RouterPeer(port, peer)
        & RouterPort(port=peer, router=router, name=name)
        & RouterPort(port=port, mac=mac, v4=v4)
        & (v4 != ())
    )
    Flow(
        router,
        "lr_in_arp_resolve",
        100,
        f"outport == {quoted(name)} && xxreg0 == {constants(bare(v6))}",
        f"eth.dst = {mac}; next;",
        (),
        hint(port),
    ) <= (
        RouterPeer(port, peer) & RouterPort(port=peer, router=router, name=name) & RouterPort(port=port, mac=mac, v6=v6)
    )
