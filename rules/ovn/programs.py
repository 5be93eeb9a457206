"""What the central daemon loads, and where what it derives is written."""

from types import ModuleType

from ovn_rules.engine.sinks import Mapped, Sink
from ovn_rules.rules.ovn import (
    datapaths,
    flows,
    ports,
    router_admission,
    router_advertisements,
    router_input,
    router_mtu,
    router_neighbours,
    router_replies,
    routers,
    switches,
)
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.stages import STAGES
from ovn_rules.rules.program import Program, Role

CENTRAL: tuple[ModuleType, ...] = (
    datapaths,
    flows,
    ports,
    router_admission,
    router_advertisements,
    router_input,
    router_mtu,
    router_neighbours,
    router_replies,
    routers,
    switches,
)

DATAPATH_BINDING = Sink(
    relation="DatapathBinding",
    database="sb",
    table="Datapath_Binding",
    key=("_uuid",),
    columns={"_uuid": "row", "tunnel_key": "tunnel_key", "external_ids": "external_ids"},
)
DATAPATH_GROUP = Sink(
    relation="DatapathGroup",
    database="sb",
    table="Logical_DP_Group",
    key=("_uuid",),
    columns={"_uuid": "row", "datapaths": "datapaths"},
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
        "pipeline": Mapped("stage", {stage: pipeline for stage, (pipeline, _) in STAGES.items()}),
        "table_id": Mapped("stage", {stage: table for stage, (_, table) in STAGES.items()}),
        "external_ids:stage-hint": "hint",
    },
)

PROBLEM = ("Problem", "warn", "{where}: {text}")
SINKS = (
    DATAPATH_BINDING,
    DATAPATH_GROUP,
    LOGICAL_FLOW,
)
"""In the order in which rows are made: what others refer to comes first."""

NORTHD = Role(CENTRAL, SINKS, (PROBLEM,))

OVN = Program("ovn", NORTHD, NORTHD, NORTHD, databases={d.name: d for d in (nb, sb)})
