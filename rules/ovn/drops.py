"""How flows drop packets: without a word, or with a sample of them for who asks what is lost, ovn-nb(5)."""

from ovn_rules.engine import Relation, _, column, pure, rule
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options, unsigned
from ovn_rules.rules.ovn.relations import Problem


class DropSample(Relation):
    """Packets that are dropped are sampled first."""

    sample: str = column("the action")


class DropAction(Relation):
    """How flows drop packets: one fact."""

    alone: str = column("the actions of a flow that only drops")
    last: str = column("how actions end that do something else before")


@pure
def drop_sample(options: Options) -> str:
    """Sends each packet to NB_Global:options:debug_drop_collector_set; empty when that is none, or a domain is wrong.

    The set's number is written with a sign, as ovn-northd does.
    """
    collectors = unsigned(dict(options).get("debug_drop_collector_set", ""))
    domain = unsigned(dict(options).get("debug_drop_domain_id", ""))
    if not collectors or not domain_is_right(domain):
        return ""
    number = collectors - (1 << 32) if collectors >> 31 else collectors
    return f"sample(probability=65535,collector_set={number},obs_domain={domain},obs_point=$cookie); /* drop */"


@pure
def domain_is_right(domain: int) -> bool:
    """Whether an observation domain can be sampled for: ovn-northd takes no 255."""
    return domain < 255


@rule
def sampled(options, sample):
    """NB_Global:options:debug_drop_collector_set says who gets a sample of what is dropped."""
    DropSample(sample) <= nb.NB_Global(options=options) & (sample == drop_sample(options)) & (sample != "")


@rule
def drop_action(sample):
    """What is dropped leaves no trace, unless samples are asked for."""
    DropAction("drop;", "/* drop */") <= ~DropSample(_)
    DropAction(sample, sample) <= DropSample(sample)


@rule
def wrong_domain(text):
    """A domain has 8 bits, and 255 is not for use."""
    Problem("NB_Global:options:debug_drop_domain_id", f"nothing is sampled: '{text}' is not in range 0 to 254") <= (
        nb.NB_Global.options(_, "debug_drop_domain_id", text) & ~domain_is_right(unsigned(text))
    )
