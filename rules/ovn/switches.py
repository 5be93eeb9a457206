"""What every switch does in a stage when no feature is about it."""

from ovn_rules.engine import rule
from ovn_rules.rules.ovn.relations import GroupFlow


@rule
def nothing_learnt():
    """Without ports that learn addresses, there is nothing to look up or put down."""
    GroupFlow("switches", "ls_in_lookup_fdb", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_put_fdb", 0, "1", "next;", (), ())
