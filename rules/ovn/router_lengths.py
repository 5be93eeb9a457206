"""lr_in_chk_pkt_len, lr_in_larger_pkts and lr_in_gw_redirect: packets too long for the port that they leave through."""

from ovn_rules.engine import Relation, Uuid, column, pure, rule
from ovn_rules.rules.ovn.relations import Flow, GroupFlow, RouterPort
from ovn_rules.rules.ovn.router_mtu import LengthBypass, LengthCheck, PortMtu, fragmentation_needed, packet_too_big
from ovn_rules.rules.ovn.text import hint, quoted


class MeasuredPort(Relation):
    """A router port with gateway_mtu. Few routers have any, so that other ports find none to be compared with."""

    router: Uuid = column("its router")
    port: Uuid = column("the router port")
    name: str = column("its name")
    mtu: int = column("bytes, without the Ethernet header")


@pure
def too_long_for(name: str, out: str, version: int) -> str:
    """Matches marked packets from one router port to another, unless they come around a second time."""
    return f"inport == {quoted(name)} && outport == {quoted(out)} && ip{version} && reg9[1] && reg9[0] == 0"


@rule
def let_pass():
    """Packets pass whatever their length, and leave through the port that routing chose."""
    GroupFlow("routers", "lr_in_chk_pkt_len", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_in_larger_pkts", 0, "1", "next;", (), ())
    GroupFlow("routers", "lr_in_gw_redirect", 0, "1", "next;", (), ())


@rule
def measure(router, port, name, check, bypass):
    """What leaves through a port with gateway_mtu is measured, unless gateway_mtu_bypass matches it."""
    Flow(router, "lr_in_chk_pkt_len", 50, f"outport == {quoted(name)}", f"{check}next;", (), hint(port)) <= (
        LengthCheck(port, check) & RouterPort(port=port, router=router, name=name)
    )
    Flow(router, "lr_in_chk_pkt_len", 55, f"outport == {quoted(name)} && {bypass}", "next;", (), hint(port)) <= (
        LengthBypass(port, bypass) & RouterPort(port=port, router=router, name=name)
    )


@rule
def measured_port(router, port, name, mtu):
    """What is to leave through a port with gateway_mtu is compared with it."""
    MeasuredPort(router, port, name, mtu) <= PortMtu(port, mtu) & RouterPort(port=port, router=router, name=name)


@rule
def too_long_for_port(router, out, out_name, mtu, port, name, mac, v4, v6):
    """What is too long for the port it would leave through is answered from the port that it came through."""
    Flow(
        router,
        "lr_in_larger_pkts",
        150,
        too_long_for(name, out_name, 4),
        fragmentation_needed(mac, v4[0][0], mtu),
        (),
        hint(port),
    ) <= (
        MeasuredPort(router, out, out_name, mtu)
        & RouterPort(port=port, router=router, name=name, mac=mac, v4=v4)
        & (port != out)
        & (v4 != ())
    )
    Flow(
        router,
        "lr_in_larger_pkts",
        150,
        too_long_for(name, out_name, 6),
        packet_too_big(mac, v6[0][0], mtu),
        (),
        hint(port),
    ) <= (
        MeasuredPort(router, out, out_name, mtu)
        & RouterPort(port=port, router=router, name=name, mac=mac, v6=v6)
        & (port != out)
    )
