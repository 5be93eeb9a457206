"""lr_in_nd_ra_options and lr_in_nd_ra_response: router advertisements for those who solicit them, RFC 4861.

What they say is in ipv6_ra_configs of Logical_Router_Port, ovn-nb(5).
"""

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.addresses import Network, is_link_local, link_local
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options, leading_number
from ovn_rules.rules.ovn.relations import Attached, Flow, GroupFlow, Problem, RouterPort
from ovn_rules.rules.ovn.text import hint, quoted

OPTIONS = "lr_in_nd_ra_options"
RESPONSE = "lr_in_nd_ra_response"

MODES = ("slaac", "dhcpv6_stateful", "dhcpv6_stateless")
"""How machines get their addresses: made from the prefix, or from DHCPv6, or the rest from DHCPv6."""


class Advertiser(Relation):
    """A router port of a switch that is asked to advertise itself."""

    port: Uuid = column("the router port")
    mode: str = column("address_mode, which need not be one of those that there are")


@pure
def prefixes(v6: tuple[Network, ...]) -> tuple[str, ...]:
    """The networks that machines may have addresses in: all but those of one link only."""
    return tuple(f"{network}/{length}" for _address, network, length in v6 if not is_link_local(network))


@pure
def advertisement(mac: str, configs: Options, announced: tuple[str, ...]) -> str:
    """The arguments of put_nd_ra_opts, ovn-sb(5): a link's greatest length is said from 1280 bytes, RFC 8200."""
    config = dict(configs)
    mtu = leading_number(config.get("mtu", ""))
    preference = config.get("router_preference", "MEDIUM")
    options = [f'addr_mode = "{config["address_mode"]}"', f"slla = {mac}"]
    if mtu >= 1280:
        options.append(f"mtu = {mtu}")
    if preference != "MEDIUM":
        options.append(f'router_preference = "{preference}"')
    if "rdnss" in config:
        options.append(f"rdnss = {config['rdnss']}")
    options += [f'{key} = "{config[key]}"' for key in ("dnssl", "route_info") if key in config]
    return ", ".join((*options, *(f"prefix = {prefix}" for prefix in announced)))


@rule
def advertiser(port, mode):
    """A router port advertises itself on its switch if address_mode is given; towards another router it doesn't."""
    Advertiser(port, mode) <= (
        nb.Logical_Router_Port.ipv6_ra_configs(port, "address_mode", mode)
        & nb.Logical_Router_Port(_uuid=port, peer=())
        & Attached(router_port=port)
    )


@rule
def unknown_mode(port, name, mode):
    """A router port whose address_mode is none of the three advertises nothing."""
    Problem(
        f"router port {name}",
        f"no router advertisements: address_mode is {mode}, and should be slaac, dhcpv6_stateful or dhcpv6_stateless",
    ) <= (Advertiser(port, mode) & (mode not in MODES) & RouterPort(port=port, name=name))


@rule
def advertise(router, port, name, mac, v6, mode, configs, announced):
    """A solicitation becomes an advertisement, if the port has a network that machines may have addresses in."""
    Flow(
        router,
        OPTIONS,
        50,
        f"inport == {quoted(name)} && ip6.dst == ff02::2 && nd_rs",
        f"reg0[5] = put_nd_ra_opts({advertisement(mac, configs, announced)}); next;",
        (),
        hint(port),
    ) <= (
        Advertiser(port, mode)
        & (mode in MODES)
        & RouterPort(port=port, router=router, name=name, mac=mac, v6=v6)
        & nb.Logical_Router_Port(_uuid=port, ipv6_ra_configs=configs)
        & (announced == prefixes(v6))
        & (announced != ())
    )


@rule
def respond(router, port, name, mac, v6, mode):
    """The advertisement goes back to who solicited it, from the port's link-local address."""
    Flow(
        router,
        RESPONSE,
        50,
        f"inport == {quoted(name)} && ip6.dst == ff02::2 && nd_ra && reg0[5]",
        f"eth.dst = eth.src; eth.src = {mac}; ip6.dst = ip6.src; ip6.src = {link_local(mac)}; "
        "outport = inport; flags.loopback = 1; output;",
        (),
        hint(port),
    ) <= (
        Advertiser(port, mode)
        & (mode in MODES)
        & RouterPort(port=port, router=router, name=name, mac=mac, v6=v6)
        & (prefixes(v6) != ())
    )


@rule
def advertise_nothing_else():
    """All other packets pass."""
    GroupFlow("routers", OPTIONS, 0, "1", "next;", (), ())
    GroupFlow("routers", RESPONSE, 0, "1", "next;", (), ())
