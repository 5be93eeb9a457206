"""The relations that EZ Bake derives."""

from ovn_rules.engine import Relation, Uuid, column

# -- central ---------------------------------------------------------------------------------------------------


class Binding(Relation, key=("logical_port",)):
    """Every logical port, with the key that tunnels carry for it and the chassis that has it."""

    logical_datapath: Uuid = column("the logical switch")
    logical_port: str = column("the port's name")
    tunnel_key: int = column("1 to 65535, unique over all switches, kept for the port's life")
    parent_port: tuple[str, ...] = column("the port that carries this one's traffic with a VLAN tag")
    tag: tuple[int, ...] = column("that VLAN tag")
    chassis: str = column("name of the chassis that has the port; empty while none has")
    mac: tuple[str, ...] = column("the port's addresses, as given")


class Pipeline(Relation):
    """The logical flow table."""

    logical_datapath: Uuid = column("the logical switch")
    table_id: int = column("0 admission, 1 destination lookup, 2 ACLs, 3 egress")
    priority: int = column("of several that match, the highest counts; 0 to 65535")
    match: str = column("an expression of ovn-sb(5)")
    actions: str = column("actions of ovn-sb(5)")


class PortKey(Relation, key=("name",)):
    """The tunnel key of each logical port."""

    name: str = column("the port")
    key: int = column("1 to 65535")


class StoredKey(Relation):
    """The tunnel key that a port's Binding row has."""

    name: str = column("the port")
    key: int = column("its key")


class PortHolder(Relation, key=("name",)):
    """Which chassis has a logical port. Of several that claim one, the first by name."""

    name: str = column("the port")
    chassis: str = column("the chassis")


class PortUp(Relation, key=("port",)):
    """Whether a chassis has the port, as the administrator sees it."""

    port: Uuid = column("the logical port's row")
    up: tuple[bool, ...] = column("one truth value")


class Problem(Relation):
    """Something an administrator should know and can mend."""

    where: str = column("what it is about: a port, an ACL, a chassis")
    text: str = column("what is wrong and what follows from it")


# -- chassis ---------------------------------------------------------------------------------------------------


class LocalChassis(Relation, key=("host",)):
    """A host whose own database is read, and its name."""

    host: Uuid = column("the host's Open_vSwitch row")
    name: str = column("external_ids:system-id")


class WantedBridge(Relation, key=("host",)):
    """The integration bridge that a host must have."""

    host: Uuid = column("the host's Open_vSwitch row")
    name: str = column("external_ids:ovn-bridge, br-int when it isn't set")
    datapath_type: str = column("external_ids:ovn-bridge-datapath-type, empty for the kernel's")


class LocalBridge(Relation, key=("host",)):
    """The integration bridge that a host has."""

    host: Uuid = column("the host's Open_vSwitch row")
    bridge: Uuid = column("the Bridge row")


class Waiting(Relation, key=("host",)):
    """What a host needs before it can take part: no bridge comes before no remote, no remote before no name."""

    host: Uuid = column("the host's Open_vSwitch row")
    rank: int = column("0, 1, 2 in that order")
    reason: str = column("what is missing and how to set it")


class ActiveChassis(Relation):
    """A chassis that can have flows: it has a name and an integration bridge."""

    name: str = column("the chassis")
    host: Uuid = column("the host's Open_vSwitch row")
    bridge: Uuid = column("its integration bridge")


class OwnChassis(Relation, key=("name",)):
    """A host, as it presents itself to the others: where to send encapsulated packets, and how."""

    name: str = column("the chassis")
    type: str = column("geneve, stt or vxlan")
    ip: str = column("the address tunnels end at")


class Chassis(Relation):
    """Every host of the network."""

    name: str = column("the chassis")


class Encap(Relation):
    """How each host can be reached."""

    chassis: str = column("the chassis")
    type: str = column("geneve, stt or vxlan")
    ip: str = column("the address tunnels end at")


