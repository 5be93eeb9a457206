"""Logical_Flow: equal flows of several datapaths are one row, which names a group of them."""

from ovn_rules.engine import Relation, collect, column, pure, rule
from ovn_rules.engine.sinks import Mapped, Sink
from ovn_rules.rules.ovn.flow_groups import GroupRow, Union, UnionMember, UnionSize
from ovn_rules.rules.ovn.relations import DatapathRow, Flow, GroupFlow, LogicalFlow
from ovn_rules.rules.ovn.stages import STAGES
from ovn_rules.rules.ovn.tags import named_port

Holders = tuple[tuple[str, tuple[str, ...]], ...]
"""Groups of datapaths that have a flow, each with the flow's stage hint there."""


class CommonFlow(Relation):
    """A flow and who has it."""

    stage: str = column("its stage")
    priority: int = column("its priority")
    match: str = column("its match")
    actions: str = column("its actions")
    meter: tuple[str, ...] = column("its meter")
    holders: Holders = column("the groups that have it")


class Holding(Relation):
    """Who has some flow, without the stage hints."""

    holders: Holders = column("groups that have a flow")
    groups: tuple[str, ...] = column("the groups' names")


@pure
def groups_of(holders: Holders) -> tuple[str, ...]:
    """The groups among a flow's holders, each once, in order."""
    return tuple(sorted({group for group, _hint in holders}))


@pure
def hints_of(holders: Holders) -> tuple[tuple[str, ...], ...]:
    """The stage hint that a flow gets; of several the first, and another that says that it is one of several."""
    first = holders[0][1]
    return next(((first, hint) for _group, hint in holders if hint != first), (first,))


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


LOGICAL_FLOW = Sink(
    relation="LogicalFlow",
    database="sb",
    table="Logical_Flow",
    key=("external_ids:stage-name", "priority", "match", "actions", "controller_meter"),
    columns={
        "external_ids:stage-name": "stage",
        "priority": "priority",
        "match": "match",
        "actions": "actions",
        "controller_meter": "meter",
        "logical_datapath": "datapath",
        "logical_dp_group": "group",
        "tags:in_out_port": "port",
        "pipeline": Mapped("stage", {stage: pipeline for stage, (pipeline, _) in STAGES.items()}),
        "table_id": Mapped("stage", {stage: table for stage, (_, table) in STAGES.items()}),
    },
    insert_only={"external_ids:stage-hint": "hint"},
)
"""A row keeps its hint, as ovn-northd leaves it: of several rows that make one flow, any may be named."""
