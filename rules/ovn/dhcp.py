"""DHCP: hosts answer machines' requests themselves, from the options that the northbound database has for their ports.

The stages dhcp_options and dhcp_response of ovn-northd(8); the options are those of ovn-nb(5), table DHCP_Options.
"""

from operator import eq, gt, itemgetter, lt

from ovn_rules.engine import Relation, Uuid, _, column, pure, rule
from ovn_rules.rules.ovn.addresses import link_local, mac_of, mask_of, network_of, number_of
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.options import Options, is_true
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, PortAddress, Problem, SwitchPort
from ovn_rules.rules.ovn.switch_links import LocalnetPort
from ovn_rules.rules.ovn.text import hint, quoted

Step = tuple[str, str, str]
"""A flow's stage, match and actions."""

Said = tuple[str, str, str, str, str]
"""A DHCPv4 server's IP and Ethernet address as they are given, and its options in order, with a comma before each.

They are those before a host name, the host name for all if there is one, and those after it.
"""

SaidV6 = tuple[str, str, bool, str]
"""A DHCPv6 server's link-local address, Ethernet address as it is given, whether it gives addresses, its options."""

_NEEDED_V4 = ("server_id", "server_mac", "lease_time")


class ServerV4(Relation, key=("options",)):
    """What a DHCPv4 server says to all its clients."""

    options: Uuid = column("the DHCP_Options row")
    network: int = column("its subnet")
    mask: int = column("the bits that a client's address has in common with the subnet")
    said: Said = column("its addresses and options")


class ServerV6(Relation, key=("options",)):
    """What a DHCPv6 server says to all its clients."""

    options: Uuid = column("the DHCP_Options row")
    network: int = column("its subnet")
    mask: int = column("the bits that a client's address has in common with the subnet")
    said: SaidV6 = column("its addresses and options")


class Client(Relation):
    """A switch port that may ask by DHCP, and where its requests come in."""

    port: Uuid = column("the port")
    switch: Uuid = column("its switch")
    inport: str = column("the port at which requests are seen")
    where: str = column("what limits a match to the host that is to answer, with && before it; empty without a limit")


# -- what servers say ----------------------------------------------------------------------------------------------


@pure
def subnet(cidr: str, family: int) -> tuple[tuple[int, int, str], ...]:
    """The subnet and the mask of ``ADDRESS[/LENGTH]``, and the IPv4 mask as text; empty when it can't be read.

    An IPv4 mask may have any bits.
    """
    address, _slash, length = cidr.partition("/")
    any_mask = family == 4 and "." in length
    found = network_of(address if any_mask else cidr)
    masks = network_of(length) if any_mask else found
    if not found or not masks or (":" in found[0][0]) != (family == 6):
        return ()
    if family == 6:
        bits, mask = (1 << 128) - (1 << (128 - found[0][2])), ""
    else:
        mask = masks[0][0] if any_mask else mask_of(found[0][2])
        bits = number_of(mask)
    return ((number_of(found[0][0]) & bits, bits, mask),)


@pure
def said_v4(options: Options, mask: str) -> tuple[Said, ...]:
    """What a server with these options says; empty when a necessary one is missing."""
    given = dict(options)
    if not all(key in given for key in _NEEDED_V4):
        return ()
    pairs = sorted((("netmask", mask), *(p for p in options if p[0] != "server_mac")), key=itemgetter(0))
    before, hostname, after = (
        "".join(f", {key} = {value}" for key, value in pairs if order(key, "hostname")) for order in (lt, eq, gt)
    )
    return ((given["server_id"], given["server_mac"], before, hostname, after),)


@pure
def said_v6(options: Options) -> tuple[SaidV6, ...]:
    """What a server with these options says; empty when its own address doesn't follow from them."""
    given = dict(options)
    mac = given.get("server_id", "")
    if not mac_of(mac):
        return ()
    stateless = given.pop("dhcpv6_stateless", "")
    text = ", ".join(f"{key} = {value}" for key, value in given.items())
    return ((link_local(mac_of(mac)), mac, not is_true(stateless), text),)


@rule
def server_v4(options, cidr, pairs, network, mask, text, said):
    """A server is one when its subnet can be read and it says its addresses and the time of a lease."""
    ServerV4(options, network, mask, said) <= (
        nb.DHCP_Options(_uuid=options, cidr=cidr, options=pairs)
        & ((network, mask, text) in subnet(cidr, 4))
        & (said in said_v4(pairs, text))
    )


@rule
def server_v6(options, cidr, pairs, network, mask, said):
    """A server is one when its subnet and its Ethernet address, from which its own address follows, can be read."""
    ServerV6(options, network, mask, said) <= (
        nb.DHCP_Options(_uuid=options, cidr=cidr, options=pairs)
        & ((network, mask, _) in subnet(cidr, 6))
        & (said in said_v6(pairs))
    )


# -- who asks ------------------------------------------------------------------------------------------------------


@rule
def client(port, switch, name, kind, v4, v6):
    """A machine asks at its own port."""
    Client(port, switch, name, "") <= (
        nb.Logical_Switch_Port(_uuid=port, dhcpv4_options=v4, dhcpv6_options=v6)
        & (v4 + v6 != ())
        & SwitchPort(port, switch, name, kind, True)
        & (kind not in ("router", "external"))
    )


