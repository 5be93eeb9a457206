"""Address_Set and Port_Group of ovn-sb(5): sets that matches name, those included that port groups make."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.addresses import bare, mac_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.ipam_macs import LeftAddresses
from ovn_rules.rules.ovn.ports import static_addresses
from ovn_rules.rules.ovn.relations import (
    Attached,
    DatapathKey,
    Option,
    PortAddress,
    Problem,
    RouterPort,
    SwitchPort,
)


class AddressSet(Relation, key=("name",)):
    """A row of the southbound table Address_Set."""

    name: str = column("what matches call it, after $")
    addresses: tuple[str, ...] = column("Ethernet, IPv4 or IPv6 addresses and networks")


class MadeSet(Relation, key=("name",)):
    """An address set that a port group makes."""

    name: str = column("the port group's name with _ip4 or _ip6 at its end")
    group: Uuid = column("the port group")
    family: str = column("ip4 or ip6")


class GroupAddress(Relation):
    """An IP address of a port in a group."""

    group: Uuid = column("the port group")
    family: str = column("ip4 or ip6")
    address: str = column("the address")


class Borrowed(Relation):
    """Addresses that a port in a group has from the router port that it is connected to; they are not its own."""

    port: Uuid = column("the switch port")
    mac: str = column("the Ethernet address")
    v4: tuple[str, ...] = column("IPv4 addresses")
    v6: tuple[str, ...] = column("IPv6 addresses")


class SharedPortGroup(Relation, key=("name",)):
    """A row of the southbound table Port_Group: the part of a port group that is on one switch."""

    name: str = column("the switch's tunnel key and the group's name")
    ports: tuple[str, ...] = column("names of ports")


@pure
def families(v4: tuple[str, ...], v6: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """IP addresses, each after what the name of its set ends in."""
    return (*(("ip4", address) for address in v4), *(("ip6", address) for address in v6))


@rule
def made_set(group, name, family):
    """A port group makes two address sets."""
    MadeSet(f"{name}_{family}", group, family) <= nb.Port_Group(_uuid=group, name=name) & (family in ("ip4", "ip6"))


@rule
def borrowed(port, router_port, texts, mac, v4, v6):
    """What a port to a router says itself is its own, even when the router port has it, too."""
    Borrowed(port, mac, bare(v4), bare(v6)) <= (
        nb.Port_Group.ports(_, port)
        & Attached(port, router_port)
        & RouterPort(port=router_port, mac=mac, v4=v4, v6=v6)
        & nb.Logical_Switch_Port(_uuid=port, addresses=texts)
        & ((mac, bare(v4), bare(v6)) not in static_addresses(texts))
    )


@rule
def group_address(group, port, mac, v4, v6, family, address):
    """A group has its ports' own addresses, and those that dynamic_addresses still has."""
    GroupAddress(group, family, address) <= (
        nb.Port_Group.ports(group, port)
        & PortAddress(port, mac, v4, v6)
        & ~Borrowed(port, mac, v4, v6)
        & ((family, address) in families(v4, v6))
    )
    GroupAddress(group, family, address) <= (
        nb.Port_Group.ports(group, port) & LeftAddresses(port, _, v4, v6) & ((family, address) in families(v4, v6))
    )


@rule
def address_set(name, addresses):
    """Address sets are copied."""
    AddressSet(name, addresses) <= nb.Address_Set(name=name, addresses=addresses)


@rule
def address_set_of_group(name, group, family, address):
    """The sets of a port group have the addresses of its ports, unless one of that name is given."""
    AddressSet(name, collect(address)) <= (
        MadeSet(name, group, family) & ~nb.Address_Set(name=name) & GroupAddress(group, family, address)
    )


@rule
def address_set_of_none(name, group, family):
    """The sets of a port group are there even when they are empty."""
    AddressSet(name, ()) <= (
        MadeSet(name, group, family) & ~nb.Address_Set(name=name) & ~GroupAddress(group=group, family=family)
    )


@rule
def name_taken(name, group, own):
    """A given set comes before one that a port group makes."""
    Problem(f"Address_Set {name}", f"takes the name of a set of port group {own}, whose addresses are left out") <= (
        MadeSet(name, group, _) & nb.Address_Set(name=name) & nb.Port_Group(_uuid=group, name=own)
    )
    Problem("Address_Set svc_monitor_mac", "takes the name of a set of ovn-northd's, whose address is left out") <= (
        nb.Address_Set(name="svc_monitor_mac")
    )


@rule
def monitor_set(text):
    """The Ethernet address that health checks come from is a set of its own."""
    AddressSet("svc_monitor_mac", (mac_of(text),)) <= (
        Option("svc_monitor_mac", text) & ~nb.Address_Set(name="svc_monitor_mac")
    )


@rule
def shared_port_group(group, port, switch, key, group_name, name):
    """Hosts know a port group by the part of it that is on each switch."""
    SharedPortGroup(f"{key}_{group_name}", collect(name)) <= (
        nb.Port_Group(_uuid=group, name=group_name)
        & nb.Port_Group.ports(group, port)
        & SwitchPort(port=port, switch=switch, name=name)
        & DatapathKey(switch, key)
    )


ADDRESS_SET = Sink(
    relation="AddressSet",
    database="sb",
    table="Address_Set",
    key=("name",),
    columns={"name": "name", "addresses": "addresses"},
)
PORT_GROUP = Sink(
    relation="SharedPortGroup",
    database="sb",
    table="Port_Group",
    key=("name",),
    columns={"name": "name", "ports": "ports"},
)
