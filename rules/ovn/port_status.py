"""Whether a switch port is up, told in the northbound database, ovn-nb(5)."""

from ovn_rules.engine import Relation, Uuid, column, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.relations import PortRow, SwitchPort
from ovn_rules.rules.ovn.settings import Says


class PortUp(Relation):
    """What a switch port is to say in its column up."""

    port: Uuid = column("the port")
    up: bool = column("whether packets can pass")


class SilentRow(Relation):
    """A Port_Binding row that says nothing of being up."""

    row: Uuid = column("its UUID")
    up: bool = column("what it is to say: no")


@rule
def router_port_up(port, row):
    """A port to a router needs no host to be up."""
    PortUp(port, True) <= (SwitchPort(port=port, type="router") & PortRow(port, row) & sb.Port_Binding(_uuid=row))


@rule
def port_up(port, kind, row, chassis, up):
    """Any other port is up when a host has it, and says that it is ready if it is one to say so."""
    PortUp(port, False) <= (
        SwitchPort(port=port, type=kind)
        & (kind != "router")
        & PortRow(port, row)
        & sb.Port_Binding(_uuid=row, chassis=())
    )
    PortUp(port, True) <= (
        SwitchPort(port=port)
        & PortRow(port, row)
        & sb.Port_Binding.chassis(row, chassis)
        & ~Says(chassis, "port-up-notif")
    )
    PortUp(port, up == (True,)) <= (
        SwitchPort(port=port, type=kind)
        & (kind != "router")
        & PortRow(port, row)
        & sb.Port_Binding.chassis(row, chassis)
        & Says(chassis, "port-up-notif")
        & sb.Port_Binding(_uuid=row, up=up)
    )


@rule
def silent_row(row):
    """A host says whether a port is up only where it is said that it isn't."""
    SilentRow(row, False) <= PortRow(row=row) & sb.Port_Binding(_uuid=row, up=())


SILENT_ROW = Sink(
    relation="SilentRow",
    database="sb",
    table="Port_Binding",
    key=("_uuid",),
    columns={"_uuid": "row", "up": "up"},
    insert=False,
    delete=False,
)
PORT_UP = Sink(
    relation="PortUp",
    database="nb",
    table="Logical_Switch_Port",
    key=("_uuid",),
    columns={"_uuid": "port", "up": "up"},
    insert=False,
    delete=False,
)
