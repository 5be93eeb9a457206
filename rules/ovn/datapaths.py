"""Datapaths: the southbound row and tunnel key of every switch and enabled router."""

from ovn_rules.engine import Relation, Uuid, _, allocate, column, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.options import Options, is_false, whole
from ovn_rules.rules.ovn.relations import Datapath, DatapathBinding, DatapathKey, DatapathRow, Group, Problem
from ovn_rules.rules.ovn.settings import KeyLimit


class NamedDatapath(Relation, key=("datapath",)):
    """A logical switch, or a logical router that is enabled."""

    datapath: Uuid = column("its northbound row")
    kind: str = column("switch or router")
    name: str = column("its name")


class StoredDatapath(Relation):
    """A Datapath_Binding row that is a datapath's, which it keeps."""

    datapath: Uuid = column("the datapath")
    row: Uuid = column("the first such row")


class StoredDatapathKey(Relation):
    """The tunnel key that a datapath's row has."""

    datapath: Uuid = column("the datapath")
    key: int = column("its key")


class RequestedDatapathKey(Relation):
    """The tunnel key that a datapath is to have, whatever others have."""

    datapath: Uuid = column("the datapath")
    key: int = column("what its options say, if it is a number")


class WideDatapathKey(Relation):
    """A tunnel key where all tunnels have 24 bits for it."""

    datapath: Uuid = column("the datapath")
    key: int = column("1 to 16777215")


class VxlanDatapathKey(Relation):
    """A tunnel key where some tunnels have 12 bits for it."""

    datapath: Uuid = column("the datapath")
    key: int = column("1 to 4095")


class LargeDatapathKey(Relation):
    """A stored tunnel key that doesn't fit into VXLAN's 12 bits, and stays since nothing else was asked for."""

    datapath: Uuid = column("the datapath")
    key: int = column("4096 to 16777215")


@rule
def named_datapath(datapath, name, enabled):
    """Every logical switch is a datapath, and every logical router unless it is disabled."""
    NamedDatapath(datapath, "switch", name) <= nb.Logical_Switch(_uuid=datapath, name=name)
    NamedDatapath(datapath, "router", name) <= (
        nb.Logical_Router(_uuid=datapath, name=name, enabled=enabled) & (enabled != (False,))
    )


@rule
def stored_datapath(datapath, row, kind, key, text):
    """A row belongs to the datapath that its external ids name."""
    StoredDatapath(datapath, min(row)) <= (
        NamedDatapath(datapath, kind, _)
        & (key == f"logical-{kind}")
        & (text == str(datapath))
        & sb.Datapath_Binding.external_ids(row, key, text)
    )


@rule
def stored_datapath_key(datapath, row, key):
    """A datapath keeps the tunnel key of its row, so that a restart changes none."""
    StoredDatapathKey(datapath, key) <= (StoredDatapath(datapath, row) & sb.Datapath_Binding(_uuid=row, tunnel_key=key))


@rule
def requested_datapath_key(datapath, text):
    """Administrators may ask for a tunnel key."""
    RequestedDatapathKey(datapath, whole(text, 0)) <= nb.Logical_Switch.other_config(
        datapath, "requested-tnl-key", text
    )
    RequestedDatapathKey(datapath, whole(text, 0)) <= nb.Logical_Router.options(datapath, "requested-tnl-key", text)


@rule
def large_datapath_key(datapath, key, wanted):
    """A datapath that came before VXLAN keeps a tunnel key that is too large for it."""
    LargeDatapathKey(datapath, key) <= (
        KeyLimit(4095) & StoredDatapathKey(datapath, key) & (key > 4095) & ~RequestedDatapathKey(datapath, _)
    )
    LargeDatapathKey(datapath, key) <= (
        KeyLimit(4095)
        & StoredDatapathKey(datapath, key)
        & (key > 4095)
        & RequestedDatapathKey(datapath, wanted)
        & (wanted not in range(1, 4096))
    )


