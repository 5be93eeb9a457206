"""What central has derived, handed straight to the chassis: for when one program is both."""

from ovn_rules.engine import rule
from ovn_rules.rules.ezbake.databases import nb
from ovn_rules.rules.ezbake.relations import Port, PortKey


@rule
def known_port(name, datapath, key, parent, tag):
    """A chassis knows the logical ports as the administrator made them, with the keys central gave them."""
    Port(name, datapath, key, parent, tag) <= (
        nb.Logical_Port(name=name, lswitch=datapath, parent_name=parent, tag=tag) & PortKey(name, key)
    )
