"""Logical_Flow and Logical_DP_Group: equal flows of several datapaths are one row that names a group of them."""

from uuid import UUID, uuid5

from ovn_rules.engine import Relation, Uuid, _, collect, column, count, pure, rule
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.relations import DatapathGroup, DatapathRow, Flow, Group, GroupFlow, LogicalFlow
from ovn_rules.rules.ovn.tags import named_port

LARGE = 20
"""From so many datapaths on, groups that come to have the same keep a row each: to part again then costs nothing."""

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


class OwnGroupRow(Relation):
    """The row that groups have by their names."""

    groups: tuple[str, ...] = column("the groups' names")
    row: Uuid = column("a UUID that follows from the names")


class StoredContent(Relation):
    """A stored row with datapaths that some groups have."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    row: Uuid = column("the first such row")


class SettledGroup(Relation):
    """Groups whose own row is stored and has their datapaths; of small ones with the same, those with the first row."""

    groups: tuple[str, ...] = column("the groups' names")
    row: Uuid = column("their own row")


class SureRow(Relation):
    """A stored row with datapaths that some groups have, and that nobody changes."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    rank: int = column("0 for the only one of few datapaths, or one that ovn-northd made, 1 for one that groups keep")
    row: Uuid = column("the row")


class NeededContent(Relation):
    """What groups have that need a row with it to stay as it is."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")


class KeptGroup(Relation):
    """Groups whose own row is stored, and has their datapaths or some that no others need it for."""

    groups: tuple[str, ...] = column("the groups' names")
    row: Uuid = column("their own row")


class LooseGroup(Relation):
    """Groups that have no row of their own to keep."""

    groups: tuple[str, ...] = column("the groups' names")
    datapaths: tuple[Uuid, ...] = column("southbound rows")


class OfferedRow(Relation):
    """A row that groups with these datapaths may share."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    rank: int = column("2 for one with these datapaths that isn't sure, 3 for one that others change to have them")
    row: Uuid = column("the row")


class BestRow(Relation):
    """The best of the rows that groups with these datapaths may share."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    best: tuple[int, Uuid] = column("its rank, and the row")


class NewGroup(Relation):
    """Groups for which a row must be made."""

    groups: tuple[str, ...] = column("the groups' names")
    datapaths: tuple[Uuid, ...] = column("southbound rows")


class GroupLeader(Relation):
    """Of groups with the same datapaths for which a row must be made, those that name it."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    leader: tuple[int, tuple[str, ...]] = column("the shortest names, with their length: all switches, or all routers")


class GroupRow(Relation, key=("groups",)):
    """The Logical_DP_Group row of groups that have several datapaths."""

    groups: tuple[str, ...] = column("the groups' names")
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


@pure
def length_of(groups: tuple[str, ...]) -> int:
    """How long names are together."""
    return sum(map(len, groups))


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
def own_group_row(groups):
    """Groups may have a row of their own, which changes along with them, so that flows needn't."""
    OwnGroupRow(groups, own_row(groups)) <= UnionContent(groups=groups)


@rule
def settled_group(groups, row, datapaths):
    """Groups need nothing when their own row is right; of few datapaths there is only one row."""
    StoredContent(datapaths, min(row)) <= (
        sb.Logical_DP_Group(_uuid=row, datapaths=datapaths) & UnionContent(datapaths=datapaths)
    )
    SettledGroup(groups, row) <= (
        OwnGroupRow(groups, row)
        & sb.Logical_DP_Group(_uuid=row, datapaths=datapaths)
        & UnionContent(groups, datapaths)
        & (len(datapaths) >= LARGE)
    )
    SettledGroup(groups, row) <= (
        OwnGroupRow(groups, row)
        & UnionContent(groups, datapaths)
        & StoredContent(datapaths, row)
        & (len(datapaths) < LARGE)
    )


