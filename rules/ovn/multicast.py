"""Groups of ports for packets that go to many, and what is stored of multicast on switches.

The tables Multicast_Group and IP_Multicast of ovn-sb(5). Tunnel keys of groups are ovn-northd's: 32768 and up.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, rule
from ovn_rules.engine.sinks import Constant, Sink
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import is_true
from ovn_rules.rules.ovn.relations import Datapath, DatapathRow, PortRow, SwitchPort, UnknownPort

ASKED = (("mcast_flood_reports", "_MC_mrouter_flood", 32770), ("mcast_flood", "_MC_static", 32771))
"""Options of ports that put them in a group, with its name and tunnel key, ovn-nb(5)."""


class MulticastGroup(Relation, key=("datapath", "name")):
    """A row of the southbound table Multicast_Group."""

    datapath: Uuid = column("the switch's Datapath_Binding row")
    name: str = column("what actions of flows call it")
    key: int = column("its tunnel key")
    ports: tuple[Uuid, ...] = column("the Port_Binding rows of its ports")


class IpMulticast(Relation):
    """A row of the southbound table IP_Multicast: a switch that doesn't snoop."""

    datapath: Uuid = column("the switch's Datapath_Binding row")


@rule
def flood_group(datapath, switch, port, row):
    """A packet for many goes to all ports that are enabled."""
    MulticastGroup(datapath, "_MC_flood", 32768, collect(row)) <= (
        SwitchPort(port=port, switch=switch, enabled=True) & PortRow(port, row) & DatapathRow(switch, datapath)
    )


@rule
def flood_l2_group(datapath, switch, port, kind, row):
    """What routers needn't see goes to all other ports that are enabled."""
    MulticastGroup(datapath, "_MC_flood_l2", 32772, collect(row)) <= (
        SwitchPort(port=port, switch=switch, type=kind, enabled=True)
        & (kind != "router")
        & PortRow(port, row)
        & DatapathRow(switch, datapath)
    )


@rule
def unknown_group(datapath, switch, port, kind, row):
    """A packet for an address that nobody is known to have goes to the enabled ports that may have any."""
    MulticastGroup(datapath, "_MC_unknown", 32769, collect(row)) <= (
        UnknownPort(port)
        & SwitchPort(port=port, switch=switch, type=kind, enabled=True)
        & (kind != "external")
        & PortRow(port, row)
        & DatapathRow(switch, datapath)
    )


@rule
def asked_group(datapath, switch, port, option, text, name, key, row):
    """Ports may ask for the reports of who listens, or for what is sent to those: hosts look where switches snoop."""
    MulticastGroup(datapath, name, key, collect(row)) <= (
        ((option, name, key) in ASKED)
        & nb.Logical_Switch_Port.options(port, option, text)
        & is_true(text)
        & SwitchPort(port=port, switch=switch, enabled=True)
        & PortRow(port, row)
        & DatapathRow(switch, datapath)
    )


@rule
def ip_multicast(switch, datapath):
    """Multicast snooping is off."""
    IpMulticast(datapath) <= Datapath(switch, "switch", _) & DatapathRow(switch, datapath)


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
