"""DNS: hosts answer machines' requests for names that the northbound database knows.

The stages dns_lookup and dns_response of ovn-northd(8), and the southbound table DNS.
"""

from ovn_rules.engine import Relation, Uuid, collect, column, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.relations import DatapathRow, Group, GroupFlow

_ANSWER = "udp.dst = udp.src; udp.src = 53; outport = inport; flags.loopback = 1; output;"
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


class NamesOfSwitches(Relation):
    """Names that machines of some switches can ask for."""

    names: Uuid = column("the northbound DNS row")
    datapaths: tuple[Uuid, ...] = column("the Datapath_Binding rows of the switches")


class Names(Relation, key=("names",)):
    """A row of the southbound table DNS."""

    names: str = column("the northbound row's UUID")
    datapaths: tuple[Uuid, ...] = column("the Datapath_Binding rows of the switches")
    records: tuple[tuple[str, str], ...] = column("names and their addresses, those in lower case")


@pure
def lower(records: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Records with their values in lower case, as far as letters of ASCII go."""
    return tuple((name, value.translate(_LOWER)) for name, value in records)


@rule
def switches_with_names(switch, names, records):
    """A switch has names when one of its records has some."""
    Group("switches with DNS", switch) <= (
        nb.Logical_Switch.dns_records(switch, names) & nb.DNS(_uuid=names, records=records) & (records != ())
    )


@rule
def names(switch, names, row, datapaths, records):
    """Hosts know the names that some switch refers to, and the switches that do."""
    NamesOfSwitches(names, collect(row)) <= (nb.Logical_Switch.dns_records(switch, names) & DatapathRow(switch, row))
    Names(str(names), datapaths, lower(records)) <= (
        NamesOfSwitches(names, datapaths) & nb.DNS(_uuid=names, records=records)
    )


@rule
def asked():
    """A machine that asks for a name gets an answer from its host, if that knows the name."""
    GroupFlow("switches with DNS", "ls_in_dns_lookup", 100, "udp.dst == 53", "reg0[4] = dns_lookup(); next;", (), ())
    GroupFlow(
        "switches with DNS",
        "ls_in_dns_response",
        100,
        "udp.dst == 53 && reg0[4]",
        f"eth.dst <-> eth.src; ip4.src <-> ip4.dst; {_ANSWER}",
        (),
        (),
    )
    GroupFlow(
        "switches with DNS",
        "ls_in_dns_response",
        100,
        "udp.dst == 53 && reg0[4]",
        f"eth.dst <-> eth.src; ip6.src <-> ip6.dst; {_ANSWER}",
        (),
        (),
    )


@rule
def not_asked():
    """All other packets go on."""
    GroupFlow("switches", "ls_in_dns_lookup", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_dns_response", 0, "1", "next;", (), ())


DNS = Sink(
    relation="Names",
    database="sb",
    table="DNS",
    key=("external_ids:dns_id",),
    columns={"external_ids:dns_id": "names", "datapaths": "datapaths", "records": "records"},
)
