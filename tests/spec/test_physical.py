"""OpenFlow tables 0 and 64: from interfaces and tunnels into logical switches, and out again."""

from network import CHASSIS, EVERYTHING, spec


def two_ports(net):
    """A switch with port a (key 1) and b (key 2)."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.port("sw0", "b")
    net.commit()


@spec(*CHASSIS)
def test_local_port(net):
    """A port's frames enter its switch as its own; what is for it goes out there, but never back."""
    two_ports(net)
    net.host("hv1")
    net.plug("hv1", "a", 7)
    assert net.flows("hv1", 0) == {
        "priority=100,in_port=7 actions=set_field:0x1->metadata,set_field:0x1->reg6,resubmit(,16)",
        "priority=50,tun_id=0x1 actions=output:7",
    }
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "priority=50,reg7=0x1 actions=output:7",
    }
    net.unplug("hv1", "tap-a")
    assert net.flows("hv1", 0) == set()
    assert net.flows("hv1", 64) == set()


@spec(*CHASSIS)
def test_remote_port(net):
    """What is for a port on another chassis goes through the tunnel to it, with the port's key."""
    two_ports(net)
    net.binding("b", 2, chassis="hv2")
    net.host("hv1")
    net.tunnel("hv1", "hv2", 9)
    assert net.flows("hv1", 0) == set()
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x2,reg7=0x2 actions=drop",
        "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:9",
    }
    net.binding("b", 2, chassis="")
    assert net.flows("hv1", 64) == set()


@spec(*CHASSIS)
def test_number_comes_late(net):
    """Flows come when the switch has given the interface a number, and follow a new one; failed ones have none."""
    two_ports(net)
    net.binding("b", 2, chassis="hv2")
    net.host("hv1")
    for nothing in ((), -1, 0, 65534):
        net.plug("hv1", "a", nothing)
        net.tunnel("hv1", "hv2", nothing)
        assert net.flows("hv1", 64) == set()
        net.unplug("hv1", "tap-a")
        net.unplug("hv1", "ovn-hv2-0")
    net.plug("hv1", "a", 3)
    net.tunnel("hv1", "hv2", 65280)
    assert "priority=50,reg7=0x1 actions=output:3" in net.flows("hv1", 64)
    assert "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:65280" in net.flows("hv1", 64)
    net.put("ovs.Interface", "hv1/tap-a", ofport=4)
    assert "priority=50,reg7=0x1 actions=output:4" in net.flows("hv1", 64)


@spec(*CHASSIS)
def test_here_before_elsewhere(net):
    """A port that is plugged in here is here, whatever the southbound database says."""
    two_ports(net)
    net.binding("a", 1, chassis="hv2")
    net.host("hv1")
    net.tunnel("hv1", "hv2", 9)
    net.plug("hv1", "a", 2)
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "priority=50,reg7=0x1 actions=output:2",
    }


@spec(*CHASSIS)
def test_no_tunnel_to_oneself(net):
    """A port of one's own without an interface number is nowhere: not behind a tunnel that names this chassis."""
    two_ports(net)
    net.host("hv1")
    net.plug("hv1", "a")
    net.tunnel("hv1", "hv1", 9)
    assert net.flows("hv1", 64) == set()


@spec(*CHASSIS)
def test_two_interfaces(net):
    """Of two interfaces that name one port, the first OpenFlow port counts."""
    two_ports(net)
    net.host("hv1")
    net.plug("hv1", "a", 5, name="x")
    net.plug("hv1", "a", 4, name="y")
    assert "priority=50,reg7=0x1 actions=output:4" in net.flows("hv1", 64)
    net.unplug("hv1", "y")
    assert "priority=50,reg7=0x1 actions=output:5" in net.flows("hv1", 64)


@spec(*CHASSIS)
def test_not_the_integration_bridge(net):
    """Ports of other bridges take no part."""
    two_ports(net)
    net.binding("b", 2, chassis="hv2")
    net.host("hv1")
    net.bridge("hv1", "br-ex")
    net.plug("hv1", "a", 3, bridge="br-ex")
    net.add_port("hv1", "t", 4, bridge="br-ex", port_ids={"ovn-chassis-id": "hv2"})
    assert net.flows("hv1", 0) == set()
    assert net.flows("hv1", 64) == set()


@spec(*CHASSIS)
def test_tag_without_parent(net):
    """A tag without a parent is ignored, and so is an empty parent."""
    net.switch("sw0")
    net.port("sw0", "a", tag=7)
    net.port("sw0", "b", tag=7, parent="")
    net.host("hv1")
    net.plug("hv1", "a", 3)
    net.plug("hv1", "b", 4)
    net.plug("hv1", "", 5)
    assert net.flows("hv1", 64) == {
        "priority=100,reg6=0x1,reg7=0x1 actions=drop",
        "priority=50,reg7=0x1 actions=output:3",
        "priority=100,reg6=0x2,reg7=0x2 actions=drop",
        "priority=50,reg7=0x2 actions=output:4",
    }


@spec(*CHASSIS)
def test_several_chassis(net):
    """Each host sends to each other one through its own tunnel; a moved port is found behind the other tunnel."""
    two_ports(net)
    net.port("sw0", "c")
    for i in (1, 2, 3):
        net.host(f"hv{i}", ip=f"192.0.2.{i}")
        for j in (1, 2, 3):
            if i != j:
                net.tunnel(f"hv{i}", f"hv{j}", 10 * i + j)
    for host, port in (("hv1", "a"), ("hv2", "b"), ("hv3", "c")):
        net.plug(host, port, 5)

    def out(host):
        return {f for f in net.flows(host, 64) if f.startswith("priority=50")}

    assert out("hv1") == {
        "priority=50,reg7=0x1 actions=output:5",
        "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:12",
        "priority=50,reg7=0x3 actions=set_field:0x3->tun_id,output:13",
    }
    assert out("hv3") == {
        "priority=50,reg7=0x1 actions=set_field:0x1->tun_id,output:31",
        "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:32",
        "priority=50,reg7=0x3 actions=output:5",
    }
    net.unplug("hv2", "tap-b")
    net.plug("hv3", "b", 6)
    assert "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:13" in out("hv1")
    assert "priority=50,reg7=0x2 actions=set_field:0x2->tun_id,output:23" in out("hv2")
    assert "priority=50,reg7=0x2 actions=output:6" in out("hv3")


@spec(EVERYTHING)
def test_inactive_host(net):
    """A host without an integration bridge has no flows."""
    two_ports(net)
    net.host("hv1", bridge=None)
    assert net["OpenFlow"] == set()
