"""Port_Binding: the southbound row of every logical port, with what hosts must know of it, ovn-sb(5)."""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.engine.sinks import Constant, Sink
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.options import Options, merged
from ovn_rules.rules.ovn.port_chassis import ChassisGroupOf, RequestedChassis
from ovn_rules.rules.ovn.port_options import OddOptions, OddPort, OddTag, OddType
from ovn_rules.rules.ovn.relations import DatapathRow, PortKey, RouterPort, SwitchPort
from ovn_rules.rules.ovn.router_links import LinkOptions


class PortBinding(Relation):
    """A row of the southbound table Port_Binding."""

    row: Uuid = column("its UUID")
    datapath: Uuid = column("the Datapath_Binding row of its switch or router")
    logical_port: str = column("its name")
    tunnel_key: int = column("what it is called in tunnels")
    type: str = column("what hosts have to do for it")
    options: Options = column("what else they must know for that")
    parent_port: tuple[str, ...] = column("of a container: the port that its packets come through")
    tag: tuple[int, ...] = column("the VLAN that its packets have there")
    mac: tuple[str, ...] = column("its addresses, as they were given")
    port_security: tuple[str, ...] = column("the addresses that it may use, as they were given")
    external_ids: Options = column("what administrators note of it")
    ha_chassis_group: tuple[Uuid, ...] = column("the hosts of which one is to serve an external port")
    requested_chassis: tuple[Uuid, ...] = column("the host that is to have it")
    requested_additional_chassis: tuple[Uuid, ...] = column("further hosts that are to have it")


@pure
def port_ids(given: Options) -> Options:
    """The external ids of a switch port; the name that OpenStack gave it is its name, as ``merged`` has it."""
    name = next((value for key, value in given if key == "neutron:port_name"), "")
    return merged(given, (("name", name),)) if name else given


@pure
def peer_option(given: Options) -> Options:
    """The options of a switch port of type router: the router port that it names."""
    return tuple(("peer", value) for key, value in given if key == "router-port")


@rule
def plain_binding(port, switch, row, datapath, name, key, kind, options, parent, tag, macs, security, ids):
    """A switch port is what it says, and its host is who has an interface for it."""
    PortBinding(row, datapath, name, key, kind, options, parent, tag, macs, security, port_ids(ids), (), (), ()) <= (
        SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "router")
        & ~OddPort(port)
        & ~RequestedChassis(port, _, _)
        & PortKey(port, switch, row, key)
        & DatapathRow(switch, datapath)
        & nb.Logical_Switch_Port(
            _uuid=port,
            options=options,
            parent_name=parent,
            tag=tag,
            addresses=macs,
            port_security=security,
            external_ids=ids,
        )
    )


@rule
def requested_binding(
    port, switch, row, datapath, name, key, kind, options, parent, tag, macs, security, ids, chassis, others
):
    """A switch port may say which hosts are to have it."""
    PortBinding(
        row, datapath, name, key, kind, options, parent, tag, macs, security, port_ids(ids), (), chassis, others
    ) <= (
        RequestedChassis(port, chassis, others)
        & SwitchPort(port=port, switch=switch, name=name, type=kind)
        & (kind != "router")
        & ~OddPort(port)
        & PortKey(port, switch, row, key)
        & DatapathRow(switch, datapath)
        & nb.Logical_Switch_Port(
            _uuid=port,
            options=options,
            parent_name=parent,
            tag=tag,
            addresses=macs,
            port_security=security,
            external_ids=ids,
        )
    )


@rule
def odd_binding(
    port, switch, row, datapath, name, key, kind, options, parent, tag, macs, security, ids, group, chassis, others
):
    """Some columns of a switch port are not just as it says."""
    PortBinding(
        row, datapath, name, key, kind, options, parent, tag, macs, security, port_ids(ids), group, chassis, others
    ) <= (
        SwitchPort(port=port, switch=switch, name=name)
        & OddType(port, kind)
        & OddOptions(port, options)
        & OddTag(port, tag)
        & OddGroup(port, group)
        & OddChassis(port, chassis, others)
        & PortKey(port, switch, row, key)
        & DatapathRow(switch, datapath)
        & nb.Logical_Switch_Port(
            _uuid=port, parent_name=parent, addresses=macs, port_security=security, external_ids=ids
        )
    )