class PeerEncap(Relation, key=("host", "chassis")):
    """How a host reaches another chassis: its first geneve or stt encapsulation."""

    host: Uuid = column("the host's Open_vSwitch row")
    chassis: str = column("the other chassis")
    rank: str = column("orders several encapsulations: their row's UUID")
    type: str = column("geneve or stt")
    ip: str = column("the other end's address")


class TunnelPort(Relation, key=("bridge", "name")):
    """A tunnel port of an integration bridge."""

    bridge: Uuid = column("the Bridge row")
    name: str = column("ovn-, the chassis' first six characters, a hexadecimal counter")
    chassis: str = column("the other chassis")
    type: str = column("the interface's type")
    options: tuple[tuple[str, str], ...] = column("the interface's options")


class TunnelName(Relation, key=("host", "chassis")):
    """The name of the port that a host has for a tunnel to a chassis."""

    host: Uuid = column("the host's Open_vSwitch row")
    chassis: str = column("the other chassis")
    name: str = column("the port")


class TakenNumbers(Relation):
    """Counters that port names with a tunnel's prefix use already."""

    host: Uuid = column("the host's Open_vSwitch row")
    prefix: str = column("ovn- and six characters")
    numbers: tuple[int, ...] = column("in order")


class NewPeers(Relation):
    """Chassis that need a tunnel port and have none, by the prefix their ports will have."""

    host: Uuid = column("the host's Open_vSwitch row")
    prefix: str = column("ovn- and six characters")
    chassis: tuple[str, ...] = column("in order")


class HostPort(Relation):
    """A port of any bridge of a host."""

    host: Uuid = column("the host's Open_vSwitch row")
    port: Uuid = column("the Port row")
    name: str = column("its name")


class Port(Relation, key=("name",)):
    """A logical port, as central and chassis both know it."""

    name: str = column("the port")
    datapath: Uuid = column("the logical switch")
    key: int = column("its tunnel key")
    parent: tuple[str, ...] = column("the port that carries it, if any")
    tag: tuple[int, ...] = column("VLAN tag on the parent's interface, if any")


class Leaving(Relation):
    """A chassis that takes itself out of the network: it gives back all that is its own, but its flows stay."""

    chassis: str = column("the chassis")


class PluggedIn(Relation):
    """A logical port whose interface is on a host's integration bridge."""

    chassis: str = column("the chassis")
    port: str = column("the interface's external_ids:iface-id")


class Plugged(Relation, key=("chassis", "port")):
    """A logical port whose interface is on a host's integration bridge."""

    chassis: str = column("the chassis")
    port: str = column("the interface's external_ids:iface-id")
    ofport: int = column("its OpenFlow port; of several interfaces the first counts")


class TunnelOut(Relation, key=("chassis", "peer")):
    """The OpenFlow port through which a chassis reaches another."""

    chassis: str = column("the chassis")
    peer: str = column("the other one")
    ofport: int = column("the tunnel's OpenFlow port")


class Child(Relation, key=("port",)):
    """A container port, which its parent's interface carries."""

    port: str = column("the container's port")
    parent: str = column("the port that carries it")
    tag: int = column("VLAN tag; 0 when it has none")


class Claim(Relation):
    """A logical port that a chassis has, by itself or through its parent."""

    chassis: str = column("the chassis")
    port: str = column("the port")


class BindingChassis(Relation, key=("binding",)):
    """What a chassis wants in the chassis column of a Binding row."""

    binding: Uuid = column("the Binding row")
    chassis: str = column("its own name to claim, empty to release")


class Takeover(Relation, key=("port",)):
    """A port that a chassis has and the southbound database says another has."""

    port: str = column("the port")
    old: str = column("the chassis in the database")
    new: str = column("the chassis that has the port")


class LocalPort(Relation, key=("chassis", "port")):
    """A logical port that is on a chassis, and how its frames come and go."""

    chassis: str = column("the chassis")
    port: str = column("the port")
    ofport: int = column("OpenFlow port of its or its parent's interface")
    tag: int = column("VLAN tag on that interface; 0 for none")


