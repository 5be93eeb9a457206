"""How flows speak of connections, by what the hosts are able to and administrators want."""

from ovn_rules.engine import Relation, _, column, rule
from ovn_rules.rules.ovn.options import is_false
from ovn_rules.rules.ovn.relations import Lacking, Option


class BlockedBit(Relation):
    """Where a connection that an ACL stopped is marked: one fact."""

    bit: str = column("ct_mark.blocked, or ct_label.blocked")


class InvalidIgnored(Relation):
    """Flows don't ask whether connection tracking finds a packet invalid."""

    option: str = column("the option that says so")


class Tracking(Relation):
    """How flows speak of connections: one fact."""

    blocked: str = column("the bit of a connection that an ACL stopped")
    valid: str = column("how a match goes on that holds for valid packets only; empty when it doesn't ask")
    invalid: str = column("how a match begins that holds for invalid packets, too; empty likewise")


@rule
def blocked_bit():
    """The mark is used where all hosts can, because network cards match it more easily than the label."""
    BlockedBit("ct_mark.blocked") <= ~Lacking("ct-no-masked-label")
    BlockedBit("ct_label.blocked") <= Lacking("ct-no-masked-label")


@rule
def invalid_ignored(value):
    """Network cards that can't offload matches on ct.inv are spared them by NB_Global:options:use_ct_inv_match."""
    InvalidIgnored("use_ct_inv_match") <= Option("use_ct_inv_match", value) & is_false(value)


@rule
def tracking(bit):
    """Flows ask for ct.inv unless they shall not."""
    Tracking(bit, " && !ct.inv", "ct.inv || ") <= BlockedBit(bit) & ~InvalidIgnored(_)
    Tracking(bit, "", "") <= BlockedBit(bit) & InvalidIgnored(_)
