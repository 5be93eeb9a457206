"""Sequence numbers: how far the southbound database and the hosts are with what the northbound database asks for.

A client that waits (``ovn-nbctl --wait``) increases nb_cfg in NB_Global. It goes to SB_Global after everything else,
and back to sb_cfg when it is stored there; hosts copy it to Chassis_Private, and the least one is hv_cfg. Times go with
them as ovn-nb(5) says.
"""

from ovn_rules.engine import Relation, Uuid, _, column, every, rule
from ovn_rules.engine.sinks import Clock, Sink
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.relations import Problem
from ovn_rules.rules.ovn.settings import Says, SouthboundRow


class SouthboundProgress(Relation, key=("row",)):
    """What hosts are to show that they have seen."""

    row: Uuid = column("the row of SB_Global")
    nb_cfg: int = column("the number to be copied")


class Written(Relation, key=("row",)):
    """How far the southbound database is."""

    row: Uuid = column("the row of NB_Global")
    nb_cfg: int = column("the last number that was asked for")
    sb_cfg: int = column("the number that is stored in the southbound database")


class HostProgress(Relation):
    """How far a host is, and since when."""

    name: str = column("the chassis")
    nb_cfg: int = column("the number it has seen")
    timestamp: int = column("in milliseconds since 1970, by its own clock")


class LeastProgress(Relation):
    """How far the last host is."""

    nb_cfg: int = column("the number it has seen")


class AllHosts(Relation, key=("row",)):
    """How far all hosts are."""

    row: Uuid = column("the row of NB_Global")
    hv_cfg: int = column("a number that all hosts have seen")


class Reached(Relation, key=("row",)):
    """How far all hosts are, and since when."""

    row: Uuid = column("the row of NB_Global")
    hv_cfg: int = column("a number that all hosts have seen")
    timestamp: int = column("when the last of them had seen it; 0 without hosts")


class ReachedSince(Relation):
    """When the last host had seen the number that all have seen."""

    timestamp: int = column("in milliseconds since 1970")


@rule
def southbound_progress(row, number):
    """Hosts copy the number that stands in the southbound database."""
    SouthboundProgress(row, number) <= every(SouthboundRow(row)) & nb.NB_Global(nb_cfg=number)


@rule
def written(row, asked, stored):
    """What was asked for is done when its number is stored; a number that was never asked for is from another time."""
    Written(row, asked, stored) <= (
        nb.NB_Global(_uuid=row, nb_cfg=asked) & every(sb.SB_Global(nb_cfg=stored)) & (0 < stored <= asked)
    )


@rule
def host_progress(name, chassis, private, number, since):
    """Every host of this zone counts, also one that has lost its chassis row."""
    HostProgress(name, number, since) <= (
        sb.Chassis_Private.chassis(private, chassis)
        & ~Says(chassis, "is-remote")
        & sb.Chassis_Private(_uuid=private, name=name, nb_cfg=number, nb_cfg_timestamp=since)
    )
    HostProgress(name, number, since) <= (
        sb.Chassis_Private(name=name, chassis=(), nb_cfg=number, nb_cfg_timestamp=since)
    )


@rule
def lost_chassis(name):
    """What a host without a chassis row has seen can't be told."""
    Problem(f"Chassis_Private {name}", "has no chassis; hv_cfg waits for it until the row is deleted") <= (
        sb.Chassis_Private(name=name, chassis=())
    )


@rule
def least_progress(number):
    """The last host decides."""
    LeastProgress(min(number)) <= HostProgress(nb_cfg=number)


@rule
def all_hosts(row, asked, least):
    """Nobody is further than what was asked for, and without hosts nobody is behind."""
    AllHosts(row, min(asked, least)) <= nb.NB_Global(_uuid=row, nb_cfg=asked) & every(LeastProgress(least))
    AllHosts(row, asked) <= nb.NB_Global(_uuid=row, nb_cfg=asked) & ~LeastProgress(_)


@rule
def reached_since(number, since):
    """The time is that of the host that was last to see the number."""
    ReachedSince(max(since)) <= AllHosts(hv_cfg=number) & HostProgress(nb_cfg=number, timestamp=since)


@rule
def reached(row, number, since):
    """A number that no host has itself has no time."""
    Reached(row, number, since) <= AllHosts(row, number) & every(ReachedSince(since))
    Reached(row, number, 0) <= AllHosts(row, number) & ~ReachedSince(_)


SB_GLOBAL_CFG = Sink(
    relation="SouthboundProgress",
    database="sb",
    table="SB_Global",
    key=("_uuid",),
    columns={"_uuid": "row", "nb_cfg": "nb_cfg"},
    insert=False,
    delete=False,
    last=True,
)
NB_GLOBAL_SB_CFG = Sink(
    relation="Written",
    database="nb",
    table="NB_Global",
    key=("_uuid",),
    columns={"_uuid": "row", "sb_cfg": "sb_cfg"},
    along={"nb_cfg_timestamp": Clock("nb_cfg"), "sb_cfg_timestamp": Clock("sb_cfg")},
    insert=False,
    delete=False,
)
NB_GLOBAL_HV_CFG = Sink(
    relation="Reached",
    database="nb",
    table="NB_Global",
    key=("_uuid",),
    columns={"_uuid": "row", "hv_cfg": "hv_cfg"},
    along={"hv_cfg_timestamp": "timestamp"},
    insert=False,
    delete=False,
)
