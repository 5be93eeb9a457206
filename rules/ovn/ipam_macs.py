"""The Ethernet and IPv6 addresses of ports that ask for an address, and what is written down of it all.

An Ethernet address that is made up begins with the network's mac_prefix and follows from the IPv4 address, or is the
next one that is free; the IPv6 address follows from it, RFC 4291 appendix A.
"""

from socket import AF_INET6, inet_ntop

from ovn_rules.engine import Relation, Uuid, _, allocate, column, every, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.addresses import ipv4_of, link_local, number_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.ipam import Ipam
from ovn_rules.rules.ovn.ipam_v4 import Asking, GivenV4, Request
from ovn_rules.rules.ovn.ports import static_addresses
from ovn_rules.rules.ovn.relations import Attached, Option, PortAddress, Problem, RouterPort, SwitchPort

_SUFFIXES = 0xFFFFFE
"""How many Ethernet addresses begin with a prefix, those that end in zeros or ones left out."""


class MacPrefix(Relation):
    """How Ethernet addresses begin that are made up in this network."""

    prefix: str = column("their first three bytes, with a colon at the end")


class GivenMac(Relation, key=("port",)):
    """The Ethernet address of a port that asks for an address."""

    port: Uuid = column("the port")
    mac: str = column("its own, the one it has, or one that is made up")


class NewMac(Relation):
    """A port whose Ethernet address is to be made up."""

    port: Uuid = column("the port")
    near: int = column("which of those with the prefix would be its")


class UsedMac(Relation):
    """An Ethernet address with the network's prefix that somebody has."""

    suffix: int = column("its last three bytes, as a number")


class MacHolder(Relation):
    """Who has or needs an Ethernet address with the network's prefix."""

    holder: str = column("a port's UUID, or ``used`` and the address")


class MacWanted(Relation):
    """The Ethernet address that somebody has."""

    holder: str = column("who")
    suffix: int = column("its last three bytes")


class MacNear(Relation):
    """The Ethernet address that a port is to have, or the next free one."""

    holder: str = column("the port's UUID")
    suffix: int = column("its last three bytes")


class MacNumber(Relation):
    """Ethernet addresses with the network's prefix, each somebody's."""

    holder: str = column("whose")
    suffix: int = column("its last three bytes")


class Dynamic(Relation, key=("port",)):
    """The addresses of a port that asks for them."""

    port: Uuid = column("the port")
    mac: str = column("its Ethernet address")
    v4: tuple[str, ...] = column("its IPv4 address, if its switch has one for it")
    v6: tuple[str, ...] = column("its IPv6 address, if its switch has a prefix")


class LeftAddresses(Relation):
    """What a port was assigned before it was connected to a router, as dynamic_addresses still has it."""

    port: Uuid = column("the port")
    mac: str = column("its Ethernet address")
    v4: tuple[str, ...] = column("its IPv4 address, if it had one")
    v6: tuple[str, ...] = column("its IPv6 address, if it had one")


class DynamicAddresses(Relation, key=("port",)):
    """What is to stand in dynamic_addresses."""

    port: Uuid = column("the port")
    text: tuple[str, ...] = column("its addresses; nothing if it doesn't ask for any")


# -- Ethernet addresses --------------------------------------------------------------------------------------------


@pure
def suffix_of(mac: str, prefix: str) -> tuple[int, ...]:
    """The last three bytes of an Ethernet address that begins so."""
    suffix = int(mac.removeprefix(prefix).replace(":", ""), 16) if mac.startswith(prefix) else 0
    return (suffix,) if 1 <= suffix <= _SUFFIXES else ()


@pure
def suffixes_of(texts: tuple[str, ...], prefix: str) -> tuple[int, ...]:
    """The last three bytes of a port's own Ethernet addresses that begin so."""
    return tuple(suffix for mac, _v4, _v6 in static_addresses(texts) for suffix in suffix_of(mac, prefix))


@pure
def mac_with(prefix: str, suffix: int) -> str:
    """An Ethernet address of its first and its last three bytes."""
    return f"{prefix}{suffix >> 16:02x}:{suffix >> 8 & 0xFF:02x}:{suffix & 0xFF:02x}"


@rule
def mac_prefix_in_use(prefix):
    """Ethernet addresses are looked at only where some may have to be made up."""
    MacPrefix(f"{prefix}:") <= Option("mac_prefix", prefix) & every(Ipam(switch=_))


@rule
def known_mac(port, request, prefix):
    """A port has the Ethernet address that it says, or keeps the one that was made up for it."""
    GivenMac(port, request[0]) <= Asking(port=port, request=request) & (request[0] != "")
    GivenMac(port, request[3]) <= (
        Asking(port=port, request=request)
        & (request[0] == "")
        & every(MacPrefix(prefix))
        & request[3].startswith(prefix)
    )


@pure
def near(request: Request, address: int) -> int:
    """The last three bytes that an IPv4 address says, that which a new port asks for before that which it gets."""
    _mac, asked, _v6, had, _had_v4, _had_v6 = request
    return ((number_of(asked) if asked and not had else address) & 0xFFFFFF) % _SUFFIXES + 1


@rule
def new_mac(port, request, prefix, address):
    """For others one is made up, near what their IPv4 address says."""
    NewMac(port, near(request, address)) <= (
        Asking(port=port, request=request)
        & (request[0] == "")
        & every(MacPrefix(prefix))
        & ~request[3].startswith(prefix)
        & GivenV4(port, address)
    )
    NewMac(port, near(request, 0)) <= (
        Asking(port=port, request=request)
        & (request[0] == "")
        & every(MacPrefix(prefix))
        & ~request[3].startswith(prefix)
        & ~GivenV4(port, _)
    )


