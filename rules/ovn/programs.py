"""What the central daemon loads, and where what it derives is written."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ovn_rules.engine.sinks import Constant, Mapped, Sink
from ovn_rules.rules.ovn import (
    acl_services,
    acl_stages,
    acl_switches,
    acl_tracking,
    acls,
    datapaths,
    dhcp,
    dns,
    flows,
    ipam,
    ipam_macs,
    ipam_v4,
    matches,
    meters,
    multicast,
    port_bindings,
    port_chassis,
    port_keys,
    port_options,
    port_problems,
    port_status,
    port_tags,
    ports,
    progress,
    qos,
    router_admission,
    router_advertisements,
    router_forwarding,
    router_hops,
    router_input,
    router_lengths,
    router_links,
    router_mtu,
    router_neighbours,
    router_policies,
    router_replies,
    router_resolve,
    router_routes,
    router_routing,
    router_tables,
    router_virtual,
    routers,
    sets,
    settings,
    stale,
    supported,
    switch_admission,
    switch_balancing,
    switch_external,
    switch_learning,
    switch_links,
    switch_lookup,
    switch_responder,
    switch_virtual,
    tracking,
)
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.stages import STAGES
from ovn_rules.rules.ovn.support import SUPPORTED
from ovn_rules.rules.program import Contents, LogicalFlows, Program, Role

CENTRAL: tuple[ModuleType, ...] = (
    acl_services,
    acl_stages,
    acl_switches,
    acl_tracking,
    acls,
    datapaths,
    dhcp,
    dns,
    flows,
    ipam,
    ipam_macs,
    ipam_v4,
    matches,
    meters,
    multicast,
    port_bindings,
    port_chassis,
    port_keys,
    port_options,
    port_problems,
    port_status,
    port_tags,
    ports,
    progress,
    qos,
    router_admission,
    router_advertisements,
    router_forwarding,
    router_hops,
    router_input,
    router_lengths,
    router_links,
    router_mtu,
    router_neighbours,
    router_policies,
    router_replies,
    router_resolve,
    router_routes,
    router_routing,
    router_tables,
    router_virtual,
    routers,
    sets,
    settings,
    stale,
    supported,
    switch_admission,
    switch_balancing,
    switch_external,
    switch_learning,
    switch_links,
    switch_lookup,
    switch_responder,
    switch_virtual,
    tracking,
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
        "tags:in_out_port": "port",
        "pipeline": Mapped("stage", {stage: pipeline for stage, (pipeline, _) in STAGES.items()}),
        "table_id": Mapped("stage", {stage: table for stage, (_, table) in STAGES.items()}),
    },
    insert_only={"external_ids:stage-hint": "hint"},
)
"""A row keeps its hint, as ovn-northd leaves it: of several rows that make one flow, any may be named."""


MULTICAST_GROUP = Sink(
    relation="MulticastGroup",
    database="sb",
    table="Multicast_Group",
    key=("datapath", "name"),
    columns={"datapath": "datapath", "name": "name", "tunnel_key": "key", "ports": "ports"},
)
IP_MULTICAST = Sink(
    relation="IpMulticast",
    database="sb",
    table="IP_Multicast",
    key=("datapath",),
    columns={
        "datapath": "datapath",
        "enabled": Constant(False),
        "querier": Constant(True),
        "table_size": Constant(2048),
        "idle_timeout": Constant(300),
        "query_interval": Constant(150),
        "query_max_resp": Constant(1),
    },
)

PROBLEM = ("Problem", "warn", "{where}: {text}")
SINKS = (
    settings.NB_GLOBAL_ROW,
    settings.NB_GLOBAL,
    ipam_macs.LOGICAL_SWITCH_PORT,
    settings.SB_GLOBAL,
    supported.DHCP_OPTIONS_TABLE,
    supported.DHCPV6_OPTIONS_TABLE,
    supported.RBAC_PERMISSION,
    supported.RBAC_ROLE,
    stale.MAC_BINDING,
    stale.FDB,
    datapaths.DATAPATH_BINDING,
    port_chassis.HA_CHASSIS,
    port_chassis.HA_CHASSIS_GROUP,
    port_bindings.PORT_BINDING,
    port_tags.PORT_TAG,
    port_status.SILENT_ROW,
    port_status.PORT_UP,
    DATAPATH_GROUP,
    LOGICAL_FLOW,
    MULTICAST_GROUP,
    IP_MULTICAST,
    sets.ADDRESS_SET,
    sets.PORT_GROUP,
    meters.METER_BAND,
    meters.METER,
    dns.DNS,
    progress.SB_GLOBAL_CFG,
    progress.NB_GLOBAL_SB_CFG,
    progress.NB_GLOBAL_HV_CFG,
)
"""In the order in which rows are made: what others refer to comes first."""

NORTHD = Role(CENTRAL, SINKS, (PROBLEM,))

CONTENTS = Contents(
    identities={
        "Chassis": "name",
        "Datapath_Binding": "external_ids",
        "HA_Chassis": "chassis",
        "HA_Chassis_Group": "name",
        "Logical_DP_Group": "datapaths",
        "Meter_Band": "rate",
        "Port_Binding": "logical_port",
        "RBAC_Permission": "table",
    },
    spread={"Logical_Flow": ("logical_datapath", "logical_dp_group")},
    numbers={
        "Datapath_Binding": {"tunnel_key": ".*"},
        "Port_Binding": {"tunnel_key": ".*"},
        "Port_Group": {"name": r"^\d+"},
        "Logical_Flow": {"match": r"(?<=reg8\[0\.\.15\] == )\d+", "actions": r"(?<=reg8\[0\.\.15\] = )\d+"},
    },
    foreign={"Logical_Flow": {"external_ids": ("source",)}},
    hints={"Logical_Flow": "external_ids:stage-hint"},
)
"""Rows that refer to each other are compared by names; tunnel keys and ECMP ids depend on who gave them, and when."""


def flow_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """What LogicalFlow's columns hold of a logical flow that was printed; whose flow it is doesn't count."""
    values: dict[str, Any] = {c: v for c, v in texts.items() if c in ("match", "actions", "stage")}
    if "priority" in texts:
        values["priority"] = int(texts["priority"])
    return values


OVN = Program(
    "ovn",
    NORTHD,
    NORTHD,
    NORTHD,
    databases={d.name: d for d in (nb, sb)},
    logical=LogicalFlows("LogicalFlow", flow_values),
    contents=CONTENTS,
    supported=SUPPORTED,
)