class OddChassis(Relation):
    """The hosts that are to have a switch port, none included."""

    port: Uuid = column("a port of which some columns are not just as it says")
    chassis: tuple[Uuid, ...] = column("the first host")
    others: tuple[Uuid, ...] = column("further hosts")


class OddGroup(Relation):
    """The HA_Chassis_Group of a switch port, none included."""

    port: Uuid = column("a port of which some columns are not just as it says")
    group: tuple[Uuid, ...] = column("the southbound row")


@rule
def odd_group(port, row):
    """Only external ports are served by one of a group of hosts."""
    OddGroup(port, (row,)) <= OddPort(port) & ChassisGroupOf(port, row)
    OddGroup(port, ()) <= OddPort(port) & ~ChassisGroupOf(port, _)


@rule
def odd_chassis(port, chassis, others):
    """Mostly it doesn't matter which host has a port."""
    OddChassis(port, chassis, others) <= OddPort(port) & RequestedChassis(port, chassis, others)
    OddChassis(port, (), ()) <= OddPort(port) & ~RequestedChassis(port, _, _)


class LeftChassis(Relation):
    """The hosts that a switch port asked for before it became one to a router, as its row still has them."""

    port: Uuid = column("the port")
    chassis: tuple[Uuid, ...] = column("the first host")
    others: tuple[Uuid, ...] = column("further hosts")


@rule
def left_chassis(port, row, chassis, others):
    """What a port to a router asked for before stays in its row, where it means nothing; as in ovn-northd."""
    LeftChassis(port, chassis, others) <= (
        SwitchPort(port=port, type="router")
        & PortKey(port=port, row=row)
        & sb.Port_Binding(_uuid=row, requested_chassis=chassis, requested_additional_chassis=others)
    )
    LeftChassis(port, (), ()) <= (
        SwitchPort(port=port, type="router") & PortKey(port=port, row=row) & ~sb.Port_Binding(_uuid=row)
    )


@rule
def patch_binding(port, switch, row, datapath, name, key, options, parent, tag, macs, security, ids, chassis, others):
    """A switch port of type router is one end of a patch, the router port that it names the other."""
    PortBinding(
        row,
        datapath,
        name,
        key,
        "patch",
        peer_option(options),
        parent,
        tag,
        macs,
        security,
        port_ids(ids),
        (),
        chassis,
        others,
    ) <= (
        SwitchPort(port=port, switch=switch, name=name, type="router")
        & LeftChassis(port, chassis, others)
        & PortKey(port, switch, row, key)
        & DatapathRow(switch, datapath)
        & nb.Logical_Switch_Port(
            _uuid=port,
            options=options,
            parent_name=parent,
            tag=tag,
            addresses=macs,
            port_security=security,
            external_ids=ids,
        )
    )


@rule
def router_binding(port, router, row, datapath, name, key, options, mac, networks, ids):
    """A router port is one end of a patch; as its addresses it has what was given, unread."""
    PortBinding(
        row, datapath, name, key, "patch", options, (), (), (" ".join((mac, *networks)),), (), ids, (), (), ()
    ) <= (
        RouterPort(port=port, router=router, name=name)
        & LinkOptions(port, options)
        & PortKey(port, router, row, key)
        & DatapathRow(router, datapath)
        & nb.Logical_Router_Port(_uuid=port, mac=mac, networks=networks, external_ids=ids)
    )


PORT_BINDING = Sink(
    relation="PortBinding",
    database="sb",
    table="Port_Binding",
    key=("_uuid",),
    columns={
        "_uuid": "row",
        "nat_addresses": Constant(()),
        **{
            name: name
            for name in (
                "datapath",
                "logical_port",
                "tunnel_key",
                "type",
                "options",
                "parent_port",
                "tag",
                "mac",
                "port_security",
                "external_ids",
                "ha_chassis_group",
                "requested_chassis",
                "requested_additional_chassis",
            )
        },
    },
    insert_only={"up": Constant(False)},
)
