"""lr_in_policy and lr_in_policy_ecmp: policies, which let packets pass, drop them or send them elsewhere, ovn-nb(5).

Policies that share packets out among several next hops are numbered in the order of their UUIDs, as ovn-northd does.
"""

from ovn_rules.engine import Relation, Uuid, _, collect, column, every, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.options import Options, unsigned
from ovn_rules.rules.ovn.relations import Datapath, GroupFlow, Problem, RouterPort
from ovn_rules.rules.ovn.router_hops import Hop, HopPort
from ovn_rules.rules.ovn.text import hint, quoted


class Policy(Relation):
    """A policy of a router."""

    router: Uuid = column("the router")
    policy: Uuid = column("its northbound row")
    action: str = column("allow, drop or reroute")
    hops: tuple[str, ...] = column("next hops, when it sends packets elsewhere")


class PolicyHop(Relation):
    """A next hop of a policy."""

    router: Uuid = column("the router")
    policy: Uuid = column("the policy")
    hop: str = column("the next hop, as it is written")


class PolicyOrder(Relation):
    """The policies of a router with several next hops."""

    router: Uuid = column("the router")
    policies: tuple[Uuid, ...] = column("by UUID")


class PolicyNumber(Relation):
    """The number of a policy with several next hops."""

    router: Uuid = column("the router")
    policy: Uuid = column("the policy")
    group: int = column("its number, from 1")


class PolicyGroup(Relation):
    """A policy with several next hops."""

    router: Uuid = column("the router")
    policy: Uuid = column("the policy")
    group: int = column("its number, from 1")
    hops: tuple[str, ...] = column("its next hops, two or more, all of one IP version")


class PolicyMember(Relation):
    """A next hop of several."""

    router: Uuid = column("the router")
    policy: Uuid = column("the policy")
    group: int = column("the policy's number, from 1")
    member: int = column("the next hop's number, from 1")
    hop: str = column("the next hop")


class PolicyStop(Relation):
    """The first next hop of several that isn't reached: it and those after it aren't used, nor is the policy."""

    router: Uuid = column("the router")
    policy: Uuid = column("the policy")
    member: int = column("the next hop's number, from 1")


@pure
def mark(options: Options) -> str:
    """Actions of ovn-sb(5) for the option pkt_mark, to be followed by others; empty without it."""
    number = unsigned(dict(options).get("pkt_mark", ""))
    return f"pkt.mark = {number}; " if number else ""


@pure
def mixed_hop(hops: tuple[str, ...]) -> str:
    """The first next hop that is of another IP version than the first; empty when there is none."""
    return next((hop for hop in hops if ("." in hop) != ("." in hops[0])), "")


@pure
def reroute(hop: str, address: str, mac: str, name: str) -> str:
    """Actions that send a packet to a next hop through a port, but for what ends them."""
    registers = "reg" if "." in hop else "xxreg"
    return (
        f"{registers}0 = {hop}; {registers}1 = {address}; eth.src = {mac}; outport = {quoted(name)}; "
        "flags.loopback = 1; "
    )


@pure
def choose_member(group: int, members: int) -> str:
    """Actions that choose a next hop of a policy."""
    return f"reg8[0..15] = {group}; reg8[16..31] = select({', '.join(map(str, range(1, members + 1)))});"


@rule
def no_policy(drop):
    """What no policy is about goes on, and needs no choice among next hops."""
    GroupFlow("routers", "lr_in_policy", 0, "1", "reg8[0..15] = 0; next;", (), ())
    GroupFlow("routers", "lr_in_policy_ecmp", 150, "reg8[0..15] == 0", "next;", (), ())
    GroupFlow("routers", "lr_in_policy_ecmp", 0, "1", drop, (), ()) <= DropAction(drop, _)


@rule
def policy(router, policy, action, hop, hops):
    """A policy has next hops in the column nexthops; one in nexthop counts when there are none."""
    Policy(router, policy, action, hops or hop) <= (
        Datapath(router, "router", _)
        & nb.Logical_Router.policies(router, policy)
        & nb.Logical_Router_Policy(_uuid=policy, action=action, nexthop=hop, nexthops=hops)
    )


@rule
def policy_hop(router, policy, hop, hops):
    """A next hop is looked for in the networks of the router's ports."""
    PolicyHop(router, policy, hop) <= Policy(router, policy, "reroute", hops) & (hop in hops)
    Hop(router, hop) <= PolicyHop(router=router, hop=hop)


@rule
def policy_drop(router, policy, priority, match, drop):
    """A policy drops what it matches."""
    GroupFlow(str(router), "lr_in_policy", priority, match, drop, (), hint(policy)) <= (
        Policy(router=router, policy=policy, action="drop")
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority, match=match)
        & every(DropAction(drop, _))
    )


