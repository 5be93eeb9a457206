"""Options whose values are none that ovn-nb(5) knows: ovn-northd takes what it can read of them, or its defaults."""

import re
from collections.abc import Mapping

from ovn_rules.engine import _, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.fixed_tables import DHCP_OPTIONS
from ovn_rules.rules.ovn.options import is_false, is_true
from ovn_rules.rules.ovn.relations import Problem

_NUMBER = re.compile(r"[0-9]{1,10}")
_BYTES = {"uint8": 1, "uint16": 2, "uint32": 4}
_YES_NO = range(0)

EXPECTED: Mapping[str, Mapping[str, range]] = {
    "NB_Global": dict.fromkeys(("default_acl_drop", "ignore_lsp_down", "use_ct_inv_match"), _YES_NO),
    "Logical_Switch": dict.fromkeys(("mac_only", "vlan-passthru"), _YES_NO),
    "Logical_Switch_Port": dict.fromkeys(("localnet_learn_fdb", "mcast_flood", "mcast_flood_reports"), _YES_NO),
    "Logical_Router": dict.fromkeys(("always_learn_from_arp_request", "dynamic_neigh_routers"), _YES_NO),
    "Logical_Router_Port": {"gateway_mtu": range(68, 1 << 16)},
    "Logical_Router_Policy": {"pkt_mark": range(1 << 32)},
    "ACL": dict.fromkeys(("apply-after-lb", "log-related"), _YES_NO),
    "DHCP_Options": {name: range(1 << 8 * _BYTES[kind]) for name, _code, kind in DHCP_OPTIONS if kind in _BYTES},
}
"""Table → option → the numbers that it may be; none for true and false."""


@pure
def option_fault(table: str, option: str, text: str) -> str:
    """What is wrong with an option's value; empty when nothing is, or when any will do."""
    numbers = EXPECTED[table].get(option)
    if numbers is None:
        return ""
    if not numbers:
        return "" if is_true(text) or is_false(text) else f"option {option}: '{text}' is neither true nor false"
    right = _NUMBER.fullmatch(text) is not None and int(text) in numbers
    return "" if right else f"option {option}: '{text}' is no number from {numbers[0]} to {numbers[-1]}"


@rule
def wrong_global_option(option, text, why):
    """The network as a whole has options."""
    Problem("NB_Global", why) <= (
        nb.NB_Global.options(_, option, text) & (why == option_fault("NB_Global", option, text)) & (why != "")
    )


@rule
def wrong_switch_option(switch, name, option, text, why):
    """Switches have options."""
    Problem(f"switch {name}", why) <= (
        nb.Logical_Switch.other_config(switch, option, text)
        & (why == option_fault("Logical_Switch", option, text))
        & (why != "")
        & nb.Logical_Switch(_uuid=switch, name=name)
    )


@rule
def wrong_port_option(port, name, option, text, why):
    """Switch ports have options."""
    Problem(f"port {name}", why) <= (
        nb.Logical_Switch_Port.options(port, option, text)
        & (why == option_fault("Logical_Switch_Port", option, text))
        & (why != "")
        & nb.Logical_Switch_Port(_uuid=port, name=name)
    )


@rule
def wrong_router_option(router, name, option, text, why):
    """Routers have options."""
    Problem(f"router {name}", why) <= (
        nb.Logical_Router.options(router, option, text)
        & (why == option_fault("Logical_Router", option, text))
        & (why != "")
        & nb.Logical_Router(_uuid=router, name=name)
    )


@rule
def wrong_router_port_option(port, name, option, text, why):
    """Router ports have options."""
    Problem(f"router port {name}", why) <= (
        nb.Logical_Router_Port.options(port, option, text)
        & (why == option_fault("Logical_Router_Port", option, text))
        & (why != "")
        & nb.Logical_Router_Port(_uuid=port, name=name)
    )


@rule
def wrong_policy_option(router, policy, name, priority, option, text, why):
    """Policies have options."""
    Problem(f"policy of router {name}, priority {priority}", why) <= (
        nb.Logical_Router_Policy.options(policy, option, text)
        & (why == option_fault("Logical_Router_Policy", option, text))
        & (why != "")
        & nb.Logical_Router_Policy(_uuid=policy, priority=priority)
        & nb.Logical_Router.policies(router, policy)
        & nb.Logical_Router(_uuid=router, name=name)
    )


@rule
def wrong_acl_option(acl, option, text, why):
    """ACLs have options."""
    Problem(f"ACL {acl}", why) <= (
        nb.ACL.options(acl, option, text) & (why == option_fault("ACL", option, text)) & (why != "")
    )


@rule
def wrong_dhcp_option(row, cidr, option, text, why):
    """What a DHCP server says has to be what hosts can write."""
    Problem(f"DHCP_Options {cidr}", why) <= (
        nb.DHCP_Options.options(row, option, text)
        & (why == option_fault("DHCP_Options", option, text))
        & (why != "")
        & nb.DHCP_Options(_uuid=row, cidr=cidr)
    )
