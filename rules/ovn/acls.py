"""ACLs, ovn-nb(5): what each of them lets pass, drops or rejects in ingress tables 4, 8 and 17, egress tables 0 and 4.

Where a switch follows connections, an ACL becomes several flows, by the hints that an earlier stage left in reg0:
bit 7 for packets that an ACL may allow and commit, 8 for those of allowed connections, 9 for those that an ACL may
just drop, 10 for those whose connection it then has to block.
"""

from ovn_rules.engine import Relation, Uuid, _, column, every, pure, rule
from ovn_rules.rules.ovn.acl_switches import AclIn
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import Options, flag
from ovn_rules.rules.ovn.relations import GroupFlow
from ovn_rules.rules.ovn.stages import STAGES
from ovn_rules.rules.ovn.text import hint
from ovn_rules.rules.ovn.tracking import Tracking

OFFSET = 1000
"""ACLs of priority 0 stand above the defaults of their stage."""


class FairMeter(Relation):
    """A meter of which everyone who uses it has all for himself."""

    name: str = column("the meter's name")


class AclLog(Relation):
    """How an ACL logs."""

    acl: Uuid = column("the ACL")
    action: str = column("the action that logs, with a space after it")


class Acl(Relation, key=("acl",)):
    """An ACL as its flows need it."""

    acl: Uuid = column("the ACL")
    stage: str = column("where it counts")
    priority: int = column("of its flows")
    match: str = column("which packets it is about")
    action: str = column("allow, allow-related, allow-stateless, drop or reject")
    log: str = column("the action that logs, with a space after it; empty when it doesn't")
    label: int = column("what its connections are labelled with; 0 for nothing")


class LoggedReplies(Relation):
    """An ACL that logs replies and related packets of its connections as well."""

    acl: Uuid = column("the ACL")
    stage: str = column("where those pass: in the direction opposite to the ACL's")


@pure
def acl_stage(direction: str, options: Options) -> str:
    """The stage of an ACL."""
    if direction == "to-lport":
        return "ls_out_acl"
    return "ls_in_acl_after_lb" if flag(options, "apply-after-lb") else "ls_in_acl"


@pure
def log_action(name: tuple[str, ...], severity: tuple[str, ...], action: str, meter: tuple[str, ...]) -> str:
    """The action ``log`` of ovn-sb(5) with a space after it; names stand as they are, as ovn-northd has them."""
    verdict = action if action in ("drop", "reject") else "allow"
    words = [f'name="{name[0]}"'] if name else []
    words += [f"severity={severity[0] if severity else 'info'}", f"verdict={verdict}"]
    words += [f'meter="{meter[0]}"'] if meter else []
    return f"log({', '.join(words)}); "


@pure
def reject_action(stage: str) -> str:
    """The action that answers a packet with an error, which takes the way back from where the ACL stands."""
    pipeline, back = ("ingress", "ls_in_l2_lkup") if stage == "ls_out_acl" else ("egress", "ls_out_qos_mark")
    return (
        "reg0 = 0; reject { /* eth.dst <-> eth.src; ip.dst <-> ip.src; is implicit. */ "
        f"outport <-> inport; next(pipeline={pipeline},table={STAGES[back][1]}); }};"
    )


@rule
def fair_meter(name):
    """A meter says whether it is fair."""
    FairMeter(name) <= nb.Meter(name=name, fair=(True,))


@rule
def acl_log(acl, name, severity, action, meter):
    """An ACL that logs says so before it does anything else; of a fair meter it has one of its own."""
    AclLog(acl, log_action(name, severity, action, ())) <= (
        nb.ACL(_uuid=acl, log=True, name=name, severity=severity, action=action, meter=())
    )
    AclLog(acl, log_action(name, severity, action, (f"{meter}__{acl}",))) <= (
        nb.ACL(_uuid=acl, log=True, name=name, severity=severity, action=action)
        & nb.ACL.meter(acl, meter)
        & FairMeter(meter)
    )
    AclLog(acl, log_action(name, severity, action, (meter,))) <= (
        nb.ACL(_uuid=acl, log=True, name=name, severity=severity, action=action)
        & nb.ACL.meter(acl, meter)
        & ~FairMeter(meter)
    )


@rule
def acl(acl, direction, options, priority, match, action, log, label):
    """Direction and options say in which stage an ACL counts; its match is taken as it stands."""
    Acl(acl, acl_stage(direction, options), priority + OFFSET, match, action, "", label) <= (
        nb.ACL(
            _uuid=acl,
            direction=direction,
            options=options,
            priority=priority,
            match=match,
            action=action,
            log=False,
            label=label,
        )
    )
    Acl(acl, acl_stage(direction, options), priority + OFFSET, match, action, log, label) <= (
        nb.ACL(
            _uuid=acl,
            direction=direction,
            options=options,
            priority=priority,
            match=match,
            action=action,
            label=label,
        )
        & AclLog(acl, log)
    )


@rule
def allow_stateless(acl, datapaths, stage, priority, match, log):
    """What is allowed without regard to connections goes on."""
    GroupFlow(datapaths, stage, priority, match, f"{log}next;", (), hint(acl)) <= (
        AclIn(acl, datapaths, _) & Acl(acl, stage, priority, match, "allow-stateless", log, _)
    )


@rule
def skip_tracking(acl, datapaths, stage, priority, match):
    """Where connections are followed, what is allowed without regard to them is marked so before."""
    GroupFlow(
        datapaths,
        "ls_out_pre_acl" if stage == "ls_out_acl" else "ls_in_pre_acl",
        priority,
        match,
        "reg0[16] = 1; next;",
        (),
        hint(acl),
    ) <= (AclIn(acl, datapaths, True) & Acl(acl, stage, priority, match, "allow-stateless", _, _))