class TaggedHere(Relation):
    """The container ports of a logical switch whose frames a chassis tags."""

    chassis: str = column("the chassis")
    datapath: Uuid = column("the logical switch")
    keys: tuple[int, ...] = column("their tunnel keys, in order")


class RemotePort(Relation, key=("chassis", "port")):
    """A logical port that another chassis has, and the tunnel that leads there."""

    chassis: str = column("the chassis")
    port: str = column("the port")
    ofport: int = column("the tunnel's OpenFlow port")


class DatapathNumber(Relation, key=("datapath",)):
    """The number that flows carry in metadata for a logical switch."""

    datapath: Uuid = column("the logical switch")
    number: int = column("1 to 16777215, local to a chassis")


class FlowHint(Relation):
    """A datapath number found in a switch's flows, with a port key of that datapath."""

    key: int = column("the tunnel key that the flow carries in reg6 or reg7")
    number: int = column("the metadata")


class StoredNumber(Relation):
    """The number that a logical switch had in the flows found on the switch."""

    datapath: Uuid = column("the logical switch")
    number: int = column("the metadata")


class Mention(Relation):
    """A port named in a logical match or in logical actions."""

    text: str = column("the match or the actions")
    port: str = column("the name")


class KnownPorts(Relation, key=("text",)):
    """The ports that a logical match or logical actions name and that exist."""

    text: str = column("the match or the actions")
    ports: tuple[tuple[str, int], ...] = column("name and tunnel key of each")


class PortsOf(Relation, key=("text",)):
    """The keys of the ports that a logical match or logical actions name."""

    text: str = column("the match or the actions")
    ports: tuple[tuple[str, int], ...] = column("name and tunnel key of each that exists")


class ConjunctionId(Relation):
    """The id of a match that is spread over several dimensions, see conjunction in ovs-actions(7)."""

    datapath: Uuid = column("the logical switch")
    table: int = column("the logical table")
    priority: int = column("the priority")
    match: str = column("the logical match")
    id: int = column("1 to 1048575")


class ConjunctionHint(Relation):
    """The id to try first: the same on every chassis and after every restart."""

    datapath: Uuid = column("the logical switch")
    table: int = column("the logical table")
    priority: int = column("the priority")
    match: str = column("the logical match")
    id: int = column("1 to 1048575")


class TranslatedFlow(Relation):
    """A logical flow in the terms of OpenFlow, the same on every host."""

    datapath: Uuid = column("the logical switch")
    table: int = column("the logical table")
    priority: int = column("the priority")
    match: str = column("the logical match")
    actions: str = column("the logical actions")
    of_match: str = column("an OpenFlow match; several flows may come of one logical flow")
    of_actions: str = column("OpenFlow actions, or a share in a conjunction")


class WantedFlow(Relation, key=("chassis", "table", "priority", "match")):
    """A flow that a rule asks for. Of several with one match, the one of the smallest rank is installed."""

    chassis: str = column("the chassis")
    table: int = column("OpenFlow table")
    priority: int = column("OpenFlow priority")
    match: str = column("in the form ovs-ofctl dump-flows prints")
    rank: int = column("0 to drop, else the smallest tunnel key the flow is about")
    actions: str = column("in the form ovs-ofctl dump-flows prints")
    logical_match: str = column("the Pipeline row's match; empty for a physical flow")
    logical_actions: str = column("the Pipeline row's actions, or the port of a physical flow")


class SharedFlow(Relation):
    """One dimension of one or several conjunctions."""

    chassis: str = column("the chassis")
    table: int = column("OpenFlow table")
    priority: int = column("OpenFlow priority")
    match: str = column("the dimension's match")
    actions: str = column("a conjunction() for each")


class OpenFlow(Relation, key=("chassis", "table", "priority", "match")):
    """The flows of each chassis' integration bridge."""

    chassis: str = column("the chassis")
    table: int = column("0 physical to logical, 16 and up the logical tables, 64 logical to physical")
    priority: int = column("0 to 65535")
    match: str = column("in the form ovs-ofctl dump-flows prints")
    actions: str = column("in the form ovs-ofctl dump-flows prints")
