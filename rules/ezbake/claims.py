"""Which chassis has which port: what is plugged in, what is claimed, what is given back."""

from ovn_rules.engine import _, rule
from ovn_rules.rules.ezbake.databases import ovs, sb
from ovn_rules.rules.ezbake.relations import (
    ActiveChassis,
    BindingChassis,
    Child,
    Claim,
    Leaving,
    LocalChassis,
    PluggedIn,
    Port,
    Takeover,
)


@rule
def plugged_in(chassis, bridge, port, interface, name):
    """An interface of the integration bridge says in external_ids:iface-id which logical port it is."""
    PluggedIn(chassis, name) <= (
        ActiveChassis(chassis, _, bridge)
        & ovs.Bridge.ports(bridge, port)
        & ovs.Port.interfaces(port, interface)
        & ovs.Interface.external_ids(interface, "iface-id", name)
    )


@rule
def claim(chassis, port):
    """A chassis has the ports that are plugged into it."""
    Claim(chassis, port) <= PluggedIn(chassis, port) & Port(name=port) & ~Leaving(chassis)


@rule
def claim_child(chassis, port, parent):
    """A chassis that has a port has the container ports that it carries."""
    Claim(chassis, port) <= (PluggedIn(chassis, parent) & Child(port=port, parent=parent) & ~Leaving(chassis))


@rule
def claimed_binding(binding, chassis, port):
    """A chassis writes its name into the Binding rows of the ports that it has."""
    BindingChassis(binding, chassis) <= Claim(chassis, port) & sb.Binding(_uuid=binding, logical_port=port)


@rule
def released_binding(binding, chassis, port):
    """A chassis takes its name out of the Binding row of a port that it no longer has."""
    BindingChassis(binding, "") <= (
        sb.Binding(_uuid=binding, logical_port=port, chassis=chassis) & LocalChassis(_, chassis) & ~Claim(_, port)
    )


@rule
def takeover(port, old, new):
    """A port that is plugged in here and was held elsewhere has moved."""
    Takeover(port, old, new) <= (
        Claim(new, port) & sb.Binding(logical_port=port, chassis=old) & (old != "") & (old != new)
    )
