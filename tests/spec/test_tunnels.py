"""Tunnel ports between hosts: to whom, with which encapsulation, under which name."""

from network import CHASSIS, EVERYTHING, spec


def names(net, host="hv1"):
    return {f[2]: f[1] for f in net["TunnelPort"] if f[0] == f"{host}/br-int"}


def ends(net):
    return {(f[2], f[3], dict(f[4])["remote_ip"]) for f in net["TunnelPort"]}


@spec(*CHASSIS)
def test_tunnel_port(net):
    """For another chassis there is a tunnel port to its address, with the key given by flows; none to oneself."""
    net.host("hv1")
    net.chassis("hv1", ("geneve", "192.0.2.1"))
    net.chassis("chassis-2", ("geneve", "192.0.2.2"))
    options = (("key", "flow"), ("remote_ip", "192.0.2.2"))
    assert net["TunnelPort"] == {("hv1/br-int", "ovn-chassi-0", "chassis-2", "geneve", options)}
    net.delete("sb.Chassis", "chassis-2")
    assert net["TunnelPort"] == set()


@spec(*CHASSIS)
def test_without_bridge_or_name(net):
    """A host without an integration bridge or a name has no tunnels yet."""
    net.host("hv1", bridge=None)
    net.host("hv2", system_id=None)
    net.chassis("hv3", ("geneve", "192.0.2.3"))
    assert net["TunnelPort"] == set()
    net.bridge("hv1", "br-int")
    assert names(net) == {"hv3": "ovn-hv3-0"}


@spec(*CHASSIS)
def test_changed_end(net):
    """A changed address or type of the other end is one change of the same port."""
    net.host("hv1")
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    net.tunnel("hv1", "hv2", 1, name="ovn-hv2-5")
    net.commit()
    net.chassis("hv2", ("stt", "192.0.2.22"))
    gone, come = net.commit()["TunnelPort"]
    assert {f[:4] for f in gone} == {("hv1/br-int", "ovn-hv2-5", "hv2", "geneve")}
    assert {f[:4] for f in come} == {("hv1/br-int", "ovn-hv2-5", "hv2", "stt")}
    assert ends(net) == {("hv2", "stt", "192.0.2.22")}


@spec(*CHASSIS)
def test_first_encapsulation(net):
    """Of several encapsulations the first that makes a tunnel counts, and vxlan never."""
    net.host("hv1")
    net.chassis("hv2", ("vxlan", "192.0.2.2"), ("stt", "192.0.2.3"), ("geneve", "192.0.2.4"))
    assert ends(net) == {("hv2", "stt", "192.0.2.3")}
    assert net.problems() == set()
    net.chassis("hv2", ("vxlan", "192.0.2.2"), ("vxlan", "192.0.2.3"), ("geneve", "192.0.2.4"))
    assert ends(net) == {("hv2", "geneve", "192.0.2.4")}


@spec(*CHASSIS)
def test_vxlan_only(net):
    """A chassis that offers vxlan alone gets no tunnel, and is named for it."""
    net.chassis("hv2", ("vxlan", "192.0.2.2"))
    assert net.problems() == set()
    net.host("hv1")
    assert net["TunnelPort"] == set()
    assert net.problems() == {"chassis hv2: offers only vxlan, so there is no tunnel to it: geneve or stt is needed"}
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    assert names(net) == {"hv2": "ovn-hv2-0"}
    assert net.problems() == set()


@spec(*CHASSIS)
def test_own_vxlan(net):
    """A host whose own row says vxlan says nothing about a tunnel to itself."""
    net.host("hv1", kind="vxlan")
    net.chassis("hv1", ("vxlan", "192.0.2.1"))
    assert net.problems() == set()


@spec(*CHASSIS)
def test_kept(net):
    """A tunnel keeps the port that it has, whatever its name, and one that was removed comes back."""
    net.host("hv1")
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    net.tunnel("hv1", "hv2", 1, name="mine")
    assert names(net) == {"hv2": "mine"}
    net.unplug("hv1", "mine")
    assert names(net) == {"hv2": "ovn-hv2-0"}


@spec(*CHASSIS)
def test_made_as_wanted(net):
    """When the port that was wanted is there, nothing more is wanted."""
    net.host("hv1")
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    net.commit()
    net.tunnel("hv1", "hv2", 1)
    assert "TunnelPort" not in net.commit()


@spec(*CHASSIS)
def test_counter(net):
    """Chassis whose names start alike are told apart by a hexadecimal counter, the first that is free."""
    net.host("hv1")
    peers = [f"chassis-{i:02}" for i in range(12)]
    for i, peer in enumerate(peers):
        net.chassis(peer, ("geneve", f"192.0.2.{i + 10}"))
    assert names(net) == {peer: f"ovn-chassi-{i:x}" for i, peer in enumerate(peers)}


@spec(*CHASSIS)
def test_name_taken(net):
    """A name that any port has on any bridge of the host is not taken again; other names don't matter."""
    net.host("hv1")
    net.bridge("hv1", "br-ex")
    net.add_port("hv1", "ovn-hv2-0", bridge="br-ex")
    net.add_port("hv1", "ovn-hv2-2")
    net.add_port("hv1", "ovn-hv2-x", bridge="br-ex")
    net.add_port("hv1", "ovn-hv3-1")
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    assert names(net) == {"hv2": "ovn-hv2-1"}


@spec(*CHASSIS)
def test_tunnel_on_another_bridge(net):
    """A port of another bridge that names the chassis is no tunnel of the integration bridge."""
    net.host("hv1")
    net.bridge("hv1", "br-ex")
    net.add_port("hv1", "other", bridge="br-ex", port_ids={"ovn-chassis-id": "hv2"})
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    assert names(net) == {"hv2": "ovn-hv2-0"}


@spec(*CHASSIS)
def test_between_hosts_that_are_read(net):
    """Hosts whose own databases are read reach each other as those say, whatever the southbound database says."""
    net.host("hv1", ip="192.0.2.1")
    net.host("hv2", ip="192.0.2.2", kind="stt")
    net.host("hv3", ip="192.0.2.3", kind="vxlan")
    net.chassis("hv2", ("geneve", "198.51.100.2"))
    assert names(net, "hv1") == {"hv2": "ovn-hv2-0"}
    assert ends(net) == {("hv1", "geneve", "192.0.2.1"), ("hv2", "stt", "192.0.2.2")}


@spec(EVERYTHING)
def test_counters_apart(net):
    """Every host counts for itself."""
    net.host("hv1", ip="192.0.2.1")
    net.host("hv2", ip="192.0.2.2")
    net.add_port("hv1", "ovn-hv3-0")
    net.chassis("hv3", ("geneve", "192.0.2.3"))
    assert names(net, "hv1")["hv3"] == "ovn-hv3-1"
    assert names(net, "hv2")["hv3"] == "ovn-hv3-0"


@spec(*CHASSIS)
def test_every_chassis_is_known(net):
    """Hosts whose own database is read are known by that, the others by the southbound database."""
    net.host("hv1", kind="stt", ip="192.0.2.1")
    net.chassis("hv1", ("geneve", "198.51.100.1"))
    net.chassis("far", ("vxlan", "192.0.2.9"))
    assert net["Chassis"] == {("hv1",), ("far",)}
    assert net["Encap"] == {("hv1", "stt", "192.0.2.1"), ("far", "vxlan", "192.0.2.9")}
