"""What the central daemon loads, and where what it derives is written."""

from types import ModuleType

from ovn_rules.engine.sinks import Constant, Mapped, Sink
from ovn_rules.rules.ovn import (
    acl_services,
    acl_stages,
    acl_switches,
    acl_tracking,
    acls,
    datapaths,
    flows,
    matches,
    meters,
    multicast,
    port_keys,
    ports,
    progress,
    qos,
    router_admission,
    router_advertisements,
    router_forwarding,
    router_hops,
    router_input,
    router_lengths,
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
from ovn_rules.rules.program import Contents, Program, Role

CENTRAL: tuple[ModuleType, ...] = (
    acl_services,
    acl_stages,
    acl_switches,
    acl_tracking,
    acls,
    datapaths,
    flows,
    matches,
    meters,
    multicast,
    port_keys,
    ports,
    progress,
    qos,
    router_admission,
    router_advertisements,
    router_forwarding,
    router_hops,
    router_input,
    router_lengths,
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
        "pipeline": Mapped("stage", {stage: pipeline for stage, (pipeline, _) in STAGES.items()}),
        "table_id": Mapped("stage", {stage: table for stage, (_, table) in STAGES.items()}),
        "external_ids:stage-hint": "hint",
    },
)

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
    settings.SB_GLOBAL,
    supported.DHCP_OPTIONS_TABLE,
    supported.DHCPV6_OPTIONS_TABLE,
    supported.RBAC_PERMISSION,
    supported.RBAC_ROLE,
    datapaths.DATAPATH_BINDING,
    DATAPATH_GROUP,
    LOGICAL_FLOW,
    MULTICAST_GROUP,
    IP_MULTICAST,
    sets.ADDRESS_SET,
    sets.PORT_GROUP,
    meters.METER_BAND,
    meters.METER,
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
        "HA_Chassis_Group": "name",
        "Logical_DP_Group": "datapaths",
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
)
"""Rows that refer to each other are compared by names; tunnel keys and ECMP ids hang on the order they were given in."""

OVN = Program("ovn", NORTHD, NORTHD, NORTHD, databases={d.name: d for d in (nb, sb)}, contents=CONTENTS)
