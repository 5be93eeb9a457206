"""Stages before and after the ACLs that send packets to connection tracking, ovn-northd(8).

Ingress tables 4 to 6 and 18, egress tables 0 to 2 and 7 of logical switches.
"""

from ovn_rules.engine import Relation, Uuid, column, rule
from ovn_rules.rules.ovn.acl_switches import StatefulSwitch
from ovn_rules.rules.ovn.relations import Attached, Flow, GroupFlow, Lacking, SwitchPort
from ovn_rules.rules.ovn.text import hint, quoted
from ovn_rules.rules.ovn.tracking import BlockedBit


class UntrackedPort(Relation):
    """A port whose packets are not followed: on another host, their connection would not be known."""

    port: Uuid = column("the port")
    switch: Uuid = column("its switch")
    name: str = column("its name in double quotes")


@rule
def untracked_port(port, switch, name):
    """Ports to routers and to physical networks are not followed."""
    UntrackedPort(port, switch, quoted(name)) <= (Attached(port=port) & SwitchPort(port=port, switch=switch, name=name))
    UntrackedPort(port, switch, quoted(name)) <= SwitchPort(port=port, switch=switch, name=name, type="localnet")


@rule
def pre_acl():
    """Packets of the service monitor are never followed, and without stateful ACLs, no packet is."""
    GroupFlow("switches", "ls_in_pre_acl", 110, "eth.dst == $svc_monitor_mac", "next;", (), ())
    GroupFlow("switches", "ls_in_pre_acl", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_out_pre_acl", 110, "eth.src == $svc_monitor_mac", "next;", (), ())
    GroupFlow("switches", "ls_out_pre_acl", 0, "1", "next;", (), ())


@rule
def pre_acl_stateful(stage):
    """With stateful ACLs, connections are followed in both directions, except neighbor discovery and multicast."""
    GroupFlow(
        "stateful switches",
        stage,
        110,
        "nd || nd_rs || nd_ra || mldv1 || mldv2 || (udp && udp.src == 546 && udp.dst == 547)",
        "next;",
        (),
        (),
    ) <= (stage in ("ls_in_pre_acl", "ls_out_pre_acl"))
    GroupFlow("stateful switches", stage, 110, "eth.mcast", "next;", (), ()) <= (
        stage in ("ls_in_pre_acl", "ls_out_pre_acl")
    )
    GroupFlow("stateful switches", stage, 100, "ip", "reg0[0] = 1; next;", (), ()) <= (
        stage in ("ls_in_pre_acl", "ls_out_pre_acl")
    )


@rule
def pre_acl_ports(port, switch, name):
    """Where ACLs are stateful, ports to routers and physical networks are left out."""
    Flow(switch, "ls_in_pre_acl", 110, f"ip && inport == {name}", "next;", (), hint(port)) <= (
        UntrackedPort(port, switch, name) & StatefulSwitch(switch)
    )
    Flow(switch, "ls_out_pre_acl", 110, f"ip && outport == {name}", "next;", (), hint(port)) <= (
        UntrackedPort(port, switch, name) & StatefulSwitch(switch)
    )


@rule
def pre_lb(stage):
    """Nothing is sent to a load balancer by default; what must not be followed is let pass in any case."""
    GroupFlow("switches", stage, 110, "eth.mcast", "next;", (), ()) <= (stage in ("ls_in_pre_lb", "ls_out_pre_lb"))
    GroupFlow("switches", stage, 110, "nd || nd_rs || nd_ra || mldv1 || mldv2", "next;", (), ()) <= (
        stage in ("ls_in_pre_lb", "ls_out_pre_lb")
    )
    GroupFlow("switches", stage, 110, "reg0[16] == 1", "next;", (), ()) <= (stage in ("ls_in_pre_lb", "ls_out_pre_lb"))
    GroupFlow("switches", stage, 0, "1", "next;", (), ()) <= (stage in ("ls_in_pre_lb", "ls_out_pre_lb"))
    GroupFlow("switches", "ls_in_pre_lb", 110, "eth.dst == $svc_monitor_mac", "next;", (), ())
    GroupFlow("switches", "ls_out_pre_lb", 110, "eth.src == $svc_monitor_mac", "next;", (), ())


@rule
def pre_lb_ports(port, switch, name):
    """Ports to routers and physical networks are left out; what ACLs don't need of a connection is forgotten there."""
    Flow(switch, "ls_in_pre_lb", 110, f"ip && inport == {name}", "next;", (), hint(port)) <= (
        UntrackedPort(port, switch, name)
    )
    Flow(switch, "ls_out_pre_lb", 110, f"ip && outport == {name}", "next;", (), hint(port)) <= (
        UntrackedPort(port, switch, name) & StatefulSwitch(switch)
    )
    Flow(switch, "ls_out_pre_lb", 110, f"ip && outport == {name}", "ct_clear; next;", (), hint(port)) <= (
        UntrackedPort(port, switch, name) & ~StatefulSwitch(switch)
    )


@rule
def pre_stateful(stage):
    """Packets that an earlier stage chose are looked up in connection tracking."""
    GroupFlow("switches", stage, 110, "reg0[2] == 1", "ct_lb_mark;", (), ()) <= (
        (stage in ("ls_in_pre_stateful", "ls_out_pre_stateful")) & ~Lacking("ct-no-masked-label")
    )
    GroupFlow("switches", stage, 110, "reg0[2] == 1", "ct_lb;", (), ()) <= (
        (stage in ("ls_in_pre_stateful", "ls_out_pre_stateful")) & Lacking("ct-no-masked-label")
    )
    GroupFlow("switches", stage, 100, "reg0[0] == 1", "ct_next;", (), ()) <= (
        stage in ("ls_in_pre_stateful", "ls_out_pre_stateful")
    )
    GroupFlow("switches", stage, 0, "1", "next;", (), ()) <= (stage in ("ls_in_pre_stateful", "ls_out_pre_stateful"))


@rule
def stateful(stage, bit):
    """A connection that an ACL allowed is committed, with the ACL's label if it has one."""
    GroupFlow(
        "switches",
        stage,
        100,
        "reg0[1] == 1 && reg0[13] == 1",
        f"ct_commit {{ {bit} = 0; ct_label.label = reg3; }}; next;",
        (),
        (),
    ) <= (BlockedBit(bit) & (stage in ("ls_in_stateful", "ls_out_stateful")))
    GroupFlow(
        "switches", stage, 100, "reg0[1] == 1 && reg0[13] == 0", f"ct_commit {{ {bit} = 0; }}; next;", (), ()
    ) <= (BlockedBit(bit) & (stage in ("ls_in_stateful", "ls_out_stateful")))
    GroupFlow("switches", stage, 0, "1", "next;", (), ()) <= (stage in ("ls_in_stateful", "ls_out_stateful"))
