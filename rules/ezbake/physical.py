"""OpenFlow tables 0 and 64: from interfaces and tunnels into the logical network, and out again."""

from ovn_rules.engine import _, collect, pure, rule
from ovn_rules.rules.ezbake.databases import ovs
from ovn_rules.rules.ezbake.relations import (
    ActiveChassis,
    Child,
    DatapathNumber,
    LocalPort,
    Plugged,
    Port,
    PortHolder,
    RemotePort,
    TaggedHere,
    TunnelOut,
    WantedFlow,
)


@pure
def is_port(number: int) -> bool:
    """Whether an ofport is a port that frames can be sent to: -1 is a failed one, above 0xff00 are reserved."""
    return 0 < number <= 0xFF00


@pure
def push(tag: int) -> str:
    """The actions that put a VLAN tag on a frame."""
    return f"push_vlan:0x8100,set_field:{4096 + tag}->vlan_vid"


# -- where ports are -------------------------------------------------------------------------------------------


@rule
def plugged(chassis, bridge, port, interface, name, number):
    """A logical port's frames come and go through its interface's OpenFlow port, once the switch gave it one."""
    Plugged(chassis, name, number) <= (
        ActiveChassis(chassis, _, bridge)
        & ovs.Bridge.ports(bridge, port)
        & ovs.Port.interfaces(port, interface)
        & ovs.Interface.external_ids(interface, "iface-id", name)
        & ovs.Interface.ofport(interface, number)
        & is_port(number)
    )


@rule
def tunnel_out(chassis, bridge, port, interface, peer, number):
    """The tunnel to another chassis is the port that says so in external_ids:ovn-chassis-id."""
    TunnelOut(chassis, peer, number) <= (
        ActiveChassis(chassis, _, bridge)
        & ovs.Bridge.ports(bridge, port)
        & ovs.Port.external_ids(port, "ovn-chassis-id", peer)
        & (peer != chassis)
        & ovs.Port.interfaces(port, interface)
        & ovs.Interface.ofport(interface, number)
        & is_port(number)
    )


@rule
def child(port, parent, parents):
    """A container port is carried by its parent's interface."""
    Child(port, parent, 0) <= (Port(name=port, parent=parents, tag=()) & (parent in parents) & (parent != ""))


@rule
def tagged_child(port, parent, parents, tag, tags):
    """A tag tells a container's frames from its parent's; one without a parent is ignored."""
    Child(port, parent, tag) <= (
        Port(name=port, parent=parents, tag=tags) & (parent in parents) & (parent != "") & (tag in tags)
    )


@rule
def local_port(chassis, port, number):
    """A port without a parent is on the chassis that its interface is on; an empty parent is none."""
    LocalPort(chassis, port, number, 0) <= Plugged(chassis, port, number) & Port(name=port, parent=())
    LocalPort(chassis, port, number, 0) <= Plugged(chassis, port, number) & Port(name=port, parent=("",))


@rule
def local_child(chassis, port, parent, tag, number):
    """A container port is on the chassis that its parent's interface is on; its own would give no flows."""
    LocalPort(chassis, port, number, tag) <= Plugged(chassis, parent, number) & Child(port, parent, tag)


@rule
def tagged_here(chassis, port, tag, datapath, key):
    """A tag that is put on a frame stays on it, so a flood must come to these ports last."""
    TaggedHere(chassis, datapath, collect(key)) <= (
        LocalPort(chassis, port, _, tag) & (tag != 0) & Port(name=port, datapath=datapath, key=key)
    )


@rule
def remote_port(chassis, peer, port, number):
    """A port that another chassis has is behind the tunnel to that chassis."""
    RemotePort(chassis, port, number) <= (
        PortHolder(port, peer) & TunnelOut(chassis, peer, number) & ~LocalPort(chassis, port, _, _)
    )


# -- table 0: into the logical network -------------------------------------------------------------------------


@rule
def from_interface(chassis, port, number, datapath, key, metadata):
    """A frame from a port's interface enters the port's logical switch as coming from that port."""
    WantedFlow(
        chassis,
        0,
        100,
        f"in_port={number}",
        key,
        f"set_field:{metadata:#x}->metadata,set_field:{key:#x}->reg6,resubmit(,16)",
        "",
        port,
    ) <= (
        LocalPort(chassis, port, number, 0)
        & Port(name=port, datapath=datapath, key=key)
        & DatapathNumber(datapath, metadata)
    )


@rule
def from_container(chassis, port, number, tag, datapath, key, metadata):
    """A frame with a container's tag enters the container's logical switch, without the tag."""
    WantedFlow(
        chassis,
        0,
        150,
        f"in_port={number},dl_vlan={tag}",
        key,
        f"set_field:{metadata:#x}->metadata,set_field:{key:#x}->reg6,pop_vlan,resubmit(,16)",
        "",
        port,
    ) <= (
        LocalPort(chassis, port, number, tag)
        & (tag != 0)
        & Port(name=port, datapath=datapath, key=key)
        & DatapathNumber(datapath, metadata)
    )


@rule
def from_tunnel(chassis, port, number, tag, key):
    """A frame from a tunnel is put out where its key says: the sending host has done the rest."""
    WantedFlow(chassis, 0, 50, f"tun_id={key:#x}", key, f"output:{number}", "", port) <= (
        LocalPort(chassis, port, number, 0) & Port(name=port, key=key)
    )
    WantedFlow(chassis, 0, 50, f"tun_id={key:#x}", key, f"{push(tag)},output:{number}", "", port) <= (
        LocalPort(chassis, port, number, tag) & (tag != 0) & Port(name=port, key=key)
    )


# -- table 64: out of the logical network ----------------------------------------------------------------------


@rule
def not_back(chassis, port, key):
    """A frame never goes out of the port that it came from."""
    WantedFlow(chassis, 64, 100, f"reg6={key:#x},reg7={key:#x}", key, "drop", "", port) <= (
        LocalPort(chassis, port, _, _) & Port(name=port, key=key)
    )
    WantedFlow(chassis, 64, 100, f"reg6={key:#x},reg7={key:#x}", key, "drop", "", port) <= (
        RemotePort(chassis, port, _) & Port(name=port, key=key)
    )


@rule
def to_interface(chassis, port, number, key):
    """A frame for a port on this host goes out of the port's interface."""
    WantedFlow(chassis, 64, 50, f"reg7={key:#x}", key, f"output:{number}", "", port) <= (
        LocalPort(chassis, port, number, 0) & Port(name=port, key=key)
    )


@rule
def to_container(chassis, port, number, tag, key):
    """A frame for a container gets its tag, and may go back to the interface it came from."""
    WantedFlow(
        chassis, 64, 50, f"reg7={key:#x}", key, f"{push(tag)},set_field:0->in_port,output:{number}", "", port
    ) <= (LocalPort(chassis, port, number, tag) & (tag != 0) & Port(name=port, key=key))


@rule
def to_tunnel(chassis, port, number, key):
    """A frame for a port on another host goes through the tunnel, with the port's key."""
    WantedFlow(chassis, 64, 50, f"reg7={key:#x}", key, f"set_field:{key:#x}->tun_id,output:{number}", "", port) <= (
        RemotePort(chassis, port, number) & Port(name=port, key=key)
    )
