"""Rows that others made: what hosts learnt of datapaths and ports goes with them, and so does what isn't supported.

Where ovn-northd worked before, hosts would go by its rows of features that these rules don't do for ever, and
references in them would keep other rows from being deleted.
"""

from ovn_rules.engine import Relation, Uuid, _, column, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import sb
from ovn_rules.rules.ovn.relations import DatapathKey, DatapathRow, PortKey, RouterPort, SwitchPort


class KnownNeighbour(Relation):
    """A row of the southbound table MAC_Binding that may stay."""

    row: Uuid = column("its UUID")


class KnownStation(Relation):
    """A row of the southbound table FDB that may stay."""

    row: Uuid = column("its UUID")


class Unwanted(Relation):
    """Rows of features that aren't supported: there are none."""

    row: Uuid = column("the UUID of a southbound row")
    name: str = column("what people know it by")


@rule
def known_neighbour(row, datapath, name):
    """A neighbour's Ethernet address counts as long as there is the port that it was learnt at."""
    KnownNeighbour(row) <= (
        sb.MAC_Binding(_uuid=row, datapath=datapath, logical_port=name)
        & DatapathRow(_, datapath)
        & RouterPort(name=name)
    )
    KnownNeighbour(row) <= (
        sb.MAC_Binding(_uuid=row, datapath=datapath, logical_port=name)
        & DatapathRow(_, datapath)
        & SwitchPort(name=name)
    )


@rule
def known_station(row, datapath, datapath_key, port_key):
    """An Ethernet address counts as long as there is the port behind which it was seen."""
    KnownStation(row) <= (
        sb.FDB(_uuid=row, dp_key=datapath_key, port_key=port_key)
        & DatapathKey(datapath, datapath_key)
        & PortKey(datapath=datapath, key=port_key)
    )


MAC_BINDING = Sink(
    relation="KnownNeighbour",
    database="sb",
    table="MAC_Binding",
    key=("_uuid",),
    columns={"_uuid": "row"},
    insert=False,
)
FDB = Sink(
    relation="KnownStation",
    database="sb",
    table="FDB",
    key=("_uuid",),
    columns={"_uuid": "row"},
    insert=False,
)
UNSUPPORTED = tuple(
    Sink(
        relation="Unwanted",
        database="sb",
        table=table,
        key=("_uuid",),
        columns={"_uuid": "row", name: "name"},
        insert=False,
    )
    for table, name in (
        ("Service_Monitor", "logical_port"),
        ("Load_Balancer", "name"),
        ("BFD", "logical_port"),
        ("Mirror", "name"),
        ("Static_MAC_Binding", "logical_port"),
        ("Chassis_Template_Var", "chassis"),
    )
)
