"""External ports: machines that are on a switch's physical network, and the one host that routes for each.

The stage external_port of ovn-northd(8).
"""

from ovn_rules.engine import _, every, pure, rule
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, PortAddress, SwitchPort
from ovn_rules.rules.ovn.switch_links import LocalnetPort, RouterLink
from ovn_rules.rules.ovn.switch_responder import questions
from ovn_rules.rules.ovn.text import hint, quoted


@pure
def to_router(mac: str, v4: tuple[str, ...], v6: tuple[str, ...], elsewhere: str) -> tuple[str, ...]:
    """Matches of what a machine sends to a router: requests for its addresses, and packets that it shall route.

    Args:
        mac: The router port's Ethernet address.
        v4: Its IPv4 addresses.
        v6: Its IPv6 addresses.
        elsewhere: The match of hosts that the machine's port isn't claimed by.
    """
    return (
        *(f"{elsewhere} && {question}" for question in questions(v4, v6)),
        f"eth.dst == {mac} && {elsewhere}",
    )


@rule
def elsewhere(port, switch, name, mac, localnet, link, router_mac, v4, v6, match, drop):
    """What a machine on the physical network sends to a router reaches all hosts, and one of them shall route it."""
    Flow(
        switch,
        "ls_in_external_port",
        100,
        f"inport == {quoted(localnet)} && eth.src == {mac} && {match}",
        drop,
        (),
        hint(port),
    ) <= (
        SwitchPort(port=port, switch=switch, name=name, type="external")
        & PortAddress(port=port, mac=mac)
        & LocalnetPort(switch=switch, name=localnet)
        & RouterLink(switch=switch, port=link)
        & PortAddress(link, router_mac, v4, v6)
        & (match in to_router(router_mac, v4, v6, f"!is_chassis_resident({quoted(name)})"))
        & every(DropAction(drop, _))
    )


@rule
def not_elsewhere():
    """All other packets go on."""
    GroupFlow("switches", "ls_in_external_port", 0, "1", "next;", (), ())
