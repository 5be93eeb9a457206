"""Meter and Meter_Band of ovn-sb(5): northbound meters, and those that ACLs have of fair ones for their logs."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.acls import FairMeter
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.text import made_row

Band = tuple[int, int, str]
"""Rate, burst size, action."""

Bands = tuple[tuple[int, int, str, Uuid], ...]
"""Rate, burst size, action and row of each."""


class WantedMeter(Relation):
    """A meter that hosts are to have."""

    name: str = column("its name")
    original: Uuid = column("the northbound meter")


class AclMeter(Relation):
    """A meter that an ACL has to itself."""

    name: str = column("its name")
    original: Uuid = column("the fair meter that the ACL names")


class OwnBands(Relation):
    """The bands of a northbound meter."""

    meter: Uuid = column("the meter")
    bands: Bands = column("its bands, in order")


class StoredBands(Relation):
    """The bands of a southbound meter."""

    meter: str = column("the meter's name")
    bands: Bands = column("its bands, in order")


class MeterBands(Relation, key=("name",)):
    """The bands that a southbound meter is to have."""

    name: str = column("the meter's name")
    bands: Bands = column("its bands, in order")


class SharedBand(Relation, key=("row",)):
    """A row of the southbound table Meter_Band."""

    row: Uuid = column("its UUID")
    rate: int = column("in the meter's unit")
    burst_size: int = column("likewise, 0 for the default")
    action: str = column("drop")


class SharedMeter(Relation, key=("name",)):
    """A row of the southbound table Meter."""

    name: str = column("what log and controller_meter call it")
    unit: str = column("kbps or pktps")
    bands: tuple[Uuid, ...] = column("Meter_Band rows")


@pure
def contents(bands: Bands) -> tuple[Band, ...]:
    """Bands without their rows, in order."""
    return tuple(band[:3] for band in bands)


@pure
def with_rows(bands: Bands, name: str) -> Bands:
    """Bands with rows that are those of a meter of this name only."""
    return tuple((*band[:3], made_row((name, str(band[3])))) for band in bands)


@rule
def wanted_meter(meter, name, acl):
    """Hosts have every northbound meter; of a fair one, each ACL that names it has one to itself."""
    AclMeter(f"{name}__{acl}", meter) <= nb.ACL.meter(acl, name) & FairMeter(name) & nb.Meter(_uuid=meter, name=name)
    WantedMeter(name, meter) <= AclMeter(name, meter)
    WantedMeter(name, meter) <= nb.Meter(_uuid=meter, name=name) & ~AclMeter(name=name)


@rule
def own_bands(meter, band, rate, burst, action):
    """What a northbound meter says."""
    OwnBands(meter, collect((rate, burst, action, band))) <= (
        nb.Meter.bands(meter, band) & nb.Meter_Band(_uuid=band, rate=rate, burst_size=burst, action=action)
    )


@rule
def stored_bands(meter, name, band, rate, burst, action):
    """What is stored of a meter that hosts are to have."""
    StoredBands(name, collect((rate, burst, action, band))) <= (
        sb.Meter(_uuid=meter, name=name)
        & sb.Meter.bands(meter, band)
        & sb.Meter_Band(_uuid=band, rate=rate, burst_size=burst, action=action)
    )


@rule
def meter_bands(name, meter, wanted, stored):
    """Bands that are stored as they should be keep their rows."""
    MeterBands(name, stored) <= (
        WantedMeter(name, meter)
        & OwnBands(meter, wanted)
        & StoredBands(name, stored)
        & (contents(stored) == contents(wanted))
    )
    MeterBands(name, with_rows(wanted, name)) <= (
        WantedMeter(name, meter)
        & OwnBands(meter, wanted)
        & StoredBands(name, stored)
        & (contents(stored) != contents(wanted))
    )
    MeterBands(name, with_rows(wanted, name)) <= (
        WantedMeter(name, meter) & OwnBands(meter, wanted) & ~StoredBands(name, _)
    )


@rule
def shared_meter(name, meter, unit, bands, row, rate, burst, action):
    """A southbound meter has the unit and the bands of the northbound one."""
    SharedMeter(name, unit, tuple(band[3] for band in bands)) <= (
        MeterBands(name, bands) & WantedMeter(name, meter) & nb.Meter(_uuid=meter, unit=unit)
    )
    SharedBand(row, rate, burst, action) <= MeterBands(_, bands) & ((rate, burst, action, row) in bands)


METER_BAND = Sink(
    relation="SharedBand",
    database="sb",
    table="Meter_Band",
    key=("_uuid",),
    columns={"_uuid": "row", "rate": "rate", "burst_size": "burst_size", "action": "action"},
)
METER = Sink(
    relation="SharedMeter",
    database="sb",
    table="Meter",
    key=("name",),
    columns={"name": "name", "unit": "unit", "bands": "bands"},
)
