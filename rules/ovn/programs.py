"""What the central daemon loads, and where what it derives is written."""

from collections.abc import Mapping
from typing import Any

from ovn_rules.rules import ovn
from ovn_rules.rules.ovn import (
    datapaths,
    dns,
    fixed_tables,
    flow_groups,
    flows,
    ipam_macs,
    meters,
    multicast,
    port_bindings,
    port_chassis,
    port_status,
    port_tags,
    progress,
    sets,
    settings,
    stale,
)
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.support import SUPPORTED
from ovn_rules.rules.program import Contents, LogicalFlows, Program, Role

PROBLEM = ("Problem", "warn", "{where}: {text}")
SINKS = (
    settings.NB_GLOBAL_ROW,
    settings.NB_GLOBAL,
    ipam_macs.LOGICAL_SWITCH_PORT,
    settings.SB_GLOBAL,
    fixed_tables.DHCP_OPTIONS_TABLE,
    fixed_tables.DHCPV6_OPTIONS_TABLE,
    fixed_tables.RBAC_PERMISSION,
    fixed_tables.RBAC_ROLE,
    datapaths.DATAPATH_BINDING,
    port_chassis.HA_CHASSIS,
    port_chassis.HA_CHASSIS_GROUP,
    port_bindings.PORT_BINDING,
    port_tags.PORT_TAG,
    port_status.SILENT_ROW,
    port_status.PORT_UP,
    flow_groups.DATAPATH_GROUP,
    flows.LOGICAL_FLOW,
    multicast.MULTICAST_GROUP,
    multicast.IP_MULTICAST,
    sets.ADDRESS_SET,
    sets.PORT_GROUP,
    meters.METER_BAND,
    meters.METER,
    dns.DNS,
    stale.MAC_BINDING,
    stale.FDB,
    *stale.UNSUPPORTED,
    progress.SB_GLOBAL_CFG,
    progress.NB_GLOBAL_SB_CFG,
    progress.NB_GLOBAL_HV_CFG,
)
"""In the order in which rows are made: what others refer to comes first."""

NORTHD = Role((ovn,), SINKS, (PROBLEM,))

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
