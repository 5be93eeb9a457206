"""Which Port_Binding row a port has, and which tunnel key: both are kept as long as the port is the same to hosts."""

from ovn_rules.engine import Relation, Uuid, _, allocate, column, pure, rule
from ovn_rules.rules.ovn.addresses import mac_of
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.options import whole
from ovn_rules.rules.ovn.relations import DatapathKey, DatapathRow, NamedRouterPort, PortKey, PortRow
from ovn_rules.rules.ovn.settings import KeyLimit
from ovn_rules.rules.ovn.text import made_row


class StoredPortKey(Relation):
    """The tunnel key that a port's row has."""

    datapath: Uuid = column("the port's datapath")
    port: Uuid = column("the port")
    row: Uuid = column("its row")
    key: int = column("its key")


class RequestedPortKey(Relation):
    """The tunnel key that a port is to have, whatever others have."""

    datapath: Uuid = column("the port's datapath")
    port: Uuid = column("the port")
    row: Uuid = column("its row")
    key: int = column("what its options say, if it is a number")


class WidePortKey(Relation):
    """A port's tunnel key where all tunnels have 16 bits for it; a port with a new row gets a new one."""

    datapath: Uuid = column("the port's datapath")
    port: Uuid = column("the port")
    row: Uuid = column("its row")
    key: int = column("1 to 32767")


class VxlanPortKey(Relation):
    """A port's tunnel key where some tunnels have 12 bits for it."""

    datapath: Uuid = column("the port's datapath")
    port: Uuid = column("the port")
    row: Uuid = column("its row")
    key: int = column("1 to 2047")


class LargePortKey(Relation):
    """A stored tunnel key that doesn't fit into VXLAN's 12 bits, and stays since nothing else was asked for."""

    datapath: Uuid = column("the port's datapath")
    port: Uuid = column("the port")
    row: Uuid = column("its row")
    key: int = column("2048 to 32767")


class Elsewhere(Relation):
    """A switch or router that lists a port of another one."""

    datapath: Uuid = column("the switch or router")
    port: Uuid = column("the port")


class LostRow(Relation):
    """A stored row of a port that isn't the one with its UUID: that port was renamed."""

    port: Uuid = column("the row's UUID")


# -- rows ------------------------------------------------------------------------------------------------------------


@pure
def another_sort(kind: str, parent: tuple[str, ...], stored: str, stored_parent: tuple[str, ...]) -> bool:
    """Whether hosts must take a port for another one: it became a container or a virtual port, or ceased to be one."""
    if not kind and not stored:
        return bool(parent) != bool(stored_parent)
    return (kind == "virtual") != (stored == "virtual")


@pure
def row_of(port: Uuid, stored: Uuid, keeps: bool) -> Uuid:
    """The row of a port whose name a stored row has: that one, or else one with another UUID."""
    if keeps:
        return stored
    return port if stored != port else made_row((str(port),))


@pure
def row_apart(port: Uuid, stored: Uuid, keeps: bool) -> Uuid:
    """The same for a port whose own UUID another port's row has."""
    return stored if keeps else made_row((str(port), str(stored)))


@rule
def listed_elsewhere(port, datapath, other):
    """A port is one switch's or one router's, ovn-nb(5); of several that list it, the first has it."""
    Elsewhere(datapath, port) <= (
        nb.Logical_Switch.ports(datapath, port) & nb.Logical_Switch.ports(other, port) & (other < datapath)
    )
    Elsewhere(datapath, port) <= (
        nb.Logical_Router.ports(datapath, port) & nb.Logical_Router.ports(other, port) & (other < datapath)
    )


@rule
def lost_row(port, name, other):
    """A row is that of the port with its name; another port that has been called so keeps its own UUID for itself."""
    LostRow(port) <= (
        sb.Port_Binding(_uuid=port, logical_port=name)
        & nb.Logical_Switch_Port(_uuid=other, name=name)
        & (other != port)
    )
    LostRow(port) <= (
        sb.Port_Binding(_uuid=port, logical_port=name)
        & nb.Logical_Router_Port(_uuid=other, name=name)
        & (other != port)
    )


@rule
def switch_port_row(port, switch, name, kind, parent, row, datapath, own, stored, stored_parent):
    """A port keeps the row of its name, unless it moved to another switch or became a port of another sort.

    A new row gets the UUID of the northbound one.
    """
    PortRow(port, row_of(port, row, own == datapath and not another_sort(kind, parent, stored, stored_parent))) <= (
        nb.Logical_Switch.ports(switch, port)
        & ~Elsewhere(switch, port)
        & nb.Logical_Switch_Port(_uuid=port, name=name, type=kind, parent_name=parent)
        & sb.Port_Binding(_uuid=row, logical_port=name, datapath=datapath, type=stored, parent_port=stored_parent)
        & DatapathRow(switch, own)
        & ~LostRow(port)
    )
    PortRow(port, row_apart(port, row, own == datapath and not another_sort(kind, parent, stored, stored_parent))) <= (
        LostRow(port)
        & nb.Logical_Switch.ports(switch, port)
        & ~Elsewhere(switch, port)
        & nb.Logical_Switch_Port(_uuid=port, name=name, type=kind, parent_name=parent)
        & sb.Port_Binding(_uuid=row, logical_port=name, datapath=datapath, type=stored, parent_port=stored_parent)
        & DatapathRow(switch, own)
    )
    PortRow(port, port) <= (
        nb.Logical_Switch_Port(_uuid=port, name=name) & ~sb.Port_Binding(logical_port=name) & ~LostRow(port)
    )
    PortRow(port, made_row((str(port), name))) <= (
        LostRow(port) & nb.Logical_Switch_Port(_uuid=port, name=name) & ~sb.Port_Binding(logical_port=name)
    )