@rule
def policy_allow(router, policy, priority, match, options):
    """A policy lets pass what it matches, with a mark if it has the option pkt_mark."""
    GroupFlow(
        str(router), "lr_in_policy", priority, match, f"{mark(options)}reg8[0..15] = 0; next;", (), hint(policy)
    ) <= (
        Policy(router=router, policy=policy, action="allow")
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority, match=match, options=options)
    )


@rule
def reroute_to_one(router, policy, hops, hop, port, address, name, mac, priority, match, options):
    """A policy sends what it matches to its only next hop."""
    GroupFlow(
        str(router),
        "lr_in_policy",
        priority,
        match,
        f"{mark(options)}{reroute(hop, address, mac, name)}reg8[0..15] = 0; next;",
        (),
        hint(policy),
    ) <= (
        PolicyHop(router, policy, hop)
        & Policy(router=router, policy=policy, hops=hops)
        & (len(hops) == 1)
        & HopPort(router, hop, port, address)
        & RouterPort(port=port, name=name, mac=mac)
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority, match=match, options=options)
    )


@rule
def policy_group(router, policy, hops, policies, group):
    """Policies with several next hops have numbers, even those that aren't used."""
    PolicyOrder(router, collect(policy)) <= Policy(router, policy, "reroute", hops) & (len(hops) > 1)
    PolicyNumber(router, policy, group) <= (PolicyOrder(router, policies) & ((group, policy) in enumerate(policies, 1)))
    PolicyGroup(router, policy, group, hops) <= (
        PolicyNumber(router, policy, group) & Policy(router=router, policy=policy, hops=hops) & (mixed_hop(hops) == "")
    )


@rule
def policy_member(router, policy, group, hops, hop, member):
    """Next hops have numbers; the first that isn't reached stops the policy."""
    PolicyMember(router, policy, group, member, hop) <= (
        PolicyGroup(router, policy, group, hops) & ((member, hop) in enumerate(hops, 1))
    )
    PolicyStop(router, policy, min(member)) <= (
        PolicyMember(router=router, policy=policy, member=member, hop=hop) & ~HopPort(router, hop, _, _)
    )


@rule
def reroute_to_several(router, policy, group, hops, priority, match):
    """A policy shares what it matches out among its next hops."""
    GroupFlow(str(router), "lr_in_policy", priority, match, choose_member(group, len(hops)), (), hint(policy)) <= (
        PolicyGroup(router, policy, group, hops)
        & ~PolicyStop(router, policy, _)
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority, match=match)
    )


@rule
def reroute_to_chosen(router, policy, group, member, hop, port, address, name, mac, options, stop):
    """What was shared out goes to the chosen next hop; ovn-northd has these flows up to one that isn't reached."""
    GroupFlow(
        str(router),
        "lr_in_policy_ecmp",
        100,
        f"reg8[0..15] == {group} && reg8[16..31] == {member}",
        f"{mark(options)}{reroute(hop, address, mac, name)}next;",
        (),
        hint(policy),
    ) <= (
        PolicyMember(router, policy, group, member, hop)
        & ~PolicyStop(router, policy, _)
        & HopPort(router, hop, port, address)
        & RouterPort(port=port, name=name, mac=mac)
        & nb.Logical_Router_Policy(_uuid=policy, options=options)
    )
    GroupFlow(
        str(router),
        "lr_in_policy_ecmp",
        100,
        f"reg8[0..15] == {group} && reg8[16..31] == {member}",
        f"{mark(options)}{reroute(hop, address, mac, name)}next;",
        (),
        hint(policy),
    ) <= (
        PolicyMember(router, policy, group, member, hop)
        & PolicyStop(router, policy, stop)
        & (member < stop)
        & HopPort(router, hop, port, address)
        & RouterPort(port=port, name=name, mac=mac)
        & nb.Logical_Router_Policy(_uuid=policy, options=options)
    )


@rule
def policy_wrong(router, name, policy, priority, hops, hop):
    """A policy to send packets elsewhere is left out when it doesn't say where, or when that isn't reached."""
    Problem(
        f"policy of router {name}, priority {priority}",
        f"left out: no port of the router has a network with the next hop '{hop}'",
    ) <= (
        PolicyHop(router, policy, hop)
        & ~HopPort(router, hop, _, _)
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority)
        & Datapath(router, _, name)
    )
    Problem(
        f"policy of router {name}, priority {priority}",
        f"left out: the next hop '{hop}' is of another IP version than the others",
    ) <= (
        Policy(router, policy, "reroute", hops)
        & (hop == mixed_hop(hops))
        & (hop != "")
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority)
        & Datapath(router, _, name)
    )
    Problem(f"policy of router {name}, priority {priority}", "left out: it reroutes, and has no next hop") <= (
        Policy(router, policy, "reroute", ())
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority)
        & Datapath(router, _, name)
    )
