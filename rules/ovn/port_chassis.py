"""Hosts that switch ports ask for: requested-chassis, and the HA_Chassis_Group of external ports."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.engine.sinks import Constant, Sink
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.relations import SwitchPort

# -- requested-chassis -----------------------------------------------------------------------------------------------


class HostChassis(Relation):
    """The chassis on a host."""

    host: str = column("its host's name")
    chassis: Uuid = column("the first such row")


class ChassisPlace(Relation):
    """A chassis that a port asks for."""

    port: Uuid = column("the port")
    place: int = column("where it stands in the list, from 0 on")
    chassis: Uuid = column("its row")


class ChassisList(Relation):
    """The chassis that a port asks for."""

    port: Uuid = column("the port")
    chassis: tuple[tuple[int, Uuid], ...] = column("places and rows")


class RequestedChassis(Relation):
    """The chassis that a port asks for; a port that names none that exists has no row."""

    port: Uuid = column("the port")
    chassis: tuple[Uuid, ...] = column("the first")
    others: tuple[Uuid, ...] = column("the others")


@pure
def requested(text: str) -> tuple[tuple[int, str], ...]:
    """The names in a list with commas, with their places; an empty name is none."""
    return tuple(enumerate(name for name in text.split(",") if name))


@pure
def rest(several: tuple[tuple[int, Uuid], ...]) -> tuple[Uuid, ...]:
    """All chassis of a list but the first."""
    return tuple(sorted({chassis for _place, chassis in several[1:]}))


@rule
def host_chassis(host, chassis):
    """A port may name the host instead of its chassis."""
    HostChassis(host, min(chassis)) <= sb.Chassis(_uuid=chassis, hostname=host)


@rule
def chassis_place(port, text, place, name, chassis):
    """A port names chassis by name, or else by host."""
    ChassisPlace(port, place, chassis) <= (
        nb.Logical_Switch_Port.options(port, "requested-chassis", text)
        & ((place, name) in requested(text))
        & sb.Chassis(_uuid=chassis, name=name)
    )
    ChassisPlace(port, place, chassis) <= (
        nb.Logical_Switch_Port.options(port, "requested-chassis", text)
        & ((place, name) in requested(text))
        & HostChassis(name, chassis)
        & ~sb.Chassis(name=name)
    )


@rule
def requested_chassis(port, place, chassis, several):
    """The first chassis is to have the port, the others are to have it as well."""
    ChassisList(port, collect((place, chassis))) <= ChassisPlace(port, place, chassis)
    RequestedChassis(port, (several[0][1],), rest(several)) <= ChassisList(port, several)


# -- HA_Chassis_Group ------------------------------------------------------------------------------------------------


class ServingGroup(Relation):
    """A northbound HA_Chassis_Group that an external port names."""

    group: Uuid = column("its northbound row")
    name: str = column("its name")


class HaGroupRow(Relation):
    """The southbound row of a HA_Chassis_Group."""

    group: Uuid = column("its northbound row")
    row: Uuid = column("the stored one of its name, or one that is to be made")


class StoredHaMember(Relation):
    """A stored HA_Chassis row that is a member's, which it keeps."""

    group: Uuid = column("the group's southbound row")
    name: str = column("the chassis' name")
    row: Uuid = column("the first such row")


class HaMember(Relation):
    """A chassis of a HA_Chassis_Group, whether it is there or not."""

    group: Uuid = column("the group's northbound row")
    row: Uuid = column("its southbound row")
    name: str = column("the chassis' name")
    priority: int = column("the highest serves")


class HaChassis(Relation, key=("row",)):
    """A row of the southbound table HA_Chassis."""

    row: Uuid = column("its UUID")
    name: str = column("the chassis' name")
    priority: int = column("the highest serves")
    chassis: tuple[Uuid, ...] = column("the chassis, if it is there")


class HaChassisGroup(Relation, key=("row",)):
    """A row of the southbound table HA_Chassis_Group."""

    row: Uuid = column("its UUID")
    name: str = column("its name")
    members: tuple[Uuid, ...] = column("its HA_Chassis rows")


