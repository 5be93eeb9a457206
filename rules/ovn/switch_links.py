"""What a switch is connected to besides machines: routers and physical networks."""

from ovn_rules.engine import Relation, Uuid, _, column, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Attached, SwitchPort


class LocalnetPort(Relation):
    """A port that connects a switch to a physical network."""

    switch: Uuid = column("the switch")
    port: Uuid = column("the port")
    name: str = column("its name")


class RouterLink(Relation):
    """A port that connects a switch to a router port."""

    switch: Uuid = column("the switch")
    port: Uuid = column("the switch's port")
    router_port: Uuid = column("the router port")


class Mixed(Relation):
    """A switch that has ports other than those that connect it to routers."""

    switch: Uuid = column("the switch")


@rule
def localnet_port(switch, port, name):
    """A localnet port connects a switch to a physical network."""
    LocalnetPort(switch, port, name) <= SwitchPort(port=port, switch=switch, name=name, type="localnet")


@rule
def router_link(switch, port, router_port):
    """A port of type router that names a router port connects a switch to it."""
    RouterLink(switch, port, router_port) <= Attached(port, router_port) & SwitchPort(port=port, switch=switch)


@rule
def mixed(switch, port):
    """A router's broadcasts have somewhere to go if a port isn't connected to a router."""
    Mixed(switch) <= nb.Logical_Switch.ports(switch, port) & ~RouterLink(switch, port, _)
