"""Switch ports whose Port_Binding row isn't just a copy: other options, another type, a tag that they asked for."""

from ovn_rules.engine import Relation, Uuid, _, allocate, collect, column, rule
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.options import Options, is_true, merged, whole
from ovn_rules.rules.ovn.port_chassis import RequestedChassis
from ovn_rules.rules.ovn.port_tags import AssignedTag
from ovn_rules.rules.ovn.relations import PortRow, SwitchPort

TYPES = ("", "l2gateway", "localnet", "localport", "router", "vtep", "external", "virtual", "remote")
"""Types of switch ports, ovn-nb(5)."""


class OddPort(Relation):
    """A switch port of which some columns of its row are not just as it says."""

    port: Uuid = column("the port; never of type router")


class ExtraOption(Relation):
    """An option of a port's row that the port doesn't say."""

    port: Uuid = column("the port")
    key: str = column("its name")
    value: str = column("its value")


class ExtraOptions(Relation):
    """All options of a port's row that the port doesn't say."""

    port: Uuid = column("the port")
    options: Options = column("names and values")


class OddOptions(Relation):
    """The options of a port's row."""

    port: Uuid = column("a port of which some columns are not just as it says")
    options: Options = column("names and values")


class OddType(Relation):
    """The type of a port's row."""

    port: Uuid = column("a port of which some columns are not just as it says")
    type: str = column("what hosts have to do for it")


class OddTag(Relation):
    """The tag of a port's row."""

    port: Uuid = column("a port of which some columns are not just as it says")
    tag: tuple[int, ...] = column("a VLAN, if any")


class Shaped(Relation):
    """A port whose rate its host is to limit or guarantee."""

    port: Uuid = column("the port")
    row: Uuid = column("its row")
    holder: tuple[Uuid, ...] = column("whose queues count: its host's, or of a localnet port its own")


class StoredQueue(Relation):
    """The queue that a port's row has."""

    holder: Uuid = column("whose queue it is")
    port: Uuid = column("the port")
    queue: int = column("its number")


class Queue(Relation):
    """The queue of a port whose rate its host is to limit or guarantee."""

    holder: Uuid = column("whose queue it is")
    port: Uuid = column("the port")
    queue: int = column("1 to 61440")


@rule
def odd_port(port, kind):
    """What other rules find for a port goes before what it says."""
    OddPort(port) <= ExtraOption(port=port) & SwitchPort(port=port, type=kind) & (kind != "router")
    OddPort(port) <= AssignedTag(port=port) & SwitchPort(port=port, type=kind) & (kind != "router")
    OddPort(port) <= SwitchPort(port=port, type=kind) & (kind not in TYPES)
    OddPort(port) <= SwitchPort(port=port, type="external") & nb.Logical_Switch_Port.ha_chassis_group(port, _)


@rule
def odd_type(port, kind, row, stored):
    """A type that nobody knows changes nothing: the row keeps the one that it has, a new one has none."""
    OddType(port, kind) <= OddPort(port) & SwitchPort(port=port, type=kind) & (kind in TYPES)
    OddType(port, stored) <= (
        OddPort(port)
        & SwitchPort(port=port, type=kind)
        & (kind not in TYPES)
        & PortRow(port, row)
        & sb.Port_Binding(_uuid=row, type=stored)
    )
    OddType(port, "") <= (
        OddPort(port)
        & SwitchPort(port=port, type=kind)
        & (kind not in TYPES)
        & PortRow(port, row)
        & ~sb.Port_Binding(_uuid=row)
    )


@rule
def odd_tag(port, tag):
    """A tag that was found for a port goes before the one that it says."""
    OddTag(port, tag) <= OddPort(port) & AssignedTag(port, tag)
    OddTag(port, tag) <= OddPort(port) & ~AssignedTag(port, _) & nb.Logical_Switch_Port(_uuid=port, tag=tag)


@rule
def odd_options(port, options, extra):
    """Options that other rules find are put beside those that a port says."""
    OddOptions(port, merged(options, extra)) <= (
        OddPort(port) & ExtraOptions(port, extra) & nb.Logical_Switch_Port(_uuid=port, options=options)
    )
    OddOptions(port, options) <= (
        OddPort(port) & ~ExtraOptions(port, _) & nb.Logical_Switch_Port(_uuid=port, options=options)
    )


@rule
def extra_options(port, key, value):
    """What other rules find for a port is put together."""
    ExtraOptions(port, collect((key, value))) <= ExtraOption(port, key, value)


@rule
def passthru(switch, text, port):
    """Every port of a switch that lets VLANs pass says so to its host."""
    ExtraOption(port, "vlan-passthru", "true") <= (
        nb.Logical_Switch.other_config(switch, "vlan-passthru", text)
        & is_true(text)
        & SwitchPort(port=port, switch=switch)
    )


@rule
def activated(port, others, row, text):
    """Hosts note on the row of a port that several are to have where it has been activated."""
    ExtraOption(port, "additional-chassis-activated", text) <= (
        RequestedChassis(port, _, others)
        & (others != ())
        & PortRow(port, row)
        & sb.Port_Binding.options(row, "additional-chassis-activated", text)
    )


# -- queues ----------------------------------------------------------------------------------------------------------


@rule
def shaped(port, key, kind, row, chassis):
    """A port with a rate needs a queue, of its host or, for a localnet port, of its own."""
    Shaped(port, row, (row,)) <= (
        nb.Logical_Switch_Port.options(port, key, _)
        & (key in ("qos_max_rate", "qos_min_rate", "qos_burst"))
        & SwitchPort(port=port, type="localnet")
        & PortRow(port, row)
    )
    Shaped(port, row, chassis) <= (
        nb.Logical_Switch_Port.options(port, key, _)
        & (key in ("qos_max_rate", "qos_min_rate", "qos_burst"))
        & SwitchPort(port=port, type=kind)
        & (kind not in ("localnet", "router"))
        & PortRow(port, row)
        & sb.Port_Binding(_uuid=row, chassis=chassis)
    )


@rule
def queue(holder, port, row, holders, text):
    """A queue has a number of its own on its host, and keeps it."""
    StoredQueue(holder, port, whole(text, 0)) <= (
        Shaped(port, row, holders) & (holder in holders) & sb.Port_Binding.options(row, "qdisc_queue_id", text)
    )
    Queue(holder, port, allocate(1, 61440, StoredQueue, within=holder, after=None)) <= (
        Shaped(port=port, holder=holders) & (holder in holders)
    )


@rule
def queue_option(port, row, number, text):
    """Hosts learn the number from the port's options; while no host has the port it keeps the one that it had."""
    ExtraOption(port, "qdisc_queue_id", str(number)) <= Queue(_, port, number)
    ExtraOption(port, "qdisc_queue_id", text) <= (
        Shaped(port, row, ()) & sb.Port_Binding.options(row, "qdisc_queue_id", text)
    )
