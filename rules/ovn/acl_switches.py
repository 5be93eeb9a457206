"""Which switches have ACLs, their own or those of port groups with ports of theirs, and which follow connections."""

from ovn_rules.engine import Relation, Uuid, _, column, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Datapath, Group, SwitchPort


class PortGroupSwitch(Relation):
    """A switch some of whose ports are in a port group."""

    group: Uuid = column("the port group")
    switch: Uuid = column("the switch")


class PortGroupAcls(Relation):
    """A port group that has ACLs."""

    group: Uuid = column("the port group")


class PortGroupStateful(Relation):
    """A port group with an ACL that allows related packets."""

    group: Uuid = column("the port group")


class AclSwitch(Relation):
    """A switch with ACLs."""

    switch: Uuid = column("the switch")


class StatefulSwitch(Relation):
    """A switch that follows connections, because one of its ACLs allows related packets."""

    switch: Uuid = column("the switch")


class PortGroupPart(Relation):
    """Those switches of a port group whose ACLs have flows alike."""

    group: Uuid = column("the port group")
    datapaths: str = column("the group of their datapaths")
    stateful: bool = column("whether they follow connections")


class AclIn(Relation):
    """Datapaths that an ACL is for."""

    acl: Uuid = column("the ACL")
    datapaths: str = column("a group of datapaths")
    stateful: bool = column("whether they follow connections")


@rule
def port_group_switch(group, port, switch):
    """A port group is for the switches that its ports are on."""
    PortGroupSwitch(group, switch) <= nb.Port_Group.ports(group, port) & SwitchPort(port=port, switch=switch)


@rule
def port_group_acls(group, acl):
    """What ACLs a port group has matters to all its switches."""
    PortGroupAcls(group) <= nb.Port_Group.acls(group, _)
    PortGroupStateful(group) <= nb.Port_Group.acls(group, acl) & nb.ACL(_uuid=acl, action="allow-related")


@rule
def acl_switch(switch, group):
    """A switch has the ACLs that it lists, and those of port groups."""
    AclSwitch(switch) <= nb.Logical_Switch.acls(switch, _)
    AclSwitch(switch) <= PortGroupSwitch(group, switch) & PortGroupAcls(group)


@rule
def stateful_switch(switch, acl, group):
    """One ACL that allows related packets is enough for all packets of its switch to be followed."""
    StatefulSwitch(switch) <= (nb.Logical_Switch.acls(switch, acl) & nb.ACL(_uuid=acl, action="allow-related"))
    StatefulSwitch(switch) <= PortGroupSwitch(group, switch) & PortGroupStateful(group)


@rule
def acl_groups(switch):
    """Switches that treat connections alike have the flows that depend on nothing else in common."""
    Group("switches with ACLs", switch) <= AclSwitch(switch)
    Group("switches without ACLs", switch) <= Datapath(switch, "switch", _) & ~AclSwitch(switch)
    Group("stateful switches", switch) <= StatefulSwitch(switch)


@rule
def port_group_parts(group, name, switch):
    """The switches of a port group are two groups of datapaths: those that follow connections, and the others."""
    PortGroupPart(group, f"stateful switches of port group {name}", True) <= (
        nb.Port_Group(_uuid=group, name=name) & PortGroupSwitch(group, switch) & StatefulSwitch(switch)
    )
    PortGroupPart(group, f"stateless switches of port group {name}", False) <= (
        nb.Port_Group(_uuid=group, name=name) & PortGroupSwitch(group, switch) & ~StatefulSwitch(switch)
    )


@rule
def port_group_datapaths(group, datapaths, switch):
    """Each of the two has the switches that it is named for."""
    Group(datapaths, switch) <= (
        PortGroupPart(group, datapaths, True) & PortGroupSwitch(group, switch) & StatefulSwitch(switch)
    )
    Group(datapaths, switch) <= (
        PortGroupPart(group, datapaths, False) & PortGroupSwitch(group, switch) & ~StatefulSwitch(switch)
    )


@rule
def acl_in(acl, switch, group, datapaths, stateful):
    """An ACL is for the switch that lists it, or for all switches of its port group."""
    AclIn(acl, str(switch), True) <= nb.Logical_Switch.acls(switch, acl) & StatefulSwitch(switch)
    AclIn(acl, str(switch), False) <= nb.Logical_Switch.acls(switch, acl) & ~StatefulSwitch(switch)
    AclIn(acl, datapaths, stateful) <= nb.Port_Group.acls(group, acl) & PortGroupPart(group, datapaths, stateful)
