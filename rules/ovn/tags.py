"""Logical_Flow.tags: the port for which alone a flow is, ovn-sb(5), so that other hosts may leave it out."""

import json
import re

from ovn_rules.engine import pure

_STAGES = frozenset(
    {
        "ls_in_arp_rsp",
        "ls_in_check_port_sec",
        "ls_in_dhcp_options",
        "ls_in_dhcp_response",
        "ls_in_external_port",
        "ls_in_l2_unknown",
        "ls_in_lookup_fdb",
        "ls_in_pre_acl",
        "ls_in_pre_lb",
        "ls_in_put_fdb",
        "ls_out_acl",
        "ls_out_apply_port_sec",
        "ls_out_pre_acl",
        "ls_out_pre_lb",
    }
)
"""Stages of switches in which ovn-northd names the port of a flow that matches one."""

_OWN = {"ls_in_pre_acl": 110, "ls_out_pre_acl": 110, "ls_out_acl": 34000}
"""Priorities of the flows that name a port in stages that also have ACLs, whose matches are somebody's own."""

_UNESCAPED = {
    "ls_out_acl": re.compile(r'outport == "(.*)" && eth\.src == ', re.DOTALL),
    "ls_in_arp_rsp": re.compile(r'inport == "(.*)" && \(\(', re.DOTALL),
}
"""How flows of DHCP replies and of virtual ports name a port: as it is called, whatever is in its name."""

_PORT = re.compile(r'(?:in|out)port == ("(?:[^"\\]|\\.)*")')


@pure
def named_port(stage: str, priority: int, match: str) -> tuple[str, ...]:
    """The port that a flow's match names, where ovn-northd tags the flow with it."""
    if stage not in _STAGES or _OWN.get(stage, priority) != priority:
        return ()
    found = _UNESCAPED[stage].match(match) if stage in _UNESCAPED else None
    if found is not None or stage == "ls_out_acl":
        return (found[1],) if found else ()
    found = _PORT.search(match)
    if found is None or (stage == "ls_in_l2_unknown" and found[1] == '"none"'):
        return ()
    return (json.loads(found[1]),) if "\\" in found[1] else (found[1][1:-1],)
