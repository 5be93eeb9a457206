"""Pipeline: what each logical switch does with a frame, as four logical tables."""

from ovn_rules.engine import collect, pure, rule
from ovn_rules.rules.ezbake.addresses import is_mac, only_from, quoted
from ovn_rules.rules.ezbake.databases import nb
from ovn_rules.rules.ezbake.relations import Pipeline, Problem
from ovn_rules.rules.lflow import flows as lflow

# -- table 0: admission ----------------------------------------------------------------------------------------


@rule
def drop_tagged(switch):
    """A logical switch has no VLANs of its own: a frame that comes with a tag is dropped."""
    Pipeline(switch, 0, 100, "vlan.present", "drop;") <= nb.Logical_Switch(_uuid=switch)


@rule
def drop_multicast_source(switch):
    """No frame is sent from a multicast address: one that claims to be is dropped."""
    Pipeline(switch, 0, 100, "eth.src[40]", "drop;") <= nb.Logical_Switch(_uuid=switch)


@rule
def admit_port(name, switch, security):
    """A frame from a port is admitted; with port security, only from the addresses it lists."""
    Pipeline(switch, 0, 50, f"inport == {quoted(name)}{only_from('eth.src', security)}", "next;") <= (
        nb.Logical_Port(name=name, lswitch=switch, port_security=security)
    )


@rule
def admit_nothing_else(switch):
    """What no port sent, or a port may not send, is dropped."""
    Pipeline(switch, 0, 0, "1", "drop;") <= nb.Logical_Switch(_uuid=switch)


# -- table 1: destination lookup -------------------------------------------------------------------------------


@rule
def flood(switch, name):
    """A broadcast or multicast frame goes to every port of the switch."""
    Pipeline(switch, 1, 100, "eth.dst[40]", " ".join(collect(f"outport = {quoted(name)}; next;"))) <= (
        nb.Logical_Port(name=name, lswitch=switch)
    )


@rule
def flood_nowhere(switch):
    """On a switch without ports, a broadcast or multicast frame goes nowhere."""
    Pipeline(switch, 1, 100, "eth.dst[40]", "") <= (nb.Logical_Switch(_uuid=switch) & ~nb.Logical_Port(lswitch=switch))


@rule
def deliver_unicast(switch, port, name, mac):
    """A frame to an address that a port owns goes to that port."""
    Pipeline(switch, 1, 50, f"eth.dst == {mac}", f"outport = {quoted(name)}; next;") <= (
        nb.Logical_Port.macs(port, mac) & is_mac(mac) & nb.Logical_Port(_uuid=port, name=name, lswitch=switch)
    )


@rule
def deliver_unknown(switch, port, name):
    """A frame to an address that no port owns goes to the ports that may have any address."""
    Pipeline(switch, 1, 0, "1", " ".join(collect(f"outport = {quoted(name)}; next;"))) <= (
        nb.Logical_Port.macs(port, "unknown") & nb.Logical_Port(_uuid=port, name=name, lswitch=switch)
    )


# -- table 2: access control -----------------------------------------------------------------------------------

VERDICTS = {"allow": "next;", "allow-related": "next;", "drop": "drop;", "reject": "drop;"}


@rule
def access_control(switch, priority, match, action):
    """An ACL lets the frames it matches pass, or drops them; nothing keeps connections in this program."""
    Pipeline(switch, 2, priority, match, VERDICTS[action]) <= (
        nb.ACL(lswitch=switch, priority=priority, match=match, action=action)
    )


@pure
def fault(match: str) -> str:
    """What is wrong with an ACL's match; empty for nothing."""
    return lflow.problem(match, "next;", 2)


@rule
def unreadable_acl(switch, name, priority, match, text):
    """An ACL that can't be read is left out on every host, and all others go on."""
    Problem(f"ACL of {name}, priority {priority}, match '{match}'", f"left out: {text}") <= (
        nb.ACL(lswitch=switch, priority=priority, match=match)
        & (text == fault(match))
        & (text != "")
        & nb.Logical_Switch(_uuid=switch, name=name)
    )


@rule
def access_default(switch):
    """What no ACL is about passes."""
    Pipeline(switch, 2, 0, "1", "next;") <= nb.Logical_Switch(_uuid=switch)


# -- table 3: egress -------------------------------------------------------------------------------------------


@rule
def output_multicast(switch):
    """A broadcast or multicast frame is put out to each port it was multiplied for."""
    Pipeline(switch, 3, 100, "eth.dst[40]", "output;") <= nb.Logical_Switch(_uuid=switch)


@rule
def output_port(name, switch, security):
    """A frame is put out to its port; with port security, only when it is for an address the port lists."""
    Pipeline(switch, 3, 50, f"outport == {quoted(name)}{only_from('eth.dst', security)}", "output;") <= (
        nb.Logical_Port(name=name, lswitch=switch, port_security=security)
    )
