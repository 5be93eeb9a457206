"""lr_in_arp_resolve: addresses of virtual ports, options:virtual-ip and options:virtual-parents of ovn-nb(5).

Who has such an address stands in Port_Binding, where ovn-controller writes it. As long as nobody has it, a router asks
each time, because what it learned earlier may be wrong.
"""

from ovn_rules.engine import Relation, Uuid, _, column, rule
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.relations import Flow, PortAddress, PortRow, RouterPort, SwitchPort
from ovn_rules.rules.ovn.router_hops import member_address
from ovn_rules.rules.ovn.router_resolve import next_hop
from ovn_rules.rules.ovn.switch_links import RouterLink
from ovn_rules.rules.ovn.text import hint


class VirtualAddress(Relation):
    """An address of a virtual port."""

    port: Uuid = column("the virtual port")
    switch: Uuid = column("its switch")
    address: str = column("IPv4 or IPv6")


class VirtualParent(Relation):
    """The port that has the address of a virtual port now."""

    port: Uuid = column("the virtual port")
    name: str = column("the name of its parent")


class ParentMac(Relation):
    """The Ethernet address of the port that has the address of a virtual port now."""

    port: Uuid = column("the virtual port")
    parent: Uuid = column("its parent")
    mac: str = column("the parent's first address")


class VirtualMac(Relation):
    """What the address of a virtual port is resolved to."""

    port: Uuid = column("the virtual port")
    switch: Uuid = column("the switch behind whose routers the address is")
    address: str = column("IPv4 or IPv6")
    mac: str = column("the Ethernet address of who has it; zeros as long as nobody does")


class VirtualWay(Relation):
    """The router port that resolves the address of a virtual port."""

    port: Uuid = column("the virtual port")
    out: Uuid = column("the first port that has a network with the address")


@rule
def virtual_address(port, switch, address):
    """A virtual port has an address when it says one, and who may have it."""
    VirtualAddress(port, switch, address) <= (
        SwitchPort(port=port, switch=switch, type="virtual", enabled=True)
        & nb.Logical_Switch_Port.options(port, "virtual-ip", address)
        & nb.Logical_Switch_Port.options(port, "virtual-parents", _)
    )


@rule
def virtual_parent_now(port, row, name, parent, mac):
    """A parent that a host has claimed has the address."""
    VirtualParent(port, name) <= (
        VirtualAddress(port=port)
        & PortRow(port, row)
        & sb.Port_Binding.virtual_parent(row, name)
        & (name != "")
        & sb.Port_Binding.chassis(row, _)
    )
    ParentMac(port, parent, min(mac)) <= (
        VirtualParent(port, name) & SwitchPort(port=parent, name=name) & PortAddress(port=parent, mac=mac)
    )


@rule
def virtual_mac(port, switch, address, parent, mac):
    """The address is resolved behind the routers of the switch where it is now."""
    VirtualMac(port, switch, address, mac) <= (
        VirtualAddress(port, _, address) & ParentMac(port, parent, mac) & SwitchPort(port=parent, switch=switch)
    )
    VirtualMac(port, switch, address, "00:00:00:00:00:00") <= (
        VirtualAddress(port, switch, address) & ~VirtualParent(port, _)
    )


@rule
def virtual_way(port, switch, address, out, v4, v6):
    """One router port resolves the address."""
    VirtualWay(port, min(out)) <= (
        VirtualMac(port=port, switch=switch, address=address)
        & RouterLink(switch=switch, router_port=out)
        & RouterPort(port=out, v4=v4, v6=v6)
        & (member_address(address, v4, v6) != "")
    )


@rule
def resolve_virtual(port, address, mac, out, router, name):
    """A router sends packets for the address to who has it now."""
    Flow(router, "lr_in_arp_resolve", 100, next_hop(name, address), f"eth.dst = {mac}; next;", (), hint(port)) <= (
        VirtualMac(port=port, address=address, mac=mac)
        & VirtualWay(port, out)
        & RouterPort(port=out, router=router, name=name)
    )