@rule
def router_port_row(port, router, name, row, datapath, own):
    """A router port keeps the row of its name, unless it moved to another router."""
    PortRow(port, row_of(port, row, own == datapath)) <= (
        NamedRouterPort(port=port, router=router, name=name)
        & sb.Port_Binding(_uuid=row, logical_port=name, datapath=datapath)
        & DatapathRow(router, own)
        & ~LostRow(port)
    )
    PortRow(port, row_apart(port, row, own == datapath)) <= (
        LostRow(port)
        & NamedRouterPort(port=port, router=router, name=name)
        & sb.Port_Binding(_uuid=row, logical_port=name, datapath=datapath)
        & DatapathRow(router, own)
    )
    PortRow(port, port) <= (
        NamedRouterPort(port=port, name=name) & ~sb.Port_Binding(logical_port=name) & ~LostRow(port)
    )
    PortRow(port, made_row((str(port), name))) <= (
        LostRow(port) & NamedRouterPort(port=port, name=name) & ~sb.Port_Binding(logical_port=name)
    )


@rule
def named_router_port(router, port, name, text, mac):
    """A router port takes part if its Ethernet address can be read, and no switch port has its name."""
    NamedRouterPort(port, router, name, mac) <= (
        DatapathKey(router, _)
        & nb.Logical_Router.ports(router, port)
        & nb.Logical_Router_Port(_uuid=port, name=name, mac=text)
        & (mac == mac_of(text))
        & (mac != "")
        & ~nb.Logical_Switch_Port(name=name)
    )


# -- tunnel keys -----------------------------------------------------------------------------------------------------


@rule
def stored_port_key(datapath, port, row, key):
    """A port keeps the tunnel key of its row, so that a restart changes none."""
    StoredPortKey(datapath, port, row, key) <= (
        nb.Logical_Switch.ports(datapath, port) & PortRow(port, row) & sb.Port_Binding(_uuid=row, tunnel_key=key)
    )
    StoredPortKey(datapath, port, row, key) <= (
        nb.Logical_Router.ports(datapath, port) & PortRow(port, row) & sb.Port_Binding(_uuid=row, tunnel_key=key)
    )


@rule
def requested_port_key(datapath, port, row, text):
    """Administrators may ask for a tunnel key."""
    RequestedPortKey(datapath, port, row, whole(text, 0)) <= (
        nb.Logical_Switch_Port.options(port, "requested-tnl-key", text)
        & nb.Logical_Switch.ports(datapath, port)
        & PortRow(port, row)
    )
    RequestedPortKey(datapath, port, row, whole(text, 0)) <= (
        nb.Logical_Router_Port.options(port, "requested-tnl-key", text)
        & nb.Logical_Router.ports(datapath, port)
        & PortRow(port, row)
    )


@rule
def wide_port_key(datapath, port, row):
    """Every port has a tunnel key of its own in its datapath."""
    WidePortKey(
        datapath,
        port,
        row,
        allocate(1, 32767, StoredPortKey, within=datapath, wanted=RequestedPortKey, after="largest"),
    ) <= (
        nb.Logical_Switch.ports(datapath, port)
        & ~Elsewhere(datapath, port)
        & DatapathKey(datapath, _)
        & PortRow(port, row)
        & KeyLimit(16711680)
    )
    WidePortKey(
        datapath,
        port,
        row,
        allocate(1, 32767, StoredPortKey, within=datapath, wanted=RequestedPortKey, after="largest"),
    ) <= (NamedRouterPort(port=port, router=datapath) & PortRow(port, row) & KeyLimit(16711680))


@rule
def large_port_key(datapath, port, row, key, wanted):
    """A port that came before VXLAN keeps a tunnel key that is too large for it."""
    LargePortKey(datapath, port, row, key) <= (
        KeyLimit(4095)
        & StoredPortKey(datapath, port, row, key)
        & (key > 2047)
        & ~RequestedPortKey(datapath, port, row, _)
    )
    LargePortKey(datapath, port, row, key) <= (
        KeyLimit(4095)
        & StoredPortKey(datapath, port, row, key)
        & (key > 2047)
        & RequestedPortKey(datapath, port, row, wanted)
        & (wanted not in range(1, 2048))
    )


@rule
def vxlan_port_key(datapath, port, row):
    """VXLAN has fewer tunnel keys."""
    VxlanPortKey(
        datapath,
        port,
        row,
        allocate(1, 2047, StoredPortKey, within=datapath, wanted=RequestedPortKey, after="largest"),
    ) <= (
        nb.Logical_Switch.ports(datapath, port)
        & ~Elsewhere(datapath, port)
        & DatapathKey(datapath, _)
        & PortRow(port, row)
        & KeyLimit(4095)
        & ~LargePortKey(datapath, port, row, _)
    )
    VxlanPortKey(
        datapath,
        port,
        row,
        allocate(1, 2047, StoredPortKey, within=datapath, wanted=RequestedPortKey, after="largest"),
    ) <= (
        NamedRouterPort(port=port, router=datapath)
        & PortRow(port, row)
        & KeyLimit(4095)
        & ~LargePortKey(datapath, port, row, _)
    )


@rule
def port_key(datapath, port, row, key):
    """A port's tunnel key stands in all packets to and from it between hosts."""
    PortKey(port, datapath, row, key) <= WidePortKey(datapath, port, row, key)
    PortKey(port, datapath, row, key) <= VxlanPortKey(datapath, port, row, key)
    PortKey(port, datapath, row, key) <= LargePortKey(datapath, port, row, key)
