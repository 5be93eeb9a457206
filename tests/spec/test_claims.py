"""Which chassis has which port: plugging in, claiming, giving back, moving."""

from network import CHASSIS, CONTROLLER, EVERYTHING, spec


@spec(*CHASSIS)
def test_claim(net):
    """A chassis claims the ports that interfaces of its integration bridge name, and gives them back."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.binding("a", 1)
    net.host("hv1", system_id="one")
    net.plug("hv1", "a")
    assert net["BindingChassis"] == {("a", "one")}
    net.binding("a", 1, chassis="one")
    assert "BindingChassis" not in net.commit()
    assert net["PortHolder"] == {("a", "one")}
    net.unplug("hv1", "tap-a")
    assert net["BindingChassis"] == {("a", "")}
    net.binding("a", 1)
    assert net["BindingChassis"] == set()


@spec(*CHASSIS)
def test_no_such_port(net):
    """An interface that names no logical port claims nothing until the port comes."""
    net.switch("sw0")
    net.host("hv1")
    net.plug("hv1", "a")
    assert net["Claim"] == set()
    net.port("sw0", "a")
    assert net["Claim"] == {("hv1", "a")}


@spec(*CHASSIS)
def test_other_bridge(net):
    """Interfaces of other bridges claim nothing."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1")
    net.bridge("hv1", "br-ex")
    net.plug("hv1", "a", bridge="br-ex")
    assert net["PluggedIn"] == set()
    assert net["Claim"] == set()


@spec(*CHASSIS)
def test_children(net):
    """A chassis claims the container ports of the ports that it has, with or without a tag."""
    net.switch("sw0")
    net.port("sw0", "vm")
    net.port("sw0", "box", parent="vm", tag=7)
    net.port("sw0", "bare", parent="vm")
    net.port("sw0", "other", parent="elsewhere", tag=7)
    net.host("hv1")
    net.plug("hv1", "vm")
    assert net["Claim"] == {("hv1", "vm"), ("hv1", "box"), ("hv1", "bare")}


@spec(*CHASSIS)
def test_child_by_itself(net):
    """A container port is claimed by an interface of its own as well."""
    net.switch("sw0")
    net.port("sw0", "box", parent="vm", tag=7)
    net.host("hv1")
    net.plug("hv1", "box")
    assert net["Claim"] == {("hv1", "box")}


@spec(*CHASSIS)
def test_takeover(net):
    """A port that comes from another chassis is claimed, and the move is reported once."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.binding("a", 1, chassis="hv2")
    net.host("hv1")
    assert net["BindingChassis"] == set()
    assert net["PortHolder"] == {("a", "hv2")}
    net.plug("hv1", "a")
    assert net["BindingChassis"] == {("a", "hv1")}
    assert net["Takeover"] == {("a", "hv2", "hv1")}
    assert net["PortHolder"] == {("a", "hv1")}
    net.binding("a", 1, chassis="hv1")
    assert net["Takeover"] == set()


@spec(*CHASSIS)
def test_first_claim_is_no_takeover(net):
    """A port that nobody had moves from nowhere."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.binding("a", 1)
    net.host("hv1")
    net.plug("hv1", "a")
    assert net["Takeover"] == set()


@spec(*CHASSIS)
def test_others_are_left_alone(net):
    """What another chassis holds is none of this one's business."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.binding("a", 1, chassis="hv2")
    net.host("hv1")
    assert net["BindingChassis"] == set()


@spec(EVERYTHING)
def test_claimed_twice(net):
    """Of two chassis that claim one port the first by name has it, the conflict is reported, and the other follows."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.host("hv1", ip="192.0.2.1")
    net.host("hv2", ip="192.0.2.2")
    net.plug("hv1", "a", 2)
    net.plug("hv2", "a", 2)
    assert net["PortHolder"] == {("a", "hv1")}
    assert net.conflicts("PortHolder") == {("a",): (("a", "hv1"), (("a", "hv2"),))}
    net.unplug("hv1", "tap-a")
    assert net["PortHolder"] == {("a", "hv2")}
    assert net.conflicts("PortHolder") == {}


@spec(CONTROLLER)
def test_renamed_chassis(net):
    """A host that takes another name claims what it has under that name."""
    net.switch("sw0")
    net.port("sw0", "a")
    net.binding("a", 1, chassis="old")
    net.host("hv1", system_id="old")
    net.plug("hv1", "a")
    assert net["BindingChassis"] == {("a", "old")}
    net.host("hv1", system_id="new", bridge=None)
    assert net["BindingChassis"] == {("a", "new")}
    assert net["Takeover"] == {("a", "old", "new")}
