"""Datapaths: the southbound row and tunnel key of every switch and enabled router."""

from ovn_rules.engine import Relation, Uuid, _, allocate, column, pure, rule
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.relations import Datapath, DatapathBinding, DatapathKey, DatapathRow, Group

KEYS = (1, (1 << 24) - 1 - ((1 << 16) - 1))
"""Tunnel keys of datapaths that ovn-northd gives; those above are for OVN Interconnection, ovn-architecture(7)."""


class StoredDatapath(Relation):
    """A Datapath_Binding row that is a datapath's, which it keeps."""

    datapath: Uuid = column("the datapath")
    row: Uuid = column("the first such row")


class StoredDatapathKey(Relation):
    """The tunnel key that a datapath's row has."""

    datapath: Uuid = column("the datapath")
    key: int = column("its key")


@rule
def switch(datapath, name):
    """Every logical switch is a datapath."""
    Datapath(datapath, "switch", name) <= nb.Logical_Switch(_uuid=datapath, name=name)


@rule
def router(datapath, name, enabled):
    """Every logical router is a datapath, unless it is disabled."""
    Datapath(datapath, "router", name) <= (
        nb.Logical_Router(_uuid=datapath, name=name, enabled=enabled) & (enabled != (False,))
    )


@rule
def stored_datapath(datapath, row, kind, key, text):
    """A row belongs to the datapath that its external ids name."""
    StoredDatapath(datapath, min(row)) <= (
        Datapath(datapath, kind, _)
        & (key == f"logical-{kind}")
        & (text == str(datapath))
        & sb.Datapath_Binding.external_ids(row, key, text)
    )


@rule
def datapath_row(datapath, row):
    """A datapath keeps the row it has; a new row gets the UUID of the northbound one."""
    DatapathRow(datapath, row) <= Datapath(datapath=datapath) & StoredDatapath(datapath, row)
    DatapathRow(datapath, datapath) <= Datapath(datapath=datapath) & ~StoredDatapath(datapath, _)


@rule
def stored_datapath_key(datapath, row, key):
    """A datapath keeps the tunnel key of its row, so that a restart changes none."""
    StoredDatapathKey(datapath, key) <= (StoredDatapath(datapath, row) & sb.Datapath_Binding(_uuid=row, tunnel_key=key))


@rule
def datapath_key(datapath):
    """Every datapath has a tunnel key of its own."""
    DatapathKey(datapath, allocate(1, 16711680, StoredDatapathKey)) <= Datapath(datapath=datapath)


@pure
def datapath_ids(datapath: Uuid, kind: str, name: str) -> tuple[tuple[str, str], ...]:
    """The external ids of a Datapath_Binding row."""
    return ((f"logical-{kind}", str(datapath)), ("name", name))


@rule
def datapath_binding(datapath, row, key, kind, name):
    """Every datapath has a row by which all hosts know it."""
    DatapathBinding(row, key, datapath_ids(datapath, kind, name)) <= (
        Datapath(datapath, kind, name) & DatapathRow(datapath, row) & DatapathKey(datapath, key)
    )


@rule
def groups(datapath):
    """All switches have flows in common, and all routers; and each datapath has its own."""
    Group("switches", datapath) <= Datapath(datapath, "switch", _)
    Group("routers", datapath) <= Datapath(datapath, "router", _)
    Group(str(datapath), datapath) <= Datapath(datapath=datapath)
