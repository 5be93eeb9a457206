"""Logical ports: what the northbound database says of them, their addresses, and what they are attached to."""

from ovn_rules.engine import pure, rule
from ovn_rules.rules.ovn.addresses import Network, bare, is_dynamic, link_local, network_of, parse_addresses
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import (
    Attached,
    NamedRouterPort,
    PortAddress,
    PortKey,
    RouterPeer,
    RouterPort,
    SwitchPort,
    UnknownPort,
)

# -- switch ports --------------------------------------------------------------------------------------------------


@rule
def switch_port(switch, port, name, kind, enabled):
    """A port belongs to the switch that lists it; what has a tunnel key takes part."""
    SwitchPort(port, switch, name, kind, enabled != (False,)) <= (
        PortKey(port=port, datapath=switch) & nb.Logical_Switch_Port(_uuid=port, name=name, type=kind, enabled=enabled)
    )


@pure
def static_addresses(texts: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Of a port's addresses those that it says itself: ``unknown``, ``router`` and dynamic ones are none."""
    return tuple(
        (mac, bare(v4), bare(v6)) for text in texts if not is_dynamic(text) for mac, v4, v6 in parse_addresses(text)
    )


@rule
def port_address(port, texts, mac, v4, v6):
    """A port has the addresses that it says."""
    PortAddress(port, mac, v4, v6) <= (
        nb.Logical_Switch_Port(_uuid=port, addresses=texts) & ((mac, v4, v6) in static_addresses(texts))
    )


@rule
def router_address(port, texts, router_port, mac, v4, v6):
    """A port to a router has the addresses of the router port, if it says so."""
    PortAddress(port, mac, bare(v4), bare(v6)) <= (
        Attached(port, router_port)
        & nb.Logical_Switch_Port(_uuid=port, addresses=texts)
        & ("router" in texts)
        & RouterPort(port=router_port, mac=mac, v4=v4, v6=v6)
    )


@rule
def unknown_port(port, texts):
    """A port may have any address if it says so."""
    UnknownPort(port) <= nb.Logical_Switch_Port(_uuid=port, addresses=texts) & ("unknown" in texts)


# -- router ports --------------------------------------------------------------------------------------------------


@pure
def networks_v4(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The IPv4 networks of a router port, in order; an address of zeros is none to have."""
    found = (network for text in texts for network in network_of(text))
    return tuple(network for network in found if ":" not in network[0] and network[0].strip("0."))


@pure
def networks_v6(texts: tuple[str, ...], mac: str) -> tuple[Network, ...]:
    """The IPv6 networks of a router port, and the link-local address that its Ethernet address makes.

    That one is added even when it is among the networks already, as ovn-northd does.
    """
    found = (network for text in texts for network in network_of(text))
    return (*(network for network in found if ":" in network[0]), (link_local(mac), "fe80::", 64))


@rule
def router_port(router, port, name, mac, networks, enabled):
    """A router port has those networks that can be read; what has a tunnel key takes part."""
    RouterPort(port, router, name, mac, networks_v4(networks), networks_v6(networks, mac), enabled != (False,)) <= (
        NamedRouterPort(port, router, name, mac)
        & PortKey(port=port, datapath=router)
        & nb.Logical_Router_Port(_uuid=port, networks=networks, enabled=enabled)
    )


@rule
def attached(port, router_port, name):
    """A switch port of type router names the router port that it is connected to."""
    Attached(port, router_port) <= (
        SwitchPort(port=port, type="router")
        & nb.Logical_Switch_Port.options(port, "router-port", name)
        & RouterPort(port=router_port, name=name)
    )


@rule
def router_peer(port, peer, name):
    """A router port is connected to the router port that it names as its peer."""
    RouterPeer(port, peer) <= (
        RouterPort(port=port) & nb.Logical_Router_Port.peer(port, name) & RouterPort(port=peer, name=name)
    )
