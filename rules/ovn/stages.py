"""The stages of logical pipelines, ovn-northd(8): each name with its pipeline and its table's number."""

from collections.abc import Mapping

_NAMES = {
    ("ls_in", "ingress"): (
        "check_port_sec",
        "apply_port_sec",
        "lookup_fdb",
        "put_fdb",
        "pre_acl",
        "pre_lb",
        "pre_stateful",
        "acl_hint",
        "acl",
        "qos_mark",
        "qos_meter",
        "lb_aff_check",
        "lb",
        "lb_aff_learn",
        "pre_hairpin",
        "nat_hairpin",
        "hairpin",
        "acl_after_lb",
        "stateful",
        "arp_rsp",
        "dhcp_options",
        "dhcp_response",
        "dns_lookup",
        "dns_response",
        "external_port",
        "l2_lkup",
        "l2_unknown",
    ),
    ("ls_out", "egress"): (
        "pre_acl",
        "pre_lb",
        "pre_stateful",
        "acl_hint",
        "acl",
        "qos_mark",
        "qos_meter",
        "stateful",
        "check_port_sec",
        "apply_port_sec",
    ),
    ("lr_in", "ingress"): (
        "admission",
        "lookup_neighbor",
        "learn_neighbor",
        "ip_input",
        "unsnat",
        "defrag",
        "lb_aff_check",
        "dnat",
        "lb_aff_learn",
        "ecmp_stateful",
        "nd_ra_options",
        "nd_ra_response",
        "ip_routing_pre",
        "ip_routing",
        "ip_routing_ecmp",
        "policy",
        "policy_ecmp",
        "arp_resolve",
        "chk_pkt_len",
        "larger_pkts",
        "gw_redirect",
        "arp_request",
    ),
    ("lr_out", "egress"): (
        "chk_dnat_local",
        "undnat",
        "post_undnat",
        "snat",
        "post_snat",
        "egr_loop",
        "delivery",
    ),
}

STAGES: Mapping[str, tuple[str, int]] = {
    f"{prefix}_{name}": (pipeline, table)
    for (prefix, pipeline), names in _NAMES.items()
    for table, name in enumerate(names)
}
"""Stage → pipeline (``ingress`` or ``egress``) and table number."""
