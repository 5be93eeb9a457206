"""QoS rules, ovn-nb(5): marks and limits of bandwidth in ingress tables 9 and 10, egress tables 5 and 6."""

from ovn_rules.engine import pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import GroupFlow
from ovn_rules.rules.ovn.text import hint


@rule
def qos_default(stage):
    """Packets that no QoS rule is about go on."""
    GroupFlow("switches", stage, 0, "1", "next;", (), ()) <= (
        stage in ("ls_in_qos_mark", "ls_in_qos_meter", "ls_out_qos_mark", "ls_out_qos_meter")
    )


@rule
def qos_mark(switch, qos, direction, priority, match, dscp):
    """A QoS rule may write the DSCP field of packets."""
    GroupFlow(
        str(switch),
        "ls_in_qos_mark" if direction == "from-lport" else "ls_out_qos_mark",
        priority,
        match,
        f"ip.dscp = {dscp}; next;",
        (),
        hint(qos),
    ) <= (
        nb.Logical_Switch.qos_rules(switch, qos)
        & nb.QoS(_uuid=qos, direction=direction, priority=priority, match=match)
        & nb.QoS.action(qos, "dscp", dscp)
    )


@pure
def set_meter(bandwidth: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """The action that limits bandwidth to a rate, with a burst if there is one; a burst alone limits nothing."""
    said = dict(bandwidth)
    if "rate" not in said:
        return ()
    burst = f", {said['burst']}" if "burst" in said else ""
    return (f"set_meter({said['rate']}{burst}); next;",)


@rule
def qos_meter(switch, qos, direction, priority, match, bandwidth, actions):
    """A QoS rule may limit bandwidth."""
    GroupFlow(
        str(switch),
        "ls_in_qos_meter" if direction == "from-lport" else "ls_out_qos_meter",
        priority,
        match,
        actions,
        (),
        hint(qos),
    ) <= (
        nb.Logical_Switch.qos_rules(switch, qos)
        & nb.QoS(_uuid=qos, direction=direction, priority=priority, match=match, bandwidth=bandwidth)
        & (actions in set_meter(bandwidth))
    )