class ChassisGroupOf(Relation):
    """The HA_Chassis_Group of an external port."""

    port: Uuid = column("the port")
    row: Uuid = column("the group's southbound row")


class HaGroupMembers(Relation):
    """The members of a HA_Chassis_Group that has some."""

    group: Uuid = column("the group's northbound row")
    rows: tuple[Uuid, ...] = column("their southbound rows")


@rule
def serving_group(group, name, port):
    """Hosts must know the groups of external ports."""
    ServingGroup(group, name) <= (
        nb.Logical_Switch_Port.ha_chassis_group(port, group)
        & SwitchPort(port=port, type="external")
        & nb.HA_Chassis_Group(_uuid=group, name=name)
    )


@rule
def ha_group_row(group, name, row):
    """A group keeps the row of its name; a new row gets the UUID of the northbound one."""
    HaGroupRow(group, row) <= ServingGroup(group, name) & sb.HA_Chassis_Group(_uuid=row, name=name)
    HaGroupRow(group, group) <= ServingGroup(group, name) & ~sb.HA_Chassis_Group(name=name)


@rule
def stored_ha_member(group, name, row):
    """A member belongs to the chassis that its external ids name."""
    StoredHaMember(group, name, min(row)) <= (
        sb.HA_Chassis_Group.ha_chassis(group, row) & sb.HA_Chassis.external_ids(row, "chassis-name", name)
    )


@rule
def ha_member(group, stored, own, row, name, priority):
    """A member keeps its row; a new row gets the UUID of the northbound one."""
    HaMember(group, row, name, priority) <= (
        HaGroupRow(group, stored)
        & nb.HA_Chassis_Group.ha_chassis(group, own)
        & nb.HA_Chassis(_uuid=own, chassis_name=name, priority=priority)
        & StoredHaMember(stored, name, row)
    )
    HaMember(group, own, name, priority) <= (
        HaGroupRow(group, stored)
        & nb.HA_Chassis_Group.ha_chassis(group, own)
        & nb.HA_Chassis(_uuid=own, chassis_name=name, priority=priority)
        & ~StoredHaMember(stored, name, _)
    )


@rule
def ha_chassis(row, name, priority, chassis):
    """A member refers to its chassis while that is there."""
    HaChassis(row, name, priority, (chassis,)) <= (
        HaMember(row=row, name=name, priority=priority) & sb.Chassis(_uuid=chassis, name=name)
    )
    HaChassis(row, name, priority, ()) <= HaMember(row=row, name=name, priority=priority) & ~sb.Chassis(name=name)


@rule
def ha_chassis_group(group, row, name, members, member):
    """A group has its members."""
    HaGroupMembers(group, collect(member)) <= HaMember(group=group, row=member)
    HaChassisGroup(row, name, members) <= (
        ServingGroup(group, name) & HaGroupRow(group, row) & HaGroupMembers(group, members)
    )
    HaChassisGroup(row, name, ()) <= ServingGroup(group, name) & HaGroupRow(group, row) & ~HaGroupMembers(group, _)


@rule
def chassis_group_of(port, group, row):
    """Only an external port is served by one of a group of hosts, whatever others say."""
    ChassisGroupOf(port, row) <= (
        nb.Logical_Switch_Port.ha_chassis_group(port, group)
        & SwitchPort(port=port, type="external")
        & HaGroupRow(group, row)
    )


HA_CHASSIS = Sink(
    relation="HaChassis",
    database="sb",
    table="HA_Chassis",
    key=("_uuid",),
    columns={"_uuid": "row", "chassis": "chassis", "priority": "priority", "external_ids:chassis-name": "name"},
)
HA_CHASSIS_GROUP = Sink(
    relation="HaChassisGroup",
    database="sb",
    table="HA_Chassis_Group",
    key=("_uuid",),
    columns={"_uuid": "row", "name": "name", "ha_chassis": "members", "ref_chassis": Constant(())},
)