@rule
def datapath_key(datapath, key):
    """Every datapath has a tunnel key of its own; VXLAN has fewer of them."""
    WideDatapathKey(datapath, allocate(1, 16777215, StoredDatapathKey, wanted=RequestedDatapathKey, after=None)) <= (
        NamedDatapath(datapath=datapath) & KeyLimit(16711680)
    )
    VxlanDatapathKey(datapath, allocate(1, 4095, StoredDatapathKey, wanted=RequestedDatapathKey, after=None)) <= (
        NamedDatapath(datapath=datapath) & KeyLimit(4095) & ~LargeDatapathKey(datapath, _)
    )
    DatapathKey(datapath, key) <= WideDatapathKey(datapath, key)
    DatapathKey(datapath, key) <= VxlanDatapathKey(datapath, key)
    DatapathKey(datapath, key) <= LargeDatapathKey(datapath, key)


@rule
def datapath(datapath, kind, name):
    """What has a tunnel key takes part."""
    Datapath(datapath, kind, name) <= NamedDatapath(datapath, kind, name) & DatapathKey(datapath, _)


@rule
def datapath_row(datapath, row):
    """A datapath keeps the row it has; a new row gets the UUID of the northbound one."""
    DatapathRow(datapath, row) <= Datapath(datapath=datapath) & StoredDatapath(datapath, row)
    DatapathRow(datapath, datapath) <= Datapath(datapath=datapath) & ~StoredDatapath(datapath, _)


@pure
def datapath_ids(datapath: Uuid, kind: str, name: str, given: Options) -> Options:
    """The external ids of a Datapath_Binding row; its second name is the one that OpenStack gave it."""
    second = dict(given).get("neutron:network_name" if kind == "switch" else "neutron:router_name")
    own = ((f"logical-{kind}", str(datapath)), ("name", name))
    return (*own, ("name2", second)) if second else own


@rule
def switch_datapath_binding(datapath, row, key, name, ids):
    """Every switch has a row by which all hosts know it."""
    DatapathBinding(row, key, datapath_ids(datapath, "switch", name, ids)) <= (
        DatapathRow(datapath, row)
        & DatapathKey(datapath, key)
        & nb.Logical_Switch(_uuid=datapath, name=name, external_ids=ids)
    )


@pure
def learning_ids(options: Options) -> Options:
    """The external ids that say how a router learns; none for one that learns from all requests."""
    learning = "always_learn_from_arp_request"
    return ((learning, "false"),) if is_false(dict(options).get(learning, "")) else ()


@rule
def router_datapath_binding(datapath, row, key, name, ids, options):
    """Every router has a row by which all hosts know it."""
    DatapathBinding(row, key, datapath_ids(datapath, "router", name, ids) + learning_ids(options)) <= (
        DatapathRow(datapath, row)
        & DatapathKey(datapath, key)
        & nb.Logical_Router(_uuid=datapath, name=name, external_ids=ids, options=options)
    )


@rule
def groups(datapath):
    """All switches have flows in common, and all routers; and each datapath has its own."""
    Group("switches", datapath) <= Datapath(datapath, "switch", _)
    Group("routers", datapath) <= Datapath(datapath, "router", _)
    Group(str(datapath), datapath) <= Datapath(datapath=datapath)


@rule
def refused_datapath_key(datapath, name, text, key):
    """A tunnel key that can't be had is said."""
    Problem(f"switch {name}", refused_key(text, key)) <= (
        nb.Logical_Switch.other_config(datapath, "requested-tnl-key", text)
        & DatapathKey(datapath, key)
        & (key != whole(text, 0))
        & NamedDatapath(datapath=datapath, name=name)
    )
    Problem(f"router {name}", refused_key(text, key)) <= (
        nb.Logical_Router.options(datapath, "requested-tnl-key", text)
        & DatapathKey(datapath, key)
        & (key != whole(text, 0))
        & NamedDatapath(datapath=datapath, name=name)
    )


@pure
def refused_key(wanted: str, key: int) -> str:
    """Why a datapath or port doesn't have the tunnel key that it asks for."""
    return f"requested-tnl-key {wanted} is another's, or none that tunnels can carry; it has {key}"


@rule
def datapath_without_key(datapath, kind, name):
    """Tunnel keys may run out."""
    Problem(f"{kind} {name}", "left out: all tunnel keys of datapaths are taken") <= (
        NamedDatapath(datapath, kind, name) & ~DatapathKey(datapath, _)
    )


DATAPATH_BINDING = Sink(
    relation="DatapathBinding",
    database="sb",
    table="Datapath_Binding",
    key=("_uuid",),
    columns={"_uuid": "row", "tunnel_key": "tunnel_key", "external_ids": "external_ids"},
)
