"""Load balancing on switches, as far as it is without load balancers: every packet passes the stages as it came.

The stages lb_aff_check, lb, lb_aff_learn, pre_hairpin, nat_hairpin and hairpin of ovn-northd(8).
"""

from ovn_rules.engine import rule
from ovn_rules.rules.ovn.relations import GroupFlow


@rule
def not_balanced():
    """Without load balancers, no packet is sent elsewhere than where it was going."""
    GroupFlow("switches", "ls_in_lb_aff_check", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_lb", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_lb_aff_learn", 0, "1", "next;", (), ())


@rule
def not_hairpinned():
    """Without load balancers, no packet goes back to where it came from."""
    GroupFlow("switches", "ls_in_pre_hairpin", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_nat_hairpin", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_hairpin", 0, "1", "next;", (), ())
