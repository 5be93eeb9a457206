"""Matches that administrators write, in ACLs and QoS rules: those that hosts can't use are named.

ovn-northd hands them on as they are, and ovn-controller leaves out what it can't read.
"""

import re
from functools import lru_cache

from ovn_rules.engine import Relation, column, pure, rule
from ovn_rules.rules.lflow import OVN, LflowError, Sets, parse
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import Problem
from ovn_rules.rules.ovn.sets import MadeSet

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_VARIABLE = re.compile(
    rf'("[^"\\]*")|(@[A-Za-z_.][\w.]*)|(\$[A-Za-z_.][\w.]*)|(?<![\w.:/])(?:{_BYTE}\.){{3}}{_BYTE}(?![\w.:/])', re.ASCII
)
_SET = re.compile(r'"(?:[^"\\]|\\.)*"|([@$][A-Za-z_.][\w.]*)', re.ASCII)
_SAME = {1: '""', 2: "@g", 3: "$s", None: "10.0.0.1"}
_SETS = Sets({"s": ()}, {"g": ()})


class Named(Relation):
    """A set that a match names."""

    name: str = column("as the match writes it: $ and an address set's name, or @ and a port group's")
    where: str = column("whose match it is")


class KnownSet(Relation):
    """A set that matches may name."""

    name: str = column("as matches write it: $ and an address set's name, or @ and a port group's")


@lru_cache(maxsize=4096)
def _readable(shape: str) -> bool:
    try:
        parse(shape, OVN, _SETS)
    except LflowError:
        return False
    return True


@pure
def match_fault(match: str) -> str:
    """What is wrong with a match, whatever is in the sets that it names; empty for nothing.

    Most matches differ from others in names and addresses only, so that one of each shape is read.
    """
    if "/*" not in match and "//" not in match and _readable(_VARIABLE.sub(lambda m: _SAME[m.lastindex], match)):
        return ""
    names = set_names(match)
    sets = Sets({n[1:]: () for n in names if n[0] == "$"}, {n[1:]: () for n in names if n[0] == "@"})
    try:
        parse(match, OVN, sets)
    except LflowError as e:
        place = f"offset {e.position}" if e.position < len(match) else "its end"
        return f"{e.message.rstrip('.')} (at {place})"
    return ""


@pure
def set_names(match: str) -> tuple[str, ...]:
    """The sets that a match names, each once, with the sign before it."""
    if "$" not in match and "@" not in match:
        return ()
    return tuple(dict.fromkeys(name for name in _SET.findall(match) if name))


@rule
def known_set(name):
    """There are address sets that are given, two for each port group, and one for health checks."""
    KnownSet(f"${name}") <= nb.Address_Set(name=name)
    KnownSet(f"${name}") <= MadeSet(name=name)
    KnownSet(f"@{name}") <= nb.Port_Group(name=name)
    KnownSet("$svc_monitor_mac")


@rule
def unreadable_acl(acl, match, why):
    """Hosts leave out an ACL whose match they can't read."""
    Problem(f"ACL {acl}", f"no host can use it, because its match can't be read: {why}") <= (
        nb.ACL(_uuid=acl, match=match) & (why == match_fault(match)) & (why != "")
    )


@rule
def unreadable_qos(qos, match, why):
    """Hosts leave out a QoS rule whose match they can't read."""
    Problem(f"QoS {qos}", f"no host can use it, because its match can't be read: {why}") <= (
        nb.QoS(_uuid=qos, match=match) & (why == match_fault(match)) & (why != "")
    )


@rule
def unreadable_policy(router, policy, name, priority, match, why):
    """Hosts leave out a policy whose match they can't read."""
    Problem(
        f"policy of router {name}, priority {priority}", f"no host can use it, because its match can't be read: {why}"
    ) <= (
        nb.Logical_Router_Policy(_uuid=policy, priority=priority, match=match)
        & (why == match_fault(match))
        & (why != "")
        & nb.Logical_Router.policies(router, policy)
        & nb.Logical_Router(_uuid=router, name=name)
    )


@rule
def unreadable_bypass(port, name, match, why):
    """Hosts leave out flows with a match that they can't read."""
    Problem(f"router port {name}", f"no host can use gateway_mtu_bypass, because it can't be read: {why}") <= (
        nb.Logical_Router_Port.options(port, "gateway_mtu_bypass", match)
        & (why == match_fault(match))
        & (why != "")
        & nb.Logical_Router_Port(_uuid=port, name=name)
    )


@rule
def named(row, match, name, router, router_name, priority):
    """Each set that a match names has to be there."""
    Named(name, f"policy of router {router_name}, priority {priority}") <= (
        nb.Logical_Router_Policy(_uuid=row, priority=priority, match=match)
        & (name in set_names(match))
        & nb.Logical_Router.policies(router, row)
        & nb.Logical_Router(_uuid=router, name=router_name)
    )
    Named(name, f"ACL {row}") <= nb.ACL(_uuid=row, match=match) & (name in set_names(match))
    Named(name, f"QoS {row}") <= nb.QoS(_uuid=row, match=match) & (name in set_names(match))


@rule
def missing_set(where, name):
    """Hosts leave out what names a set that isn't there."""
    Problem(where, f"no host can use it until there is a set {name}, which its match names") <= (
        Named(name, where) & ~KnownSet(name)
    )
