"""Port security of a switch: what it takes from its ports, and what it gives to them.

The stages check_port_sec and apply_port_sec of ovn-northd(8). ``reg0[15]`` says that a packet is to be dropped. What a
port's port_security allows, ovn-controller reads from its Port_Binding row, ovn-sb(5).
"""

from ovn_rules.engine import Relation, Uuid, _, column, every, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import is_true, values
from ovn_rules.rules.ovn.port_options import OddOptions, OddPort
from ovn_rules.rules.ovn.relations import Datapath, Flow, Group, GroupFlow, SwitchPort
from ovn_rules.rules.ovn.text import hint, quoted


class VlanPassthru(Relation):
    """A switch that forwards packets with VLAN tags."""

    switch: Uuid = column("the switch")


class PortQueue(Relation):
    """A port whose packets have a queue of the physical interface."""

    port: Uuid = column("the port")
    queue: str = column("the queue's number, as it is written in the port's options")


# -- from ports --------------------------------------------------------------------------------------------------------


@rule
def vlan_passthru(switch, value):
    """A switch forwards packets with VLAN tags if other_config:vlan-passthru says so."""
    VlanPassthru(switch) <= nb.Logical_Switch.other_config(switch, "vlan-passthru", value) & is_true(value)


@rule
def vlan_dropped(switch, drop):
    """A switch knows no VLANs, unless it lets their tags pass: a packet with a tag is dropped."""
    Group("switches without VLANs", switch) <= Datapath(switch, "switch", _) & ~VlanPassthru(switch)
    GroupFlow("switches without VLANs", "ls_in_check_port_sec", 100, "vlan.present", drop, (), ()) <= DropAction(
        drop, _
    )


@rule
def multicast_source_dropped(drop):
    """No packet comes from a multicast address."""
    GroupFlow("switches", "ls_in_check_port_sec", 100, "eth.src[40]", drop, (), ()) <= DropAction(drop, _)


@rule
def disabled_port_silent(port, switch, name, kind, drop):
    """What a disabled port sends is dropped, and what is for it."""
    Flow(switch, "ls_in_check_port_sec", 100, f"inport == {quoted(name)}", "reg0[15] = 1; next;", (), hint(port)) <= (
        SwitchPort(port, switch, name, kind, False) & (kind != "external")
    )
    Flow(switch, "ls_in_l2_unknown", 50, f"outport == {quoted(name)}", drop, (), hint(port)) <= (
        SwitchPort(port, switch, name, kind, False) & (kind != "external") & every(DropAction(drop, _))
    )


@rule
def port_queue(port, queue, options, kind):
    """A port's packets have a queue if its row names one, be it given for a limited rate or by an administrator."""
    PortQueue(port, queue) <= (
        OddOptions(port, options)
        & (queue in values(options, "qdisc_queue_id"))
        & SwitchPort(port=port, type=kind, enabled=True)
        & (kind != "external")
    )
    PortQueue(port, queue) <= (
        nb.Logical_Switch_Port.options(port, "qdisc_queue_id", queue)
        & ~OddPort(port)
        & SwitchPort(port=port, type=kind, enabled=True)
        & (kind not in ("external", "router"))
    )


@rule
def queued_from_port(port, switch, name, queue):
    """The queue is chosen when a packet comes in, before all else."""
    Flow(
        switch,
        "ls_in_check_port_sec",
        70,
        f"inport == {quoted(name)}",
        f"set_queue({queue}); reg0[15] = check_in_port_sec(); next;",
        (),
        hint(port),
    ) <= (PortQueue(port, queue) & SwitchPort(port=port, switch=switch, name=name))


@rule
def checked_from_port():
    """What a port sends is checked by its port security."""
    GroupFlow("switches", "ls_in_check_port_sec", 50, "1", "reg0[15] = check_in_port_sec(); next;", (), ())


@rule
def applied_from_port(drop):
    """What the check found fault with is dropped, all else goes on."""
    GroupFlow("switches", "ls_in_apply_port_sec", 50, "reg0[15] == 1", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("switches", "ls_in_apply_port_sec", 0, "1", "next;", (), ())


# -- to ports ----------------------------------------------------------------------------------------------------------


@rule
def checked_to_port():
    """What is for a port is checked by its port security, unless it is for many."""
    GroupFlow("switches", "ls_out_check_port_sec", 100, "eth.mcast", "reg0[15] = 0; next;", (), ())
    GroupFlow("switches", "ls_out_check_port_sec", 0, "1", "reg0[15] = check_out_port_sec(); next;", (), ())


@rule
def queued_to_localnet(port, switch, name, queue):
    """What leaves for the physical network goes to the localnet port's queue."""
    Flow(
        switch,
        "ls_out_apply_port_sec",
        100,
        f"outport == {quoted(name)}",
        f"set_queue({queue}); output;",
        (),
        hint(port),
    ) <= (PortQueue(port, queue) & SwitchPort(port=port, switch=switch, name=name, type="localnet"))


@rule
def applied_to_port(drop):
    """What the check found fault with is dropped, all else is put out."""
    GroupFlow("switches", "ls_out_apply_port_sec", 50, "reg0[15] == 1", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("switches", "ls_out_apply_port_sec", 0, "1", "output;", (), ())
