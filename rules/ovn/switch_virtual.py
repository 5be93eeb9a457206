"""Virtual ports: an address that one of several ports has at a time, and who has it now.

Part of the stage arp_rsp of ovn-northd(8); options:virtual-ip and options:virtual-parents of ovn-nb(5).
"""

from socket import AF_INET, AF_INET6, inet_pton

from ovn_rules.engine import pure, rule
from ovn_rules.rules.ovn.addresses import solicited_node
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Flow, SwitchPort
from ovn_rules.rules.ovn.text import hint, quoted


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
    return (
        f"((nd_ns && ip6.dst == {{{address}, {solicited_node(address)}}} && nd.target == {address}) ||"
        f"(nd_na && nd.target == {address}))"
    )


@pure
def listed(names: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name for name in names.split(",") if name)


@rule
def virtual_parent(port, switch, name, address, match, parents, parent, parent_name):
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
        & nb.Logical_Switch_Port.options(port, "virtual-parents", parents)
        & (parent_name in listed(parents))
        & SwitchPort(port=parent, switch=switch, name=parent_name)
    )
