"""Logical_Flow and Logical_DP_Group: equal flows of several datapaths are one row that names a group of them."""

from uuid import UUID, uuid5

from ovn_rules.engine import Relation, Uuid, _, collect, column, count, pure, rule
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.relations import DatapathGroup, DatapathRow, Flow, Group, GroupFlow, LogicalFlow
from ovn_rules.rules.ovn.tags import named_port

_NAMESPACE = UUID("5c5de2a3-7d0b-5a4a-9c0f-3c1b8a0d6a55")


class CommonFlow(Relation):
    """A flow and who has it."""

    stage: str = column("its stage")
    priority: int = column("its priority")
    match: str = column("its match")
    actions: str = column("its actions")
    meter: tuple[str, ...] = column("its meter")
    holders: tuple[tuple[str, tuple[str, ...]], ...] = column("the groups that have it, each with a stage hint")


class Holding(Relation):
    """Who has some flow, without the stage hints."""

    holders: tuple[tuple[str, tuple[str, ...]], ...] = column("groups that have a flow, each with a stage hint")
    groups: tuple[str, ...] = column("the groups' names")


class Union(Relation):
    """Groups of datapaths that have some flow together; mostly it is a single one."""

    groups: tuple[str, ...] = column("the groups' names")


class UnionSize(Relation):
    """How many datapaths groups have together; none has no row."""

    groups: tuple[str, ...] = column("the groups' names")
    size: int = column("1 or more")


class UnionMember(Relation):
    """A datapath of groups that have some flow together."""

    groups: tuple[str, ...] = column("the groups' names")
    row: Uuid = column("the datapath's southbound row")


class UnionContent(Relation):
    """The datapaths of groups that have some flow together."""

    groups: tuple[str, ...] = column("the groups' names")
    datapaths: tuple[Uuid, ...] = column("southbound rows")


class GroupLeader(Relation):
    """Of groups with the same datapaths, the one that names the row."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    groups: tuple[str, ...] = column("the first of the groups by name")


class OwnGroupRow(Relation):
    """The row that is made for groups by name."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    row: Uuid = column("a UUID that follows from the names")


class StoredGroup(Relation):
    """A stored row with just these datapaths."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    row: Uuid = column("the first such row")


class GroupRow(Relation):
    """The Logical_DP_Group row for a set of datapaths."""

    datapaths: tuple[Uuid, ...] = column("southbound rows, two or more")
    row: Uuid = column("the row")


@pure
def groups_of(holders: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[str, ...]:
    """The groups among a flow's holders, each once, in order."""
    return tuple(sorted({group for group, _hint in holders}))


@pure
def hints_of(holders: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, ...], ...]:
    """The stage hint that a flow gets; of several the first, and another that says that it is one of several."""
    first = holders[0][1]
    return next(((first, hint) for _group, hint in holders if hint != first), (first,))


@pure
def own_row(groups: tuple[str, ...]) -> Uuid:
    """The UUID of the row that groups have by their names."""
    return Uuid(str(uuid5(_NAMESPACE, "\n".join(groups))))


@pure
def row_of(datapaths: tuple[Uuid, ...]) -> Uuid:
    """The UUID of the row that datapaths have by themselves."""
    return Uuid(str(uuid5(_NAMESPACE, "\n".join(map(str, datapaths)))))


@rule
def common_flow(group, stage, priority, match, actions, meter, stage_hint):
    """A flow is the same for all groups that have it."""
    CommonFlow(stage, priority, match, actions, meter, collect((group, stage_hint))) <= (
        GroupFlow(group, stage, priority, match, actions, meter, stage_hint)
    )


@rule
def union(holders, groups):
    """Groups that have some flow together."""
    Holding(holders, groups_of(holders)) <= CommonFlow(holders=holders)
    Union(groups) <= Holding(groups=groups)


