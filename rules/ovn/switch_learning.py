"""Addresses that a switch learns from packets, and packets whose destination isn't known.

The stages lookup_fdb, put_fdb and l2_unknown of ovn-northd(8). ``reg0[11]`` says that an address is known where it is.
"""

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.addresses import begins_with_mac
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import is_true
from ovn_rules.rules.ovn.relations import Datapath, Flow, Group, GroupFlow, SwitchPort, UnknownPort
from ovn_rules.rules.ovn.text import hint, quoted


class LearntPort(Relation):
    """A port whose packets tell which addresses are behind it."""

    port: Uuid = column("the port")


class UnknownSwitch(Relation):
    """A switch with a port that takes packets for addresses that nobody is known to have."""

    switch: Uuid = column("the switch")


@pure
def secured(entries: tuple[str, ...]) -> bool:
    """Whether port_security allows any address."""
    return any(begins_with_mac(entry) for entry in entries)


@rule
def learnt_port(port, value, entries):
    """Addresses are learnt from a port that may have any, and that port security doesn't restrict."""
    LearntPort(port) <= (
        UnknownPort(port)
        & SwitchPort(port=port, type="")
        & nb.Logical_Switch_Port(_uuid=port, port_security=entries)
        & ~secured(entries)
    )
    LearntPort(port) <= (
        UnknownPort(port)
        & SwitchPort(port=port, type="localnet")
        & nb.Logical_Switch_Port(_uuid=port, port_security=entries)
        & ~secured(entries)
        & nb.Logical_Switch_Port.options(port, "localnet_learn_fdb", value)
        & is_true(value)
    )


@rule
def learn_address(port, switch, name):
    """What isn't known yet of the sender of a packet is put down."""
    Flow(
        switch,
        "ls_in_lookup_fdb",
        100,
        f"inport == {quoted(name)}",
        "reg0[11] = lookup_fdb(inport, eth.src); next;",
        (),
        hint(port),
    ) <= (LearntPort(port) & SwitchPort(port=port, switch=switch, name=name))
    Flow(
        switch,
        "ls_in_put_fdb",
        100,
        f"inport == {quoted(name)} && reg0[11] == 0",
        "put_fdb(inport, eth.src); next;",
        (),
        hint(port),
    ) <= (LearntPort(port) & SwitchPort(port=port, switch=switch, name=name))


@rule
def nothing_learnt():
    """From other ports nothing is learnt: their addresses are known."""
    GroupFlow("switches", "ls_in_lookup_fdb", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_put_fdb", 0, "1", "next;", (), ())


@rule
def unknown_switch(port, switch, kind):
    """A switch has somewhere to send such packets if an enabled port takes them."""
    UnknownSwitch(switch) <= (
        UnknownPort(port) & SwitchPort(port=port, switch=switch, type=kind, enabled=True) & (kind != "external")
    )


@rule
def unknown_destination(switch, drop):
    """A packet for an address that nobody is known to have goes to the ports that may have any, or nowhere."""
    Group("switches with unknown addresses", switch) <= UnknownSwitch(switch)
    GroupFlow(
        "switches with unknown addresses",
        "ls_in_l2_unknown",
        50,
        'outport == "none"',
        'outport = "_MC_unknown"; output;',
        (),
        (),
    )
    Group("switches without unknown addresses", switch) <= Datapath(switch, "switch", _) & ~UnknownSwitch(switch)
    GroupFlow(
        "switches without unknown addresses", "ls_in_l2_unknown", 50, 'outport == "none"', drop, (), ()
    ) <= DropAction(drop, _)


@rule
def learnt_destination():
    """A packet for an address that was learnt goes where it was learnt."""
    GroupFlow("switches", "ls_in_l2_unknown", 0, "1", "output;", (), ())
