"""What each daemon loads, and where what it derives is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ovn_rules.engine.sinks import Child, Constant, OwnRows, Parent, RowsWith, Sink
from ovn_rules.rules.ezbake import (
    addresses,
    bindings,
    claims,
    configuration,
    holders,
    physical,
    ports,
    stored,
    switching,
    tracing,
    translation,
    tunnels,
)
from ovn_rules.rules.ezbake.databases import nb, ovs, sb
from ovn_rules.rules.program import LogicalFlows, Program, Role

CENTRAL: tuple[ModuleType, ...] = (addresses, bindings, holders, switching)
CHASSIS: tuple[ModuleType, ...] = (configuration, tunnels, claims, holders, physical, translation, stored)
WHOLE: tuple[ModuleType, ...] = (
    *CENTRAL,
    *(m for m in CHASSIS if m not in (holders, stored)),
    ports,
)

BINDING = Sink(
    relation="Binding",
    database="sb",
    table="Binding",
    key=("logical_port",),
    columns={name: name for name in ("logical_datapath", "logical_port", "tunnel_key", "parent_port", "tag", "mac")},
    insert_only={"chassis": "chassis"},
)
_PIPELINE = ("logical_datapath", "table_id", "priority", "match", "actions")
PIPELINE = Sink(
    relation="Pipeline",
    database="sb",
    table="Pipeline",
    key=_PIPELINE,
    columns={name: name for name in _PIPELINE},
)
PORT_UP = Sink(
    relation="PortUp",
    database="nb",
    table="Logical_Port",
    key=("_uuid",),
    columns={"_uuid": "port", "up": "up"},
    insert=False,
    delete=False,
)
BRIDGE = Sink(
    relation="WantedBridge",
    database="ovs",
    table="Bridge",
    key=("name",),
    columns={"name": "name"},
    insert_only={"fail_mode": Constant(("secure",)), "datapath_type": "datapath_type"},
    delete=False,
    children=(
        Child(
            column="ports",
            table="Port",
            columns={"name": "name"},
            key=("name",),
            children=(
                Child(
                    column="interfaces",
                    table="Interface",
                    columns={"name": "name", "type": Constant("internal")},
                    key=("name",),
                ),
            ),
        ),
    ),
    parent=Parent(table="Open_vSwitch", column="bridges"),
)
CHASSIS_ROW = Sink(
    relation="OwnChassis",
    database="sb",
    table="Chassis",
    key=("name",),
    columns={"name": "name"},
    mine=OwnRows(),
    children=(Child(column="encaps", table="Encap", columns={"type": "type", "ip": "ip"}, only=True),),
)
TUNNEL = Sink(
    relation="TunnelPort",
    database="ovs",
    table="Port",
    key=("name",),
    columns={"name": "name", "external_ids:ovn-chassis-id": "chassis"},
    replace=True,
    mine=RowsWith("external_ids", "ovn-chassis-id"),
    children=(
        Child(
            column="interfaces",
            table="Interface",
            columns={"name": "name", "type": "type", "options": "options"},
            only=True,
        ),
    ),
    parent=Parent(table="Bridge", column="ports", row="bridge"),
)
CLAIM = Sink(
    relation="BindingChassis",
    database="sb",
    table="Binding",
    key=("_uuid",),
    columns={"_uuid": "binding", "chassis": "chassis"},
    insert=False,
    delete=False,
)


PROBLEM = ("Problem", "warn", "{where}: {text}")
WAITING = ("Waiting", "info", "{reason}")
TAKEOVER = ("Takeover", "info", "Changing chassis for lport {port} from {old} to {new}.")

NORTHD = Role(CENTRAL, (BINDING, PIPELINE, PORT_UP), (PROBLEM,))
NAMES = {"ovs.Interface": ("name",)}
CONTROLLER = Role(CHASSIS, (BRIDGE, CHASSIS_ROW, TUNNEL, CLAIM), (PROBLEM, WAITING, TAKEOVER), (BRIDGE,), NAMES)
EVERYTHING = Role(WHOLE, (), (PROBLEM,), names=NAMES)


def flow_values(texts: Mapping[str, str]) -> dict[str, Any]:
    """What Pipeline's columns hold of a logical flow that was printed."""
    numbers = ("table_id", "priority")
    return {c: int(v) if c in numbers else v for c, v in texts.items() if c != "stage"}


EZBAKE = Program(
    "ezbake",
    NORTHD,
    CONTROLLER,
    EVERYTHING,
    tables=(0, *range(16, 48), 64),
    databases={d.name: d for d in (nb, sb, ovs)},
    numbers_in=translation.numbers_in,
    trace=tracing.trace,
    logical=LogicalFlows("Pipeline", flow_values),
)