@rule
def external_client(port, switch, name, localnet):
    """What a machine on the physical network asks is seen by many hosts; the one that has claimed its port answers."""
    Client(port, switch, localnet, f" && is_chassis_resident({quoted(name)})") <= (
        SwitchPort(port, switch, name, "external", True)
        & nb.Logical_Switch_Port.ha_chassis_group(port, _)
        & LocalnetPort(switch=switch, name=localnet)
    )


# -- flows ---------------------------------------------------------------------------------------------------------


@pure
def offered(addresses: tuple[str, ...], network: int, mask: int) -> tuple[str, ...]:
    """The first of a machine's addresses that is in the server's subnet."""
    return tuple(address for address in addresses if number_of(address) & mask == network)[:1]


@pure
def flows_v4(inport: str, eth: str, where: str, offer: str, said: Said, own: Options) -> tuple[Step, ...]:
    """Stage, match and actions of a client's three flows.

    Args:
        inport: The port at which its requests are seen.
        eth: Its Ethernet address.
        where: What limits matches to the host that is to answer.
        offer: The address that it gets.
        said: What the server says.
        own: Options of its port, of which a host name counts more than that for all.
    """
    address, mac, before, hostname, after = said
    hostname = next((f", hostname = {value}" for key, value in own if key == "hostname"), hostname)
    options = f"reg0[3] = put_dhcp_opts(offerip = {offer}{before}{hostname}{after}); next;"
    place = f"inport == {quoted(inport)} && eth.src == {eth}"
    ports = "udp.src == 68 && udp.dst == 67"
    first = f"{place} && ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255 && {ports}{where}"
    renewal = f"{place} && ip4.src == {offer} && ip4.dst == {{{address}, 255.255.255.255}} && {ports}{where}"
    response = (
        f"eth.dst = eth.src; eth.src = {mac}; ip4.src = {address}; udp.src = 67; udp.dst = 68; "
        "outport = inport; flags.loopback = 1; output;"
    )
    return (
        ("ls_in_dhcp_options", first, options),
        ("ls_in_dhcp_options", renewal, options),
        ("ls_in_dhcp_response", f"{place} && ip4 && {ports} && reg0[3]{where}", response),
    )


@pure
def flows_v6(inport: str, eth: str, where: str, offer: str, said: SaidV6) -> tuple[Step, ...]:
    """Stage, match and actions of a client's two flows, from what ``flows_v4`` takes."""
    address, mac, stateful, options = said
    match = f"inport == {quoted(inport)} && eth.src == {eth}"
    match = f"{match} && ip6.dst == ff02::1:2 && udp.src == 546 && udp.dst == 547{where}"
    given = f"ia_addr = {offer}, " if stateful else ""
    response = (
        f"eth.dst = eth.src; eth.src = {mac}; ip6.dst = ip6.src; ip6.src = {address}; udp.src = 547; "
        "udp.dst = 546; outport = inport; flags.loopback = 1; output;"
    )
    return (
        ("ls_in_dhcp_options", match, f"reg0[3] = put_dhcpv6_opts({given}{options}); next;"),
        ("ls_in_dhcp_response", f"{match} && reg0[3]", response),
    )


@rule
def dhcp_v4(port, switch, inport, where, options, network, mask, said, own, eth, v4, offer, stage, match, actions):
    """A machine that asks by DHCPv4 gets its address and the server's options from the host that sees the request."""
    Flow(switch, stage, 100, match, actions, (), hint(options)) <= (
        Client(port, switch, inport, where)
        & nb.Logical_Switch_Port.dhcpv4_options(port, options)
        & ServerV4(options, network, mask, said)
        & nb.Logical_Switch_Port(_uuid=port, options=own)
        & PortAddress(port=port, mac=eth, v4=v4)
        & (offer in offered(v4, network, mask))
        & ((stage, match, actions) in flows_v4(inport, eth, where, offer, said, own))
    )


@rule
def dhcp_v6(port, switch, inport, where, options, network, mask, said, eth, v6, offer, stage, match, actions):
    """A machine that asks by DHCPv6 gets the server's options, and its address if the server gives any."""
    Flow(switch, stage, 100, match, actions, (), hint(options)) <= (
        Client(port, switch, inport, where)
        & nb.Logical_Switch_Port.dhcpv6_options(port, options)
        & ServerV6(options, network, mask, said)
        & PortAddress(port=port, mac=eth, v6=v6)
        & (offer in offered(v6, network, mask))
        & ((stage, match, actions) in flows_v6(inport, eth, where, offer, said))
    )


@rule
def no_dhcp():
    """All other packets go on."""
    GroupFlow("switches", "ls_in_dhcp_options", 0, "1", "next;", (), ())
    GroupFlow("switches", "ls_in_dhcp_response", 0, "1", "next;", (), ())


# -- for the administrator -------------------------------------------------------------------------------------------


@rule
def useless_server(options, cidr):
    """A server that can't answer is no server."""
    Problem(
        f"DHCP_Options {cidr}",
        "can't answer DHCPv4: it needs an IPv4 subnet as cidr, server_id, server_mac and lease_time",
    ) <= (
        nb.Logical_Switch_Port.dhcpv4_options(_, options)
        & ~ServerV4(options=options)
        & nb.DHCP_Options(_uuid=options, cidr=cidr)
    )
    Problem(
        f"DHCP_Options {cidr}",
        "can't answer DHCPv6: it needs an IPv6 subnet as cidr, and an Ethernet address as server_id",
    ) <= (
        nb.Logical_Switch_Port.dhcpv6_options(_, options)
        & ~ServerV6(options=options)
        & nb.DHCP_Options(_uuid=options, cidr=cidr)
    )
