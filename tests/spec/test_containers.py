"""Container ports: logical ports whose frames come and go through their parent's interface, with a VLAN tag."""

import re

from network import CHASSIS, spec

ENTER = "actions=set_field:0x1->metadata,set_field:{0:#x}->reg6"
TAG_7 = "push_vlan:0x8100,set_field:4103->vlan_vid"


def parent_and_child(net, *, tag=7):
    """Port vm (key 1) on OpenFlow port 3, with port box (key 2) inside."""
    net.switch("sw0")
    net.port("sw0", "vm")
    net.commit()
    net.port("sw0", "box", parent="vm", tag=tag)
    net.host("hv1")
    net.plug("hv1", "vm", 3)


@spec(*CHASSIS)
def test_tagged(net):
    """A container's frames enter without their tag and get it before they leave, even to where they came from."""
    parent_and_child(net)
    assert net.flows("hv1", 0) == {
        f"priority=150,in_port=3,dl_vlan=7 {ENTER.format(2)},pop_vlan,resubmit(,16)",
        f"priority=100,in_port=3 {ENTER.format(1)},resubmit(,16)",
        "priority=50,tun_id=0x1 actions=output:3",
        f"priority=50,tun_id=0x2 actions={TAG_7},output:3",
    }
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "priority=100,reg6=0x2,reg7=0x2 actions=drop",
        "priority=50,reg7=0x1 actions=output:3",
        f"priority=50,reg7=0x2 actions={TAG_7},set_field:0->in_port,output:3",
    }


@spec(*CHASSIS)
def test_parent_unplugged(net):
    """Without its parent's interface a container port is nowhere."""
    parent_and_child(net)
    net.commit()
    net.unplug("hv1", "tap-vm")
    assert net.flows("hv1", 64) == set()
    assert net["PortHolder"] == set()


@spec(*CHASSIS)
def test_parent_without_a_row(net):
    """The parent need not be a logical port: an interface that has its name is enough."""
    parent_and_child(net)
    net.delete("nb.Logical_Port", "vm")
    assert f"priority=50,reg7=0x2 actions={TAG_7},set_field:0->in_port,output:3" in net.flows("hv1", 64)


@spec(*CHASSIS)
def test_own_interface(net):
    """A container port's own interface gives no flows."""
    parent_and_child(net)
    before = net["OpenFlow"]
    net.plug("hv1", "box", 4)
    assert net["OpenFlow"] == before


@spec(*CHASSIS)
def test_tag_changes(net):
    """A new tag replaces the old one everywhere."""
    parent_and_child(net)
    net.commit()
    net.port("sw0", "box", parent="vm", tag=8)
    for table in (0, 64):
        assert not [f for f in net.flows("hv1", table) if "4103" in f or "dl_vlan=7" in f]
    assert "priority=50,tun_id=0x2 actions=push_vlan:0x8100,set_field:4104->vlan_vid,output:3" in net.flows("hv1", 0)


def shares_the_interface(net):
    """The flows of box when it comes and goes as vm does; where they meet, vm's smaller key counts."""
    assert net.flows("hv1", 0) == {
        f"priority=100,in_port=3 {ENTER.format(1)},resubmit(,16)",
        "priority=50,tun_id=0x1 actions=output:3",
        "priority=50,tun_id=0x2 actions=output:3",
    }
    assert "priority=50,reg7=0x2 actions=output:3" in net.flows("hv1", 64)
    ((kept, rejected),) = net.conflicts("WantedFlow").values()
    assert (kept[-1], [f[-1] for f in rejected]) == ("vm", ["box"])


@spec(*CHASSIS)
def test_tag_0(net):
    """Tag 0 counts as no tag."""
    parent_and_child(net, tag=0)
    shares_the_interface(net)


@spec(*CHASSIS)
def test_without_a_tag(net):
    """A container port without a tag has the flows of an ordinary port on its parent's interface."""
    parent_and_child(net, tag=())
    shares_the_interface(net)
    net.delete("nb.Logical_Port", "vm")
    assert f"priority=100,in_port=3 {ENTER.format(2)},resubmit(,16)" in net.flows("hv1", 0)


@spec(*CHASSIS)
def test_two_with_one_tag(net):
    """Of two container ports with one tag on one interface, the smaller key gets the frames; the conflict is known."""
    parent_and_child(net)
    net.commit()
    net.port("sw0", "a-box", parent="vm", tag=7)
    assert f"priority=150,in_port=3,dl_vlan=7 {ENTER.format(2)},pop_vlan,resubmit(,16)" in net.flows("hv1", 0)
    ((kept, rejected),) = net.conflicts("WantedFlow").values()
    assert (kept[-1], [f[-1] for f in rejected]) == ("box", ["a-box"])


@spec(*CHASSIS)
def test_on_another_chassis(net):
    """A container on another chassis is reached as any port there: its tag is that host's business."""
    net.switch("sw0")
    net.port("sw0", "box", parent="vm", tag=7)
    net.binding("box", 1, chassis="hv2", parent="vm", tag=7)
    net.host("hv1")
    net.tunnel("hv1", "hv2", 9)
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "priority=50,reg7=0x1 actions=set_field:0x1->tun_id,output:9",
    }


@spec(*CHASSIS)
def test_on_another_switch(net):
    """A container may be on another logical switch than its parent."""
    net.switch("sw0", "sw1")
    net.port("sw0", "vm")
    net.commit()
    net.port("sw1", "box", parent="vm", tag=7)
    net.host("hv1")
    net.plug("hv1", "vm", 3)
    numbers = dict(net["DatapathNumber"])
    entering = f"set_field:{numbers['sw1']:#x}->metadata,set_field:0x2->reg6,pop_vlan"
    assert f"priority=150,in_port=3,dl_vlan=7 actions={entering},resubmit(,16)" in net.flows("hv1", 0)


@spec(*CHASSIS)
def test_last_in_a_flood(net):
    """A flood comes last to the containers that the host tags: a tag stays on the frame for who comes after."""
    net.switch("sw0")
    net.port("sw0", "a-box", "unknown", parent="vm", tag=7)
    net.commit()
    net.port("sw0", "b", "unknown")
    net.port("sw0", "c", "unknown")
    net.host("hv1")
    net.host("hv2", ip="192.0.2.2")
    net.plug("hv1", "vm", 3)

    def flooded(host):
        flows = {f for f in net.flows(host, 17) if "reg7" in f}
        return {tuple(re.findall(r"set_field:(\w+)->reg7,resubmit\(,18\)", f)) for f in flows}

    assert flooded("hv1") == {("0x2", "0x3", "0x1")}
    assert flooded("hv2") == {("0x1", "0x2", "0x3")}
    net.unplug("hv1", "tap-vm")
    assert flooded("hv1") == {("0x1", "0x2", "0x3")}
