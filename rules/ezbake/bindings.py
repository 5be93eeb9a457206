"""Binding: the southbound row of each logical port, its tunnel key, and whether it is up."""

from ovn_rules.engine import _, allocate, rule
from ovn_rules.rules.ezbake.databases import nb, sb
from ovn_rules.rules.ezbake.relations import (
    Binding,
    PortHolder,
    PortKey,
    PortUp,
    StoredKey,
)


@rule
def stored_key(name, key):
    """A port keeps the tunnel key that its Binding row has, so that a restart changes none."""
    StoredKey(name, key) <= sb.Binding(logical_port=name, tunnel_key=key)


@rule
def port_key(name):
    """Every logical port has a tunnel key, which is how the hosts name it to each other."""
    PortKey(name, allocate(1, 65535, StoredKey)) <= nb.Logical_Port(name=name)


@rule
def bound(name, switch, key, parent, tag, macs, chassis):
    """Every logical port has a Binding row; a chassis has it."""
    Binding(switch, name, key, parent, tag, chassis, macs) <= (
        nb.Logical_Port(lswitch=switch, name=name, parent_name=parent, tag=tag, macs=macs)
        & PortKey(name, key)
        & PortHolder(name, chassis)
    )


@rule
def unbound(name, switch, key, parent, tag, macs):
    """Every logical port has a Binding row, also while no chassis has it."""
    Binding(switch, name, key, parent, tag, "", macs) <= (
        nb.Logical_Port(lswitch=switch, name=name, parent_name=parent, tag=tag, macs=macs)
        & PortKey(name, key)
        & ~PortHolder(name, _)
    )


@rule
def up(port, name, chassis):
    """A port is up as long as a chassis has it."""
    PortUp(port, (chassis != "",)) <= (
        nb.Logical_Port(_uuid=port, name=name) & Binding(logical_port=name, chassis=chassis)
    )
