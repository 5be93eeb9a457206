"""Addresses that two ports have, and ACLs that are about the same packets: one of the two is in vain, and it is said.

ovn-northd makes the flows of both. Which one a host goes by, nobody can tell.
"""

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.acls import Acl
from ovn_rules.rules.ovn.addresses import Network, bare, is_link_local
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import PortAddress, Problem, RouterPort, SwitchPort
from ovn_rules.rules.ovn.switch_responder import SharedMac

Subject = tuple[str, int, str]
"""A stage, the priority of flows there, and their match."""


class Holder(Relation):
    """A port that has an address in its switch or router."""

    datapath: Uuid = column("the switch or router")
    address: str = column("an IP address, or an Ethernet address that several ports have")
    port: str = column("what the port is called")


class FirstHolder(Relation):
    """Of the ports with an address, the first by name."""

    datapath: Uuid = column("the switch or router")
    address: str = column("the address")
    port: str = column("what the port is called")


class ListedAcl(Relation):
    """An ACL, with what it is about."""

    owner: Uuid = column("the switch or port group that lists it")
    subject: Subject = column("where it counts, and for which packets")
    acl: Uuid = column("the ACL")


class FirstAcl(Relation):
    """Of the ACLs about the same packets, the first."""

    owner: Uuid = column("the switch or port group that lists them")
    subject: Subject = column("where they count, and for which packets")
    acl: Uuid = column("the first ACL")


@pure
def own(networks: tuple[Network, ...]) -> tuple[str, ...]:
    """The addresses of a router port in networks, but for link-local ones, which are each link's own, RFC 4291."""
    return tuple(address for address in bare(networks) if ":" not in address or not is_link_local(address))


@rule
def holder(port, datapath, name, mac, v4, v6, address):
    """Switch ports have the addresses that they say or were assigned, router ports those of their networks."""
    Holder(datapath, mac, f"port {name}") <= (
        SharedMac(mac) & PortAddress(port=port, mac=mac) & SwitchPort(port=port, switch=datapath, name=name)
    )
    Holder(datapath, address, f"port {name}") <= (
        PortAddress(port=port, v4=v4, v6=v6) & (address in v4 + v6) & SwitchPort(port=port, switch=datapath, name=name)
    )
    Holder(datapath, address, f"router port {name}") <= (
        RouterPort(router=datapath, name=name, v4=v4, v6=v6) & (address in own(v4 + v6))
    )
    FirstHolder(datapath, address, min(port)) <= Holder(datapath, address, port)


@rule
def same_address(datapath, address, port, first):
    """Two machines can't have one address."""
    Problem(port, f"has the address {address}, as {first} has") <= (
        Holder(datapath, address, port) & FirstHolder(datapath, address, first) & (port != first)
    )


@rule
def first_acl(owner, acl, stage, priority, match, subject):
    """The ACLs of a switch or port group that count at one place for the same packets are alike."""
    ListedAcl(owner, (stage, priority, match), acl) <= (
        nb.Logical_Switch.acls(owner, acl) & Acl(acl=acl, stage=stage, priority=priority, match=match)
    )
    ListedAcl(owner, (stage, priority, match), acl) <= (
        nb.Port_Group.acls(owner, acl) & Acl(acl=acl, stage=stage, priority=priority, match=match)
    )
    FirstAcl(owner, subject, min(acl)) <= ListedAcl(owner, subject, acl)


@rule
def same_acl(owner, subject, acl, first):
    """Of two ACLs that are alike, one is in vain."""
    Problem(f"ACL {acl}", f"has the direction, priority and match of ACL {first}: one of the two is in vain") <= (
        ListedAcl(owner, subject, acl) & FirstAcl(owner, subject, first) & (acl != first)
    )