@rule
def allow(acl, datapaths, stage, priority, match, log):
    """Where no connections are followed, what an ACL allows goes on."""
    GroupFlow(datapaths, stage, priority, match, f"{log}next;", (), hint(acl)) <= (
        AclIn(acl, datapaths, False) & Acl(acl, stage, priority, match, "allow", log, _)
    )


@rule
def allow_new(acl, datapaths, stage, priority, match, action, log, label):
    """The connection of a packet that an ACL allows is committed when it is new, or was blocked until now."""
    GroupFlow(
        datapaths,
        stage,
        priority,
        f"reg0[7] == 1 && ({match})",
        f"reg0[1] = 1; {f'reg0[13] = 1; reg3 = {label}; ' if label else ''}{log}next;",
        (),
        hint(acl),
    ) <= (
        AclIn(acl, datapaths, True)
        & Acl(acl, stage, priority, match, action, log, label)
        & (action in ("allow", "allow-related"))
    )


@rule
def allow_established(acl, datapaths, stage, priority, match, action, log, label):
    """Packets of a connection that an ACL allows still have to pass it; a label is written anew."""
    GroupFlow(
        datapaths,
        stage,
        priority,
        f"reg0[8] == 1 && ({match})",
        f"{f'reg0[1] = 1; reg0[13] = 1; reg3 = {label}; ' if label else ''}{log}next;",
        (),
        hint(acl),
    ) <= (
        AclIn(acl, datapaths, True)
        & Acl(acl, stage, priority, match, action, log, label)
        & (action in ("allow", "allow-related"))
    )


@rule
def logged_replies(acl, action, direction, label, options):
    """Replies are recognized by the label of their connection."""
    LoggedReplies(acl, "ls_in_acl" if direction == "to-lport" else "ls_out_acl") <= (
        nb.ACL(_uuid=acl, log=True, action=action, direction=direction, label=label, options=options)
        & (action in ("allow", "allow-related"))
        & (label != 0)
        & flag(options, "log-related")
    )


@rule
def log_replies(acl, datapaths, stage, log, label, bit, valid):
    """An ACL that logs related packets has flows for them just above those that let them pass."""
    GroupFlow(
        datapaths,
        stage,
        65533,
        f"ct.est && !ct.rel && !ct.new{valid} && ct.rpl && {bit} == 0 && ct_label.label == {label}",
        f"{log}next;",
        (),
        hint(acl),
    ) <= (
        LoggedReplies(acl, stage)
        & AclIn(acl, datapaths, True)
        & Acl(acl=acl, log=log, label=label)
        & every(Tracking(bit, valid, _))
    )
    GroupFlow(
        datapaths,
        stage,
        65533,
        f"!ct.est && ct.rel && !ct.new{valid} && {bit} == 0 && ct_label.label == {label}",
        f"{log}next;",
        (),
        hint(acl),
    ) <= (
        LoggedReplies(acl, stage)
        & AclIn(acl, datapaths, True)
        & Acl(acl=acl, log=log, label=label)
        & every(Tracking(bit, valid, _))
    )


@rule
def drop(acl, datapaths, stage, priority, match, log, bit, after):
    """What an ACL drops goes no further; where connections are followed, one that was allowed before is blocked."""
    GroupFlow(datapaths, stage, priority, match, f"{log}{after}", (), hint(acl)) <= (
        AclIn(acl, datapaths, False) & Acl(acl, stage, priority, match, "drop", log, _) & every(DropAction(_, after))
    )
    GroupFlow(datapaths, stage, priority, f"reg0[9] == 1 && ({match})", f"{log}{after}", (), hint(acl)) <= (
        AclIn(acl, datapaths, True) & Acl(acl, stage, priority, match, "drop", log, _) & every(DropAction(_, after))
    )
    GroupFlow(
        datapaths,
        stage,
        priority,
        f"reg0[10] == 1 && ({match})",
        f"ct_commit {{ {bit} = 1; }}; {log}{after}",
        (),
        hint(acl),
    ) <= (
        AclIn(acl, datapaths, True)
        & Acl(acl, stage, priority, match, "drop", log, _)
        & every(Tracking(bit, _, _))
        & every(DropAction(_, after))
    )


@rule
def reject(acl, datapaths, stage, priority, match, log, bit):
    """What an ACL rejects is answered with an error, and blocked as if it were dropped.

    As in ovn-northd, the ACL's match has no parentheses here: of ``a || b``, only ``a`` depends on the connection.
    """
    GroupFlow(datapaths, stage, priority, match, f"{log}{reject_action(stage)}", (), hint(acl)) <= (
        AclIn(acl, datapaths, False) & Acl(acl, stage, priority, match, "reject", log, _)
    )
    GroupFlow(
        datapaths, stage, priority, f"(reg0[9] == 1) && {match}", f"{log}{reject_action(stage)}", (), hint(acl)
    ) <= (AclIn(acl, datapaths, True) & Acl(acl, stage, priority, match, "reject", log, _))
    GroupFlow(
        datapaths,
        stage,
        priority,
        f"(reg0[10] == 1) && {match}",
        f"{log}ct_commit {{ {bit} = 1; }};  {reject_action(stage)}",
        (),
        hint(acl),
    ) <= (AclIn(acl, datapaths, True) & Acl(acl, stage, priority, match, "reject", log, _) & every(Tracking(bit, _, _)))
