"""Next hops: through which port of a router, and from which address of it, a neighbour's address is reached.

Networks and next hops meet by network: a port that comes or goes concerns the next hops in its networks only, and a
next hop looks once for each length of prefix that the router has. Of several ports, ovn-northd takes the first in the
order of their UUIDs, and of a port the first network in the order of its column.
"""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.addresses import Network
from ovn_rules.rules.ovn.relations import RouterPort


class RouterNetwork(Relation):
    """A network that a router is connected to."""

    router: Uuid = column("the router")
    network: str = column("IPv4 or IPv6, host bits zero")
    length: int = column("the length of its prefix")
    place: tuple[Uuid, int] = column("the port, and the place among its networks of one IP version")
    address: str = column("the router's address in it")


class PrefixLength(Relation):
    """A length of prefix that some network of a router has."""

    router: Uuid = column("the router")
    length: int = column("0 to 128")


class Hop(Relation):
    """A next hop that a route or policy of a router has, and no output port."""

    router: Uuid = column("the router")
    hop: str = column("as it is written")


class HopNetwork(Relation):
    """A network that a next hop would be in."""

    router: Uuid = column("the router")
    network: str = column("IPv4 or IPv6, host bits zero")
    length: int = column("the length of its prefix")
    hop: str = column("the next hop")


class HopPlace(Relation):
    """Where a next hop is reached, if anywhere."""

    router: Uuid = column("the router")
    hop: str = column("the next hop")
    place: tuple[Uuid, int, str] = column("the port, the place of the network, and the router's address")


class HopPort(Relation):
    """The port through which a next hop is reached."""

    router: Uuid = column("the router")
    hop: str = column("the next hop")
    port: Uuid = column("a port of the router")
    address: str = column("the router's address in the next hop's network")


@pure
def placed(networks: tuple[Network, ...]) -> tuple[tuple[int, str, str, int], ...]:
    """Networks with their places."""
    return tuple((place, *network) for place, network in enumerate(networks))


@pure
def network_around(address: str, length: int) -> str:
    """The network of a length that an address is in; empty when there is none, or when it is no address."""
    family, bits = (AF_INET, 32) if "." in address else (AF_INET6, 128)
    try:
        number = int.from_bytes(inet_pton(family, address))
    except (OSError, ValueError):
        return ""
    if length > bits:
        return ""
    return inet_ntop(family, (number >> (bits - length) << (bits - length)).to_bytes(bits // 8))


@pure
def member_address(address: str, v4: tuple[Network, ...], v6: tuple[Network, ...]) -> str:
    """The own address of the first network that an address is in; empty when it is in none."""
    for own, network, length in v4 if "." in address else v6:
        if network_around(address, length) == network:
            return own
    return ""


@rule
def router_network(router, port, v4, v6, place, address, network, length):
    """A router is connected to the networks of its ports."""
    RouterNetwork(router, network, length, (port, place), address) <= (
        RouterPort(port=port, router=router, v4=v4) & ((place, address, network, length) in placed(v4))
    )
    RouterNetwork(router, network, length, (port, place), address) <= (
        RouterPort(port=port, router=router, v6=v6) & ((place, address, network, length) in placed(v6))
    )


@rule
def prefix_length(router, length):
    """Lengths that no network has needn't be tried."""
    PrefixLength(router, length) <= RouterNetwork(router=router, length=length)


@rule
def hop_network(router, hop, length, network):
    """A next hop would be in one network of each length."""
    HopNetwork(router, network, length, hop) <= (
        Hop(router, hop) & PrefixLength(router, length) & (network == network_around(hop, length)) & (network != "")
    )


@rule
def hop_port(router, hop, network, length, place, address):
    """A next hop is reached through the first port that has a network with it."""
    HopPlace(router, hop, min((place[0], place[1], address))) <= (
        HopNetwork(router, network, length, hop) & RouterNetwork(router, network, length, place, address)
    )
    HopPort(router, hop, place[0], place[2]) <= HopPlace(router, hop, place)
