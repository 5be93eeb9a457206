"""A host's own settings: which bridge, which name, which encapsulation, and what it waits for."""

from network import CHASSIS, spec

NEED = "Need to specify an encap type and ip: set external_ids:ovn-encap-type and ovn-encap-ip"


@spec(*CHASSIS)
def test_default_bridge(net):
    """Unless named otherwise the integration bridge is br-int, with the default datapath; other bridges don't count."""
    net.host("hv1")
    net.bridge("hv1", "br-ex")
    assert net["WantedBridge"] == {("hv1", "br-int", "")}
    assert net["LocalBridge"] == {("hv1", "hv1/br-int")}


@spec(*CHASSIS)
def test_named_bridge(net):
    """ovn-bridge names the integration bridge and ovn-bridge-datapath-type its datapath; changes are followed."""
    net.host("hv1", ovn_bridge="br0", ovn_bridge_datapath_type="netdev")
    assert net["WantedBridge"] == {("hv1", "br0", "netdev")}
    assert net["LocalBridge"] == set()
    net.bridge("hv1", "br0")
    assert net["LocalBridge"] == {("hv1", "hv1/br0")}
    net.host("hv1", bridge=None)
    assert net["WantedBridge"] == {("hv1", "br-int", "")}
    assert net["LocalBridge"] == {("hv1", "hv1/br-int")}


@spec(*CHASSIS)
def test_bridge_of_another_host(net):
    """A host's integration bridge is one of its own."""
    net.host("hv1")
    net.host("hv2", bridge=None)
    assert net["LocalBridge"] == {("hv1", "hv1/br-int")}
    assert net["ActiveChassis"] == {("hv1", "hv1", "hv1/br-int")}


@spec(*CHASSIS)
def test_waiting_in_order(net):
    """A host says what it waits for one thing at a time: the bridge, the southbound database, its name."""
    net.host("hv1", bridge=None, system_id=None, ovn_remote=None)
    assert {(h, r) for h, r, _ in net["Waiting"]} == {("hv1", 0)}
    assert "integration bridge br-int" in min(net["Waiting"])[2]
    net.bridge("hv1", "br-int")
    ((_, rank, reason),) = net["Waiting"]
    assert (rank, "external_ids:ovn-remote" in reason) == (1, True)
    net.host("hv1", bridge=None, system_id=None)
    ((_, rank, reason),) = net["Waiting"]
    assert (rank, "external_ids:system-id" in reason) == (2, True)
    net.host("hv1", bridge=None)
    assert net["Waiting"] == set()


@spec(*CHASSIS)
def test_without_a_name(net):
    """A host without a system-id, or with an empty one, is no chassis."""
    net.host("hv1", system_id=None)
    net.host("hv2", system_id="")
    assert net["LocalChassis"] == set()
    assert net["ActiveChassis"] == set()
    assert net["OwnChassis"] == set()


@spec(*CHASSIS)
def test_chassis(net):
    """A host presents itself with its name, its encapsulation and its address, and follows their changes."""
    net.host("hv1", system_id="chassis-1", ip="192.0.2.7", kind="stt")
    assert net["OwnChassis"] == {("chassis-1", "stt", "192.0.2.7")}
    net.host("hv1", system_id="chassis-1", ip="192.0.2.8", kind="geneve", bridge=None)
    assert net["OwnChassis"] == {("chassis-1", "geneve", "192.0.2.8")}
    assert net.problems() == set()


@spec(*CHASSIS)
def test_vxlan_chassis(net):
    """The southbound database takes vxlan too."""
    net.host("hv1", kind="vxlan")
    assert net["OwnChassis"] == {("hv1", "vxlan", "192.0.2.1")}


@spec(*CHASSIS)
def test_renamed_chassis(net):
    """A host with a new system-id is the new chassis and the old one no more."""
    net.host("hv1", system_id="old")
    net.commit()
    net.host("hv1", system_id="new", bridge=None)
    assert net.commit()["OwnChassis"] == ({("old", "geneve", "192.0.2.1")}, {("new", "geneve", "192.0.2.1")})
    assert net["ActiveChassis"] == {("new", "hv1", "hv1/br-int")}


@spec(*CHASSIS)
def test_incomplete_encapsulation(net):
    """Without type or address of the encapsulation there is no Chassis row, and the host says which it needs."""
    for missing in ({"kind": None}, {"ip": None}, {"ip": ""}):
        net.host("hv1", **missing)
        assert net["OwnChassis"] == set()
        assert net.problems() == {f"chassis hv1: {NEED}"}
    net.host("hv1")
    assert net["OwnChassis"] == {("hv1", "geneve", "192.0.2.1")}
    assert net.problems() == set()


@spec(*CHASSIS)
def test_refused_encapsulation(net):
    """A type that the southbound database refuses is never tried, and is named until it is changed."""
    net.host("hv1", kind="gre")
    assert net["OwnChassis"] == set()
    assert net.problems() == {"chassis hv1: external_ids:ovn-encap-type is 'gre', but must be geneve, stt or vxlan"}
    net.host("hv1", kind="stt")
    assert net["OwnChassis"] == {("hv1", "stt", "192.0.2.1")}
    assert net.problems() == set()


@spec(*CHASSIS)
def test_leaving(net):
    """A host that leaves withdraws its Chassis row, its tunnels and its claims; its flows stay."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.plug("hv1", "a", 2)
    net.port("sw0", "box", parent="a", tag=7)
    net.binding("a", 1, chassis="hv1")
    net.binding("box", 2, chassis="hv1")
    net.chassis("hv2", ("geneve", "192.0.2.2"))
    assert net["TunnelPort"] != set()
    assert net["BindingChassis"] == {("a", "hv1"), ("box", "hv1")}
    flows = net["OpenFlow"]
    net.fact("Leaving", "hv1")
    assert net["OwnChassis"] == set()
    assert net["TunnelPort"] == set()
    assert net["BindingChassis"] == {("a", ""), ("box", "")}
    assert net["OpenFlow"] == flows
    net.retract("Leaving", "hv1")
    assert net["OwnChassis"] == {("hv1", "geneve", "192.0.2.1")}