@rule
def union_member(groups, group, datapath, row):
    """Groups have together what any one of them has."""
    UnionMember(groups, row) <= (
        Union(groups) & (group in groups) & Group(group, datapath) & DatapathRow(datapath, row)
    )


@rule
def union_size(groups, row):
    """Whether it is one datapath or several decides how a flow names them."""
    UnionSize(groups, count(row)) <= UnionMember(groups, row)


@rule
def union_content(groups, row, size):
    """Several datapaths make a group row."""
    UnionContent(groups, collect(row)) <= UnionMember(groups, row) & UnionSize(groups, size) & (size > 1)


@rule
def group_leader(groups, datapaths):
    """Groups with the same datapaths share a row."""
    GroupLeader(datapaths, min(groups)) <= UnionContent(groups, datapaths)


@rule
def stored_group(row, datapaths):
    """A stored row with the right datapaths will do."""
    StoredGroup(datapaths, min(row)) <= (
        sb.Logical_DP_Group(_uuid=row, datapaths=datapaths) & GroupLeader(datapaths, _)
    )


@rule
def own_group_row(datapaths, groups):
    """Groups have a row of their own by their names."""
    OwnGroupRow(datapaths, own_row(groups)) <= GroupLeader(datapaths, groups)


@rule
def group_row(datapaths, row, before):
    """A stored row with the right datapaths counts first, so that flows stay; then the groups' own row.

    The own row changes along with its groups, unless others want what it has now: then they keep it.
    """
    GroupRow(datapaths, row) <= StoredGroup(datapaths, row)
    GroupRow(datapaths, row) <= (
        OwnGroupRow(datapaths, row) & ~StoredGroup(datapaths, _) & ~sb.Logical_DP_Group(_uuid=row)
    )
    GroupRow(datapaths, row) <= (
        OwnGroupRow(datapaths, row)
        & ~StoredGroup(datapaths, _)
        & sb.Logical_DP_Group(_uuid=row, datapaths=before)
        & ~GroupLeader(before, _)
    )
    GroupRow(datapaths, row_of(datapaths)) <= (
        OwnGroupRow(datapaths, row)
        & ~StoredGroup(datapaths, _)
        & sb.Logical_DP_Group(_uuid=row, datapaths=before)
        & GroupLeader(before, _)
    )


@rule
def datapath_group(datapaths, row):
    """A row for each set of datapaths that have flows in common."""
    DatapathGroup(row, datapaths) <= GroupRow(datapaths, row)


@rule
def own_flow(datapath, stage, priority, match, actions, meter, stage_hint, row, port):
    """A flow of one datapath names it."""
    LogicalFlow(stage, priority, match, actions, meter, (row,), (), stage_hint, port) <= (
        Flow(datapath, stage, priority, match, actions, meter, stage_hint)
        & DatapathRow(datapath, row)
        & (port == named_port(stage, priority, match))
    )


@rule
def flow_of_one(stage, priority, match, actions, meter, holders, stage_hint, groups, row, port):
    """A flow that only one datapath has names it."""
    LogicalFlow(stage, priority, match, actions, meter, (row,), (), stage_hint, port) <= (
        CommonFlow(stage, priority, match, actions, meter, holders)
        & (stage_hint in hints_of(holders))
        & Holding(holders, groups)
        & UnionSize(groups, 1)
        & UnionMember(groups, row)
        & (port == named_port(stage, priority, match))
    )


@rule
def flow_of_several(stage, priority, match, actions, meter, holders, stage_hint, groups, datapaths, row, port):
    """A flow that several datapaths have names their group."""
    LogicalFlow(stage, priority, match, actions, meter, (), (row,), stage_hint, port) <= (
        CommonFlow(stage, priority, match, actions, meter, holders)
        & (stage_hint in hints_of(holders))
        & Holding(holders, groups)
        & UnionContent(groups, datapaths)
        & GroupRow(datapaths, row)
        & (port == named_port(stage, priority, match))
    )
