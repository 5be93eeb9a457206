"""lr_in_admission and lr_out_delivery: which frames a router takes from its ports, and which ports it delivers to."""

from ovn_rules.engine import _, pure, rule
from ovn_rules.rules.ovn.drops import DropAction
from ovn_rules.rules.ovn.relations import Flow, Group, GroupFlow, RouterPort
from ovn_rules.rules.ovn.router_mtu import LengthBypass, LengthCheck, PortMtu
from ovn_rules.rules.ovn.text import hint, quoted


@pure
def frames_for(name: str, mac: str) -> tuple[str, str]:
    """Matches the frames that a router port is to take: those to everybody or many, and those to its address."""
    port = f"inport == {quoted(name)}"
    return f"eth.mcast && {port}", f"eth.dst == {mac} && {port}"


@rule
def refuse_frames(drop):
    """A router has no VLANs, and no frame is sent from a multicast address; what no port is to take is dropped."""
    GroupFlow("routers", "lr_in_admission", 100, "vlan.present || eth.src[40]", drop, (), ()) <= DropAction(drop, _)
    GroupFlow("routers", "lr_in_admission", 0, "1", drop, (), ()) <= DropAction(drop, _)


@rule
def admit(router, port, name, mac, match):
    """An enabled port takes frames to its address or to many, and notes the address for answers."""
    Flow(router, "lr_in_admission", 50, match, f"xreg0[0..47] = {mac}; next;", (), hint(port)) <= (
        RouterPort(port=port, router=router, name=name, mac=mac, enabled=True)
        & ~PortMtu(port, _)
        & (match in frames_for(name, mac))
    )


@rule
def admit_measured(router, port, name, mac, check, match):
    """A port with gateway_mtu marks packets that are too long."""
    Flow(router, "lr_in_admission", 50, match, f"{check}xreg0[0..47] = {mac}; next;", (), hint(port)) <= (
        LengthCheck(port, check)
        & RouterPort(port=port, router=router, name=name, mac=mac, enabled=True)
        & (match in frames_for(name, mac))
    )


@rule
def admit_unmeasured(router, port, name, mac, bypass, match):
    """Of a port with gateway_mtu, packets that gateway_mtu_bypass matches aren't measured."""
    Flow(router, "lr_in_admission", 55, f"{match} && {bypass}", f"xreg0[0..47] = {mac}; next;", (), hint(port)) <= (
        LengthBypass(port, bypass)
        & RouterPort(port=port, router=router, name=name, mac=mac, enabled=True)
        & (match in frames_for(name, mac))
    )


@rule
def deliver(router, name):
    """What is for an enabled port goes out there."""
    Flow(router, "lr_out_delivery", 100, f"outport == {quoted(name)}", "output;", (), ()) <= (
        RouterPort(router=router, name=name, enabled=True)
    )


@rule
def deliver_nothing_else(router, drop):
    """What is for no enabled port is dropped, in a router that has one."""
    Group("routers with enabled ports", router) <= RouterPort(router=router, enabled=True)
    GroupFlow("routers with enabled ports", "lr_out_delivery", 0, "1", drop, (), ()) <= DropAction(drop, _)
