"""Tags of switch ports that ask for one: containers get one that is free under their parent, ovn-nb(5)."""

from ovn_rules.engine import Relation, Uuid, _, allocate, column, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import nb


class AssignedTag(Relation, key=("port",)):
    """The tag that a port asked for, by number or as any that is free."""

    port: Uuid = column("the port")
    tag: tuple[int, ...] = column("one VLAN, 1 to 4095")


class WantedTag(Relation):
    """A tag that is in use under a parent."""

    parent: str = column("the parent's name")
    user: str = column("who has it")
    tag: int = column("the tag")


class ContainerTag(Relation):
    """The tags under a parent: those in use, and those for containers that have none yet."""

    parent: str = column("the parent's name")
    user: str = column("a container's row, or the tag itself where it is in use")
    tag: int = column("the tag")


@rule
def wanted_tag(port, parent, tag):
    """A tag that a container has isn't free."""
    WantedTag(parent, str(tag), tag) <= (
        nb.Logical_Switch_Port.parent_name(port, parent) & nb.Logical_Switch_Port.tag(port, tag)
    )


@rule
def container_tag(port, parent, user):
    """A container that asks for tag 0 gets the first one that is free under its parent."""
    ContainerTag(parent, user, allocate(1, 4095, wanted=WantedTag, within=parent, after=None)) <= WantedTag(
        parent=parent, user=user
    )
    ContainerTag(parent, str(port), allocate(1, 4095, wanted=WantedTag, within=parent, after=None)) <= (
        nb.Logical_Switch_Port.tag_request(port, 0)
        & nb.Logical_Switch_Port.parent_name(port, parent)
        & (parent != "")
        & nb.Logical_Switch_Port(_uuid=port, tag=())
    )


@rule
def assigned_tag(port, tag):
    """A port that asks for a certain tag gets it."""
    AssignedTag(port, (tag,)) <= nb.Logical_Switch_Port.tag_request(port, tag) & (tag != 0)
    AssignedTag(port, (tag,)) <= nb.Logical_Switch_Port.tag_request(port, 0) & ContainerTag(_, str(port), tag)


PORT_TAG = Sink(
    relation="AssignedTag",
    database="nb",
    table="Logical_Switch_Port",
    key=("_uuid",),
    columns={"_uuid": "port", "tag": "tag"},
    insert=False,
    delete=False,
)
