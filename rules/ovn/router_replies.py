"""lr_in_ip_input: what a router answers for its own addresses, as any host does."""

from ovn_rules.engine import _, every, pure, rule
from ovn_rules.rules.ovn.addresses import bare, solicited_node
from ovn_rules.rules.ovn.databases import nb
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, RouterPort
from ovn_rules.rules.ovn.text import constants, hint, quoted

INPUT = "lr_in_ip_input"

ARP_REPLY = (
    "eth.dst = eth.src; eth.src = xreg0[0..47]; arp.op = 2; /* ARP reply */ arp.tha = arp.sha; "
    "arp.sha = xreg0[0..47]; arp.tpa <-> arp.spa; outport = inport; flags.loopback = 1; output;"
)
ND_REPLY = (
    "nd_na_router { eth.src = xreg0[0..47]; ip6.src = nd.target; nd.tll = xreg0[0..47]; "
    "outport = inport; flags.loopback = 1; output; };"
)
ECHO_REPLY4 = "ip4.dst <-> ip4.src; ip.ttl = 255; icmp4.type = 0; flags.loopback = 1; next; "
ECHO_REPLY6 = "ip6.dst <-> ip6.src; ip.ttl = 255; icmp6.type = 129; flags.loopback = 1; next; "

REFUSALS4 = (
    (
        80,
        " && udp",
        "icmp4 {eth.dst <-> eth.src; ip4.dst <-> ip4.src; ip.ttl = 255; icmp4.type = 3; icmp4.code = 3; next; };",
    ),
    (80, " && tcp", "tcp_reset {eth.dst <-> eth.src; ip4.dst <-> ip4.src; next; };"),
    (80, " && sctp", "sctp_abort {eth.dst <-> eth.src; ip4.dst <-> ip4.src; next; };"),
    (70, "", "icmp4 {eth.dst <-> eth.src; ip4.dst <-> ip4.src; ip.ttl = 255; icmp4.type = 3; icmp4.code = 2; next; };"),
)
"""For packets to an IPv4 address of the router: priority, what else they are, and the answer.

Port unreachable, protocol unreachable (RFC 792), and how TCP and SCTP say so themselves.
"""

REFUSALS6 = (
    (
        80,
        " && udp",
        "icmp6 {eth.dst <-> eth.src; ip6.dst <-> ip6.src; ip.ttl = 255; icmp6.type = 1; icmp6.code = 4; next; };",
    ),
    (80, " && tcp", "tcp_reset {eth.dst <-> eth.src; ip6.dst <-> ip6.src; next; };"),
    (80, " && sctp", "sctp_abort {eth.dst <-> eth.src; ip6.dst <-> ip6.src; next; };"),
    (70, "", "icmp6 {eth.dst <-> eth.src; ip6.dst <-> ip6.src; ip.ttl = 255; icmp6.type = 1; icmp6.code = 3; next; };"),
)
"""The same for IPv6, RFC 4443 section 3.1; the last code is address unreachable."""


@rule
def reply_arp(router, port, name, v4, address, network, length):
    """Who is in a network of the port and asks for the port's address there is told."""
    Flow(
        router,
        INPUT,
        90,
        f"inport == {quoted(name)} && arp.op == 1 && arp.tpa == {address} && arp.spa == {network}/{length}",
        ARP_REPLY,
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, name=name, v4=v4) & ((address, network, length) in v4))


@pure
def solicits(name: str, address: str) -> str:
    """Matches neighbour solicitations for an IPv6 address of a router port."""
    group = solicited_node(address)
    return f"inport == {quoted(name)} && ip6.dst == {{{address}, {group}}} && nd_ns && nd.target == {address}"


@rule
def reply_solicitation(router, port, name, v6, address):
    """Who solicits an address of the port is told."""
    Flow(router, INPUT, 90, solicits(name, address), ND_REPLY, (), hint(port)) <= (
        RouterPort(port=port, router=router, name=name, v6=v6) & ((address, _, _) in v6)
    )


@rule
def reply_echo(router, port, v4, v6):
    """Echo requests to an address of the router are answered, whatever port they come from."""
    GroupFlow(
        str(router),
        INPUT,
        90,
        f"ip4.dst == {constants(bare(v4))} && icmp4.type == 8 && icmp4.code == 0",
        ECHO_REPLY4,
        (),
        hint(port),
    ) <= (RouterPort(port=port, router=router, v4=v4) & (v4 != ()))
    GroupFlow(
        str(router),
        INPUT,
        90,
        f"ip6.dst == {constants(bare(v6))} && icmp6.type == 128 && icmp6.code == 0",
        ECHO_REPLY6,
        (),
        hint(port),
    ) <= RouterPort(port=port, router=router, v6=v6)


@rule
def take_prefix(router, v6, address):
    """What a DHCPv6 server says to an address of the router goes to ovn-controller."""
    GroupFlow(
        str(router),
        INPUT,
        100,
        f"ip6.dst == {address} && udp.src == 547 && udp.dst == 546",
        "reg0 = 0; handle_dhcpv6_reply;",
        (),
        (),
    ) <= (RouterPort(router=router, v6=v6) & ((address, _, _) in v6))


@rule
def refuse(router, port, v4, v6, address, priority, what, answer):
    """A router serves nothing else, and says so to whoever tries; a gateway router doesn't."""
    GroupFlow(
        str(router), INPUT, priority, f"ip4 && ip4.dst == {address} && !ip.later_frag{what}", answer, (), hint(port)
    ) <= (
        RouterPort(port=port, router=router, v4=v4)
        & ~nb.Logical_Router.options(router, "chassis", _)
        & ((address, _, _) in v4)
        & ((priority, what, answer) in REFUSALS4)
    )
    GroupFlow(
        str(router), INPUT, priority, f"ip6 && ip6.dst == {address} && !ip.later_frag{what}", answer, (), hint(port)
    ) <= (
        RouterPort(port=port, router=router, v6=v6)
        & ~nb.Logical_Router.options(router, "chassis", _)
        & ((address, _, _) in v6)
        & ((priority, what, answer) in REFUSALS6)
    )


@rule
def drop_own(router, port, v4, v6, drop):
    """What else is to the router itself isn't forwarded."""
    GroupFlow(str(router), INPUT, 60, f"ip4.dst == {{{', '.join(bare(v4))}}}", drop, (), hint(port)) <= (
        RouterPort(port=port, router=router, v4=v4) & (v4 != ()) & every(DropAction(drop, _))
    )
    GroupFlow(str(router), INPUT, 60, f"ip6.dst == {{{', '.join(bare(v6))}}}", drop, (), hint(port)) <= (
        RouterPort(port=port, router=router, v6=v6) & every(DropAction(drop, _))
    )
