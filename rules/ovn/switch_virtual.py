"""Virtual ports: an address that one of several ports has at a time, and who has it now.

Part of the stage arp_rsp of ovn-northd(8); options:virtual-ip and options:virtual-parents of ovn-nb(5).
Names of parents aren't escaped, as in ovn-northd.
"""

from socket import AF_INET, AF_INET6, inet_pton

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Flow, SwitchPort
from ovn_rules.rules.ovn.switch_responder import solicitation
from ovn_rules.rules.ovn.text import hint, quoted


class ParentName(Relation):
    """A port that may have the address of a virtual port, if there is one of that name."""

    port: Uuid = column("the virtual port")
    name: str = column("the name that it lists")


class PossibleParent(Relation):
    """A port that may have the address of a virtual port, if both are on the same switch."""

    port: Uuid = column("the virtual port")
    parent: Uuid = column("the other port")
    switch: Uuid = column("the other port's switch")
    name: str = column("the other port's name")


@pure
def claims(address: str) -> str:
    """The match of packets whose sender says that it has an address; empty when the address can't be read."""
    family = AF_INET if "." in address else AF_INET6
    try:
        inet_pton(family, address)
    except (OSError, ValueError):
        return ""
    if family == AF_INET:
        return (
            f"((arp.op == 1 && arp.spa == {address} && arp.tpa == {address}) || (arp.op == 2 && arp.spa == {address}))"
        )
    return f"(({solicitation(address)}) ||(nd_na && nd.target == {address}))"


@rule
def possible_parent(port, names, name, parent, switch):
    """A virtual port lists its possible parents by name."""
    ParentName(port, name) <= (
        nb.Logical_Switch_Port.options(port, "virtual-parents", names) & (name in names.split(",")) & (name != "")
    )
    PossibleParent(port, parent, switch, name) <= (
        ParentName(port, name) & SwitchPort(port=parent, switch=switch, name=name)
    )


@rule
def virtual_parent(port, switch, name, address, match, parent, parent_name):
    """Who announces the address of a virtual port has it from now on, if it is one of the port's parents."""
    Flow(
        switch,
        "ls_in_arp_rsp",
        100,
        f'inport == "{parent_name}" && {match}',
        f"bind_vport({quoted(name)}, inport); next;",
        (),
        hint(parent),
    ) <= (
        SwitchPort(port=port, switch=switch, name=name, type="virtual")
        & nb.Logical_Switch_Port.options(port, "virtual-ip", address)
        & (match == claims(address))
        & (match != "")
        & PossibleParent(port, parent, switch, parent_name)
    )
