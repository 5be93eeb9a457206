"""The IPv4 addresses of ports that ask for one: what they ask for, what they have, or the lowest that is free.

What a port has in dynamic_addresses it keeps as long as its switch can give it, so that a restart changes none.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.rules.ovn.addresses import Addresses, bare, is_dynamic, number_of, parse_addresses, parse_ips
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.ipam import Ipam, Ranges, Subnet
from ovn_rules.rules.ovn.ports import static_addresses
from ovn_rules.rules.ovn.relations import Attached, PortKey, Problem, RouterPort, SwitchPort

Request = tuple[str, str, str, str, str, str]
"""What a port asks for and what it has, each as Ethernet, IPv4 and IPv6 address, empty where there is none."""


class Asking(Relation, key=("port",)):
    """A port that asks for an address."""

    port: Uuid = column("the port")
    switch: Uuid = column("its switch")
    request: Request = column("what it asks for, and what it has")


class UsedV4(Relation):
    """An address of a switch that the switch can't give: the router's, or one that a port says it has."""

    switch: Uuid = column("the switch")
    address: int = column("the address")


class Wish(Relation):
    """An address that a port may have, as far as switch and static addresses go."""

    port: Uuid = column("the port")
    switch: Uuid = column("its switch")
    address: int = column("what it asks for, or has")


class Keeper(Relation):
    """A port that keeps an address, or gets what it asked for."""

    switch: Uuid = column("its switch")
    address: int = column("the address")
    port: Uuid = column("of those that wish to have it, the first")


class NotFree(Relation):
    """An address of a switch that is used or kept."""

    switch: Uuid = column("the switch")
    address: int = column("the address")


class AllUsedV4(Relation):
    """All addresses of a switch that are not free."""

    switch: Uuid = column("the switch")
    addresses: tuple[int, ...] = column("them, in order")


class Waiting(Relation):
    """Ports of a switch that need a new address."""

    switch: Uuid = column("the switch")
    ports: tuple[tuple[int, Uuid], ...] = column("they, with their turns")


class GivenV4(Relation, key=("port",)):
    """The IPv4 address of a port that asks for one."""

    port: Uuid = column("the port")
    address: int = column("its address")


@pure
def requests(texts: tuple[str, ...], stored: tuple[str, ...]) -> tuple[Request, ...]:
    """What the first dynamic one of a port's addresses asks for, and what the port has; nothing without one."""
    text = next((t for t in texts if is_dynamic(t)), "")
    if not text:
        return ()
    had = first_of(parse_addresses(stored[0])) if stored else ("", "", "")
    if text.startswith("dynamic"):
        return ((*first_of((("", *parse_ips(text.removeprefix("dynamic"))),)), *had),)
    return ((parse_addresses(text)[0][0], "", "", *had),)


@pure
def first_of(found: tuple[Addresses, ...]) -> tuple[str, str, str]:
    """An Ethernet, an IPv4 and an IPv6 address, each empty where there is none."""
    mac, v4, v6 = found[0] if found else ("", (), ())
    return mac, bare(v4)[0] if v4 else "", bare(v6)[0] if v6 else ""


@pure
def usable(text: str, first: int, last: int, excluded: Ranges) -> tuple[int, ...]:
    """An IPv4 address as a number, if it is one that the subnet can give."""
    number = number_of(text) if text else 0
    free = first < number <= last and not any(low <= number <= high for low, high in excluded)
    return (number,) if free else ()


@pure
def numbers_of(texts: tuple[str, ...]) -> tuple[int, ...]:
    """The IPv4 addresses that a port says it has, as numbers."""
    return tuple(number_of(v4) for _mac, addresses, _v6 in static_addresses(texts) for v4 in addresses)


@rule
def asking(switch, port, texts, stored, request):
    """A port asks by a dynamic address; one that is connected to a router has the router port's."""
    Asking(port, switch, request) <= (
        Ipam(switch=switch)
        & nb.Logical_Switch.ports(switch, port)
        & ~Attached(port, _)
        & nb.Logical_Switch_Port(_uuid=port, addresses=texts, dynamic_addresses=stored)
        & (request in requests(texts, stored))
    )


