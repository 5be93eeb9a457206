"""Address_Set and Port_Group of ovn-sb(5): sets that matches name, those included that port groups make."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.addresses import bare, mac_of, parse_addresses
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.ports import static_addresses
from ovn_rules.rules.ovn.relations import DatapathKey, Option, Problem, SwitchPort


class AddressSet(Relation, key=("name",)):
    """A row of the southbound table Address_Set."""

    name: str = column("what matches call it, after $")
    addresses: tuple[str, ...] = column("Ethernet, IPv4 or IPv6 addresses and networks")


class GivenSet(Relation):
    """An address set that the northbound database has under a name."""

    name: str = column("its name")


class MadeSet(Relation, key=("name",)):
    """An address set that a port group makes."""

    name: str = column("the port group's name with _ip4 or _ip6 at its end")
    group: Uuid = column("the port group")
    family: str = column("ip4 or ip6")


class MemberAddresses(Relation):
    """The addresses of a port group's ports."""

    group: Uuid = column("the port group")
    family: str = column("ip4 or ip6")
    addresses: tuple[str, ...] = column("one or more")


class SharedPortGroup(Relation, key=("name",)):
    """A row of the southbound table Port_Group: the part of a port group that is on one switch."""

    name: str = column("the switch's tunnel key and the group's name")
    ports: tuple[str, ...] = column("names of ports")


@pure
def member_addresses(texts: tuple[str, ...], dynamic: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The IP addresses that a port says or was assigned, each after what its set's name ends in."""
    found = [
        *static_addresses(texts),
        *((mac, bare(v4), bare(v6)) for t in dynamic for mac, v4, v6 in parse_addresses(t)),
    ]
    return tuple((family, a) for _mac, v4, v6 in found for family, ips in (("ip4", v4), ("ip6", v6)) for a in ips)


@rule
def given_set(name):
    """What the northbound database names is there, whatever is in it."""
    GivenSet(name) <= nb.Address_Set(name=name)


@rule
def made_set(group, name, family):
    """A port group makes two address sets."""
    MadeSet(f"{name}_{family}", group, family) <= nb.Port_Group(_uuid=group, name=name) & (family in ("ip4", "ip6"))


@rule
def addresses_of_members(group, port, texts, dynamic, family, address):
    """The addresses of a port count for its groups, but not those that a port to a router takes from there."""
    MemberAddresses(group, family, collect(address)) <= (
        nb.Port_Group.ports(group, port)
        & nb.Logical_Switch_Port(_uuid=port, addresses=texts, dynamic_addresses=dynamic)
        & ((family, address) in member_addresses(texts, dynamic))
    )


@rule
def address_set(name, addresses):
    """Address sets are copied."""
    AddressSet(name, addresses) <= nb.Address_Set(name=name, addresses=addresses)


@rule
def address_set_of_group(name, group, family, addresses):
    """The sets of a port group have the addresses of its ports, unless one of that name is given."""
    AddressSet(name, addresses) <= (
        MadeSet(name, group, family) & MemberAddresses(group, family, addresses) & ~GivenSet(name)
    )
    AddressSet(name, ()) <= MadeSet(name, group, family) & ~MemberAddresses(group, family, _) & ~GivenSet(name)


@rule
def name_taken(name, group, own):
    """A given set comes before one that a port group makes."""
    Problem(f"Address_Set {name}", f"takes the name of a set of port group {own}, whose addresses are left out") <= (
        MadeSet(name, group, _) & GivenSet(name) & nb.Port_Group(_uuid=group, name=own)
    )
    Problem("Address_Set svc_monitor_mac", "takes the name of a set of ovn-northd's, whose address is left out") <= (
        GivenSet("svc_monitor_mac")
    )


@rule
def monitor_set(text):
    """The Ethernet address that health checks come from is a set of its own."""
    AddressSet("svc_monitor_mac", (mac_of(text),)) <= Option("svc_monitor_mac", text) & ~GivenSet("svc_monitor_mac")


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
