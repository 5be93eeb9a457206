"""What hosts must know of a router port: its peer, and the router advertisements that it sends by itself, ovn-sb(5)."""

from ovn_rules.engine import Relation, Uuid, _, collect, column, pure, rule
from ovn_rules.rules.ovn.addresses import Network, is_link_local
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options, flag, whole
from ovn_rules.rules.ovn.relations import Attached, RouterPeer, RouterPort, SwitchPort
from ovn_rules.rules.ovn.router_advertisements import MODES, Advertiser, prefixes


class PatchPeer(Relation):
    """The switch port that a router port is connected to."""

    port: Uuid = column("the router port")
    name: str = column("the switch port's name; of several that name the router port, the first")


class LinkOption(Relation):
    """An option of a router port's row."""

    port: Uuid = column("the router port")
    key: str = column("its name")
    value: str = column("its value")


class LinkOptions(Relation):
    """The options of a router port's row."""

    port: Uuid = column("the router port")
    options: Options = column("names and values")


@pure
def periodic(configs: Options, mac: str, v6: tuple[Network, ...]) -> Options:
    """Options for router advertisements that a host sends by itself, at intervals within the bounds of RFC 4861."""
    config = dict(configs)
    longest = min(max(whole(config.get("max_interval", ""), 600), 4), 1800)
    usual = longest // 3 if longest >= 9 else longest * 3 // 4
    shortest = max(min(whole(config.get("min_interval", ""), usual), longest * 3 // 4), 3)
    mtu = whole(config.get("mtu", ""), 0)
    preference = config.get("router_preference")
    options = {
        "ipv6_ra_send_periodic": "true",
        "ipv6_ra_address_mode": config["address_mode"],
        "ipv6_ra_max_interval": str(longest),
        "ipv6_ra_min_interval": str(shortest),
        "ipv6_ra_prefixes": " ".join(prefixes(v6)),
        "ipv6_ra_src_addr": min(address for address, network, _length in v6 if is_link_local(network)),
        "ipv6_ra_src_eth": mac,
        "ipv6_ra_prf": preference if preference in ("HIGH", "LOW") else "MEDIUM",
    }
    if mtu >= 1280:
        options["ipv6_ra_mtu"] = str(mtu)
    for key in ("rdnss", "dnssl", "route_info"):
        if key in config:
            options[f"ipv6_ra_{key}"] = config[key]
    return tuple(options.items())


@rule
def patch_peer(port, end, name):
    """A router port's peer on a switch is the port that names it."""
    PatchPeer(port, min(name)) <= Attached(end, port) & SwitchPort(port=end, name=name)


@rule
def peer(port, end, name):
    """A patch has two ends; the router port that a router port names goes before a switch port."""
    LinkOption(port, "peer", name) <= RouterPeer(port, end) & RouterPort(port=end, name=name)
    LinkOption(port, "peer", name) <= PatchPeer(port, name) & ~RouterPeer(port, _)


@rule
def advertising(port, mode, mac, v6, configs, key, value):
    """A router port that is to advertise itself without being asked tells its hosts what."""
    LinkOption(port, key, value) <= (
        Advertiser(port, mode)
        & (mode in MODES)
        & nb.Logical_Router_Port(_uuid=port, ipv6_ra_configs=configs)
        & flag(configs, "send_periodic")
        & RouterPort(port=port, mac=mac, v6=v6)
        & ((key, value) in periodic(configs, mac, v6))
    )


@rule
def link_options(port, key, value):
    """All options of a router port's row."""
    LinkOptions(port, collect((key, value))) <= LinkOption(port, key, value)
    LinkOptions(port, ()) <= RouterPort(port=port) & ~LinkOption(port, _, _)
