"""Settings of the whole network: NB_Global as ovn-northd completes it, SB_Global, and what all chassis are able to."""

import re
from hashlib import sha256

from ovn_rules.engine import Relation, Uuid, _, collect, column, every, pure, rule
from ovn_rules.engine.sinks import Sink
from ovn_rules.rules.ovn.addresses import mac_of
from ovn_rules.rules.ovn.databases import nb, sb
from ovn_rules.rules.ovn.options import Options, is_true
from ovn_rules.rules.ovn.relations import Lacking, Option

VERSION = "23.03.1-20.27.0-70.6"
"""The version that hosts with ``ovn-match-northd-version`` wait for, ovn-controller(8)."""

FEATURES = ("ct-no-masked-label", "ovn-ct-lb-related")
"""What ovn-controller says in its chassis' other_config, and flows depend on."""

OWN = ("mac_prefix", "max_tunid", "northd_internal_version", "svc_monitor_mac")
"""Options of NB_Global that ovn-northd writes."""

_PREFIX = re.compile(r"\s*" + r":\s*".join([r"[+-]?(?:0[xX])?([0-9a-fA-F]+)"] * 3), re.ASCII)


class KeyLimit(Relation):
    """How far tunnel keys of datapaths go."""

    most: int = column("the greatest")


class OwnSettings(Relation, key=("row",)):
    """What this program writes in NB_Global: what is stored there, where it will do."""

    row: Uuid = column("the row")
    mac_prefix: str = column("the first three bytes of Ethernet addresses that are made up")
    svc_monitor_mac: str = column("the Ethernet address that asks load balancers' backends for their health")
    max_tunid: str = column("how far tunnel keys of datapaths go")
    version: str = column("the version of the program")


class Absent(Relation):
    """NB_Global has no row yet."""

    nb_cfg: int = column("what the row is to begin with")


class Says(Relation):
    """A yes in a chassis' other_config."""

    chassis: Uuid = column("the chassis")
    key: str = column("to what")


class SharedOption(Relation):
    """An option that all hosts are to know."""

    key: str = column("its name")
    value: str = column("its value")


class SharedOptions(Relation):
    """All options that all hosts are to know."""

    options: Options = column("names and values")


class SouthboundRow(Relation):
    """The row of SB_Global."""

    row: Uuid = column("the stored one, or one that is to be made")


class SouthboundGlobal(Relation, key=("row",)):
    """What all hosts are to know of the network as a whole."""

    row: Uuid = column("the row of SB_Global")
    options: Options = column("the northbound options, those that this program sets included")
    ipsec: bool = column("whether tunnels are encrypted")


@pure
def mac_prefix(options: Options, row: Uuid) -> str:
    """The prefix that the options say, of which the lowest byte of each number counts; else one made from the UUID."""
    found = _PREFIX.match(dict(options).get("mac_prefix", ""))
    octets = [int(digits, 16) & 0xFF for digits in found.groups()] if found else []
    return ":".join(f"{octet:02x}" for octet in octets) if any(octets) else made_up("mac_prefix", row)[:8]


@pure
def monitor_mac(options: Options, row: Uuid) -> str:
    """The Ethernet address that the options say, as it is written there; else one made from the UUID."""
    text = dict(options).get("svc_monitor_mac", "")
    return text if mac_of(text) else made_up("svc_monitor_mac", row)


@pure
def made_up(use: str, row: Uuid) -> str:
    """An Ethernet address that is nobody's: locally administered, not multicast; always the same for the same row."""
    octets = sha256(f"{use} {row}".encode()).digest()[:6]
    return ":".join(f"{octet:02x}" for octet in (octets[0] & 0xFE | 2, *octets[1:]))


@rule
def absent():
    """A northbound database that nobody has set up gets its global row."""
    Absent(0) <= ~nb.NB_Global(_uuid=_)


@rule
def key_limit():
    """The rest of 24 bits is for OVN Interconnection; VXLAN tunnels have 12 bits for a datapath."""
    KeyLimit(4095) <= sb.Encap(type="vxlan")
    KeyLimit(16711680) <= ~sb.Encap(type="vxlan")


@rule
def own_settings(row, options, most):
    """What is random is made once, from the row's UUID, unless it is given."""
    OwnSettings(row, mac_prefix(options, row), monitor_mac(options, row), str(most), VERSION) <= (
        nb.NB_Global(_uuid=row, options=options) & every(KeyLimit(most))
    )


@rule
def option(key, value):
    """Rules go by what administrators say, completed."""
    Option(key, value) <= nb.NB_Global.options(_, key, value) & (key not in OWN)
    Option("mac_prefix", value) <= OwnSettings(mac_prefix=value)
    Option("svc_monitor_mac", value) <= OwnSettings(svc_monitor_mac=value)
    Option("max_tunid", value) <= OwnSettings(max_tunid=value)
    Option("northd_internal_version", value) <= OwnSettings(version=value)


@rule
def says(chassis, key, text):
    """What isn't affirmed counts as denied."""
    Says(chassis, key) <= sb.Chassis.other_config(chassis, key, text) & is_true(text)


@rule
def lacking(chassis, feature):
    """What one host of this zone isn't able to, flows must do without."""
    Lacking(feature) <= (
        sb.Chassis(_uuid=chassis) & ~Says(chassis, "is-remote") & (feature in FEATURES) & ~Says(chassis, feature)
    )


@rule
def shared_options(key, value):
    """All options go to the hosts; they are told when connection tracking must do without marks for hairpins."""
    SharedOption(key, value) <= Option(key, value) & (key != "lb_hairpin_use_ct_mark")
    SharedOption("lb_hairpin_use_ct_mark", "false") <= Lacking("ct-no-masked-label")
    SharedOptions(collect((key, value))) <= SharedOption(key, value)


@rule
def southbound_row(row):
    """There is one row; the first one gets the UUID of the northbound one."""
    SouthboundRow(row) <= sb.SB_Global(_uuid=row)
    SouthboundRow(row) <= nb.NB_Global(_uuid=row) & ~sb.SB_Global(_uuid=_)


@rule
def southbound_global(row, options, ipsec):
    """The southbound row follows the northbound one."""
    SouthboundGlobal(row, options, ipsec) <= (
        every(SouthboundRow(row)) & every(SharedOptions(options)) & nb.NB_Global(ipsec=ipsec)
    )


NB_GLOBAL_ROW = Sink(
    relation="Absent",
    database="nb",
    table="NB_Global",
    key=("nb_cfg",),
    columns={"nb_cfg": "nb_cfg"},
    delete=False,
)
NB_GLOBAL = Sink(
    relation="OwnSettings",
    database="nb",
    table="NB_Global",
    key=("_uuid",),
    columns={
        "_uuid": "row",
        "options:mac_prefix": "mac_prefix",
        "options:svc_monitor_mac": "svc_monitor_mac",
        "options:max_tunid": "max_tunid",
        "options:northd_internal_version": "version",
    },
    insert=False,
    delete=False,
)
SB_GLOBAL = Sink(
    relation="SouthboundGlobal",
    database="sb",
    table="SB_Global",
    key=("_uuid",),
    columns={"_uuid": "row", "options": "options", "ipsec": "ipsec"},
    delete=False,
)
