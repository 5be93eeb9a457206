"""What all subjects of the program share: datapaths, ports, logical flows."""

from ovn_rules.engine import Relation, Uuid, column

# -- datapaths ---------------------------------------------------------------------------------------------------


class Datapath(Relation, key=("datapath",)):
    """A logical switch, or a logical router that is enabled, with a tunnel key."""

    datapath: Uuid = column("its northbound row")
    kind: str = column("switch or router")
    name: str = column("its name")


class DatapathRow(Relation, key=("datapath",)):
    """The Datapath_Binding row of a datapath."""

    datapath: Uuid = column("its northbound row")
    row: Uuid = column("its southbound row: the stored one, or one that is to be made")


class DatapathKey(Relation, key=("datapath",)):
    """The tunnel key of a datapath; without one, nothing of it takes part."""

    datapath: Uuid = column("its northbound row")
    key: int = column("1 to 16777215; 4095 with VXLAN")


class DatapathBinding(Relation, key=("row",)):
    """A row of the southbound table Datapath_Binding."""

    row: Uuid = column("its UUID")
    tunnel_key: int = column("which datapath a packet in a tunnel belongs to")
    external_ids: tuple[tuple[str, str], ...] = column("its northbound row and names")


# -- logical flows -----------------------------------------------------------------------------------------------


class Group(Relation):
    """Datapaths that have flows in common. Every datapath also is a group of its own, named by its UUID."""

    group: str = column("``switches``, ``routers``, a datapath's UUID, or what a subject calls its own")
    datapath: Uuid = column("a datapath in it")


class Flow(Relation):
    """A logical flow that no other datapath can have: it names a port of this one, or an address that only this has."""

    datapath: Uuid = column("the datapath")
    stage: str = column("a stage of ovn-northd(8), such as ls_in_l2_lkup")
    priority: int = column("of several that match, the highest counts; 0 to 65535")
    match: str = column("an expression of ovn-sb(5)")
    actions: str = column("actions of ovn-sb(5)")
    meter: tuple[str, ...] = column("the meter for packets that go to ovn-controller, if any")
    hint: tuple[str, ...] = column("the first eight digits of the northbound row that it comes from, if any")


class GroupFlow(Relation):
    """A logical flow that all datapaths of a group have; others may have it, too, through other groups."""

    group: str = column("the group")
    stage: str = column("a stage of ovn-northd(8)")
    priority: int = column("of several that match, the highest counts; 0 to 65535")
    match: str = column("an expression of ovn-sb(5)")
    actions: str = column("actions of ovn-sb(5)")
    meter: tuple[str, ...] = column("the meter for packets that go to ovn-controller, if any")
    hint: tuple[str, ...] = column("the first eight digits of the northbound row that it comes from, if any")


class LogicalFlow(Relation):
    """A row of the southbound table Logical_Flow."""

    stage: str = column("the stage, from which pipeline and table_id follow")
    priority: int = column("of several that match, the highest counts")
    match: str = column("an expression of ovn-sb(5)")
    actions: str = column("actions of ovn-sb(5)")
    meter: tuple[str, ...] = column("controller_meter")
    datapath: tuple[Uuid, ...] = column("logical_datapath, when it is one")
    group: tuple[Uuid, ...] = column("logical_dp_group, when there are several")
    hint: tuple[str, ...] = column("external_ids:stage-hint")
    port: tuple[str, ...] = column("tags:in_out_port")


class DatapathGroup(Relation, key=("row",)):
    """A row of the southbound table Logical_DP_Group."""

    row: Uuid = column("its UUID")
    datapaths: tuple[Uuid, ...] = column("Datapath_Binding rows, two or more")


# -- ports -------------------------------------------------------------------------------------------------------


class PortRow(Relation, key=("port",)):
    """The Port_Binding row of a logical switch port or router port."""

    port: Uuid = column("its northbound row")
    row: Uuid = column("its southbound row: the stored one, or one that is to be made")


class PortKey(Relation, key=("port",)):
    """The tunnel key of a port of a switch or router; without one, it doesn't take part."""

    port: Uuid = column("its northbound row")
    datapath: Uuid = column("its switch or router")
    row: Uuid = column("its Port_Binding row")
    key: int = column("1 to 32767, or 2047 with VXLAN, unique in its datapath")


class SwitchPort(Relation, key=("port",)):
    """A logical switch port, with a tunnel key."""

    port: Uuid = column("its northbound row")
    switch: Uuid = column("its logical switch")
    name: str = column("its name")
    type: str = column("empty for a machine's or container's port; router, localnet, … of ovn-nb(5)")
    enabled: bool = column("whether it may send and receive")


class PortAddress(Relation):
    """An Ethernet address of a switch port, with its IP addresses: given, assigned, or its router port's."""

    port: Uuid = column("the switch port")
    mac: str = column("the Ethernet address")
    v4: tuple[str, ...] = column("its IPv4 addresses")
    v6: tuple[str, ...] = column("its IPv6 addresses")


class UnknownPort(Relation):
    """A switch port that may have any address, besides those that it says."""

    port: Uuid = column("the switch port")


class NamedRouterPort(Relation, key=("port",)):
    """A logical router port with an Ethernet address that can be read and a name of its own, of an enabled router."""

    port: Uuid = column("its northbound row")
    router: Uuid = column("its logical router")
    name: str = column("its name")
    mac: str = column("its Ethernet address")


class RouterPort(Relation, key=("port",)):
    """A logical router port that takes part: a named one, with a tunnel key."""

    port: Uuid = column("its northbound row")
    router: Uuid = column("its logical router")
    name: str = column("its name")
    mac: str = column("its Ethernet address")
    v4: tuple[tuple[str, str, int], ...] = column("IPv4: address, network and length of its prefix")
    v6: tuple[tuple[str, str, int], ...] = column("IPv6; last, always, the link-local address that its mac makes")
    enabled: bool = column("whether it may send and receive")


class Attached(Relation):
    """A switch port of type router, and the router port that it names."""

    port: Uuid = column("the switch port")
    router_port: Uuid = column("the router port")


class RouterPeer(Relation):
    """A router port that names another one as its peer, without a switch in between. It holds one way only."""

    port: Uuid = column("the router port that names the other")
    peer: Uuid = column("the router port that it names")


class Option(Relation):
    """An option of NB_Global that rules go by."""

    key: str = column("its name")
    value: str = column("its value")


class Lacking(Relation):
    """A feature that some chassis of this zone doesn't have, so that flows must do without."""

    feature: str = column("ct-no-masked-label or ovn-ct-lb-related")


# -- for the administrator -----------------------------------------------------------------------------------------


class Problem(Relation):
    """Something an administrator should know and can mend."""

    where: str = column("what it is about: a port, an ACL, a router")
    text: str = column("what is wrong and what follows from it")