@rule
def used_v4(switch, port, first, texts, router_port, networks, address):
    """The subnet's first address is the router's; others are used by who says that it has them."""
    UsedV4(switch, first) <= Subnet(switch=switch, first=first)
    UsedV4(switch, address) <= (
        Subnet(switch=switch)
        & nb.Logical_Switch.ports(switch, port)
        & nb.Logical_Switch_Port(_uuid=port, addresses=texts)
        & (address in numbers_of(texts))
    )
    UsedV4(switch, address) <= (
        Subnet(switch=switch)
        & SwitchPort(port=port, switch=switch)
        & Attached(port, router_port)
        & RouterPort(port=router_port, v4=networks)
        & (address in tuple(number_of(network[0]) for network in networks))
    )


@rule
def wish(port, switch, request, first, last, excluded, address):
    """A port wishes what it asks for, or else to keep what it has; both only if its switch can give it."""
    Wish(port, switch, address) <= (
        Asking(port, switch, request)
        & Subnet(switch, first, last, excluded)
        & (address in usable(request[1], first, last, excluded))
        & ~UsedV4(switch, address)
    )
    Wish(port, switch, address) <= (
        Asking(port, switch, request)
        & Subnet(switch, first, last, excluded)
        & (request[1] == "")
        & (address in usable(request[4], first, last, excluded))
        & ~UsedV4(switch, address)
    )


@rule
def keeper(port, switch, address):
    """Of several ports with one address, one keeps it."""
    Keeper(switch, address, min(port)) <= Wish(port, switch, address)


@rule
def waiting(port, switch, request, key):
    """The others wait for an address of their own: those that had some address first, and new ones as they came."""
    Waiting(switch, collect((0 if request[3] else key, port))) <= (
        Asking(port, switch, request) & Subnet(switch=switch) & ~Keeper(switch, _, port) & PortKey(port=port, key=key)
    )


@rule
def all_used_v4(switch, address):
    """What is used and what is kept is not free."""
    NotFree(switch, address) <= UsedV4(switch, address)
    NotFree(switch, address) <= Keeper(switch, address, _)
    AllUsedV4(switch, collect(address)) <= NotFree(switch, address)


@pure
def give(
    ports: tuple[tuple[int, Uuid], ...], used: tuple[int, ...], first: int, last: int, excluded: Ranges
) -> tuple[tuple[Uuid, int], ...]:
    """The lowest free addresses of a subnet for ports, in their order; those for which there is none are left out."""
    taken = set(used)
    given = []
    address = first
    for _key, port in ports:
        address += 1
        while moved := address in taken or [high for low, high in excluded if low <= address <= high]:
            address = (address if moved is True else max(moved)) + 1
        if address > last:
            break
        given.append((port, address))
    return tuple(given)


@rule
def given_v4(switch, port, address, ports, used, first, last, excluded):
    """Who keeps no address gets a free one."""
    GivenV4(port, address) <= Keeper(_, address, port)
    GivenV4(port, address) <= (
        Waiting(switch, ports)
        & AllUsedV4(switch, used)
        & Subnet(switch, first, last, excluded)
        & ((port, address) in give(ports, used, first, last, excluded))
    )


@rule
def exhausted(ports, port, name):
    """A subnet may be too small."""
    Problem(f"Logical_Switch_Port {name}", "gets no IPv4 address: the switch's subnet has no free one") <= (
        Waiting(ports=ports)
        & ((_, port) in ports)
        & ~GivenV4(port=port)
        & nb.Logical_Switch_Port(_uuid=port, name=name)
    )


@rule
def several_requests(port, name, texts):
    """A port gets one address."""
    Problem(f"Logical_Switch_Port {name}", "has several dynamic addresses; the first one counts") <= (
        Asking(port=port)
        & nb.Logical_Switch_Port(_uuid=port, name=name, addresses=texts)
        & (len([text for text in texts if is_dynamic(text)]) > 1)
    )
