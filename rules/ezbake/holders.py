"""Which chassis has a port: by the host's own database where it is read, else by the southbound one."""

from ovn_rules.engine import _, rule
from ovn_rules.rules.ezbake.databases import sb
from ovn_rules.rules.ezbake.relations import Claim, LocalChassis, PortHolder


@rule
def held_here(name, chassis):
    """A chassis whose own database is read has the ports that are plugged into it."""
    PortHolder(name, chassis) <= Claim(chassis, name)


@rule
def held_elsewhere(name, chassis):
    """Of the other chassis, the southbound database says which ports they have."""
    PortHolder(name, chassis) <= (
        sb.Binding(logical_port=name, chassis=chassis) & (chassis != "") & ~LocalChassis(_, chassis) & ~Claim(_, name)
    )
