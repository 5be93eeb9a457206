"""Logical_DP_Group: the row that stands for several datapaths in flows that they have in common.

``flows`` says which groups of datapaths need one together.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, count, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.relations import DatapathGroup, DatapathRow, Group
from ovn_rules.rules.ovn.text import made_row

LARGE = 20
"""From so many datapaths on, groups that come to have the same keep a row each: to part again then costs nothing."""


class Union(Relation):
    """Groups of datapaths that have some flow together; mostly it is a single one."""

    groups: tuple[str, ...] = column("the groups' names")


class UnionSize(Relation):
    """How many datapaths groups have together; none has no row."""

    groups: tuple[str, ...] = column("the groups' names")
    size: int = column("1 or more")


class UnionPart(Relation):
    """A group among those that have some flow together."""

    group: str = column("its name")
    groups: tuple[str, ...] = column("the names of all")


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


class SettledGroup(Relation):
    """Groups of many datapaths whose own row is stored and has them."""

    groups: tuple[str, ...] = column("the groups' names")
    row: Uuid = column("their own row")


class SureRow(Relation):
    """A stored row with many datapaths that some groups have, and that nobody changes."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")
    rank: int = column("0 for one that ovn-northd made, 1 for one that groups keep")
    row: Uuid = column("the row")


class NeededContent(Relation):
    """What groups have that need a row with it to stay as it is."""

    datapaths: tuple[Uuid, ...] = column("southbound rows")


class KeptGroup(Relation):
    """Groups that keep their own row, whatever it is stored with: nobody needs it for that."""

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
def length_of(groups: tuple[str, ...]) -> int:
    """How long names are together."""
    return sum(map(len, groups))


@rule
def union_member(groups, group, datapath, row):
    """Groups have together what any one of them has."""
    UnionPart(group, groups) <= Union(groups) & (group in groups)
    UnionMember(groups, row) <= UnionPart(group, groups) & Group(group, datapath) & DatapathRow(datapath, row)


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
    OwnGroupRow(groups, made_row(groups)) <= UnionContent(groups=groups)


@rule
def settled_group(groups, row, datapaths):
    """Groups of many datapaths need nothing when their own row is right."""
    SettledGroup(groups, row) <= (
        OwnGroupRow(groups, row)
        & sb.Logical_DP_Group(_uuid=row, datapaths=datapaths)
        & UnionContent(groups, datapaths)
        & (len(datapaths) >= LARGE)
    )


@rule
def sure_row(groups, row, datapaths):
    """A row that is right, and that nobody changes, will do for all groups with the same datapaths.

    Without one, a right one stays as it is; and so do all those with few datapaths, of which the first serves all.
    """
    SureRow(datapaths, 0, row) <= (
        sb.Logical_DP_Group(_uuid=row, datapaths=datapaths)
        & UnionContent(datapaths=datapaths)
        & (len(datapaths) >= LARGE)
        & ~OwnGroupRow(row=row)
    )
    SureRow(datapaths, 1, row) <= SettledGroup(groups, row) & UnionContent(groups, datapaths)
    NeededContent(datapaths) <= UnionContent(datapaths=datapaths) & ~SureRow(datapaths=datapaths)


@rule
def kept_group(groups, row, before, datapaths):
    """Groups keep the row that they made, unless others need it as it is or, with few datapaths, another will do."""
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
        & ~sb.Logical_DP_Group(datapaths=datapaths)
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
        & (row == made_row(leader[1]))
        & ~sb.Logical_DP_Group(_uuid=row)
    )
    GroupRow(groups, made_row(tuple(str(datapath) for datapath in datapaths))) <= (
        NewGroup(groups, datapaths)
        & GroupLeader(datapaths, leader)
        & (row == made_row(leader[1]))
        & sb.Logical_DP_Group(_uuid=row)
    )


@rule
def datapath_group(groups, datapaths, row):
    """A row has the datapaths of the groups whose it is."""
    DatapathGroup(row, datapaths) <= GroupRow(groups, row) & UnionContent(groups, datapaths)


DATAPATH_GROUP = Sink(
    relation="DatapathGroup",
    database="sb",
    table="Logical_DP_Group",
    key=("_uuid",),
    columns={"_uuid": "row", "datapaths": "datapaths"},
)
