"""What every router does in a stage when no feature is about it."""

from ovn_rules.engine import rule
from ovn_rules.rules.ovn.relations import GroupFlow


@rule
def no_translation():
    """Without NAT, addresses stay what they are; neighbour solicitations keep out of connection tracking anyway."""
    GroupFlow("routers", "lr_in_unsnat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_in_defrag", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_in_dnat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_out_chk_dnat_local", 0, "1", "reg9[4] = 0; next;", (), ())
    GroupFlow("routers", "lr_out_undnat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_out_post_undnat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_out_snat", 120, "nd_ns", "next;", (), ())
    GroupFlow("routers", "lr_out_snat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_out_post_snat", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_out_egr_loop", 0, "1", "next;", (), ())


@rule
def no_affinity():
    """Without load balancers, no connection keeps to a backend."""
    GroupFlow("routers", "lr_in_lb_aff_check", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_in_lb_aff_learn", 0, "1", "next;", (), ())


@rule
def no_symmetric_reply():
    """What came by no route with symmetric replies is forgotten once it is forwarded."""
    GroupFlow("routers", "lr_in_ecmp_stateful", 0, "1", "next;", (), ())
