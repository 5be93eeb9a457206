"""What the ACL stages do for packets that no ACL decides, ovn-northd(8): ingress tables 7, 8, 17, egress 3 and 4."""

from ovn_rules.engine import Relation, _, column, every, rule
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import is_true
from ovn_rules.rules.ovn.relations import GroupFlow, Lacking, Option
from ovn_rules.rules.ovn.tracking import BlockedBit, Tracking


class DefaultDrop(Relation):
    """Switches with ACLs drop what no ACL allows."""

    option: str = column("the option that says so")


class AclDefault(Relation):
    """What a packet meets that no ACL is about, on a switch with ACLs: one fact."""

    actions: str = column("of a packet without a connection of interest")
    committing: str = column("of one whose connection is to be committed")


@rule
def default_drop(value):
    """NB_Global:options:default_acl_drop makes ACLs a list of what is allowed, ovn-nb(5)."""
    DefaultDrop("default_acl_drop") <= Option("default_acl_drop", value) & is_true(value)


@rule
def acl_default(drop):
    """By default, ACLs say what is not allowed."""
    AclDefault("next;", "reg0[1] = 1; next;") <= ~DefaultDrop(_)
    AclDefault(drop, drop) <= DefaultDrop(_) & every(DropAction(drop, _))


@rule
def without_acls(stage):
    """A switch without ACLs passes every packet on at once."""
    GroupFlow("switches without ACLs", stage, 65535, "1", "next;", (), ()) <= (
        stage in ("ls_in_acl_hint", "ls_out_acl_hint", "ls_in_acl", "ls_out_acl")
    )


@rule
def with_acls(stage, actions):
    """What no ACL of a switch is about goes on, or is dropped where that is the default."""
    GroupFlow("switches with ACLs", stage, 0, "1", actions, (), ()) <= (
        AclDefault(actions, _) & (stage in ("ls_in_acl", "ls_out_acl"))
    )
    GroupFlow("switches with ACLs", stage, 0, "1", "next;", (), ()) <= (stage in ("ls_in_acl_hint", "ls_out_acl_hint"))


@rule
def after_lb(drop):
    """ACLs after load balancing have the same default."""
    GroupFlow("switches", "ls_in_acl_after_lb", 0, "1", "next;", (), ()) <= ~DefaultDrop(_)
    GroupFlow("switches without ACLs", "ls_in_acl_after_lb", 0, "1", "next;", (), ()) <= DefaultDrop(_)
    GroupFlow("switches with ACLs", "ls_in_acl_after_lb", 0, "1", drop, (), ()) <= DefaultDrop(_) & every(
        DropAction(drop, _)
    )


@rule
def neighbor_discovery(stage):
    """No ACL can stop neighbor discovery, router discovery and multicast listener discovery."""
    GroupFlow("switches", stage, 65532, "nd || nd_ra || nd_rs || mldv1 || mldv2", "next;", (), ()) <= (
        stage in ("ls_in_acl", "ls_out_acl", "ls_in_acl_after_lb")
    )


@rule
def service_monitor():
    """No ACL can stop health checks."""
    GroupFlow("switches with ACLs", "ls_in_acl", 34000, "eth.dst == $svc_monitor_mac", "next;", (), ())
    GroupFlow("switches with ACLs", "ls_out_acl", 34000, "eth.src == $svc_monitor_mac", "next;", (), ())


@rule
def hints(stage, priority, match, actions, bit):
    """What connection tracking says of a packet decides which kinds of ACLs can be about it."""
    GroupFlow("stateful switches", stage, priority, match, actions, (), ()) <= (
        (stage in ("ls_in_acl_hint", "ls_out_acl_hint"))
        & (
            (priority, match, actions)
            in (
                (7, "ct.new && !ct.est", "reg0[7] = 1; reg0[9] = 1; next;"),
                (5, "!ct.trk", "reg0[8] = 1; reg0[9] = 1; next;"),
                (3, "!ct.est", "reg0[9] = 1; next;"),
            )
        )
    )
    GroupFlow("stateful switches", stage, priority, match, actions, (), ()) <= (
        BlockedBit(bit)
        & (stage in ("ls_in_acl_hint", "ls_out_acl_hint"))
        & (
            (priority, match, actions)
            in (
                (6, f"!ct.new && ct.est && !ct.rpl && {bit} == 1", "reg0[7] = 1; reg0[9] = 1; next;"),
                (4, f"!ct.new && ct.est && !ct.rpl && {bit} == 0", "reg0[8] = 1; reg0[10] = 1; next;"),
                (2, f"ct.est && {bit} == 1", "reg0[9] = 1; next;"),
                (1, f"ct.est && {bit} == 0", "reg0[10] = 1; next;"),
            )
        )
    )


@rule
def stateful_default(stage, committing, bit):
    """What no ACL is about is committed, too, so that replies are known; so is what was blocked and is no more."""
    GroupFlow("stateful switches", stage, 1, "ip && !ct.est", committing, (), ()) <= (
        AclDefault(_, committing) & (stage in ("ls_in_acl", "ls_out_acl"))
    )
    GroupFlow("stateful switches", stage, 1, f"ip && ct.est && {bit} == 1", "reg0[1] = 1; next;", (), ()) <= (
        BlockedBit(bit) & (stage in ("ls_in_acl", "ls_out_acl"))
    )


@rule
def invalid(stage, bit, invalid, drop):
    """Invalid packets are dropped, and replies of connections that an ACL stopped."""
    GroupFlow("stateful switches", stage, 65532, f"{invalid}(ct.est && ct.rpl && {bit} == 1)", drop, (), ()) <= (
        Tracking(bit, _, invalid) & (stage in ("ls_in_acl", "ls_out_acl")) & every(DropAction(drop, _))
    )


@rule
def reply(stage, actions, bit, valid):
    """Replies of a connection are allowed when the connection is."""
    GroupFlow(
        "stateful switches",
        stage,
        65532,
        f"ct.est && !ct.rel && !ct.new{valid} && ct.rpl && {bit} == 0",
        actions,
        (),
        (),
    ) <= (
        Tracking(bit, valid, _)
        & (
            (stage, actions)
            in (("ls_in_acl", "reg0[9] = 0; reg0[10] = 0; reg0[17] = 1; next;"), ("ls_out_acl", "next;"))
        )
    )
    GroupFlow("stateful switches", "ls_in_acl_after_lb", 65532, "reg0[17] == 1", "next;", (), ())


class RelatedAction(Relation):
    """What is done with a packet that belongs to a connection without being part of it: one fact."""

    actions: str = column("the last of its actions")


@rule
def related_action():
    """Hosts that can do so translate the addresses in it."""
    RelatedAction("ct_commit_nat;") <= ~Lacking("ovn-ct-lb-related")
    RelatedAction("next;") <= Lacking("ovn-ct-lb-related")


@rule
def related(stage, first, actions, bit, valid):
    """Packets about a connection, such as ICMP errors, are allowed when the connection is."""
    GroupFlow(
        "stateful switches",
        stage,
        65532,
        f"!ct.est && ct.rel && !ct.new{valid} && {bit} == 0",
        f"{first}{actions}",
        (),
        (),
    ) <= (
        Tracking(bit, valid, _)
        & every(RelatedAction(actions))
        & ((stage, first) in (("ls_in_acl", "reg0[17] = 1; "), ("ls_out_acl", "")))
    )