@rule
def used_mac(texts, request, prefix, mac, suffix):
    """Ethernet addresses are unique in the whole network."""
    UsedMac(suffix) <= (
        every(MacPrefix(prefix)) & nb.Logical_Switch_Port(addresses=texts) & (suffix in suffixes_of(texts, prefix))
    )
    UsedMac(suffix) <= every(MacPrefix(prefix)) & RouterPort(mac=mac) & (suffix in suffix_of(mac, prefix))
    UsedMac(suffix) <= (
        every(MacPrefix(prefix)) & Asking(request=request) & (suffix in suffix_of(request[0] or request[3], prefix))
    )


@rule
def mac_holders(port, near, suffix, holder):
    """What is used stays with who has it; who needs one gets what is free."""
    MacHolder(f"used {suffix}") <= UsedMac(suffix)
    MacWanted(f"used {suffix}", suffix) <= UsedMac(suffix)
    MacHolder(str(port)) <= NewMac(port, _)
    MacNear(str(port), near) <= NewMac(port, near)
    MacNumber(holder, allocate(1, 16777214, MacNear, wanted=MacWanted, after="hint")) <= MacHolder(holder)


@rule
def made_up_mac(port, prefix, suffix):
    """The network's prefix and a number make an Ethernet address."""
    GivenMac(port, mac_with(prefix, suffix)) <= (
        NewMac(port, _) & MacNumber(str(port), suffix) & every(MacPrefix(prefix))
    )


# -- IPv6 addresses, and all together ----------------------------------------------------------------------------------


@pure
def v6_of(request: Request, mac: str, prefix: str) -> tuple[str, ...]:
    """The IPv6 address of a port: what it asks for, what it has, or what follows from its Ethernet address.

    It may ask for what has the bits of the prefix, and others, as in ovn-northd; what it has may have another prefix.
    """
    own_mac, _own_v4, own_v6, had_mac, _had_v4, had_v6 = request
    if not prefix:
        return ()
    network = number_of(prefix)
    if own_v6 and number_of(own_v6) & network == network:
        return (own_v6,)
    if had_v6 and had_mac == mac and not own_mac and not own_v6:
        return (had_v6,)
    interface = number_of(link_local(mac)) & 0xFFFFFFFFFFFFFFFF
    return (inet_ntop(AF_INET6, (network | interface).to_bytes(16)),)


@rule
def dynamic(port, switch, request, mac, prefix, address):
    """A port has an Ethernet address, and the IP addresses that its switch has for it."""
    Dynamic(port, mac, (ipv4_of(address),), v6_of(request, mac, prefix)) <= (
        Asking(port, switch, request) & Ipam(switch, prefix) & GivenMac(port, mac) & GivenV4(port, address)
    )
    Dynamic(port, mac, (), v6_of(request, mac, prefix)) <= (
        Asking(port, switch, request) & Ipam(switch, prefix) & GivenMac(port, mac) & ~GivenV4(port, _)
    )


@pure
def refused(request: Request, v4: tuple[str, ...], v6: tuple[str, ...]) -> tuple[str, ...]:
    """What is said of IP addresses that a port asks for and doesn't have."""
    asked = ((request[1], v4), (request[2], v6))
    return tuple(f"asks for {a}, and gets {', '.join(given) or 'none'}" for a, given in asked if a and a not in given)


@rule
def refused_request(port, request, v4, v6, text, name):
    """A switch may not have the address that a port asks for, or another port has it."""
    Problem(f"Logical_Switch_Port {name}", text) <= (
        Dynamic(port=port, v4=v4, v6=v6)
        & Asking(port=port, request=request)
        & (text in refused(request, v4, v6))
        & nb.Logical_Switch_Port(_uuid=port, name=name)
    )


@rule
def assigned_address(port, mac, v4, v6):
    """A port has the addresses that were assigned to it."""
    PortAddress(port, mac, v4, v6) <= Dynamic(port, mac, v4, v6)


@rule
def left_addresses(port, switch, text, mac, v4, v6):
    """What a port was assigned before it was connected to a router stays written down, as in ovn-northd."""
    LeftAddresses(port, mac, v4, v6) <= (
        nb.Logical_Switch_Port.dynamic_addresses(port, text)
        & Attached(port, _)
        & SwitchPort(port=port, switch=switch)
        & Ipam(switch=switch)
        & ((mac, v4, v6) in static_addresses((text,)))
    )


@rule
def dynamic_addresses(port, mac, v4, v6):
    """What was assigned is written down, and what isn't assigned any more is deleted."""
    DynamicAddresses(port, (" ".join((mac, *v4, *v6)),)) <= Dynamic(port, mac, v4, v6)
    DynamicAddresses(port, ()) <= (
        nb.Logical_Switch_Port.dynamic_addresses(port, _) & ~Dynamic(port=port) & ~LeftAddresses(port=port)
    )


LOGICAL_SWITCH_PORT = Sink(
    relation="DynamicAddresses",
    database="nb",
    table="Logical_Switch_Port",
    key=("_uuid",),
    columns={"_uuid": "port", "dynamic_addresses": "text"},
    insert=False,
    delete=False,
)