@rule
def sure_row(groups, row, datapaths):
    """A row that is right, and that nobody changes, will do for all groups with the same datapaths."""
    SureRow(datapaths, 0, row) <= (
        sb.Logical_DP_Group(_uuid=row, datapaths=datapaths)
        & UnionContent(datapaths=datapaths)
        & (len(datapaths) >= LARGE)
        & ~OwnGroupRow(row=row)
    )
    SureRow(datapaths, 0, row) <= StoredContent(datapaths, row) & (len(datapaths) < LARGE)
    SureRow(datapaths, 1, row) <= SettledGroup(groups, row) & UnionContent(groups, datapaths)
    NeededContent(datapaths) <= (
        UnionContent(groups, datapaths) & ~SettledGroup(groups, _) & ~SureRow(datapaths=datapaths)
    )
    NeededContent(datapaths) <= UnionContent(datapaths=datapaths) & (len(datapaths) < LARGE)


@rule
def kept_group(groups, row, before, datapaths):
    """Groups keep the row that they made, unless others need it for what it has now."""
    KeptGroup(groups, row) <= SettledGroup(groups, row)
    KeptGroup(groups, row) <= (
        OwnGroupRow(groups, row)
        & sb.Logical_DP_Group(_uuid=row, datapaths=before)
        & ~NeededContent(before)
        & UnionContent(groups, datapaths)
        & (len(datapaths) >= LARGE)
    )
    KeptGroup(groups, row) <= (
        OwnGroupRow(groups, row)
        & sb.Logical_DP_Group(_uuid=row, datapaths=before)
        & ~NeededContent(before)
        & UnionContent(groups, datapaths)
        & (len(datapaths) < LARGE)
        & ~StoredContent(datapaths, _)
    )
    LooseGroup(groups, before) <= UnionContent(groups, before) & ~KeptGroup(groups, _)


@rule
def offered_row(groups, datapaths, rank, row):
    """Groups without a row share one with others that have the same datapaths: best one that is stored already."""
    OfferedRow(datapaths, rank, row) <= SureRow(datapaths, rank, row)
    OfferedRow(datapaths, 2, row) <= (
        sb.Logical_DP_Group(_uuid=row, datapaths=datapaths) & UnionContent(datapaths=datapaths)
    )
    OfferedRow(datapaths, 3, row) <= KeptGroup(groups, row) & UnionContent(groups, datapaths)
    BestRow(datapaths, min((rank, row))) <= OfferedRow(datapaths, rank, row)


@rule
def new_group(groups, datapaths):
    """Where there is no row to share, one is made."""
    NewGroup(groups, datapaths) <= LooseGroup(groups, datapaths) & ~BestRow(datapaths, _)
    GroupLeader(datapaths, min((length_of(groups), groups))) <= NewGroup(groups, datapaths)


@rule
def group_row(groups, datapaths, best, leader, row):
    """Groups have the row that they keep, or one of others with the same datapaths, or a new one for all of these."""
    GroupRow(groups, row) <= KeptGroup(groups, row)
    GroupRow(groups, best[1]) <= LooseGroup(groups, datapaths) & BestRow(datapaths, best)
    GroupRow(groups, row) <= (
        NewGroup(groups, datapaths)
        & GroupLeader(datapaths, leader)
        & (row == own_row(leader[1]))
        & ~sb.Logical_DP_Group(_uuid=row)
    )
    GroupRow(groups, row_of(datapaths)) <= (
        NewGroup(groups, datapaths)
        & GroupLeader(datapaths, leader)
        & (row == own_row(leader[1]))
        & sb.Logical_DP_Group(_uuid=row)
    )


@rule
def datapath_group(groups, datapaths, row):
    """A row has the datapaths of the groups whose it is."""
    DatapathGroup(row, datapaths) <= GroupRow(groups, row) & UnionContent(groups, datapaths)


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
def flow_of_several(stage, priority, match, actions, meter, holders, stage_hint, groups, row, port):
    """A flow that several datapaths have names their group."""
    LogicalFlow(stage, priority, match, actions, meter, (), (row,), stage_hint, port) <= (
        CommonFlow(stage, priority, match, actions, meter, holders)
        & (stage_hint in hints_of(holders))
        & Holding(holders, groups)
        & GroupRow(groups, row)
        & (port == named_port(stage, priority, match))
    )
